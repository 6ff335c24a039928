-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one alert: a place or device, a time and a rule that held.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."alerts" (
    "alert_id" VARCHAR(64) NOT NULL ENCODE zstd,
    "rule" VARCHAR(128) NOT NULL ENCODE zstd,
    "location" VARCHAR(1024) ENCODE zstd,
    "device_id" VARCHAR(1024) ENCODE zstd,
    "event_time" TIMESTAMP NOT NULL ENCODE az64,
    "value" DOUBLE PRECISION ENCODE zstd,
    "score" DOUBLE PRECISION NOT NULL ENCODE zstd,
    "threshold" DOUBLE PRECISION ENCODE zstd,
    "message" VARCHAR(4096) NOT NULL ENCODE zstd,
    "source" VARCHAR(128) NOT NULL ENCODE zstd,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."alerts" IS 'One alert: a place or device, a time and a rule that held.';
COMMENT ON COLUMN "public"."alerts"."alert_id" IS 'Hex SHA-256 of place, time and rule: a date that is run again gives the same ids.';
COMMENT ON COLUMN "public"."alerts"."rule" IS 'Name of the rule.';
COMMENT ON COLUMN "public"."alerts"."location" IS 'Wind farm; NULL where the source has none.';
COMMENT ON COLUMN "public"."alerts"."device_id" IS 'Device; NULL where the source has none.';
COMMENT ON COLUMN "public"."alerts"."event_time" IS 'Time of the record.';
COMMENT ON COLUMN "public"."alerts"."value" IS '[1] What the rule compares, in the source''s own unit.';
COMMENT ON COLUMN "public"."alerts"."score" IS '[1] Score of the record.';
COMMENT ON COLUMN "public"."alerts"."threshold" IS '[1] What the rule compares with, in the unit of `value`.';
COMMENT ON COLUMN "public"."alerts"."message" IS 'What a reader of the topic is told.';
COMMENT ON COLUMN "public"."alerts"."source" IS 'What was scored, e.g. `wind`.';
COMMENT ON COLUMN "public"."alerts"."date" IS 'UTC day of `event_time`.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one scored record.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."anomaly_scores" (
    "model_key" VARCHAR(1024) NOT NULL ENCODE zstd,
    "record_id" VARCHAR(1024) NOT NULL ENCODE zstd,
    "event_time" TIMESTAMP NOT NULL ENCODE az64,
    "location" VARCHAR(1024) ENCODE zstd,
    "device_id" VARCHAR(1024) ENCODE zstd,
    "manufacturer" VARCHAR(1024) ENCODE zstd,
    "model" VARCHAR(1024) ENCODE zstd,
    "features" VARCHAR(4096) NOT NULL ENCODE zstd,
    "score" DOUBLE PRECISION NOT NULL ENCODE zstd,
    "anomaly" BOOLEAN ENCODE zstd,
    "source" VARCHAR(128) NOT NULL ENCODE zstd,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."anomaly_scores" IS 'One scored record.';
COMMENT ON COLUMN "public"."anomaly_scores"."model_key" IS 'Which forest scored it: a key of the source, or the one of all keys.';
COMMENT ON COLUMN "public"."anomaly_scores"."record_id" IS 'The record''s own identifier, or its number in the file; orders records of one time.';
COMMENT ON COLUMN "public"."anomaly_scores"."event_time" IS 'Time of the record.';
COMMENT ON COLUMN "public"."anomaly_scores"."location" IS 'Wind farm; NULL where the source has none.';
COMMENT ON COLUMN "public"."anomaly_scores"."device_id" IS 'Device; NULL where the source has none.';
COMMENT ON COLUMN "public"."anomaly_scores"."manufacturer" IS 'Maker of the device, by the registry.';
COMMENT ON COLUMN "public"."anomaly_scores"."model" IS 'Model of the device, by the registry.';
COMMENT ON COLUMN "public"."anomaly_scores"."features" IS 'The scored values, as JSON.';
COMMENT ON COLUMN "public"."anomaly_scores"."score" IS '[1] How far the record is from what was seen before it; 0 while the forest fills.';
COMMENT ON COLUMN "public"."anomaly_scores"."anomaly" IS 'Whether the source''s rule calls it one; NULL where the source has no rule.';
COMMENT ON COLUMN "public"."anomaly_scores"."source" IS 'What was scored, e.g. `wind`.';
COMMENT ON COLUMN "public"."anomaly_scores"."date" IS 'UTC day of `event_time`.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one wind farm and window of event time in which it sent at least one record.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."wind_max" (
    "location" VARCHAR(1024) NOT NULL ENCODE zstd,
    "window_start" TIMESTAMP NOT NULL ENCODE az64,
    "window_end" TIMESTAMP NOT NULL ENCODE az64,
    "max_speed" DOUBLE PRECISION NOT NULL ENCODE zstd,
    "max_speed_time" TIMESTAMP NOT NULL ENCODE az64,
    "record_count" BIGINT NOT NULL ENCODE az64,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."wind_max" IS 'One wind farm and window of event time in which it sent at least one record.';
COMMENT ON COLUMN "public"."wind_max"."location" IS 'Wind farm.';
COMMENT ON COLUMN "public"."wind_max"."window_start" IS 'Start of the window, inclusive.';
COMMENT ON COLUMN "public"."wind_max"."window_end" IS 'End of the window, exclusive.';
COMMENT ON COLUMN "public"."wind_max"."max_speed" IS '[mile h-1] Largest wind speed.';
COMMENT ON COLUMN "public"."wind_max"."max_speed_time" IS 'Time of the first record with that speed.';
COMMENT ON COLUMN "public"."wind_max"."record_count" IS '[1] Records, each counted once.';
COMMENT ON COLUMN "public"."wind_max"."date" IS 'UTC day of `window_start`.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one unicorn and minute of the event in which it was read at least once.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."unicorn_minutes" (
    "name" VARCHAR(1024) NOT NULL ENCODE zstd,
    "window_start" TIMESTAMP NOT NULL ENCODE az64,
    "window_end" TIMESTAMP NOT NULL ENCODE az64,
    "distance" DOUBLE PRECISION NOT NULL ENCODE zstd,
    "min_magic_points" INTEGER ENCODE az64,
    "max_magic_points" INTEGER ENCODE az64,
    "min_health_points" INTEGER ENCODE az64,
    "max_health_points" INTEGER ENCODE az64,
    "record_count" BIGINT ENCODE az64,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."unicorn_minutes" IS 'One unicorn and minute of the event in which it was read at least once.';
COMMENT ON COLUMN "public"."unicorn_minutes"."name" IS 'Name of the unicorn, never cut.';
COMMENT ON COLUMN "public"."unicorn_minutes"."window_start" IS 'Start of the minute, inclusive.';
COMMENT ON COLUMN "public"."unicorn_minutes"."window_end" IS 'End of the minute, exclusive.';
COMMENT ON COLUMN "public"."unicorn_minutes"."distance" IS '[m] Sum of the readings'' distances, rounded to 6 decimals: the order of a floating sum is not fixed, and a rerun must give the same rows.';
COMMENT ON COLUMN "public"."unicorn_minutes"."min_magic_points" IS '[1] Least magic points; NULL when no reading has any.';
COMMENT ON COLUMN "public"."unicorn_minutes"."max_magic_points" IS '[1] Most magic points.';
COMMENT ON COLUMN "public"."unicorn_minutes"."min_health_points" IS '[1] Least health points; NULL when no reading has.';
COMMENT ON COLUMN "public"."unicorn_minutes"."max_health_points" IS '[1] Most health points.';
COMMENT ON COLUMN "public"."unicorn_minutes"."record_count" IS '[1] Readings, each counted once; NULL when the archive held minutes already.';
COMMENT ON COLUMN "public"."unicorn_minutes"."date" IS 'UTC day of `window_start`.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one minute with at least one event of the event archive.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."events_per_minute" (
    "window_start" TIMESTAMP NOT NULL ENCODE az64,
    "window_end" TIMESTAMP NOT NULL ENCODE az64,
    "events" BIGINT NOT NULL ENCODE az64,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."events_per_minute" IS 'One minute with at least one event of the event archive.';
COMMENT ON COLUMN "public"."events_per_minute"."window_start" IS 'Start of the minute, inclusive.';
COMMENT ON COLUMN "public"."events_per_minute"."window_end" IS 'End of the minute, exclusive.';
COMMENT ON COLUMN "public"."events_per_minute"."events" IS '[1] Events, each counted once.';
COMMENT ON COLUMN "public"."events_per_minute"."date" IS 'UTC day of `window_start`.';

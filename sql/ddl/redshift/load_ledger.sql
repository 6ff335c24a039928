-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one partition that one load brought into this warehouse.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."load_ledger" (
    "table_name" VARCHAR(127) NOT NULL ENCODE raw,
    "job" VARCHAR(256) NOT NULL ENCODE zstd,
    "run_id" VARCHAR(128) NOT NULL ENCODE zstd,
    "run_started" TIMESTAMP NOT NULL ENCODE az64,
    "scope" VARCHAR(65535) NOT NULL ENCODE zstd,
    "manifest_url" VARCHAR(2048) NOT NULL ENCODE zstd,
    "manifest_etag" VARCHAR(128) NOT NULL ENCODE zstd,
    "row_count" BIGINT NOT NULL ENCODE az64,
    "load_attempt" VARCHAR(256) NOT NULL ENCODE zstd,
    "loaded_at" TIMESTAMP NOT NULL ENCODE az64
)
DISTSTYLE EVEN
SORTKEY ("table_name", "loaded_at");
COMMENT ON TABLE "public"."load_ledger" IS 'One partition that one load brought into this warehouse.';
COMMENT ON COLUMN "public"."load_ledger"."table_name" IS 'Table that was loaded.';
COMMENT ON COLUMN "public"."load_ledger"."job" IS 'Job of the run that is loaded.';
COMMENT ON COLUMN "public"."load_ledger"."run_id" IS 'The run that is loaded.';
COMMENT ON COLUMN "public"."load_ledger"."run_started" IS 'When that run began; of two runs over one partition the later started one counts.';
COMMENT ON COLUMN "public"."load_ledger"."scope" IS 'The partition as JSON with sorted names; `{}` for a table without partitions.';
COMMENT ON COLUMN "public"."load_ledger"."manifest_url" IS 'List of the files that were read.';
COMMENT ON COLUMN "public"."load_ledger"."manifest_etag" IS 'Which version of that list.';
COMMENT ON COLUMN "public"."load_ledger"."row_count" IS '[1] Rows that the load brought for this partition.';
COMMENT ON COLUMN "public"."load_ledger"."load_attempt" IS 'Which attempt of which load did it.';
COMMENT ON COLUMN "public"."load_ledger"."loaded_at" IS 'When, by the warehouse''s clock.';

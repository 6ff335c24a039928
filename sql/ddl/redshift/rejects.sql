-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one stretch of an archive object that could not be used, with the reason.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."rejects" (
    "object" VARCHAR(1024) NOT NULL ENCODE zstd,
    "byte_offset" BIGINT ENCODE az64,
    "byte_length" BIGINT ENCODE az64,
    "record_count" BIGINT NOT NULL ENCODE az64,
    "reason" VARCHAR(32) NOT NULL ENCODE zstd,
    "detail" VARCHAR(800) ENCODE zstd,
    "excerpt" VARCHAR(800) ENCODE zstd,
    "job" VARCHAR(128) NOT NULL ENCODE zstd,
    "date" DATE NOT NULL ENCODE raw
)
DISTSTYLE EVEN
SORTKEY ("date");
COMMENT ON TABLE "public"."rejects" IS 'One stretch of an archive object that could not be used, with the reason.';
COMMENT ON COLUMN "public"."rejects"."object" IS 'Key of the object below the source.';
COMMENT ON COLUMN "public"."rejects"."byte_offset" IS '[byte] First byte in the decompressed object; NULL where the place is not known.';
COMMENT ON COLUMN "public"."rejects"."byte_length" IS '[byte] Bytes; NULL where the place is not known.';
COMMENT ON COLUMN "public"."rejects"."record_count" IS '[1] Records that it stands for.';
COMMENT ON COLUMN "public"."rejects"."reason" IS 'Why, in one word, e.g. `malformed`.';
COMMENT ON COLUMN "public"."rejects"."detail" IS 'What was found and what was expected; at most 200 characters.';
COMMENT ON COLUMN "public"."rejects"."excerpt" IS 'The first 200 bytes; one that is no UTF-8 stands as `\\xNN`. Always NULL for device vitals and log lines, which tell of people.';
COMMENT ON COLUMN "public"."rejects"."job" IS 'Job that read it: the command and its name, e.g. `aggregate-wind_max`.';
COMMENT ON COLUMN "public"."rejects"."date" IS 'UTC day on which the object arrived, by its folder; else the event''s; else the first day of the run.';

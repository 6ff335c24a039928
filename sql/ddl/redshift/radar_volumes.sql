-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one archive object of the run: what it was, what became of it, and why.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Every object of the source is exactly one row. Business columns first, then the
--             partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."radar_volumes" (
    "key" VARCHAR(1024) NOT NULL ENCODE zstd,
    "key_time" TIMESTAMP ENCODE az64,
    "volume_time" TIMESTAMP ENCODE az64,
    "size" BIGINT NOT NULL ENCODE az64,
    "status" VARCHAR(16) NOT NULL ENCODE zstd,
    "reason" VARCHAR(64) ENCODE zstd,
    "detail" VARCHAR(4096) ENCODE zstd,
    "vcp" SMALLINT ENCODE az64,
    "latitude" DOUBLE PRECISION ENCODE zstd,
    "longitude" DOUBLE PRECISION ENCODE zstd,
    "altitude" DOUBLE PRECISION ENCODE zstd,
    "grid" VARCHAR(128) ENCODE zstd,
    "cuts" SMALLINT ENCODE az64,
    "rays" INTEGER ENCODE az64,
    "chosen_cuts" VARCHAR(512) ENCODE zstd,
    "qc_method" VARCHAR(32) ENCODE zstd,
    "gates_valid" BIGINT ENCODE az64,
    "gates_reflectivity" BIGINT ENCODE az64,
    "gates_after_zdr" BIGINT ENCODE az64,
    "gates_after_rho" BIGINT ENCODE az64,
    "gates_kept" BIGINT ENCODE az64,
    "cells" BIGINT ENCODE az64,
    "columns" BIGINT ENCODE az64,
    "max_reflectivity" REAL ENCODE zstd,
    "decoder" VARCHAR(64) ENCODE zstd,
    "profile" VARCHAR(119) NOT NULL ENCODE zstd,
    "profile_hash" VARCHAR(16) NOT NULL ENCODE zstd,
    "software" VARCHAR(64) NOT NULL ENCODE zstd,
    "run_id" VARCHAR(128) NOT NULL ENCODE zstd,
    "station" VARCHAR(16) NOT NULL ENCODE raw,
    "date" DATE NOT NULL ENCODE az64
)
DISTSTYLE EVEN
SORTKEY ("station", "volume_time");
COMMENT ON TABLE "public"."radar_volumes" IS 'One archive object of the run: what it was, what became of it, and why. Every object of the source is exactly one row.';
COMMENT ON COLUMN "public"."radar_volumes"."key" IS 'Key of the object below the source; a folder of chunks ends in `/`.';
COMMENT ON COLUMN "public"."radar_volumes"."key_time" IS 'Start of the volume by its key; seconds.';
COMMENT ON COLUMN "public"."radar_volumes"."volume_time" IS 'Time of the first ray, which may differ from the key by half a minute. NULL when the volume gave none.';
COMMENT ON COLUMN "public"."radar_volumes"."size" IS '[byte] Size of the object as listed.';
COMMENT ON COLUMN "public"."radar_volumes"."status" IS '`ok`, `partial` (has rows, but the volume is not whole), `rejected` or `skipped`.';
COMMENT ON COLUMN "public"."radar_volumes"."reason" IS 'Why the status is not `ok`, in one word; NULL when it is.';
COMMENT ON COLUMN "public"."radar_volumes"."detail" IS 'What was found, in the words of whoever found it.';
COMMENT ON COLUMN "public"."radar_volumes"."vcp" IS '[1] Volume coverage pattern: the number of the scan strategy.';
COMMENT ON COLUMN "public"."radar_volumes"."latitude" IS '[degrees_north] Latitude of the antenna.';
COMMENT ON COLUMN "public"."radar_volumes"."longitude" IS '[degrees_east] Longitude of the antenna.';
COMMENT ON COLUMN "public"."radar_volumes"."altitude" IS '[m] Height of the antenna above sea level.';
COMMENT ON COLUMN "public"."radar_volumes"."grid" IS 'Grid of the volume''s rows: `<profile>-<8 hex of the grid and the antenna''s place>`; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_volumes"."cuts" IS '[1] Cuts (sweeps) in the volume.';
COMMENT ON COLUMN "public"."radar_volumes"."rays" IS '[1] Rays in all cuts.';
COMMENT ON COLUMN "public"."radar_volumes"."chosen_cuts" IS 'Indices of the cuts that were gridded, by ascending elevation, e.g. `0 2 4`.';
COMMENT ON COLUMN "public"."radar_volumes"."qc_method" IS '`dualpol`, `reflectivity_only` (the volume has no dual polarisation) or `mixed`.';
COMMENT ON COLUMN "public"."radar_volumes"."gates_valid" IS '[1] Gates of the chosen cuts with a reflectivity.';
COMMENT ON COLUMN "public"."radar_volumes"."gates_reflectivity" IS '[1] Of these, gates that reach the least reflectivity.';
COMMENT ON COLUMN "public"."radar_volumes"."gates_after_zdr" IS '[1] Of these, gates that also pass the test of differential reflectivity, where it applies.';
COMMENT ON COLUMN "public"."radar_volumes"."gates_after_rho" IS '[1] Of these, gates that also pass the test of cross-correlation ratio, where it applies.';
COMMENT ON COLUMN "public"."radar_volumes"."gates_kept" IS '[1] Gates that were gridded.';
COMMENT ON COLUMN "public"."radar_volumes"."cells" IS '[1] Rows of the volume in `radar_grid`.';
COMMENT ON COLUMN "public"."radar_volumes"."columns" IS '[1] Rows of the volume in `radar_columns`.';
COMMENT ON COLUMN "public"."radar_volumes"."max_reflectivity" IS '[dBZ] Largest reflectivity of the volume''s grid, rounded to 0.1; NULL without cells.';
COMMENT ON COLUMN "public"."radar_volumes"."decoder" IS 'Library and version that read the volume.';
COMMENT ON COLUMN "public"."radar_volumes"."profile" IS 'Radar profile of the run.';
COMMENT ON COLUMN "public"."radar_volumes"."profile_hash" IS 'Hash of everything in the profile.';
COMMENT ON COLUMN "public"."radar_volumes"."software" IS 'Name and version of the code.';
COMMENT ON COLUMN "public"."radar_volumes"."run_id" IS 'Run that wrote the row.';
COMMENT ON COLUMN "public"."radar_volumes"."station" IS 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.';
COMMENT ON COLUMN "public"."radar_volumes"."date" IS 'UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one vertical column of the grid with echo of one volume: its 2-D products.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."radar_columns" (
    "volume_time" TIMESTAMP NOT NULL ENCODE az64,
    "iy" SMALLINT NOT NULL ENCODE az64,
    "ix" SMALLINT NOT NULL ENCODE az64,
    "composite_reflectivity" REAL NOT NULL ENCODE zstd,
    "echo_top_18" REAL ENCODE zstd,
    "vil" REAL NOT NULL ENCODE zstd,
    "station" VARCHAR(16) NOT NULL ENCODE raw,
    "date" DATE NOT NULL ENCODE az64
)
DISTSTYLE EVEN
SORTKEY ("station", "volume_time");
COMMENT ON TABLE "public"."radar_columns" IS 'One vertical column of the grid with echo of one volume: its 2-D products.';
COMMENT ON COLUMN "public"."radar_columns"."volume_time" IS 'Time of the volume''s first ray; joins to `radar_volumes`.';
COMMENT ON COLUMN "public"."radar_columns"."iy" IS '[1] Cell index from south to north, from 0; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_columns"."ix" IS '[1] Cell index from west to east, from 0; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_columns"."composite_reflectivity" IS '[dBZ] Largest reflectivity of the column, rounded to 0.1.';
COMMENT ON COLUMN "public"."radar_columns"."echo_top_18" IS '[m] Height above the antenna of the highest level with at least 18 dBZ; the level itself, not interpolated. Quality control keeps only gates of 20 dBZ and more (unless the profile says otherwise), so this is the highest level with a value. NULL when no level reaches 18 dBZ.';
COMMENT ON COLUMN "public"."radar_columns"."vil" IS '[kg m-2] Vertically integrated liquid (Greene and Clark 1972), reflectivity capped at 56 dBZ; a layer counts only where both its levels have a value, so one level alone gives 0.';
COMMENT ON COLUMN "public"."radar_columns"."station" IS 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.';
COMMENT ON COLUMN "public"."radar_columns"."date" IS 'UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.';

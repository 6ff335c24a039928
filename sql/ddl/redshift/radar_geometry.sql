-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one column of a station's grid: where on Earth it is.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Stations move, so a station may have several grids. Business columns first, then
--             the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."radar_geometry" (
    "iy" SMALLINT NOT NULL ENCODE az64,
    "ix" SMALLINT NOT NULL ENCODE az64,
    "x" REAL NOT NULL ENCODE zstd,
    "y" REAL NOT NULL ENCODE zstd,
    "latitude" DOUBLE PRECISION NOT NULL ENCODE zstd,
    "longitude" DOUBLE PRECISION NOT NULL ENCODE zstd,
    "station" VARCHAR(16) NOT NULL ENCODE raw,
    "grid" VARCHAR(128) NOT NULL ENCODE zstd
)
DISTSTYLE ALL
SORTKEY ("station", "iy", "ix");
COMMENT ON TABLE "public"."radar_geometry" IS 'One column of a station''s grid: where on Earth it is. Stations move, so a station may have several grids.';
COMMENT ON COLUMN "public"."radar_geometry"."iy" IS '[1] Cell index from south to north, from 0; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_geometry"."ix" IS '[1] Cell index from west to east, from 0; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_geometry"."x" IS '[m] Distance of the cell''s centre east of the radar.';
COMMENT ON COLUMN "public"."radar_geometry"."y" IS '[m] Distance of the cell''s centre north of the radar.';
COMMENT ON COLUMN "public"."radar_geometry"."latitude" IS '[degrees_north] Latitude of the cell''s centre.';
COMMENT ON COLUMN "public"."radar_geometry"."longitude" IS '[degrees_east] Longitude of the cell''s centre.';
COMMENT ON COLUMN "public"."radar_geometry"."station" IS 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.';
COMMENT ON COLUMN "public"."radar_geometry"."grid" IS 'Name of the grid, as `radar_volumes` has it.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one cell with echo of one volume's three-dimensional grid.
-- Parameters  none
-- Engines     Redshift.
-- Notes       Business columns first, then the partition columns: COPY goes by position.
CREATE TABLE IF NOT EXISTS "public"."radar_grid" (
    "volume_time" TIMESTAMP NOT NULL ENCODE az64,
    "level" SMALLINT NOT NULL ENCODE az64,
    "height" REAL NOT NULL ENCODE zstd,
    "iy" SMALLINT NOT NULL ENCODE az64,
    "ix" SMALLINT NOT NULL ENCODE az64,
    "reflectivity" REAL NOT NULL ENCODE zstd,
    "station" VARCHAR(16) NOT NULL ENCODE raw,
    "date" DATE NOT NULL ENCODE az64
)
DISTSTYLE EVEN
SORTKEY ("station", "volume_time");
COMMENT ON TABLE "public"."radar_grid" IS 'One cell with echo of one volume''s three-dimensional grid.';
COMMENT ON COLUMN "public"."radar_grid"."volume_time" IS 'Time of the volume''s first ray; joins to `radar_volumes`.';
COMMENT ON COLUMN "public"."radar_grid"."level" IS '[1] Level of the grid, from 0 at the lowest.';
COMMENT ON COLUMN "public"."radar_grid"."height" IS '[m] Height of the level above the antenna.';
COMMENT ON COLUMN "public"."radar_grid"."iy" IS '[1] Cell index from south to north, from 0; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_grid"."ix" IS '[1] Cell index from west to east, from 0; joins to `radar_geometry`.';
COMMENT ON COLUMN "public"."radar_grid"."reflectivity" IS '[dBZ] Equivalent reflectivity of the gates in reach of the cell''s centre, averaged in dBZ with Barnes weights, rounded to 0.1. A cell without echo has no row.';
COMMENT ON COLUMN "public"."radar_grid"."station" IS 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.';
COMMENT ON COLUMN "public"."radar_grid"."date" IS 'UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one column of a station's grid: where on Earth it is.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       Stations move, so a station may have several grids. A new partition is seen after
--             MSCK REPAIR TABLE radar_geometry. Times are UTC: SET TIME ZONE 'UTC' shows them
--             so.
CREATE TABLE IF NOT EXISTS `radar_geometry` (
    `iy` SMALLINT COMMENT '[1] Cell index from south to north, from 0; joins to `radar_geometry`.',
    `ix` SMALLINT COMMENT '[1] Cell index from west to east, from 0; joins to `radar_geometry`.',
    `x` FLOAT COMMENT '[m] Distance of the cell\'s centre east of the radar.',
    `y` FLOAT COMMENT '[m] Distance of the cell\'s centre north of the radar.',
    `latitude` DOUBLE COMMENT '[degrees_north] Latitude of the cell\'s centre.',
    `longitude` DOUBLE COMMENT '[degrees_east] Longitude of the cell\'s centre.',
    `station` STRING COMMENT 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.',
    `grid` STRING COMMENT 'Name of the grid, as `radar_volumes` has it.'
)
USING parquet
PARTITIONED BY (`station`, `grid`)
COMMENT 'One column of a station\'s grid: where on Earth it is. Stations move, so a station may have several grids.'
LOCATION 's3://YOUR-BUCKET/lake/radar_geometry/';

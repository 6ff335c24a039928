-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one cell with echo of one volume's three-dimensional grid.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE radar_grid. Times are UTC: SET
--             TIME ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `radar_grid` (
    `volume_time` TIMESTAMP COMMENT 'Time of the volume\'s first ray; joins to `radar_volumes`.',
    `level` SMALLINT COMMENT '[1] Level of the grid, from 0 at the lowest.',
    `height` FLOAT COMMENT '[m] Height of the level above the antenna.',
    `iy` SMALLINT COMMENT '[1] Cell index from south to north, from 0; joins to `radar_geometry`.',
    `ix` SMALLINT COMMENT '[1] Cell index from west to east, from 0; joins to `radar_geometry`.',
    `reflectivity` FLOAT COMMENT '[dBZ] Equivalent reflectivity of the gates in reach of the cell\'s centre, averaged in dBZ with Barnes weights, rounded to 0.1. A cell without echo has no row.',
    `station` STRING COMMENT 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.',
    `date` DATE COMMENT 'UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.'
)
USING parquet
PARTITIONED BY (`station`, `date`)
COMMENT 'One cell with echo of one volume\'s three-dimensional grid.'
LOCATION 's3://YOUR-BUCKET/lake/radar_grid/';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one vertical column of the grid with echo of one volume: its 2-D products.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE radar_columns. Times are UTC: SET
--             TIME ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `radar_columns` (
    `volume_time` TIMESTAMP COMMENT 'Time of the volume\'s first ray; joins to `radar_volumes`.',
    `iy` SMALLINT COMMENT '[1] Cell index from south to north, from 0; joins to `radar_geometry`.',
    `ix` SMALLINT COMMENT '[1] Cell index from west to east, from 0; joins to `radar_geometry`.',
    `composite_reflectivity` FLOAT COMMENT '[dBZ] Largest reflectivity of the column, rounded to 0.1.',
    `echo_top_18` FLOAT COMMENT '[m] Height above the antenna of the highest level with at least 18 dBZ; the level itself, not interpolated. Quality control keeps only gates of 20 dBZ and more (unless the profile says otherwise), so this is the highest level with a value. NULL when…',
    `vil` FLOAT COMMENT '[kg m-2] Vertically integrated liquid (Greene and Clark 1972), reflectivity capped at 56 dBZ; a layer counts only where both its levels have a value, so one level alone gives 0.',
    `station` STRING COMMENT 'Radar station, four letters or digits, e.g. KLBB; `_unknown` for an object that names none.',
    `date` DATE COMMENT 'UTC day on which the volume started, by its key; 1970-01-01 for an object that names none.'
)
USING parquet
PARTITIONED BY (`station`, `date`)
COMMENT 'One vertical column of the grid with echo of one volume: its 2-D products.'
LOCATION 's3://YOUR-BUCKET/lake/radar_columns/';

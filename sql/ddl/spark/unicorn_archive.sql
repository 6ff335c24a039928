-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one line of the Wild Rydes archive: a reading.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       JSON Lines alone, one object a line: other forms need `stormlake aggregate`. Of
--             several objects on one line Spark reads the first and drops the rest without a
--             word.
CREATE TABLE IF NOT EXISTS `unicorn_archive` (
    `Name` STRING COMMENT 'Name of the unicorn.',
    `StatusTime` STRING COMMENT 'Time by the producer\'s clock, e.g. `2019-06-25 09:43:42.426`.',
    `Latitude` DOUBLE COMMENT '[degrees_north] Latitude.',
    `Longitude` DOUBLE COMMENT '[degrees_east] Longitude.',
    `Distance` DOUBLE COMMENT '[m] Distance since the previous reading.',
    `HealthPoints` INT COMMENT '[1] Health points.',
    `MagicPoints` INT COMMENT '[1] Magic points.',
    `_corrupt_record` STRING COMMENT 'A line that is no JSON, else NULL.'
)
USING json
OPTIONS (
    'mode' = 'PERMISSIVE',
    'recursiveFileLookup' = 'true',
    'columnNameOfCorruptRecord' = '_corrupt_record'
)
COMMENT 'One line of the Wild Rydes archive: a reading.'
LOCATION 's3://YOUR-BUCKET/archive/unicorn_archive/';

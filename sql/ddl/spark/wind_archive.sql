-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one line of the wind farms' archive: a reading.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       Producers differ in the names of time and speed; of several the first counts.
--             JSON Lines alone, one object a line: other forms need `stormlake aggregate`. Of
--             several objects on one line Spark reads the first and drops the rest without a
--             word.
CREATE TABLE IF NOT EXISTS `wind_archive` (
    `location` STRING COMMENT 'Wind farm.',
    `speed` DOUBLE COMMENT '[mile h-1] Wind speed.',
    `wind_speed` DOUBLE COMMENT '[mile h-1] The same by another name.',
    `timestamp` STRING COMMENT 'Time: seconds or milliseconds since 1970, or ISO 8601.',
    `event_time` STRING COMMENT 'The same by another name.',
    `time` STRING COMMENT 'The same by another name.',
    `score` DOUBLE COMMENT '[1] Anomaly score, where the producer made one.',
    `_corrupt_record` STRING COMMENT 'A line that is no JSON, else NULL.'
)
USING json
OPTIONS (
    'mode' = 'PERMISSIVE',
    'recursiveFileLookup' = 'true',
    'columnNameOfCorruptRecord' = '_corrupt_record'
)
COMMENT 'One line of the wind farms\' archive: a reading. Producers differ in the names of time and speed; of several the first counts.'
LOCATION 's3://YOUR-BUCKET/archive/wind_archive/';

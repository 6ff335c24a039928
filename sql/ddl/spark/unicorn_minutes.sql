-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one unicorn and minute of the event in which it was read at least once.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE unicorn_minutes. Times are UTC:
--             SET TIME ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `unicorn_minutes` (
    `name` STRING COMMENT 'Name of the unicorn, never cut.',
    `window_start` TIMESTAMP COMMENT 'Start of the minute, inclusive.',
    `window_end` TIMESTAMP COMMENT 'End of the minute, exclusive.',
    `distance` DOUBLE COMMENT '[m] Sum of the readings\' distances, rounded to 6 decimals: the order of a floating sum is not fixed, and a rerun must give the same rows.',
    `min_magic_points` INT COMMENT '[1] Least magic points; NULL when no reading has any.',
    `max_magic_points` INT COMMENT '[1] Most magic points.',
    `min_health_points` INT COMMENT '[1] Least health points; NULL when no reading has.',
    `max_health_points` INT COMMENT '[1] Most health points.',
    `record_count` BIGINT COMMENT '[1] Readings, each counted once; NULL when the archive held minutes already.',
    `date` DATE COMMENT 'UTC day of `window_start`.'
)
USING parquet
PARTITIONED BY (`date`)
COMMENT 'One unicorn and minute of the event in which it was read at least once.'
LOCATION 's3://YOUR-BUCKET/lake/unicorn_minutes/';

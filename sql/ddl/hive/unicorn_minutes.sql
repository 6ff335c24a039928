-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one unicorn and minute of the event in which it was read at least once.
-- Parameters  none
-- Engines     Hive.
-- Notes       A new partition is seen after MSCK REPAIR TABLE unicorn_minutes. Times are INT64
--             in the files, which Hive reads from version 4 on. The projection is Athena's;
--             Hive takes no notice of it.
CREATE EXTERNAL TABLE IF NOT EXISTS `unicorn_minutes` (
    `name` STRING COMMENT 'Name of the unicorn, never cut.',
    `window_start` TIMESTAMP COMMENT 'Start of the minute, inclusive.',
    `window_end` TIMESTAMP COMMENT 'End of the minute, exclusive.',
    `distance` DOUBLE COMMENT '[m] Sum of the readings\' distances, rounded to 6 decimals: the order of a floating sum is not fixed, and a rerun must give the same rows.',
    `min_magic_points` INT COMMENT '[1] Least magic points; NULL when no reading has any.',
    `max_magic_points` INT COMMENT '[1] Most magic points.',
    `min_health_points` INT COMMENT '[1] Least health points; NULL when no reading has.',
    `max_health_points` INT COMMENT '[1] Most health points.',
    `record_count` BIGINT COMMENT '[1] Readings, each counted once; NULL when the archive held minutes already.'
)
COMMENT 'One unicorn and minute of the event in which it was read at least once.'
PARTITIONED BY (
    `date` DATE COMMENT 'UTC day of `window_start`.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/unicorn_minutes/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/unicorn_minutes/date=${date}/'
);

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one wind farm and window of event time in which it sent at least one record.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE wind_max. Times are UTC: SET TIME
--             ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `wind_max` (
    `location` STRING COMMENT 'Wind farm.',
    `window_start` TIMESTAMP COMMENT 'Start of the window, inclusive.',
    `window_end` TIMESTAMP COMMENT 'End of the window, exclusive.',
    `max_speed` DOUBLE COMMENT '[mile h-1] Largest wind speed.',
    `max_speed_time` TIMESTAMP COMMENT 'Time of the first record with that speed.',
    `record_count` BIGINT COMMENT '[1] Records, each counted once.',
    `date` DATE COMMENT 'UTC day of `window_start`.'
)
USING parquet
PARTITIONED BY (`date`)
COMMENT 'One wind farm and window of event time in which it sent at least one record.'
LOCATION 's3://YOUR-BUCKET/lake/wind_max/';

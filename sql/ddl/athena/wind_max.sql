-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one wind farm and window of event time in which it sent at least one record.
-- Parameters  none
-- Engines     Athena.
CREATE EXTERNAL TABLE IF NOT EXISTS `wind_max` (
    `location` STRING COMMENT 'Wind farm.',
    `window_start` TIMESTAMP COMMENT 'Start of the window, inclusive.',
    `window_end` TIMESTAMP COMMENT 'End of the window, exclusive.',
    `max_speed` DOUBLE COMMENT '[mile h-1] Largest wind speed.',
    `max_speed_time` TIMESTAMP COMMENT 'Time of the first record with that speed.',
    `record_count` BIGINT COMMENT '[1] Records, each counted once.'
)
COMMENT 'One wind farm and window of event time in which it sent at least one record.'
PARTITIONED BY (
    `date` DATE COMMENT 'UTC day of `window_start`.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/wind_max/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/wind_max/date=${date}/'
);

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one minute with at least one event of the event archive.
-- Parameters  none
-- Engines     Hive.
-- Notes       A new partition is seen after MSCK REPAIR TABLE events_per_minute. Times are
--             INT64 in the files, which Hive reads from version 4 on. The projection is
--             Athena's; Hive takes no notice of it.
CREATE EXTERNAL TABLE IF NOT EXISTS `events_per_minute` (
    `window_start` TIMESTAMP COMMENT 'Start of the minute, inclusive.',
    `window_end` TIMESTAMP COMMENT 'End of the minute, exclusive.',
    `events` BIGINT COMMENT '[1] Events, each counted once.'
)
COMMENT 'One minute with at least one event of the event archive.'
PARTITIONED BY (
    `date` DATE COMMENT 'UTC day of `window_start`.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/events_per_minute/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/events_per_minute/date=${date}/'
);

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one scored record.
-- Parameters  none
-- Engines     Hive.
-- Notes       A new partition is seen after MSCK REPAIR TABLE anomaly_scores. Times are INT64
--             in the files, which Hive reads from version 4 on. The projection is Athena's;
--             Hive takes no notice of it.
CREATE EXTERNAL TABLE IF NOT EXISTS `anomaly_scores` (
    `model_key` STRING COMMENT 'Which forest scored it: a key of the source, or the one of all keys.',
    `record_id` STRING COMMENT 'The record\'s own identifier, or its number in the file; orders records of one time.',
    `event_time` TIMESTAMP COMMENT 'Time of the record.',
    `location` STRING COMMENT 'Wind farm; NULL where the source has none.',
    `device_id` STRING COMMENT 'Device; NULL where the source has none.',
    `manufacturer` STRING COMMENT 'Maker of the device, by the registry.',
    `model` STRING COMMENT 'Model of the device, by the registry.',
    `features` STRING COMMENT 'The scored values, as JSON.',
    `score` DOUBLE COMMENT '[1] How far the record is from what was seen before it; 0 while the forest fills.',
    `anomaly` BOOLEAN COMMENT 'Whether the source\'s rule calls it one; NULL where the source has no rule.'
)
COMMENT 'One scored record.'
PARTITIONED BY (
    `source` STRING COMMENT 'What was scored, e.g. `wind`.',
    `date` DATE COMMENT 'UTC day of `event_time`.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/anomaly_scores/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.source.type' = 'injected',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/anomaly_scores/source=${source}/date=${date}/'
);

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one stretch of an archive object that could not be used, with the reason.
-- Parameters  none
-- Engines     Athena.
-- Notes       A query must name its job (WHERE job = '…'): a value that is missing in a list
--             would be missing in the answers, and nobody would know. `--values` makes a list.
CREATE EXTERNAL TABLE IF NOT EXISTS `rejects` (
    `object` STRING COMMENT 'Key of the object below the source.',
    `byte_offset` BIGINT COMMENT '[byte] First byte in the decompressed object; NULL where the place is not known.',
    `byte_length` BIGINT COMMENT '[byte] Bytes; NULL where the place is not known.',
    `record_count` BIGINT COMMENT '[1] Records that it stands for.',
    `reason` STRING COMMENT 'Why, in one word, e.g. `malformed`.',
    `detail` STRING COMMENT 'What was found and what was expected; at most 200 characters.',
    `excerpt` STRING COMMENT 'The first 200 bytes; one that is no UTF-8 stands as `\\xNN`. Always NULL for device vitals and log lines, which tell of people.'
)
COMMENT 'One stretch of an archive object that could not be used, with the reason.'
PARTITIONED BY (
    `job` STRING COMMENT 'Job that read it: the command and its name, e.g. `aggregate-wind_max`.',
    `date` DATE COMMENT 'UTC day on which the object arrived, by its folder; else the event\'s; else the first day of the run.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/rejects/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.job.type' = 'injected',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/rejects/job=${job}/date=${date}/'
);

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one stretch of an archive object that could not be used, with the reason.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE rejects. Times are UTC: SET TIME
--             ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `rejects` (
    `object` STRING COMMENT 'Key of the object below the source.',
    `byte_offset` BIGINT COMMENT '[byte] First byte in the decompressed object; NULL where the place is not known.',
    `byte_length` BIGINT COMMENT '[byte] Bytes; NULL where the place is not known.',
    `record_count` BIGINT COMMENT '[1] Records that it stands for.',
    `reason` STRING COMMENT 'Why, in one word, e.g. `malformed`.',
    `detail` STRING COMMENT 'What was found and what was expected; at most 200 characters.',
    `excerpt` STRING COMMENT 'The first 200 bytes; one that is no UTF-8 stands as `\\xNN`. Always NULL for device vitals and log lines, which tell of people.',
    `job` STRING COMMENT 'Job that read it: the command and its name, e.g. `aggregate-wind_max`.',
    `date` DATE COMMENT 'UTC day on which the object arrived, by its folder; else the event\'s; else the first day of the run.'
)
USING parquet
PARTITIONED BY (`job`, `date`)
COMMENT 'One stretch of an archive object that could not be used, with the reason.'
LOCATION 's3://YOUR-BUCKET/lake/rejects/';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one minute with at least one event of the event archive.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE events_per_minute. Times are UTC:
--             SET TIME ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `events_per_minute` (
    `window_start` TIMESTAMP COMMENT 'Start of the minute, inclusive.',
    `window_end` TIMESTAMP COMMENT 'End of the minute, exclusive.',
    `events` BIGINT COMMENT '[1] Events, each counted once.',
    `date` DATE COMMENT 'UTC day of `window_start`.'
)
USING parquet
PARTITIONED BY (`date`)
COMMENT 'One minute with at least one event of the event archive.'
LOCATION 's3://YOUR-BUCKET/lake/events_per_minute/';

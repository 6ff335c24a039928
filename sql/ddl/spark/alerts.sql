-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one alert: a place or device, a time and a rule that held.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE alerts. Times are UTC: SET TIME
--             ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `alerts` (
    `alert_id` STRING COMMENT 'Hex SHA-256 of place, time and rule: a date that is run again gives the same ids.',
    `rule` STRING COMMENT 'Name of the rule.',
    `location` STRING COMMENT 'Wind farm; NULL where the source has none.',
    `device_id` STRING COMMENT 'Device; NULL where the source has none.',
    `event_time` TIMESTAMP COMMENT 'Time of the record.',
    `value` DOUBLE COMMENT '[1] What the rule compares, in the source\'s own unit.',
    `score` DOUBLE COMMENT '[1] Score of the record.',
    `threshold` DOUBLE COMMENT '[1] What the rule compares with, in the unit of `value`.',
    `message` STRING COMMENT 'What a reader of the topic is told.',
    `source` STRING COMMENT 'What was scored, e.g. `wind`.',
    `date` DATE COMMENT 'UTC day of `event_time`.'
)
USING parquet
PARTITIONED BY (`source`, `date`)
COMMENT 'One alert: a place or device, a time and a rule that held.'
LOCATION 's3://YOUR-BUCKET/lake/alerts/';

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one line of the wind farms' archive: a reading.
-- Parameters  none
-- Engines     Hive.
-- Notes       Producers differ in the names of time and speed; of several the first counts.
--             JSON Lines alone, one object a line: other forms need `stormlake aggregate`. A
--             query fails on a line that is no JSON. Filter by datehour. Hive takes no notice
--             of the projection: ALTER TABLE … ADD PARTITION (datehour = '2026/05/01/21')
--             LOCATION '…/2026/05/01/21/' for each hour.
CREATE EXTERNAL TABLE IF NOT EXISTS `wind_archive` (
    `location` STRING COMMENT 'Wind farm.',
    `speed` DOUBLE COMMENT '[mile h-1] Wind speed.',
    `wind_speed` DOUBLE COMMENT '[mile h-1] The same by another name.',
    `timestamp` STRING COMMENT 'Time: seconds or milliseconds since 1970, or ISO 8601.',
    `event_time` STRING COMMENT 'The same by another name.',
    `time` STRING COMMENT 'The same by another name.',
    `score` DOUBLE COMMENT '[1] Anomaly score, where the producer made one.'
)
COMMENT 'One line of the wind farms\' archive: a reading. Producers differ in the names of time and speed; of several the first counts.'
PARTITIONED BY (
    `datehour` STRING COMMENT 'UTC hour of arrival, e.g. `2026/05/01/21`.'
)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
LOCATION 's3://YOUR-BUCKET/archive/wind_archive/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.datehour.type' = 'date',
    'projection.datehour.format' = 'yyyy/MM/dd/HH',
    'projection.datehour.range' = '2015/01/01/00,NOW',
    'projection.datehour.interval' = '1',
    'projection.datehour.interval.unit' = 'HOURS',
    'storage.location.template' = 's3://YOUR-BUCKET/archive/wind_archive/${datehour}/'
);

-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one line of the Wild Rydes archive: a reading.
-- Parameters  none
-- Engines     Hive.
-- Notes       JSON Lines alone, one object a line: other forms need `stormlake aggregate`. A
--             query fails on a line that is no JSON. Filter by datehour. Hive takes no notice
--             of the projection: ALTER TABLE … ADD PARTITION (datehour = '2026/05/01/21')
--             LOCATION '…/2026/05/01/21/' for each hour.
CREATE EXTERNAL TABLE IF NOT EXISTS `unicorn_archive` (
    `name` STRING COMMENT 'Name of the unicorn.',
    `statustime` STRING COMMENT 'Time by the producer\'s clock, e.g. `2019-06-25 09:43:42.426`.',
    `latitude` DOUBLE COMMENT '[degrees_north] Latitude.',
    `longitude` DOUBLE COMMENT '[degrees_east] Longitude.',
    `distance` DOUBLE COMMENT '[m] Distance since the previous reading.',
    `healthpoints` INT COMMENT '[1] Health points.',
    `magicpoints` INT COMMENT '[1] Magic points.'
)
COMMENT 'One line of the Wild Rydes archive: a reading.'
PARTITIONED BY (
    `datehour` STRING COMMENT 'UTC hour of arrival, e.g. `2026/05/01/21`.'
)
ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'
LOCATION 's3://YOUR-BUCKET/archive/unicorn_archive/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.datehour.type' = 'date',
    'projection.datehour.format' = 'yyyy/MM/dd/HH',
    'projection.datehour.range' = '2015/01/01/00,NOW',
    'projection.datehour.interval' = '1',
    'projection.datehour.interval.unit' = 'HOURS',
    'storage.location.template' = 's3://YOUR-BUCKET/archive/unicorn_archive/${datehour}/'
);

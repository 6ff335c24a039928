-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one operating system, as logged and as family, and UTC day with requests.
-- Parameters  none
-- Engines     Hive.
-- Notes       A new partition is seen after MSCK REPAIR TABLE requests_by_os. The projection is
--             Athena's; Hive takes no notice of it.
CREATE EXTERNAL TABLE IF NOT EXISTS `requests_by_os` (
    `os` STRING COMMENT 'First token in the user agent\'s parenthesis; NULL when it has no parenthesis.',
    `os_family` STRING COMMENT 'iOS, Android, macOS, Windows, ChromeOS, Linux or Other, by the whole parenthesis.',
    `requests` BIGINT COMMENT '[1] Requests; log lines are never counted as duplicates of each other.'
)
COMMENT 'One operating system, as logged and as family, and UTC day with requests.'
PARTITIONED BY (
    `date` DATE COMMENT 'UTC day of the requests.'
)
STORED AS PARQUET
LOCATION 's3://YOUR-BUCKET/lake/requests_by_os/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://YOUR-BUCKET/lake/requests_by_os/date=${date}/'
);

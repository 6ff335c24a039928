-- Purpose     Made by `stormlake ddl` from the definition; do not edit.
-- One row is  one operating system, as logged and as family, and UTC day with requests.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0.
-- Notes       A new partition is seen after MSCK REPAIR TABLE requests_by_os. Times are UTC:
--             SET TIME ZONE 'UTC' shows them so.
CREATE TABLE IF NOT EXISTS `requests_by_os` (
    `os` STRING COMMENT 'First token in the user agent\'s parenthesis; NULL when it has no parenthesis.',
    `os_family` STRING COMMENT 'iOS, Android, macOS, Windows, ChromeOS, Linux or Other, by the whole parenthesis.',
    `requests` BIGINT COMMENT '[1] Requests; log lines are never counted as duplicates of each other.',
    `date` DATE COMMENT 'UTC day of the requests.'
)
USING parquet
PARTITIONED BY (`date`)
COMMENT 'One operating system, as logged and as family, and UTC day with requests.'
LOCATION 's3://YOUR-BUCKET/lake/requests_by_os/';

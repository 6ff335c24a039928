-- Purpose     Requests of each day by operating system.
-- One row is  one UTC day, operating system and family with at least one request.
-- Columns     os         as logged; NULL for a user agent without a parenthesis
--             os_family  the family it belongs to
--             requests   log lines
-- Parameters  :start_date  date  first day, included
--             :stop_date   date  last day, included
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena, Hive (where date stands in backticks).
-- Notes       Reads the view request_records.
SELECT
    r.date,
    r.os,
    r.os_family,
    COUNT(*) AS requests
FROM request_records AS r
WHERE r.date BETWEEN :start_date AND :stop_date
GROUP BY r.date, r.os, r.os_family

-- Purpose     Requests by operating system over some days: the query of the Hive tutorial.
-- One row is  one operating system as logged, the first token in the user agent's parenthesis;
--             MacOS and OSX are two. NULL stands for user agents without a parenthesis.
-- Parameters  :start_date  date  first day, included
--             :stop_date   date  last day, included
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena, Hive (where date stands in backticks).
-- Notes       Reads the view request_records. The tutorial's days are 2014-07-05 to 2014-08-05.
SELECT
    r.os,
    COUNT(*) AS requests
FROM request_records AS r
WHERE r.date BETWEEN :start_date AND :stop_date
GROUP BY r.os
ORDER BY r.os ASC NULLS LAST

-- Purpose     How far each unicorn went, of all time.
-- One row is  one unicorn.
-- Columns     distance      m, sum of all its readings, rounded to 6 decimals
--             record_count  readings
-- Parameters  none
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena, Hive.
-- Notes       Reads the view unicorn_records. The sum of the rounded minutes of unicorn_minutes may
--             differ in the sixth decimal.
SELECT
    r.name,
    ROUND(SUM(r.distance), 6) AS distance,
    COUNT(*) AS record_count
FROM unicorn_records AS r
GROUP BY r.name
ORDER BY r.name ASC NULLS LAST

-- Purpose     Distance and vitals of each unicorn, minute by minute of the event.
-- One row is  one unicorn and minute with at least one reading.
-- Columns     date               UTC day of window_start
--             window_start       minute of status_time; window_end is one minute later, exclusive
--             distance           m, sum of the readings, rounded to 6 decimals: the order of a
--                                floating sum is not fixed, and a rerun must give the same rows
--             min_magic_points   points, and so on; NULLs are ignored
--             record_count       readings
-- Parameters  :start  timestamp  first reading, inclusive
--             :stop   timestamp  end, exclusive
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
-- Notes       Reads the view unicorn_records, which holds every reading once. DATE(x) is a day on
--             every engine, by UTC; date_trunc('day', x) would be a timestamp.
WITH readings AS (
    SELECT
        r.name,
        date_trunc('minute', r.status_time) AS window_start,
        r.distance,
        r.magic_points,
        r.health_points
    FROM unicorn_records AS r
    WHERE r.status_time >= :start
        AND r.status_time < :stop
)
SELECT
    DATE(m.window_start) AS date,
    m.name,
    m.window_start,
    m.window_start + INTERVAL '1' MINUTE AS window_end,
    ROUND(SUM(m.distance), 6) AS distance,
    MIN(m.magic_points) AS min_magic_points,
    MAX(m.magic_points) AS max_magic_points,
    MIN(m.health_points) AS min_health_points,
    MAX(m.health_points) AS max_health_points,
    COUNT(*) AS record_count
FROM readings AS m
GROUP BY m.name, m.window_start

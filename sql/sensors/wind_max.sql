-- Purpose     Largest wind speed of each wind farm, window by window of the event.
-- One row is  one location and window with at least one record.
-- Columns     date            UTC day of window_start
--             max_speed       mile h-1
--             max_speed_time  time of the first record with that speed
--             record_count    records
-- Parameters  :start  timestamp  first record, inclusive
--             :stop   timestamp  end, exclusive
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
-- Notes       Reads the view wind_records, which holds every record once and its window: how wide
--             that is, is the runner's --width. Among equal speeds the earlier record is first,
--             then the one with the smaller record_id.
WITH ranked AS (
    SELECT
        r.location,
        r.window_start,
        r.window_end,
        r.speed,
        r.event_time,
        ROW_NUMBER() OVER (
            PARTITION BY r.location, r.window_start, r.window_end
            ORDER BY
                r.speed DESC NULLS LAST,
                r.event_time ASC NULLS LAST,
                r.record_id ASC NULLS LAST
        ) AS nth
    FROM wind_records AS r
    WHERE r.event_time >= :start
        AND r.event_time < :stop
)
SELECT
    DATE(w.window_start) AS date,
    w.location,
    w.window_start,
    w.window_end,
    MAX(w.speed) AS max_speed,
    MAX(CASE WHEN w.nth = 1 THEN w.event_time END) AS max_speed_time,
    COUNT(*) AS record_count
FROM ranked AS w
GROUP BY w.location, w.window_start, w.window_end

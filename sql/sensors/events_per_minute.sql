-- Purpose     How many events came, minute by minute of the event.
-- One row is  one minute with at least one event.
-- Columns     date          UTC day of window_start
--             window_start  minute of event_time; window_end is one minute later, exclusive
--             events        events
-- Parameters  :start  timestamp  first event, inclusive
--             :stop   timestamp  end, exclusive
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
-- Notes       Reads the view event_records, which holds every event once.
WITH minutes AS (
    SELECT date_trunc('minute', r.event_time) AS window_start
    FROM event_records AS r
    WHERE r.event_time >= :start
        AND r.event_time < :stop
)
SELECT
    DATE(m.window_start) AS date,
    m.window_start,
    m.window_start + INTERVAL '1' MINUTE AS window_end,
    COUNT(*) AS events
FROM minutes AS m
GROUP BY m.window_start

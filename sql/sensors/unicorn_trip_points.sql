-- Purpose     The points of one unicorn's trip, in order of time.
-- One row is  one reading; two readings at one time are two rows.
-- Parameters  :name   string     the unicorn
--             :start  timestamp  first reading, inclusive
--             :stop   timestamp  end, exclusive
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena, Hive.
-- Notes       Reads the view unicorn_records. The order is total, so that engines agree.
SELECT
    r.name,
    r.status_time,
    r.latitude,
    r.longitude,
    r.distance,
    r.health_points,
    r.magic_points
FROM unicorn_records AS r
WHERE r.name = :name
    AND r.status_time >= :start
    AND r.status_time < :stop
ORDER BY
    r.status_time ASC NULLS LAST,
    r.latitude ASC NULLS LAST,
    r.longitude ASC NULLS LAST,
    r.distance ASC NULLS LAST,
    r.health_points ASC NULLS LAST,
    r.magic_points ASC NULLS LAST

-- Purpose     The points of all unicorns after a time, in order of time.
-- One row is  one reading later than the time; a reading at that very time is not.
-- Parameters  :after  timestamp  readings are later than this, not equal
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
WHERE r.status_time > :after
ORDER BY
    r.status_time ASC NULLS LAST,
    r.name ASC NULLS LAST,
    r.latitude ASC NULLS LAST,
    r.longitude ASC NULLS LAST,
    r.distance ASC NULLS LAST,
    r.health_points ASC NULLS LAST,
    r.magic_points ASC NULLS LAST

-- Purpose     Readings of unicorns that are unwell: few health points or few magic points.
-- One row is  one reading with health or magic points below the limit; a missing value is not low.
-- Parameters  :limit  int  points; a reading is low when it is below, not equal
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
WHERE r.health_points < :limit
    OR r.magic_points < :limit
ORDER BY
    r.status_time ASC NULLS LAST,
    r.name ASC NULLS LAST,
    r.latitude ASC NULLS LAST,
    r.longitude ASC NULLS LAST,
    r.distance ASC NULLS LAST,
    r.health_points ASC NULLS LAST,
    r.magic_points ASC NULLS LAST

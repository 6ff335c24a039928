-- view: radar_columns_located
-- Purpose     Every column of radar_columns (composite reflectivity, echo top, VIL) with its place
--             on Earth and the grid it belongs to.
-- One row is  one row of radar_columns, never more: of several rows of radar_volumes with one
--             station, date and volume time (a duplicate, a reject) only the one that was gridded
--             counts. Columns whose volume is not in radar_volumes (a run that did not end) have no
--             row.
-- Parameters  none; filter by station and date, so that only those partitions are read.
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
WITH volumes AS (
    SELECT
        v.station,
        v.date,
        v.volume_time,
        v.grid,
        ROW_NUMBER() OVER (
            PARTITION BY v.station, v.date, v.volume_time
            ORDER BY v.key NULLS LAST
        ) AS nth
    FROM radar_volumes AS v
    WHERE v.status IN ('ok', 'partial')
)
SELECT
    c.station,
    c.date,
    c.volume_time,
    volumes.grid,
    c.iy,
    c.ix,
    g.x,
    g.y,
    g.latitude,
    g.longitude,
    c.composite_reflectivity,
    c.echo_top_18,
    c.vil
FROM radar_columns AS c
INNER JOIN volumes
    ON volumes.station = c.station
    AND volumes.date = c.date
    AND volumes.volume_time = c.volume_time
    AND volumes.nth = 1
INNER JOIN radar_geometry AS g
    ON g.station = volumes.station
    AND g.grid = volumes.grid
    AND g.iy = c.iy
    AND g.ix = c.ix

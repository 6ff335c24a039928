-- view: radar_volume_echo
-- Purpose     How much echo every gridded volume had: the step between volumes and climatology.
-- One row is  one volume that was gridded (status ok or partial), with echo or without.
-- Columns     start_hour         UTC hour in which the volume began, by its key, else its first ray
--             cell_area          km2 of one column: the steps between x and between y in
--                                radar_geometry; NULL for a grid of one row or one column
--             echo_columns       columns with echo; quality control decides what echo is (20 dBZ
--                                and more in both built-in profiles)
--             strong_columns     of these, columns whose composite reflectivity is 35 dBZ or more
--             echo_area          km2: echo_columns x cell_area; strong_area likewise
--             max_reflectivity   dBZ, largest composite reflectivity; NULL without echo
-- Parameters  none; filter by station and date.
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
-- Notes       Areas are those of the grid's plane; true areas differ by 0.04 % at 300 km.
--             "x 1e0" makes a double of a float, so that no engine rounds on the way.
WITH volumes AS (
    SELECT
        v.station,
        v.date,
        v.volume_time,
        v.grid,
        v.status,
        v.qc_method,
        date_trunc('hour', COALESCE(v.key_time, v.volume_time)) AS start_hour,
        ROW_NUMBER() OVER (
            PARTITION BY v.station, v.date, v.volume_time
            ORDER BY v.key NULLS LAST
        ) AS nth
    FROM radar_volumes AS v
    WHERE v.status IN ('ok', 'partial')
),
echo AS (
    SELECT
        c.station,
        c.date,
        c.volume_time,
        COUNT(c.composite_reflectivity) AS echo_columns,
        COUNT(CASE WHEN c.composite_reflectivity >= 35 THEN 1 END) AS strong_columns,
        MAX(c.composite_reflectivity) AS max_reflectivity
    FROM radar_columns AS c
    GROUP BY c.station, c.date, c.volume_time
),
x_steps AS (
    SELECT
        g.station,
        g.grid,
        g.x * 1e0 - LAG(g.x) OVER (PARTITION BY g.station, g.grid ORDER BY g.ix NULLS LAST) AS step
    FROM radar_geometry AS g
    WHERE g.iy = 0
),
y_steps AS (
    SELECT
        g.station,
        g.grid,
        g.y * 1e0 - LAG(g.y) OVER (PARTITION BY g.station, g.grid ORDER BY g.iy NULLS LAST) AS step
    FROM radar_geometry AS g
    WHERE g.ix = 0
),
-- The mean of all steps, to the millimetre: single ones carry the rounding of float32.
x_step AS (
    SELECT x_steps.station, x_steps.grid, ROUND(AVG(x_steps.step), 3) AS step
    FROM x_steps
    GROUP BY x_steps.station, x_steps.grid
),
y_step AS (
    SELECT y_steps.station, y_steps.grid, ROUND(AVG(y_steps.step), 3) AS step
    FROM y_steps
    GROUP BY y_steps.station, y_steps.grid
)
SELECT
    volumes.station,
    volumes.date,
    volumes.volume_time,
    volumes.start_hour,
    volumes.grid,
    volumes.status,
    volumes.qc_method,
    ROUND(x_step.step * y_step.step * 1e-6, 6) AS cell_area,
    COALESCE(echo.echo_columns, 0) AS echo_columns,
    COALESCE(echo.strong_columns, 0) AS strong_columns,
    ROUND(COALESCE(echo.echo_columns, 0) * x_step.step * y_step.step * 1e-6, 3) AS echo_area,
    ROUND(COALESCE(echo.strong_columns, 0) * x_step.step * y_step.step * 1e-6, 3) AS strong_area,
    echo.max_reflectivity
FROM volumes
LEFT JOIN echo
    ON echo.station = volumes.station
    AND echo.date = volumes.date
    AND echo.volume_time = volumes.volume_time
LEFT JOIN x_step
    ON x_step.station = volumes.station
    AND x_step.grid = volumes.grid
LEFT JOIN y_step
    ON y_step.station = volumes.station
    AND y_step.grid = volumes.grid
WHERE volumes.nth = 1

-- view: radar_daily_echo
-- Purpose     Daily echo climatology of every station.
-- One row is  one station and UTC day with at least one gridded volume; a day without echo has
--             0 hours and areas of 0, a day without volumes has no row.
-- Columns     volumes            gridded volumes of the day; partial_volumes of these are not whole
--             dualpol_volumes    volumes whose quality control had dual polarisation; before 2011
--                                to 2013 there was none, more clutter passes, eras do not compare
--             hours_with_echo    UTC hours in which at least one volume with echo began
--             mean_strong_area   km2 with composite reflectivity of 35 dBZ or more: mean over the
--                                day's volumes, those without echo count as 0
--             max_strong_area    km2, the same: largest of one volume
--             max_reflectivity   dBZ, largest of the day; NULL without echo
-- Parameters  none; filter by station and date.
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
-- Notes       Reads the view radar_volume_echo. A mean over volumes is a mean over time only as far
--             as volumes come evenly: radars scan faster in storms (4 to 6 minutes) than in clear
--             air (7 to 10), so days of both lean towards the storm.
SELECT
    e.station,
    e.date,
    COUNT(e.volume_time) AS volumes,
    COUNT(CASE WHEN e.status = 'partial' THEN 1 END) AS partial_volumes,
    COUNT(CASE WHEN e.qc_method = 'dualpol' THEN 1 END) AS dualpol_volumes,
    COUNT(DISTINCT CASE WHEN e.echo_columns > 0 THEN e.start_hour END) AS hours_with_echo,
    ROUND(AVG(e.strong_area), 2) AS mean_strong_area,
    MAX(e.strong_area) AS max_strong_area,
    MAX(e.max_reflectivity) AS max_reflectivity
FROM radar_volume_echo AS e
GROUP BY e.station, e.date

-- Purpose     Storm days of every station, the heaviest first.
-- One row is  one station and UTC day on which some column reached 35 dBZ.
-- Columns     storm_rank 1 is the station's day with the largest area of 35 dBZ or more in one
--             volume; among equals the higher maximum, then the earlier day. The rest is
--             radar_daily_echo's.
-- Parameters  none; filter radar_daily_echo by station and date to rank a season.
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena.
-- Notes       Reads the view radar_daily_echo. Ranks count within the lake: a day that was not
--             ingested, or of which one quiet hour was, cannot rank. Areas of two stations compare
--             only where both used one profile.
SELECT
    d.station,
    ROW_NUMBER() OVER (
        PARTITION BY d.station
        ORDER BY
            d.max_strong_area DESC NULLS LAST,
            d.max_reflectivity DESC NULLS LAST,
            d.date ASC NULLS LAST
    ) AS storm_rank,
    d.date,
    d.volumes,
    d.hours_with_echo,
    d.mean_strong_area,
    d.max_strong_area,
    d.max_reflectivity
FROM radar_daily_echo AS d
WHERE d.max_reflectivity >= 35
ORDER BY d.station ASC NULLS LAST, storm_rank ASC NULLS LAST

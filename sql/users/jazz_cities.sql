-- Purpose     The ten cities with most jazz lovers.
-- One row is  one city.
-- Parameters  none
-- Engines     Redshift, DuckDB.
-- Notes       Among equals the city whose name comes first. A city is known by its name alone, as
--             in the lab.
SELECT
    u.city,
    COUNT(*) AS jazz_lovers
FROM users AS u
WHERE u.likejazz
GROUP BY u.city
ORDER BY jazz_lovers DESC NULLS LAST, u.city ASC NULLS LAST
LIMIT 10

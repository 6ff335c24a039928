-- Purpose     Sports fans in Ohio who do not like opera, by first name.
-- One row is  one user.
-- Parameters  none
-- Engines     Redshift, DuckDB.
-- Notes       Who has not said is left out: NOT likeopera is NULL where likeopera is, and WHERE
--             keeps what is true.
SELECT
    u.firstname,
    u.lastname,
    u.city,
    u.userid
FROM users AS u
WHERE u.state = 'OH'
    AND u.likesports
    AND NOT u.likeopera
ORDER BY u.firstname ASC NULLS LAST, u.userid ASC NULLS LAST

-- Purpose     The Smiths who like theatre and classical music.
-- One row is  one user.
-- Parameters  none
-- Engines     Redshift, DuckDB.
SELECT
    u.userid,
    u.firstname,
    u.lastname,
    u.city,
    u.state
FROM users AS u
WHERE u.lastname = 'Smith'
    AND u.liketheatre
    AND u.likeclassical
ORDER BY u.userid ASC NULLS LAST

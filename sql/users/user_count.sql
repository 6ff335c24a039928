-- Purpose     How many users there are.
-- One row is  the whole table.
-- Parameters  none
-- Engines     Redshift, DuckDB.
-- Notes       Reads the table users, which `stormlake warehouse load-text users` fills.
SELECT COUNT(*) AS user_count
FROM users

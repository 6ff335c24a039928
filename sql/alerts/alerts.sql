-- Purpose     Alerts of the rules that held: the one frame around every rule's condition.
-- One row is  one alert; of several readings that make one alert_id the highest score, then the
--             lowest record_id.
-- Parameters  none
-- Engines     Spark 3.5 and 4.0, DuckDB, Athena, Hive.
-- Notes       Reads the view rule_matches: a row for every score and rule whose condition held.
WITH ranked AS (
    SELECT
        m.source,
        m.date,
        m.alert_id,
        m.rule,
        m.location,
        m.device_id,
        m.event_time,
        m.value,
        m.score,
        m.threshold,
        m.message,
        ROW_NUMBER() OVER (
            PARTITION BY m.alert_id
            ORDER BY m.score DESC NULLS LAST, m.record_id ASC NULLS LAST
        ) AS rank_of_reading
    FROM rule_matches AS m
)
SELECT
    r.source,
    r.date,
    r.alert_id,
    r.rule,
    r.location,
    r.device_id,
    r.event_time,
    r.value,
    r.score,
    r.threshold,
    r.message
FROM ranked AS r
WHERE r.rank_of_reading = 1

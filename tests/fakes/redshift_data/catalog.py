"""What a database of the stand-in has from the start: Redshift's functions and system views."""

from __future__ import annotations

SETUP = r"""
CREATE SCHEMA stand_in;

-- What CREATE TABLE said, which PostgreSQL's own catalog cannot keep.
CREATE TABLE stand_in.declared (
    schema_name text, table_name text, column_name text, type text, length integer,
    encoding text, distkey boolean, sortkey integer
);

-- Written by a connection of its own, so that it survives the rollback of the COPY.
CREATE TABLE stand_in.load_errors (
    query bigint, at timestamp, file text, line bigint, col text, type text, length text,
    position integer, value text, code integer, reason text, raw_line text
);

-- "GETDATE function": the time at which the statement began, in the session's zone, which is UTC.
CREATE FUNCTION getdate() RETURNS timestamp LANGUAGE sql STABLE
AS $$ SELECT date_trunc('second', statement_timestamp() AT TIME ZONE 'UTC') $$;

-- "STRTOL function": a text of digits of a base as BIGINT.
CREATE FUNCTION strtol(digits text, base integer) RETURNS bigint LANGUAGE plpgsql IMMUTABLE STRICT
AS $$
BEGIN
    IF base <> 16 THEN RAISE EXCEPTION 'the stand-in knows STRTOL to base 16 alone'; END IF;
    IF length(ltrim(digits, '0')) > 15 THEN
        -- Beyond 7FFFFFFFFFFFFFFF Redshift raises; below it we need no more than this.
        RAISE EXCEPTION 'The input % is not valid to be converted to base 16', digits;
    END IF;
    RETURN ('x' || lpad(digits, 16, '0'))::bit(64)::bigint;
END $$;

-- "SVV_COLUMNS": every column that the user can see.
CREATE VIEW svv_columns AS
SELECT c.table_catalog::text, c.table_schema::text, c.table_name::text, c.column_name::text,
       c.ordinal_position::integer, c.column_default::text, c.is_nullable::text,
       COALESCE(d.type, c.data_type::text) AS data_type,
       COALESCE(d.length, c.character_maximum_length::integer) AS character_maximum_length,
       c.numeric_precision::integer, c.numeric_scale::integer
FROM information_schema.columns AS c
LEFT JOIN stand_in.declared AS d
    ON d.schema_name = c.table_schema AND d.table_name = c.table_name
    AND d.column_name = c.column_name
WHERE c.table_schema NOT IN ('stand_in');

-- "SYS_LOAD_ERROR_DETAIL": no value is kept there. Texts are padded, as the vendor's CHAR columns.
CREATE VIEW sys_load_error_detail AS
SELECT 100 AS user_id, query AS query_id, 0::bigint AS transaction_id, 0 AS session_id,
       rpad(current_database()::text, 64) AS database_name, 0 AS table_id, at AS start_time,
       rpad(file, 256) AS file_name, line AS line_number, rpad(col, 127) AS column_name,
       rpad(type, 10) AS column_type, rpad(length, 10) AS column_length, position,
       code AS error_code, rpad(reason, 512) AS error_message
FROM stand_in.load_errors;

-- "STL_LOAD_ERRORS": on provisioned clusters alone.
CREATE VIEW stl_load_errors AS
SELECT 100 AS userid, 0 AS slice, 0 AS tbl, at AS starttime, 0 AS session, query,
       rpad(file, 256) AS filename, line AS line_number, rpad(col, 127) AS colname,
       rpad(type, 10) AS type, rpad(length, 10) AS col_length, position,
       rpad(raw_line, 1024) AS raw_line, rpad(value, 1024) AS raw_field_value,
       code AS err_code, rpad(reason, 100) AS err_reason
FROM stand_in.load_errors;
"""

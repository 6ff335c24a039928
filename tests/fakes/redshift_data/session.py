"""One session of the warehouse: its statements on one connection of PostgreSQL."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from typing import Any, LiteralString, cast

import psycopg

from tests.fakes.redshift_data import copy_parquet, copy_text
from tests.fakes.redshift_data.classify import classify
from tests.fakes.redshift_data.copy_manifest import Reach, read_files
from tests.fakes.redshift_data.copy_options import read_copy
from tests.fakes.redshift_data.ddl import (
    ColumnType,
    TableType,
    quoted,
    read_alter_table,
    read_create_table,
    read_like,
)
from tests.fakes.redshift_data.errors import CopyRefused, Refused, WarehouseError
from tests.fakes.redshift_data.postgres import PostgresServer

_QUERY_IDS = itertools.count(1001)
_ID_LOCK = threading.Lock()


@dataclass(frozen=True)
class Result:
    """What a statement gave: column names and types, and rows; None for one without a result."""

    columns: list[tuple[str, str]] | None
    rows: list[tuple[Any, ...]]
    count: int


def next_query_id() -> int:
    with _ID_LOCK:
        return next(_QUERY_IDS)


class Session:
    """A connection to one database.

    Parameters
    ----------
    server : PostgresServer
    database : str
    reach : Reach
        What COPY can read.
    in_batch : bool
        Whether its statements are one transaction.
    """

    def __init__(self, server: PostgresServer, database: str, reach: Reach, in_batch: bool) -> None:
        self._server, self._database, self._reach = server, database, reach
        self._in_batch = in_batch
        self._temporary: dict[str, list[ColumnType]] = {}
        # A backslash in a text is an escape, as in Redshift.
        options = "-c standard_conforming_strings=off -c escape_string_warning=off"
        self.connection = server.connect(database, options=options)
        self.pid = self.connection.info.backend_pid

    def run(self, sql: str, query_id: int) -> Result:
        """Run one statement.

        Raises
        ------
        WarehouseError
            As Redshift would answer.
        """
        try:
            return self._run(sql, query_id)
        except CopyRefused as refused:
            self._keep(refused.refused, query_id)
            raise
        except psycopg.errors.QueryCanceled as error:
            raise WarehouseError("ERROR: Query cancelled on user's request") from error
        except psycopg.OperationalError as error:
            raise WarehouseError(f"ERROR: connection to the database was lost: {error}") from error
        except psycopg.Error as error:
            raise WarehouseError(f"ERROR: {error.diag.message_primary or error}") from error

    def commit(self) -> None:
        try:
            self.connection.commit()
        except psycopg.Error as error:
            raise WarehouseError(f"ERROR: the transaction was not committed: {error}") from error

    def close(self) -> None:
        """End the session; what is not committed is rolled back, temporary tables are gone."""
        self.connection.close()

    def _run(self, sql: str, query_id: int) -> Result:
        kind = classify(sql, self._in_batch)
        if kind == "copy":
            return self._copy(sql)
        if kind == "create_table":
            return self._create(read_create_table(sql))
        if kind == "create_like":
            return self._create_like(sql)
        if kind == "alter_table":
            return self._alter(sql)
        return self._execute(sql)

    def _execute(self, sql: str, values: tuple[Any, ...] | None = None) -> Result:
        cursor = self.connection.execute(cast(LiteralString, sql), values)
        if cursor.description is None:
            return Result(None, [], max(cursor.rowcount, 0))
        columns = [(column.name, column.type_display) for column in cursor.description]
        rows = cursor.fetchall()
        return Result(columns, rows, len(rows))

    def _create(self, table: TableType) -> Result:
        if table.temporary:
            self._temporary[table.name] = table.columns
            return self._execute(table.postgres())
        there = self._execute(
            "SELECT to_regclass(%s)",
            (".".join(quoted(part) for part in (table.schema, table.name) if part),),
        ).rows[0][0]
        done = self._execute(table.postgres())
        if there is None:
            for column in table.columns:
                sort = (
                    table.sortkey.index(column.name) + 1 if column.name in table.sortkey else None
                )
                self._declare(table.schema, table.name, column, column.name == table.distkey, sort)
        return done

    def _declare(
        self,
        schema: str | None,
        table: str,
        column: ColumnType,
        distkey: bool = False,
        sortkey: int | None = None,
    ) -> None:
        from tests.fakes.redshift_data.ddl import CATALOG_TYPES

        self._execute(
            "INSERT INTO stand_in.declared VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            (
                *(schema or "public", table, column.name),
                CATALOG_TYPES.get(column.type, column.type),
                *(column.length, column.encoding, distkey, sortkey),
            ),
        )

    def _create_like(self, sql: str) -> Result:
        read = read_like(sql)
        if read is None:
            raise WarehouseError("ERROR: the stand-in knows LIKE in CREATE TEMP TABLE alone")
        table, (schema, source) = read
        self._temporary[table.name] = self._columns(schema, source)
        name = ".".join(quoted(part) for part in (schema, source) if part)
        # NOT NULL comes along ("CREATE TABLE", LIKE), and here what counts the bytes.
        return self._execute(
            f"CREATE TEMP TABLE {quoted(table.name)} (LIKE {name} INCLUDING CONSTRAINTS)"
        )

    def _columns(self, schema: str | None, table: str) -> list[ColumnType]:
        if schema is None and table in self._temporary:
            return self._temporary[table]
        rows = self._execute(
            "SELECT column_name, data_type, character_maximum_length, is_nullable "
            "FROM svv_columns WHERE table_schema = %s AND table_name = %s "
            "ORDER BY ordinal_position",
            (schema or "public", table),
        ).rows
        if not rows:
            named = f"{schema}.{table}" if schema else table
            raise WarehouseError(f'ERROR: relation "{named}" does not exist')
        kinds = {
            "character varying": "varchar",
            "character": "char",
            "timestamp without time zone": "timestamp",
        }
        return [
            ColumnType(name, kinds.get(kind, kind), length, nullable == "NO")
            for name, kind, length, nullable in rows
        ]

    def _alter(self, sql: str) -> Result:
        change = read_alter_table(sql)
        name = ".".join(quoted(part) for part in (change.schema, change.table) if part)
        column = change.column
        schema = change.schema or "public"
        if change.added:
            done = self._execute(f"ALTER TABLE {name} ADD COLUMN {column.postgres()}")
            self._declare(schema, change.table, column)
            return done
        check = quoted(f"{change.table}_{column.name}_check")
        done = self._execute(
            f"ALTER TABLE {name} DROP CONSTRAINT {check}, ADD CONSTRAINT {check} "
            f"CHECK (octet_length({quoted(column.name)}) <= {column.length})"
        )
        self._execute(
            "UPDATE stand_in.declared SET length = %s WHERE schema_name = %s AND table_name = %s "
            "AND column_name = %s",
            (column.length, schema, change.table, column.name),
        )
        return done

    def _copy(self, sql: str) -> Result:
        copy = read_copy(sql)
        columns = self._columns(*copy.table)
        name = ".".join(quoted(part) for part in copy.table if part)
        count = 0
        statement = cast(LiteralString, f"COPY {name} FROM STDIN")
        with self.connection.cursor() as cursor, cursor.copy(statement) as rows:
            for file in read_files(copy, self._reach):
                source = (
                    copy_parquet.rows_of(file, columns)
                    if copy.parquet
                    else copy_text.rows_of(file, columns, copy)
                )
                for row in source:
                    rows.write_row(row)
                    count += 1
        return Result(None, [], count)

    def _keep(self, refused: Refused, query_id: int) -> None:
        """Write a load error where a rollback does not reach it."""
        with self._server.connect(self._database, autocommit=True) as aside:
            aside.execute(
                "INSERT INTO stand_in.load_errors VALUES "
                "(%s, now(), %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    *(query_id, refused.file, refused.line, refused.column, refused.type),
                    *(refused.length, refused.position, refused.value.replace("\0", "")),
                    *(refused.code, refused.reason, refused.raw_line.replace("\0", "")),
                ),
            )

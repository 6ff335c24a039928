"""Statements carried out: DDL into the catalog, SELECT on DuckDB."""

from __future__ import annotations

import datetime as dt
import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from tests.fakes.athena.scan import File, Scan
from tests.fakes.athena.tables import CatalogTable, QueryError, partitions_there, read_create

_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "SMALLINT": "smallint",
    "HUGEINT": "bigint",  # DuckDB's SUM of integers
    "DOUBLE": "double",
    "FLOAT": "real",
    "BOOLEAN": "boolean",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMP WITH TIME ZONE": "timestamp",
    "VARCHAR": "varchar",
}


@dataclass(frozen=True)
class Answer:
    """What a statement gave."""

    columns: list[tuple[str, str]]
    rows: list[tuple[str | None, ...]]
    scanned: int
    is_select: bool


class Engine:
    """The catalog and what runs over it."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.databases: dict[str, dict[str, CatalogTable]] = {}
        self.views: dict[str, dict[str, str]] = {}
        self.lock = threading.RLock()

    def run(self, database: str, text: str, values: list[str]) -> Answer:
        """Carry out a statement.

        Raises
        ------
        QueryError
            As Athena would tell.
        """
        code = re.sub(r"\A(\s*--[^\n]*\n)*", "", text)
        made = re.match(r"CREATE DATABASE IF NOT EXISTS `([^`]+)`\s*\Z", code)
        if made:
            if database:
                raise QueryError(f"the database {database} of the context need not be there")
            with self.lock:
                self.databases.setdefault(made[1], {})
            return Answer([], [], 0, False)
        if database not in self.databases:
            raise QueryError(f"FAILED: SCHEMA_NOT_FOUND: Schema '{database}' does not exist")
        if code.startswith("CREATE EXTERNAL TABLE"):
            table = read_create(text)
            with self.lock:
                self.databases[database].setdefault(table.name, table)
            return Answer([], [], 0, False)
        view = re.match(r'CREATE OR REPLACE VIEW "([^"]+)" AS\n(.*)\Z', code, re.DOTALL)
        if view:
            self._select(database, view[2], [], only_plan=True)  # it must be valid
            with self.lock:
                self.views.setdefault(database, {})[view[1]] = view[2]
            return Answer([], [], 0, False)
        return self._select(database, text, values)

    def _select(
        self, database: str, text: str, values: list[str], *, only_plan: bool = False
    ) -> Answer:
        tree = _parsed(_filled(text, values))
        if not isinstance(tree, exp.Query):
            raise QueryError("NOT_SUPPORTED: the stand-in answers SELECT alone")
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        try:
            scans = self._open(connection, database, tree, only_plan)
            relation = connection.sql(tree.sql("duckdb"))
            if relation is None:
                raise QueryError("SYNTAX_ERROR: no result")
            columns = [
                (name, _TYPES.get(kind, "decimal" if kind.startswith("DECIMAL") else "varchar"))
                for name, kind in zip(relation.columns, map(str, relation.types), strict=True)
            ]
            if only_plan:
                return Answer(columns, [], 0, False)
            table = relation.to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(f"SYNTAX_ERROR: {error}") from error
        finally:
            connection.close()
        for scan in scans:
            scan.check()
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        scanned = sum(scan.bytes() for scan in scans)
        return Answer(columns, [tuple(map(_text, row)) for row in rows], scanned, True)

    def _open(
        self,
        connection: duckdb.DuckDBPyConnection,
        database: str,
        tree: exp.Expression,
        only_plan: bool,
    ) -> list[Scan]:
        """Make what a query names known to DuckDB, and give what it may read."""
        queries, tables, views = [tree], dict[str, CatalogTable](), dict[str, exp.Expression]()
        for query in queries:
            for name in sorted(_names(query) - tables.keys() - views.keys()):
                text = self.views.get(database, {}).get(name)
                if text is not None:
                    views[name] = _parsed(text)
                    queries.append(views[name])
                elif name in self.databases[database]:
                    tables[name] = self.databases[database][name]
                else:
                    raise QueryError(f"TABLE_NOT_FOUND: Table '{database}.{name}' does not exist")
        named = _equalities(queries)
        scans = []
        for name, table in tables.items():
            for column in table.injected():
                if not named.get(column) and not only_plan:
                    raise QueryError(
                        "CONSTRAINT_VIOLATION: For the injected projected partition column "
                        f"{column}, the WHERE clause must contain only static equality conditions, "
                        "and at least one such condition must be present."
                    )
            scans.append(self._scan(table, named))
            _register(connection, name, scans[-1])
        while views:
            for name in [n for n, query in views.items() if not _names(query) & views.keys()]:
                body = views.pop(name).sql("duckdb")
                connection.execute(f'CREATE VIEW "{name}" AS {body}')
        return scans

    def _scan(self, table: CatalogTable, named: dict[str, set[str]]) -> Scan:
        bucket = table.location.removeprefix("s3://").partition("/")[0]
        kinds = dict(table.partitions)
        files = []
        for partition in partitions_there(self._s3, table, named):
            values = {
                name: dt.date.fromisoformat(value) if kinds[name] == "date" else value
                for name, value in zip(kinds, partition.values, strict=True)
            }
            files += [File(key, values) for key in partition.keys]

        def fetch(key: str) -> bytes:
            return bytes(self._s3.get_object(Bucket=bucket, Key=key)["Body"].read())

        return Scan(dict(table.columns), kinds, files, fetch)


def _parsed(text: str) -> exp.Expression:
    try:
        return sqlglot.parse_one(text, read="athena")
    except sqlglot.errors.SqlglotError as error:
        raise QueryError(f"SYNTAX_ERROR: {error}") from error


def _names(query: exp.Expression) -> set[str]:
    """Tables and views that a query reads; a name of its WITH is none."""
    own = {cte.alias for cte in query.find_all(exp.CTE)}
    return {table.name for table in query.find_all(exp.Table)} - own


def _equalities(queries: Sequence[exp.Expression]) -> dict[str, set[str]]:
    """Texts that a WHERE anywhere sets columns equal to."""
    found: dict[str, set[str]] = {}
    for query in queries:
        for where in query.find_all(exp.Where):
            for each in where.find_all(exp.EQ):
                column, value = each.this, each.expression
                if isinstance(column, exp.Column) and isinstance(value, exp.Literal):
                    found.setdefault(column.name, set()).add(value.name)
    return found


def _register(connection: duckdb.DuckDBPyConnection, name: str, scan: Scan) -> None:
    """Athena's TIMESTAMP has no zone; in the files it is UTC."""
    connection.register(f"{name} in files", scan.dataset)
    columns = ", ".join(
        f'"{column}"' + (f" AT TIME ZONE 'UTC' AS \"{column}\"" if kind == "timestamp" else "")
        for column, kind in {**scan.columns, **scan.partitions}.items()
    )
    connection.execute(f'CREATE VIEW "{name}" AS SELECT {columns} FROM "{name} in files"')


def _filled(text: str, values: list[str]) -> str:
    """The text with a literal for each `?`, in order ("Using parameterized queries")."""
    marks = [
        token
        for token in sqlglot.tokenize(text, read="athena")
        if token.token_type == TokenType.PLACEHOLDER
    ]
    if len(marks) != len(values):
        raise QueryError(
            f"INVALID_PARAMETER_USAGE: Incorrect number of parameters: expected {len(marks)} but "
            f"found {len(values)}"
        )
    for mark, value in reversed(list(zip(marks, values, strict=True))):
        text = text[: mark.start] + value + text[mark.end + 1 :]
    return text


def _text(value: Any) -> str | None:
    """A value as GetQueryResults writes it."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        plain = value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value
        return plain.isoformat(sep=" ", timespec="milliseconds")
    return str(value)

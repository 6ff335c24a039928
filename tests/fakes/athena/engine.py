"""Statements carried out: DDL into the catalog, SELECT on DuckDB."""

from __future__ import annotations

import datetime as dt
import re
import threading
from dataclasses import dataclass
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.tokens import TokenType

from tests.fakes.athena.tables import (
    CatalogTable,
    PartitionFiles,
    QueryError,
    partitions_there,
    read_create,
    read_partitions,
)

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
            self._select(database, view[2], [])  # it must be valid
            with self.lock:
                self.views.setdefault(database, {})[view[1]] = view[2]
            return Answer([], [], 0, False)
        return self._select(database, text, values)

    def _select(self, database: str, text: str, values: list[str]) -> Answer:
        try:
            tree = sqlglot.parse_one(_filled(text, values), read="athena")
        except sqlglot.errors.SqlglotError as error:
            raise QueryError(f"SYNTAX_ERROR: {error}") from error
        if not isinstance(tree, exp.Query):
            raise QueryError("NOT_SUPPORTED: the stand-in answers SELECT alone")
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'UTC'")
        scanned = self._open(connection, database, tree)
        try:
            relation = connection.sql(tree.sql("duckdb"))
            if relation is None:
                raise QueryError("SYNTAX_ERROR: no result")
            kinds = [str(kind) for kind in relation.types]
            names = list(relation.columns)
            table = relation.to_arrow_table()
        except duckdb.Error as error:
            raise QueryError(f"SYNTAX_ERROR: {error}") from error
        rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
        columns = [
            (name, _TYPES.get(kind, "decimal" if kind.startswith("DECIMAL") else "varchar"))
            for name, kind in zip(names, kinds, strict=True)
        ]
        return Answer(columns, [tuple(map(_text, row)) for row in rows], scanned, True)

    def _open(
        self, connection: duckdb.DuckDBPyConnection, database: str, tree: exp.Expression
    ) -> int:
        """Make what a query names known to DuckDB, and give the bytes scanned."""
        scanned = 0
        left = [tree]
        done: set[str] = set()
        made: list[tuple[str, str]] = []
        while left:
            query = left.pop()
            ctes = {cte.alias for cte in query.find_all(exp.CTE)}
            for named in query.find_all(exp.Table):
                name = named.name
                if name in ctes or name in done:
                    continue
                done.add(name)
                view = self.views.get(database, {}).get(name)
                if view is not None:
                    made.append((name, view))
                    left.append(sqlglot.parse_one(view, read="athena"))
                    continue
                table = self.databases[database].get(name)
                if table is None:
                    raise QueryError(f"TABLE_NOT_FOUND: Table '{database}.{name}' does not exist")
                scanned += self._open_table(connection, table, query, named)
        for name, view in reversed(made):
            body = sqlglot.parse_one(view, read="athena").sql("duckdb")
            connection.execute(f'CREATE VIEW "{name}" AS {body}')
        return scanned

    def _open_table(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: CatalogTable,
        query: exp.Expression,
        named: exp.Table,
    ) -> int:
        there = partitions_there(self._s3, table)
        conditions = _conditions(table, named)
        for name in table.injected():
            if not any(_is_equality(each, name) for each in conditions):
                raise QueryError(
                    "CONSTRAINT_VIOLATION: For the injected projected partition column "
                    f"{name}, the WHERE clause must contain only static equality conditions, and "
                    "at least one such condition must be present."
                )
        asked = _pruned(table, there, conditions)
        columns = {column.name for column in query.find_all(exp.Column)}
        rows, scanned = read_partitions(self._s3, table, asked, columns)
        connection.register(table.name, rows)
        return scanned


def _conditions(table: CatalogTable, named: exp.Table) -> list[exp.Expression]:
    """What the WHERE beside a table says of its partition columns alone."""
    select = named.find_ancestor(exp.Select)
    where = select.args.get("where") if select else None
    if where is None:
        return []
    names = {name for name, _ in table.partitions}
    parts = list(where.this.flatten()) if isinstance(where.this, exp.And) else [where.this]
    return [
        part
        for part in parts
        if (columns := list(part.find_all(exp.Column)))
        and all(
            column.name in names and column.table in ("", named.alias_or_name) for column in columns
        )
        and not part.find(exp.Select)
    ]


def _is_equality(condition: exp.Expression, column: str) -> bool:
    return (
        isinstance(condition, exp.EQ)
        and isinstance(condition.this, exp.Column)
        and condition.this.name == column
    )


def _pruned(
    table: CatalogTable, there: list[PartitionFiles], conditions: list[exp.Expression]
) -> list[PartitionFiles]:
    """The partitions for which the conditions hold, as DuckDB reckons them."""
    if not conditions or not there:
        return there
    columns = ", ".join(
        f'CAST(p[{at}] AS {"DATE" if kind == "date" else "VARCHAR"}) AS "{name}"'
        for at, (name, kind) in enumerate(table.partitions, 1)
    )
    plain = [
        condition.transform(
            lambda n: exp.column(n.name, quoted=True) if isinstance(n, exp.Column) else n
        ).sql("duckdb")
        for condition in conditions
    ]
    connection = duckdb.connect()
    found = connection.execute(
        f"SELECT p FROM (SELECT p, {columns} FROM (SELECT UNNEST(?) AS p)) "
        f"WHERE {' AND '.join(plain)}",
        [[list(each.values) for each in there]],
    ).fetchall()
    kept = {tuple(values) for (values,) in found}
    return [each for each in there if each.values in kept]


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

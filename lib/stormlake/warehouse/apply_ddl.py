"""Make tables in a warehouse; tell how one that is there differs, and never change it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stormlake.errors import RefusedInput
from stormlake.lake.ddl_redshift import redshift_statements, redshift_type
from stormlake.lake.quoting import qualified, quote_identifier, quote_literal
from stormlake.lake.types import Column, Table
from stormlake.running.aws import ApiCall, print_calls
from stormlake.running.options import Common, tell
from stormlake.running.text_table import text_table
from stormlake.warehouse.data_api import (
    MAX_STATEMENTS,
    DataApi,
    StatementFailed,
    batch_call,
    query_call,
)
from stormlake.warehouse.statements import Statement
from stormlake.warehouse.target import Target

_WORDS: Final = {
    "character varying": "VARCHAR",
    "character": "CHAR",
    "timestamp without time zone": "TIMESTAMP",
}
"""The catalog's words for types, where ours are others."""


@dataclass(frozen=True)
class Difference:
    """One column that is not as the definition says.

    Parameters
    ----------
    table, column : str
    expected, found : str
        Place, type and whether it is required; empty where there is no such column.
    """

    table: str
    column: str
    expected: str
    found: str


def apply_tables(api: DataApi, tables: Sequence[Table], common: Common) -> None:
    """Make those tables that are not there, and hold the others against their definitions.

    Raises
    ------
    RefusedInput
        A table is there and differs: with the differences, and the statements that would mend
        them. The other tables are made all the same.
    """
    if common.dry_run:
        print_calls(_calls(api.target, tables))
        return
    made, kept, differing, mending = [], [], list[Difference](), list[str]()
    for table in tables:
        there = api.query(columns_query(api.target.schema, table.name))
        if not there:
            _make(api, table)
            made.append(table.name)
            continue
        kept.append(table.name)
        found = list(differences(table, there))
        if found:
            differing += found
            mending += mends(table, api.target.schema, there)
    if differing:
        rows = [vars(each) for each in differing]
        shown = text_table(rows, ["table", "column", "expected", "found"])
        statements = "\n".join(f"{statement};" for statement in mending)
        also = f" ({', '.join(made)} made)" if made else ""
        raise RefusedInput(
            f"{api.target}: tables differ from their definitions and were left as they are{also}:\n"
            f"{shown}\nWhat would mend it, one statement at a time and outside a transaction:\n"
            f"{statements}"
        )
    tell(common, made=", ".join(made) or "none", kept=", ".join(kept) or "none")


def columns_query(schema: str, table: str) -> str:
    """Ask for a table's columns (Amazon Redshift Database Developer Guide, "SVV_COLUMNS")."""
    return (
        "SELECT column_name, data_type, character_maximum_length, is_nullable FROM svv_columns "
        f"WHERE table_schema = {quote_literal(schema.lower())} "
        f"AND table_name = {quote_literal(table.lower())} ORDER BY ordinal_position"
    )


def differences(table: Table, there: Sequence[Mapping[str, Any]]) -> Iterator[Difference]:
    """Compare a table's definition with its columns in the warehouse: place, type, length, NULL.

    Parameters
    ----------
    table : Table
    there : sequence of mapping
        Rows of `columns_query`.
    """
    expected = {
        column.name: f"{place} {_declared(column)}"
        for place, column in enumerate(table.load_columns, 1)
    }
    found = {row["column_name"]: f"{place} {_found(row)}" for place, row in enumerate(there, 1)}
    for name in [*expected, *(each for each in found if each not in expected)]:
        if expected.get(name) != found.get(name):
            yield Difference(table.name, name, expected.get(name, ""), found.get(name, ""))


def mends(table: Table, schema: str, there: Sequence[Mapping[str, Any]]) -> list[str]:
    """Give the statements that would make a table as its definition says.

    ALTER TABLE adds columns at the end alone, and changes no type but the length of a VARCHAR; for
    everything else the rows are copied to a new table (Amazon Redshift Database Developer Guide,
    "ALTER TABLE").
    """
    name = qualified(schema, table.name)
    columns = table.load_columns
    found = {row["column_name"]: row for row in there}
    order = [row["column_name"] for row in there if row["column_name"] in table.names]
    added = [column for column in columns if column.name not in found]
    in_place = [*order, *(column.name for column in added)] == [each.name for each in columns]
    grown = [
        column
        for column in columns
        if column.name in found and _declared(column) != _found(found[column.name])
    ]
    if (
        in_place
        and all(column.nullable for column in added)
        and all(_only_longer(column, found[column.name]) for column in grown)
    ):
        return [
            *(
                f"ALTER TABLE {name} DROP COLUMN {quote_identifier(each)}"
                for each in found
                if each not in table.names
            ),
            *(
                f"ALTER TABLE {name} ALTER COLUMN {quote_identifier(column.name)} "
                f"TYPE {redshift_type(column)}"
                for column in grown
            ),
            *(
                f"ALTER TABLE {name} ADD COLUMN {quote_identifier(column.name)} "
                f"{redshift_type(column)}"
                for column in added
            ),
        ]
    old = f"{table.name}_before"
    both = ", ".join(quote_identifier(each.name) for each in columns if each.name in found)
    return [
        f"ALTER TABLE {name} RENAME TO {quote_identifier(old)}",
        redshift_statements(table, schema)[0],
        f"INSERT INTO {name} ({both}) SELECT {both} FROM {qualified(schema, old)}",
    ]


def _make(api: DataApi, table: Table) -> None:
    for part in _parts(table, api.target.schema):
        try:
            api.run(part, secrets.token_hex(16), f"stormlake ddl {table.name}")
        except StatementFailed as failed:
            raise RefusedInput(
                f"{api.target}: {table.name} cannot be made: {failed.error}"
            ) from failed


def _parts(table: Table, schema: str) -> Iterator[list[Statement]]:
    """The statements that make a table, as many at a time as a batch may have."""
    texts = [
        f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}",
        *redshift_statements(table, schema),
    ]
    for start in range(0, len(texts), MAX_STATEMENTS):
        yield [Statement("ddl", text) for text in texts[start : start + MAX_STATEMENTS]]


def _calls(target: Target, tables: Sequence[Table]) -> Iterator[ApiCall]:
    for table in tables:
        yield query_call(target, columns_query(target.schema, table.name), "TOKEN")
        for part in _parts(table, target.schema):
            yield batch_call(target, part, "TOKEN", f"stormlake ddl {table.name}")


def _declared(column: Column) -> str:
    return redshift_type(column) + ("" if column.nullable else " NOT NULL")


def _found(row: Mapping[str, Any]) -> str:
    kind = str(row["data_type"])
    word = _WORDS.get(kind, kind.upper())
    size = f"({row['character_maximum_length']})" if word in ("VARCHAR", "CHAR") else ""
    return word + size + ("" if row["is_nullable"] == "YES" else " NOT NULL")


def _only_longer(column: Column, row: Mapping[str, Any]) -> bool:
    """Whether the two differ in the length of a VARCHAR alone."""
    same_null = column.nullable == (row["is_nullable"] == "YES")
    return column.type == "string" and row["data_type"] == "character varying" and same_null

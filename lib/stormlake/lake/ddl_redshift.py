"""CREATE TABLE for Redshift, from the one definition of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stormlake.lake.quoting import qualified, quote_identifier, quote_literal
from stormlake.lake.types import Column, Table, Type

_REDSHIFT_TYPES: Final[Mapping[Type, str]] = {
    "short": "SMALLINT",
    "int": "INTEGER",
    "long": "BIGINT",
    "float": "REAL",
    "double": "DOUBLE PRECISION",
    "string": "VARCHAR",
    "char": "CHAR",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}
_AZ64: Final = frozenset({"short", "int", "long", "date", "timestamp"})
"""What Redshift encodes with az64; it has none for floating numbers, booleans and text."""


def redshift_table(table: Table, schema: str) -> str:
    """Give the text of `redshift_statements`."""
    return "".join(f"{statement};\n" for statement in redshift_statements(table, schema))


def redshift_statements(table: Table, schema: str) -> list[str]:
    """Give the statements that make a table and say what its columns mean.

    Parameters
    ----------
    table : Table
    schema : str

    Returns
    -------
    list of str
        CREATE TABLE, then the comments. Business columns come first, then the partition columns:
        COPY goes by position.
    """
    hints = table.warehouse
    name = qualified(schema, table.name)
    columns = table.load_columns
    lines = ",\n".join(
        f"    {quote_identifier(column.name)} {redshift_type(column)}"
        f"{'' if column.nullable else ' NOT NULL'} ENCODE {_encoding(column, hints.sort)}"
        for column in columns
    )
    style = (
        f"DISTSTYLE {hints.distribution}"
        if hints.distribution in ("EVEN", "ALL", "AUTO")
        else f"DISTSTYLE KEY DISTKEY ({quote_identifier(hints.distribution)})"
    )
    comments = [f"COMMENT ON TABLE {name} IS {_comment(table.description)}"]
    comments += [
        f"COMMENT ON COLUMN {name}.{quote_identifier(column.name)} IS {_comment(meaning(column))}"
        for column in columns
    ]
    create = (
        f"CREATE TABLE IF NOT EXISTS {name} (\n{lines}\n)\n{style}\n"
        f"SORTKEY ({', '.join(map(quote_identifier, hints.sort))})"
    )
    return [create, *comments]


def meaning(column: Column) -> str:
    """Give unit and meaning of a column."""
    unit = f"[{column.unit}] " if column.unit else ""
    return unit + column.description


def redshift_type(column: Column) -> str:
    """Type of a column in Redshift's words, `VARCHAR(16)`."""
    # Both count bytes.
    size = f"({column.bytes})" if column.bytes is not None else ""
    return _REDSHIFT_TYPES[column.type] + size


def _encoding(column: Column, sort: Sequence[str]) -> str:
    # Blocks of the first sort column are skipped by their least and greatest value.
    return "raw" if column.name == sort[0] else "az64" if column.type in _AZ64 else "zstd"


def _comment(text: str) -> str:
    return quote_literal(text, constant=True)

"""What a warehouse is asked for its checksums: the SQL of `lake/checksums.py`.

Every function in it is Redshift's and PostgreSQL's: MD5, STRTOL, SUBSTRING, TO_CHAR, FLOOR, ABS
(Amazon Redshift Database Developer Guide, "String functions", "Math functions", "Datetime format
strings").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from stormlake.lake.checksums import BEYOND, DIGITS, LARGE, SCALE, SMALL, WORD
from stormlake.lake.partitions import Partition
from stormlake.lake.quoting import qualified, quote_identifier, quote_literal
from stormlake.lake.types import Column, Table

ROWS: Final = "row_count"
"""Column of the answer: rows of the partition."""
CONDITION_BYTES: Final = 40_000
"""Length of the list of partitions in one query; the Data API takes 100 kB of SQL in all."""


def checksum_queries(
    table: Table, schema: str, partitions: Sequence[Partition]
) -> Iterator[tuple[tuple[Partition, ...], str]]:
    """Write the queries for the checksums of some partitions.

    Parameters
    ----------
    table : Table
    schema : str
    partitions : sequence of tuple of str
        Their values, as records have them.

    Yields
    ------
    partitions : tuple of tuple of str
        Which of them the query is about.
    sql : str
        One row for each partition that has rows: its columns as text, `row_count`, `row_total`,
        and for the business columns, from 0, `count_N` and `total_N`.
    """
    some: list[Partition] = []
    used = 0
    for values in partitions:
        size = len(_is(table, values).encode()) + 5
        if some and used + size > CONDITION_BYTES:
            yield tuple(some), _query(table, schema, some)
            some, used = [], 0
        some.append(values)
        used += size
    if some:
        yield tuple(some), _query(table, schema, some)


def _query(table: Table, schema: str, partitions: Sequence[Partition]) -> str:
    names = [quote_identifier(f"part_{n}") for n in range(len(table.partitions))]
    parts = [
        f"{_partition_text(column)} AS {name}"
        for column, name in zip(table.partitions, names, strict=True)
    ]
    digests = [quote_identifier(f"digest_{n}") for n in range(len(table.columns))]
    inner = parts + [
        f"MD5({_text(column)}) AS {digest}"
        for column, digest in zip(table.columns, digests, strict=True)
    ]
    row = "MD5(" + " || ".join(f"COALESCE({digest}, '-')" for digest in digests) + ")"
    outer = [*names, f"COUNT(*) AS {quote_identifier(ROWS)}", f"{_sum(row)} AS row_total"]
    for n, digest in enumerate(digests):
        outer += [f"COUNT({digest}) AS count_{n}", f"{_sum(digest)} AS total_{n}"]
    where = " WHERE " + " OR ".join(_is(table, each) for each in partitions)
    return (
        f"SELECT {', '.join(outer)}\nFROM (SELECT {', '.join(inner)}\n"
        f"FROM {qualified(schema, table.name)}{where if names else ''}) AS rows_of_scope"
        + (f"\nGROUP BY {', '.join(names)}" if names else "")
    )


def _sum(digest: str) -> str:
    # Not of BIGINT: the sum of a few rows would be too large for one.
    number = f"CAST(STRTOL(SUBSTRING({digest}, 1, {DIGITS}), 16) AS DECIMAL(38, 0))"
    return f"COALESCE(SUM({number}), 0)"


def _is(table: Table, values: Partition) -> str:
    pairs = zip(table.partition_names, values, strict=True)
    each = " AND ".join(
        f"{quote_identifier(name)} = {quote_literal(value)}" for name, value in pairs
    )
    return f"({each})"


def _partition_text(column: Column) -> str:
    name = quote_identifier(column.name)
    return f"TO_CHAR({name}, 'YYYY-MM-DD')" if column.type == "date" else name


def _text(column: Column) -> str:
    """The text of a value, as `lake/checksums.py` writes it."""
    name = quote_identifier(column.name)
    if column.type in ("float", "double"):
        return _float_text(name)
    forms = {
        "string": name,
        "char": f"RTRIM({name})",
        "boolean": f"CASE WHEN {name} THEN 't' WHEN NOT {name} THEN 'f' END",
        "date": f"TO_CHAR({name}, 'YYYY-MM-DD BC')",
        "timestamp": f"TO_CHAR({name}, 'YYYY-MM-DD HH24:MI:SS.US BC')",
    }
    return forms.get(column.type, f"CAST({name} AS VARCHAR)")


def _float_text(name: str) -> str:
    value = f"CAST({name} AS DOUBLE PRECISION)"
    size = f"ABS({value})"
    scaled = (
        f"CASE WHEN {size} >= {_power(LARGE)} THEN {size} / {_power(SCALE)} "
        f"WHEN {size} < {_power(SMALL)} THEN {size} * {_power(SCALE)} ELSE {size} END"
    )
    first = f"(({scaled}) - FLOOR({scaled})) * {_power(WORD)}"
    second = f"({first} - FLOOR({first})) * {_power(WORD)}"
    words = " || ':' || ".join(
        f"CAST(CAST(FLOOR({word}) AS BIGINT) AS VARCHAR)" for word in (scaled, first, second)
    )
    mark = (
        f"CASE WHEN {size} >= {_power(LARGE)} THEN 'l' WHEN {size} < {_power(SMALL)} THEN 's' "
        "ELSE 'm' END"
    )
    sign = f"CASE WHEN {value} < 0 THEN '-' ELSE '' END"
    return (
        f"CASE WHEN {size} < {_power(BEYOND)} THEN {sign} || {mark} || {words} "
        f"WHEN {name} IS NOT NULL THEN '~' END"
    )


def _power(number: float) -> str:
    """Write a power of two by the digits that mean this very number."""
    return f"CAST('{number!r}' AS DOUBLE PRECISION)"

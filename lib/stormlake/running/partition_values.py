"""`--values`: all values of a partition column, so that Athena can look into each."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import click

from stormlake.errors import RefusedInput
from stormlake.lake.types import Table


class _Values(click.ParamType[tuple[str, list[str]]]):
    """A partition column and all its values, `station=KTLX,KLBB`."""

    name = "values"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, list[str]]:
        """Read a column and its values."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        column, equals, values = value.partition("=")
        if not column or not equals:
            self.fail(f"{value!r} is not a column and its values, station=KTLX,KLBB", param, ctx)
        return column, values.split(",")


partition_values_option = click.option(
    "--values",
    type=_Values(),
    multiple=True,
    metavar="COLUMN=A,B",
    help="All values of a partition column such as station or job, so that Athena looks into each; "
    "without them a query must name the one that it wants.",
)


def listed_values(
    given: Sequence[tuple[str, list[str]]], tables: Iterable[Table]
) -> dict[str, list[str]]:
    """Give the values by column.

    Raises
    ------
    RefusedInput
        A column is given twice, or is no partition column of text of any of the tables.
    """
    columns = {c.name for table in tables for c in table.partitions if c.type == "string"}
    listed: dict[str, list[str]] = {}
    for column, values in given:
        if column not in columns:
            raise RefusedInput(
                f"--values {column}=…: no partition column of these tables is called so and is text"
            )
        if column in listed:
            raise RefusedInput(f"--values {column}=… is given twice; give all values in one list")
        listed[column] = values
    return listed

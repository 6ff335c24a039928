"""`--values`: all values of a partition column, so that Athena can look into each."""

from __future__ import annotations

from typing import Any

import click


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

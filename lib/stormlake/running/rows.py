"""Rows of an answer, for a person or for a program."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

from stormlake.lake.collect import collect_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

WIDEST: Final = 60
"""Characters of a cell that are shown."""


def print_rows(frame: DataFrame, limit: int) -> None:
    """Print the first rows as a table."""
    frame.show(limit, truncate=WIDEST)


def json_rows(frame: DataFrame, limit: int) -> list[dict[str, Any]]:
    """The first rows as JSON values: every column, times in UTC, days as ISO dates."""
    return [
        {name: _json_value(value) for name, value in row.items()}
        for row in collect_rows(frame, limit)
    ]


def _json_value(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None  # JSON has no such number
    return value

"""An answer of Athena's as a table for a person, as CSV, and as JSON.

Source: Amazon Athena API Reference, ColumnInfo, Datum.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Final

from stormlake.running.text_table import aligned

Row = tuple[str | None, ...]
"""A row as Athena wrote it; None is NULL."""

_INTEGERS: Final = frozenset({"tinyint", "smallint", "integer", "bigint"})
_FLOATS: Final = frozenset({"float", "real", "double"})


def table_lines(names: Sequence[str], rows: Iterable[Row]) -> list[str]:
    """Write rows below a line of headings, a line each; NULL is told from an empty text."""
    cells = [["NULL" if text is None else " ".join(text.split()) for text in row] for row in rows]
    return aligned([[name.upper().replace("_", " ") for name in names], *cells])


def csv_lines(names: Sequence[str], rows: Iterable[Row]) -> Iterator[str]:
    """Write rows as CSV (RFC 4180), without the ends of the lines.

    Notes
    -----
    NULL is nothing and an empty text is `""`: who reads them can tell one from the other.
    """
    for row in chain([tuple(names)], rows):
        yield ",".join("" if text is None else _quoted(text) for text in row)


def as_json(columns: Sequence[tuple[str, str]], rows: Iterable[Row]) -> list[dict[str, Any]]:
    """Write rows as JSON values by column; of two columns with one name the last is given.

    Parameters
    ----------
    columns : sequence of (str, str)
        Name, and type as Athena names it (`bigint`).
    rows : iterable of Row
    """
    return [
        {name: json_value(kind, text) for (name, kind), text in zip(columns, row, strict=True)}
        for row in rows
    ]


def json_value(kind: str, text: str | None) -> Any:
    """Give a value as the other commands' `--output json` does: times as ISO 8601 in UTC.

    Returns
    -------
    bool, int, float, str or None
        Decimals stay text, and so does what JSON has no number for (`NaN`).
    """
    if text is None:
        return None
    if kind in _INTEGERS:
        return int(text)
    if kind in _FLOATS:
        number = float(text)
        return number if math.isfinite(number) else text
    if kind == "boolean":
        return text == "true"
    if kind == "timestamp":
        time = datetime.fromisoformat(text).replace(tzinfo=UTC)
        return time.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return text


def _quoted(text: str) -> str:
    plain = text and text == text.strip() and not any(sign in text for sign in ',"\r\n')
    return text if plain else '"' + text.replace('"', '""') + '"'

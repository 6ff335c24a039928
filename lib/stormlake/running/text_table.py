"""Text in columns for a person, each as wide as its widest cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write each row as a line."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def text_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Write rows below a line of headings.

    Parameters
    ----------
    rows : sequence of mapping
        Cells by column; None and what is missing are empty.
    columns : sequence of str
        Which, in which order.
    """
    lines = [[name.upper().replace("_", " ") for name in columns]]
    lines += [[_cell(row.get(name)) for name in columns] for row in rows]
    return "\n".join(aligned(lines))


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())

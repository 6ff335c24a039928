"""A table of text for a person: columns as wide as their widest cell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


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
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    return "" if value is None else " ".join(str(value).split())

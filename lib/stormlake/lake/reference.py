"""The reference page of the tables: `python -m stormlake.lake.reference > docs/tables.md`."""

from __future__ import annotations

from collections.abc import Iterable

from stormlake.lake.tables import TABLES
from stormlake.lake.types import Column, Table

_HEAD = """\
<!-- Generated from lib/stormlake/lake/tables.py; do not edit. To make it anew:
     python -m stormlake.lake.reference > docs/tables.md -->
# The tables

Every table is a folder of the lake, `<lake>/<table>/<partition>=<value>/…/*.parquet`: Parquet with
zstd. Partition columns stand in the folder names, not in the files. Times are UTC to the
microsecond. A column that is not marked *required* may be NULL.

Read the files by `<table>/<partition>=*/…/*.parquet` rather than `<table>/**`: while a run writes,
and after one that was killed, the table's folder also holds a hidden `.spark-staging-…`.
"""


def reference_page(tables: Iterable[Table]) -> str:
    """Markdown page of the tables: what one row is, and every column.

    Parameters
    ----------
    tables : iterable of Table
        In the order of the page.

    Returns
    -------
    str
        The page, with a newline at its end.
    """
    return _HEAD + "".join(_section(table) for table in tables)


def _section(table: Table) -> str:
    folder = "/".join(f"{name}=…" for name in table.partition_names)
    lines = [
        "",
        f"## {table.name}",
        "",
        table.description,
        "",
        f"Partitioned by `{folder}`; rows within a file come by {', '.join(table.sort)}.",
        "",
        "| column | type | unit | meaning |",
        "| --- | --- | --- | --- |",
        *(_line(column, partition=True) for column in table.partitions),
        *(_line(column, partition=False) for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def _line(column: Column, partition: bool) -> str:
    notes = "*Partition.* " if partition else "" if column.nullable else "*Required.* "
    meaning = f"{notes}{column.description}".replace("|", "\\|")
    return f"| `{column.name}` | {column.type} | {column.unit} | {meaning} |"


if __name__ == "__main__":
    print(reference_page(TABLES.values()), end="")

"""What a query should have scanned: the bytes of the partitions that it asks for, by the records.

Beside it the bytes that Athena scanned show at once where a projection does not prune.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from stormlake.lake.partitions import Partition, PartitionWritten
from stormlake.lake.runs import RunRecord, latest_records
from stormlake.lake.sql_files import Value
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table
from stormlake.lake.views import view_files


@dataclass(frozen=True)
class Expected:
    """Partitions that a query asks for.

    Parameters
    ----------
    partitions, all_partitions : int
        Those asked for, of all that the tables have.
    bytes : int
        Of their files; a query that reads few columns scans less.
    """

    partitions: int
    all_partitions: int
    bytes: int


def tables_read(text: str) -> list[Table]:
    """Give the lake's tables that a query names, itself or by the project's views."""
    code = re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", text)
    views = view_files()
    seen: set[str] = set()
    left = [code]
    found: set[str] = set()
    while left:
        words = set(re.findall(r"[A-Za-z_]\w*", left.pop()))
        found |= words & set(TABLES)
        for name in words & set(views) - seen:
            seen.add(name)
            left.append(re.sub(r"--[^\n]*", " ", views[name]))
    return [table for name, table in TABLES.items() if name in found]


def expected_bytes(
    text: str, values: Mapping[str, Value], records: Sequence[RunRecord]
) -> Expected | None:
    """Add up the partitions that a query asks for; None where it reads none of the lake's tables.

    Parameters
    ----------
    text : str
    values : mapping of str to value
        Parameters. Two or more days or times are taken for a window, and one that is called as a
        partition column for its value; what stands in the text itself is not understood, so that
        without parameters all partitions count.
    records : sequence of RunRecord
        Of the lake.
    """
    tables = tables_read(text)
    if not tables:
        return None
    asked, everything = [], 0
    for table in tables:
        latest = latest_records(records, table.name)
        everything += len(latest)
        asked += [
            _written(record, table, partition)
            for partition, record in latest.items()
            if _is_asked(table, partition, values)
        ]
    return Expected(len(asked), everything, sum(each.bytes for each in asked))


def _written(record: RunRecord, table: Table, values: Partition) -> PartitionWritten:
    return next(each for each in record.tables[table.name] if each.values == values)


def _is_asked(table: Table, partition: Partition, values: Mapping[str, Value]) -> bool:
    window = _window(values.values())
    for name, value in zip(table.partition_names, partition, strict=True):
        if name in values and str(values[name]) != value:
            return False
        if name == "date" and window and not window[0] <= date.fromisoformat(value) <= window[1]:
            return False
    return True


def _window(values: Iterable[Value]) -> tuple[date, date] | None:
    """First and last day of the parameters that are days or times; None where they say none."""
    days = []
    for value in values:
        if isinstance(value, datetime):
            # The end of a window, in most queries, is exclusive.
            days.append((value, (value - timedelta(microseconds=1)).date()))
        elif isinstance(value, date):
            days.append((datetime(value.year, value.month, value.day), value))
    if len(days) < 2:
        return None
    plain = sorted((start.replace(tzinfo=None), last) for start, last in days)
    return plain[0][0].date(), max(plain[-1][1], plain[0][0].date())

"""Lake and warehouse side by side, for the partitions that the ledger says are loaded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from stormlake.errors import RefusedInput, ServiceUnreachable
from stormlake.lake.checksums import ROW, Checksum, Checksums, read_checksums
from stormlake.lake.local_store import LocalStore
from stormlake.lake.partitions import Partition
from stormlake.lake.runs import RunRecord, latest_records
from stormlake.lake.types import Table
from stormlake.running.job import Lake
from stormlake.warehouse.checksums import ROWS, checksum_queries
from stormlake.warehouse.data_api import DataApi, StatementFailed
from stormlake.warehouse.ledger import LedgerRow
from stormlake.warehouse.scope import scope_key

COUNT: Final = "(rows)"
"""In the place of a column's name: how many rows there are."""
RUN: Final = "(run)"
"""In the place of a column's name: the run whose rows they are."""


@dataclass(frozen=True)
class Difference:
    """One thing that is not the same on both sides.

    Parameters
    ----------
    table, partition : str
        The partition as `station=KTLX/date=2026-05-01`; empty for a table without partitions.
    column : str
        A column; `(rows)` for the count; `(row)` where every column has the same values, but not in
        the same rows; `(run)` where the lake's partition is another run's than the one loaded.
    lake, warehouse : str
        A count, a checksum or a run.
    """

    table: str
    partition: str
    column: str
    lake: str
    warehouse: str


@dataclass
class Compared:
    """What was found of one table.

    Parameters
    ----------
    table : str
    partitions : int
        Those that the ledger says are loaded.
    lake_rows, warehouse_rows : int
    columns : int
        Columns that were compared, partition columns among them.
    differences : list of Difference
        None where both sides are the same.
    """

    table: str
    partitions: int
    columns: int
    lake_rows: int = 0
    warehouse_rows: int = 0
    differences: list[Difference] = field(default_factory=list)


def newest(rows: Iterable[LedgerRow]) -> dict[str, LedgerRow]:
    """Give for each partition of a table the ledger's row of the run that started last."""
    found: dict[str, LedgerRow] = {}
    for row in sorted(rows, key=lambda row: (row.run_started, row.run_id)):
        found[row.scope] = row
    return found


def loaded_partitions(
    table: Table, rows: Iterable[LedgerRow], start: date | None, end: date | None
) -> dict[Partition, LedgerRow]:
    """Find what is loaded of a table.

    Parameters
    ----------
    table : Table
    rows : iterable of LedgerRow
        Of this table.
    start, end : date, optional
        UTC days, half-open. They mean nothing to a table without a date.

    Returns
    -------
    dict of tuple of str to LedgerRow
        For each partition the run that the warehouse has, by the partitions' values.
    """
    found = {}
    for key, row in newest(rows).items():
        values = partition_of(table, key)
        day = dict(zip(table.partition_names, values, strict=True)).get("date")
        # ISO days are in order as texts.
        before = day is not None and start is not None and day < start.isoformat()[:10]
        after = day is not None and end is not None and day >= end.isoformat()[:10]
        if not before and not after:
            found[values] = row
    return dict(sorted(found.items()))


def partition_of(table: Table, key: str) -> Partition:
    """Read a partition as the ledger writes it.

    Raises
    ------
    RefusedInput
        It is of another form of the table.
    """
    named = json.loads(key)
    if set(named) != set(table.partition_names):
        raise RefusedInput(
            f"the ledger has a partition {key} of {table.name}, which is by "
            f"{', '.join(table.partition_names) or 'nothing'} now: load it anew"
        )
    values = tuple(named[name] for name in table.partition_names)
    assert scope_key(table, values) == key
    return values


def compare(
    api: DataApi,
    lake: Lake,
    records: Sequence[RunRecord],
    table: Table,
    loaded: Mapping[Partition, LedgerRow],
) -> Compared:
    """Hold the lake's rows of some partitions against the warehouse's.

    Parameters
    ----------
    api : DataApi
    lake : Lake
    records : sequence of RunRecord
        The lake's.
    table : Table
    loaded : mapping of tuple of str to LedgerRow
        What is compared; `loaded_partitions` gives it.

    Returns
    -------
    Compared
        Where the counts of a partition differ its columns do too, and are left out.

    Raises
    ------
    RefusedInput
        The warehouse has no such table, or a file of the lake cannot be used.
    ServiceUnreachable
    """
    found = Compared(table.name, len(loaded), len(table.load_columns))
    latest = latest_records(records, table.name)
    for partitions, sql in checksum_queries(table, api.target.schema, list(loaded)):
        there = _of_warehouse(table, _ask(api, table, sql))
        for values in partitions:
            warehouse = there.get(values) or Checksums(table).found
            found.warehouse_rows += warehouse[ROW].count
            record = latest.get(values)
            if record is None:
                found.differences.append(
                    _difference(table, values, RUN, "no record", loaded[values].run_id)
                )
                continue
            ours = _of_lake(lake, table, record, values)
            found.lake_rows += ours[ROW].count
            differences = list(_differences(table, values, ours, warehouse))
            if differences and record.run_id != loaded[values].run_id:
                # Told only where it matters: two runs of one input leave the same rows.
                differences.append(
                    _difference(table, values, RUN, record.run_id, loaded[values].run_id)
                )
            found.differences += differences
    return found


def _differences(
    table: Table,
    values: Partition,
    lake: Mapping[str, Checksum],
    warehouse: Mapping[str, Checksum],
) -> Iterator[Difference]:
    if lake[ROW].count != warehouse[ROW].count:
        yield _difference(table, values, COUNT, lake[ROW].count, warehouse[ROW].count)
        return
    columns = [
        column.name for column in table.columns if lake[column.name] != warehouse[column.name]
    ]
    # The rows differ wherever a column does; alone they tell of values in other rows.
    for name in columns or ([ROW] if lake[ROW] != warehouse[ROW] else []):
        yield _difference(table, values, name, lake[name], warehouse[name])


def _difference(
    table: Table, values: Partition, column: str, lake: object, warehouse: object
) -> Difference:
    pairs = zip(table.partition_names, values, strict=True)
    partition = "/".join(f"{name}={value}" for name, value in pairs)
    return Difference(table.name, partition, column, str(lake), str(warehouse))


def _ask(api: DataApi, table: Table, sql: str) -> list[dict[str, Any]]:
    try:
        return api.query(sql)
    except StatementFailed as error:
        raise RefusedInput(
            f"{table.name} of {api.target} cannot be read: {error.error}; `stormlake ddl --engine "
            f"redshift {table.name} --apply` tells how it differs from its definition"
        ) from error


def _of_warehouse(
    table: Table, rows: Iterable[dict[str, Any]]
) -> dict[Partition, dict[str, Checksum]]:
    found = {}
    for row in rows:
        sums = {
            column.name: Checksum(int(row[f"count_{n}"]), int(row[f"total_{n}"]))
            for n, column in enumerate(table.columns)
        }
        values = tuple(str(row[f"part_{n}"]) for n in range(len(table.partitions)))
        found[values] = sums | {ROW: Checksum(int(row[ROWS]), int(row["row_total"]))}
    return found


def _of_lake(lake: Lake, table: Table, record: RunRecord, values: Partition) -> dict[str, Checksum]:
    (written,) = (each for each in record.tables[table.name] if each.values == values)
    if lake.access is None:
        from pyarrow.fs import LocalFileSystem

        assert isinstance(lake.store, LocalStore)
        root, files = str(lake.store.root), LocalFileSystem()
    else:
        root, files = lake.uri.removeprefix("s3://"), lake.access.arrow_files()
    try:
        return read_checksums(table, [f"{root}/{file.path}" for file in written.files], files)
    except OSError as error:
        if lake.access is None:
            raise
        if "ACCESS_DENIED" in str(error):
            raise RefusedInput(f"{lake.uri} may not be read: {error}") from error
        raise ServiceUnreachable(f"{lake.uri} cannot be read: {error}") from error

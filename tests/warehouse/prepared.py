"""Exports as a load finds them, made without Spark: files and manifest in the stand-in's bucket."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.tables import ALERTS, REQUESTS_BY_OS
from stormlake.lake.types import Table, arrow_fields
from stormlake.warehouse.data_api import DataApi
from stormlake.warehouse.manifest import Manifest, ManifestFile, manifest_text
from stormlake.warehouse.scope import LoadScope
from stormlake.warehouse.statements import How
from tests.fakes.redshift_data.server import RedshiftStandIn

Row = Mapping[str, Any]
STARTED = datetime(2026, 5, 1, 3, tzinfo=UTC)


def quick(stand_in: RedshiftStandIn, timeout: float = 60) -> DataApi:
    """A client that looks again at once: the stand-in is done in milliseconds."""
    return DataApi(
        stand_in.aws(), stand_in.target, timeout=timeout, sleep=lambda _: time.sleep(0.005)
    )


def how(stand_in: RedshiftStandIn, **others: Any) -> How:
    return How(stand_in.iam_role, **others)


def scope_of(
    table: Table,
    rows: Sequence[Row],
    *,
    run_id: str = "run-1",
    started: datetime = STARTED,
    empty: Sequence[tuple[str, ...]] = (),
    job: str = "a-job",
) -> LoadScope:
    """The scope of a run that left these rows, and these partitions without any."""
    counts: dict[tuple[str, ...], int] = dict.fromkeys(empty, 0)
    for row in rows:
        values = tuple(str(row[name]) for name in table.partition_names)
        counts[values] = counts.get(values, 0) + 1
    partitions = tuple(
        PartitionWritten(values, (FileWritten("in/the/lake", count, 1),) if count else ())
        for values, count in sorted(counts.items())
    )
    return LoadScope(table, job, run_id, started, partitions)


def parquet(table: Table, rows: Sequence[Row], schema: Any = None) -> bytes:
    """A file as an export writes it, columns in the order of the load."""
    schema = schema or arrow_fields(table.load_columns)
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=schema), out)
    return out.getvalue()


def manifest_of(
    stand_in: RedshiftStandIn, table: Table, rows: Sequence[Row], name: str, files: int = 2
) -> Manifest:
    """Put an export's files and manifest."""
    entries = []
    for number in range(files if rows else 0):
        some = list(rows[number::files])
        body = parquet(table, some)
        url = stand_in.put(f"unload/{name}/part-{number}.parquet", body)
        entries.append(ManifestFile(url, len(body), len(some)))
    url = stand_in.put(f"unload/{name}/manifest.json", manifest_text(entries))
    return Manifest(url, name, tuple(entries))


def row_of(table: Table, **values: Any) -> dict[str, Any]:
    """A row with these values; every other required column has a plain one, the rest is NULL."""
    plain: dict[str, Any] = {
        "short": 1,
        "int": 2,
        "long": 3,
        "float": 0.5,
        "double": 0.25,
        "string": "x",
        "char": "x",
        "boolean": True,
        "date": date(2026, 4, 30),
        "timestamp": datetime(2026, 4, 30, 12, tzinfo=UTC),
    }
    return {
        column.name: None if column.nullable else plain[column.type]
        for column in table.load_columns
    } | values


def os_rows(day: str, *requests: int) -> list[dict[str, Any]]:
    """Rows of `requests_by_os` for one day, one for each number of requests."""
    return [
        row_of(REQUESTS_BY_OS, os=f"os {at}", requests=count, date=date.fromisoformat(day))
        for at, count in enumerate(requests)
    ]


def alert_rows(day: str, **messages: str) -> list[dict[str, Any]]:
    """Rows of `alerts` for one day, by their id."""
    return [
        row_of(ALERTS, alert_id=key, message=text, source="wind", date=date.fromisoformat(day))
        for key, text in messages.items()
    ]


def as_loaded(table: Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows as `RedshiftStandIn.rows` gives them: a TIMESTAMP has no zone."""
    plain = [
        {
            name: value.replace(tzinfo=None) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        for row in rows
    ]
    names = [column.name for column in table.load_columns]
    return sorted(plain, key=lambda row: [(row[name] is None, row[name]) for name in names])

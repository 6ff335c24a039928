"""A lake as runs leave it, made without Spark: files of whole partitions, and a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.runs import RunRecord, write_record
from stormlake.lake.store import LocalStore
from stormlake.lake.types import Table, arrow_fields
from tests.warehouse.prepared import STARTED


def leave(
    lake: Path,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    run_id: str = "run-1",
    started: datetime = STARTED,
    job: str = "a-job",
    empty: Sequence[tuple[str, ...]] = (),
) -> None:
    """Replace the partitions of these rows, and write the run's record."""
    parts: dict[tuple[str, ...], list[Mapping[str, Any]]] = {values: [] for values in empty}
    for row in rows:
        parts.setdefault(tuple(str(row[name]) for name in table.partition_names), []).append(row)
    schema = arrow_fields(table.columns)
    written = []
    for values, some in sorted(parts.items()):
        pairs = zip(table.partition_names, values, strict=True)
        folder = Path(table.name, *(f"{name}={value}" for name, value in pairs))
        (lake / folder).mkdir(parents=True, exist_ok=True)
        for old in (lake / folder).glob("*.parquet"):
            old.unlink()
        files = []
        if some:
            path = folder / f"part-{run_id}.parquet"
            plain = [{name: row[name] for name in schema.names} for row in some]
            pq.write_table(pa.Table.from_pylist(plain, schema), lake / path)
            size = (lake / path).stat().st_size
            files = [FileWritten(path.as_posix(), len(some), size)]
        written.append(PartitionWritten(values, tuple(files)))
    write_record(
        LocalStore(lake),
        RunRecord(
            *(job, run_id, "0123456789abcdef", started, started + timedelta(minutes=1), True, 0),
            *("stormlake", "c", "l", "s3://archive", {table.name: tuple(written)}),
            partitions={table.name: table.partition_names},
        ),
    )

"""Lakes with rows that are hard to carry, and what it takes to export them in the test's Spark."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from stormlake.lake.files import LakeFiles
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.s3_store import S3Store
from stormlake.lake.types import Column, Table, arrow_fields
from stormlake.s3_access import S3Access, hadoop_settings
from stormlake.warehouse.exporting import Exported, Unload, export
from stormlake.warehouse.loading import Loaded, load
from stormlake.warehouse.scope import LoadScope
from tests.fakes.redshift_data.server import REGION, RedshiftStandIn
from tests.fakes.s3 import CREDENTIALS, S3Server
from tests.fakes.sessions import fake_session
from tests.warehouse.prepared import STARTED, how, quick

Row = Mapping[str, Any]

TEXTS = (
    "",
    " ",
    "two\nlines\r\nand a tab\t",
    "a\\backslash\\n",
    'it\'s "quoted"',
    "a|b,c;d",
    "NULL",
    "\\N",
    "日本語 🌩",
    "Ünïcödé",
)
NUMBERS: Mapping[str, Sequence[Any]] = {
    "short": (-(2**15), 2**15 - 1, 0),
    "int": (-(2**31), 2**31 - 1, 0),
    "long": (-(2**63), 2**63 - 1, 0),
    "float": (-3.4028234663852886e38, 3.4028234663852886e38, 1.1754943508222875e-38, 0.0, 0.1),
    "double": (-1.7976931348623157e308, 1.7976931348623157e308, 2.2250738585072014e-308, 0.1, 0.0),
    "boolean": (True, False),
    "date": (date(1, 1, 1), date(9999, 12, 31), date(2024, 2, 29), date(1582, 10, 10)),
    "timestamp": (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1582, 10, 10, 12, tzinfo=UTC),
        datetime(2026, 3, 29, 1, 30, tzinfo=UTC),
    ),
}
"""Ends of every type, days of the calendar reform, and an hour that a summer time leaves out."""
FOLDERS = ("KLBB", "a b", "x=y", "it's", "{[*]}?", "100%", "ü")
"""Values of a partition column of text."""


def hard_rows(table: Table, count: int = 12) -> list[dict[str, Any]]:
    """Rows that have every kind of value of each column, and NULL wherever it may be."""
    columns = [islice(cycle(_values(table, column)), count) for column in table.load_columns]
    names = [column.name for column in table.load_columns]
    rows = [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]
    for number, row in enumerate(rows):
        for key in table.warehouse.key:
            row[key] = f"key {number}"
    return rows


def _values(table: Table, column: Column) -> Iterator[Any]:
    partition = column in table.partitions
    if column.type == "string":
        assert column.bytes is not None
        if partition:
            yield from FOLDERS
            return
        room = column.bytes
        # Two bytes each, as many as fit, to the last byte.
        yield "é" * (room // 2) + "x" * (room % 2)
        yield from (text for text in TEXTS if len(text.encode()) <= room)
    else:
        yield from NUMBERS[column.type]
    if column.nullable:
        yield None


def write_lake(
    spark: Any, lake: Path, table: Table, rows: Sequence[Row], files: int = 1, mark: str = "a"
) -> tuple[PartitionWritten, ...]:
    """Put rows into a lake as a run does, without the time that a Spark job takes."""
    where = LakeFiles(spark, str(lake))
    parts: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        parts.setdefault(tuple(str(row[n]) for n in table.partition_names), []).append(row)
    written = []
    for values, some in sorted(parts.items()):
        folder = where.partition_path(table, values)
        (lake / folder).mkdir(parents=True, exist_ok=True)
        left = []
        for number in range(min(files, len(some))):
            path = f"{folder}/part-{number}-{mark}.zstd.parquet"
            data = [
                {column.name: row[column.name] for column in table.columns}
                for row in some[number::files]
            ]
            frame = pa.Table.from_pylist(data, schema=arrow_fields(table.columns))
            pq.write_table(frame, lake / path, compression="zstd")
            left.append(FileWritten(path, len(data), (lake / path).stat().st_size))
        written.append(PartitionWritten(values, tuple(left)))
    return tuple(written)


def scope_in(
    table: Table, partitions: Sequence[PartitionWritten], run_id: str = "run-1", **others: Any
) -> LoadScope:
    """The scope of a run that left these partitions."""
    facts = {"job": "a-job", "run_started": STARTED} | others
    return LoadScope(table, run_id=run_id, partitions=tuple(partitions), **facts)


def reach(spark: Any, server: S3Server) -> None:
    """Let the test's Spark reach the server's buckets."""
    conf = spark._jsc.hadoopConfiguration()
    for name, value in hadoop_settings(server.endpoint_url, REGION).items():
        conf.set(name.removeprefix("spark.hadoop."), value)
    conf.set("fs.s3a.access.key", CREDENTIALS["AWS_ACCESS_KEY_ID"])
    conf.set("fs.s3a.secret.key", CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    conf.set(
        "fs.s3a.aws.credentials.provider",
        "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider",
    )


def unload_to(stand_in: RedshiftStandIn, prefix: str = "unload") -> Unload:
    """The prefix that a load of the stand-in exports to."""
    session = fake_session(REGION)
    client = session.client("s3", endpoint_url=stand_in.endpoint_url)
    return Unload(
        f"s3://{stand_in.bucket}/{prefix}",
        S3Store(client, stand_in.bucket, prefix),
        S3Access(session, stand_in.endpoint_url, REGION),
    )


def bring(
    spark: Any, lake: Path, scope: LoadScope, stand_in: RedshiftStandIn
) -> tuple[Exported, Loaded]:
    """Export a scope and load it."""
    exported = export(lambda: spark, str(lake), scope, unload_to(stand_in))
    return exported, load(quick(stand_in), scope, exported.manifest, how(stand_in))


def alike(table: Table, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Rows whose REAL values are what four bytes hold, however they were written."""
    floats = {column.name for column in table.load_columns if column.type == "float"}
    return [
        {
            name: _four_bytes(value) if name in floats and value is not None else value
            for name, value in row.items()
        }
        for row in rows
    ]


def _four_bytes(value: float) -> float:
    # PostgreSQL's shortest text of the largest REAL is a little larger than it.
    largest = 3.4028234663852886e38
    four: float = struct.unpack("f", struct.pack("f", max(-largest, min(largest, value))))[0]
    return four

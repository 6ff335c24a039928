"""Athena for each test: the stand-in, with a small lake of two stations and three days."""

from __future__ import annotations

import functools
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from stormlake.athena.execution import Athena
from stormlake.cli import main
from stormlake.lake.ddl import ddl
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.runs import RunRecord, write_record
from stormlake.lake.store import S3Store
from stormlake.lake.tables import (
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
)
from stormlake.lake.types import Table, arrow_fields
from stormlake.lake.views import ordered_views
from tests.fakes.athena.server import DATABASE, WORKGROUP, AthenaStandIn
from tests.fakes.s3 import S3Server, s3_server
from tests.warehouse.prepared import row_of

STARTED = datetime(2026, 5, 4, tzinfo=UTC)
GRID = "lake-01234567"
Lake = dict[Table, list[dict[str, Any]]]
"""Rows by table."""
DAYS = [date(2026, 5, day) for day in (1, 2, 3)]


@pytest.fixture(scope="session")
def athena_s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def stand_in(athena_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[AthenaStandIn]:
    with AthenaStandIn(athena_s3, f"athena-{uuid.uuid4().hex[:12]}") as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        # The stand-in is done in milliseconds.
        monkeypatch.setattr("stormlake.athena.execution._FIRST_LOOK", 0.005)
        yield server


@pytest.fixture
def athena(stand_in: AthenaStandIn) -> Athena:
    return Athena(stand_in.aws(), stand_in.place)


@pytest.fixture
def lake(stand_in: AthenaStandIn) -> Lake:
    """Rows by table, as they stand in the bucket with the record of their run."""
    rows = lake_rows()
    tables = {table: put(stand_in, table, some) for table, some in rows.items()}
    record_run(stand_in, "first", tables)
    return rows


def lake_rows() -> Lake:
    """Two stations, three days, two volumes a day; some columns reach 35 dBZ."""
    found: Lake = {
        RADAR_VOLUMES: [],
        RADAR_COLUMNS: [],
        RADAR_GRID: [],
        RADAR_GEOMETRY: [],
    }
    for station in ("KTLX", "KLBB"):
        for iy, ix in ((0, 0), (0, 1)):
            found[RADAR_GEOMETRY].append(
                row_of(RADAR_GEOMETRY, iy=iy, ix=ix, station=station, grid=GRID, x=float(ix))
            )
        for number, day in enumerate(DAYS):
            for hour in (3, 15):
                time = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
                own = {"station": station, "date": day}
                found[RADAR_VOLUMES].append(
                    row_of(
                        RADAR_VOLUMES,
                        **own,
                        key=f"{station}{time:%Y%m%d_%H%M%S}_V06",
                        key_time=time,
                        volume_time=time,
                        status="ok",
                        grid=GRID,
                        profile="lake",
                    )
                )
                cell = {"volume_time": time, "iy": 0, "ix": hour // 15}
                high = 30.0 + 10 * number + (station == "KTLX")
                found[RADAR_COLUMNS].append(
                    row_of(RADAR_COLUMNS, **own, **cell, composite_reflectivity=high)
                )
                found[RADAR_GRID].append(row_of(RADAR_GRID, **own, **cell, reflectivity=high))
    return found


def put(
    stand_in: AthenaStandIn, table: Table, rows: list[dict[str, Any]]
) -> tuple[PartitionWritten, ...]:
    """Put a table's rows as the lake has them, a file for each partition."""
    parts: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for row in rows:
        values = tuple(str(row[name]) for name in table.partition_names)
        parts.setdefault(values, []).append(row)
    written = []
    for values, some in sorted(parts.items()):
        out = io.BytesIO()
        plain = [{c.name: row[c.name] for c in table.columns} for row in some]
        pq.write_table(pa.Table.from_pylist(plain, schema=arrow_fields(table.columns)), out)
        folders = "/".join(f"{n}={v}" for n, v in zip(table.partition_names, values, strict=True))
        path = f"{table.name}/{folders}/part-0.parquet"
        body = out.getvalue()
        stand_in.s3.put_object(Bucket=stand_in.bucket, Key=f"lake/{path}", Body=body)
        written.append(PartitionWritten(values, (FileWritten(path, len(some), len(body)),)))
    return tuple(written)


def record_run(
    stand_in: AthenaStandIn,
    run_id: str,
    tables: dict[Table, tuple[PartitionWritten, ...]],
    started: datetime = STARTED,
) -> None:
    write_record(
        S3Store(stand_in.s3, stand_in.bucket, "lake"),
        RunRecord(
            *("a-job", run_id, "0123456789abcdef", started, started + timedelta(minutes=1)),
            *(True, 0, "stormlake", "c", "l", "s3://archive"),
            tables={table.name: written for table, written in tables.items()},
            partitions={table.name: table.partition_names for table in tables},
        ),
    )


@pytest.fixture
def registered(stand_in: AthenaStandIn, lake: Lake) -> Lake:
    """The lake's tables and views are in the catalog; both stations are listed there."""
    run = functools.partial(stand_in.engine.run, DATABASE, values=[])
    stand_in.engine.run("", f"CREATE DATABASE IF NOT EXISTS `{DATABASE}`", [])
    for table in lake:
        text = ddl(table, "athena", stand_in.lake, values={"station": ["KTLX", "KLBB"]})
        run(text.rstrip().rstrip(";"))
    geometry = stand_in.engine.databases[DATABASE]["radar_geometry"]
    geometry.registered |= {("KTLX", GRID), ("KLBB", GRID)}
    for name, text in ordered_views().items():
        run(f'CREATE OR REPLACE VIEW "{name}" AS\n{text}')
    return lake


def command(*arguments: str, workgroup: str = WORKGROUP) -> Result:
    """Run `stormlake athena …` in the stand-in's workgroup and database."""
    place = ("--workgroup", workgroup, "--database", DATABASE)
    return CliRunner().invoke(main, ["athena", *arguments, *place])


def register(stand_in: AthenaStandIn, *more: str) -> Result:
    values = ("--values", "station=KTLX,KLBB")
    return command("register", "--all", "--lake", stand_in.lake, *values, *more)

"""A small lake, written with pyarrow in the shape that the job writes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from stormlake.lake.tables import RADAR_COLUMNS, RADAR_GEOMETRY, RADAR_VOLUMES, arrow_schema
from stormlake.lake.types import Table
from stormlake.radar.geometry import cell_latitude_longitude
from stormlake.radar.profiles import Grid

GRID = Grid((20, 61, 81), (1000.0, 20_000.0), (-120_000.0, 120_000.0), (-160_000.0, 160_000.0))
KTLX = (35.33306, -97.27750)
FIRST = datetime(2026, 5, 1, 21, 0, tzinfo=UTC)
SECOND = datetime(2026, 5, 1, 21, 5, tzinfo=UTC)
LAST = datetime(2026, 5, 2, 0, 1, 30, 250_000, tzinfo=UTC)


def write(root: Path, table: Table, rows: list[dict[str, Any]]) -> None:
    """Append rows to a table of the lake, Hive-partitioned, as Spark lays it."""
    schema = arrow_schema(table)
    partitions = ds.partitioning(
        pa.schema([schema.field(name) for name in table.partition_names]), flavor="hive"
    )
    ds.write_dataset(
        pa.Table.from_pylist(rows, schema=schema),
        root / table.name,
        format="parquet",
        partitioning=partitions,
        existing_data_behavior="overwrite_or_ignore",
    )


def volume_row(time: datetime, **changes: Any) -> dict[str, Any]:
    """A row of `radar_volumes`."""
    return {
        "station": "KTLX",
        "date": time.date(),
        "key": f"KTLX{time:%Y%m%d_%H%M%S}_V06",
        "volume_time": time,
        "size": 1,
        "status": "ok",
        "vcp": 212,
        "latitude": KTLX[0],
        "longitude": KTLX[1],
        "altitude": 370.0,
        "grid": "lake-0123abcd",
        "cuts": 13,
        "chosen_cuts": "0 2 4 5 8 9 10 11 12",
        "qc_method": "dualpol",
        "columns": 2,
        "profile": "lake",
        "profile_hash": "0",
        "software": "stormlake",
        "run_id": "r",
    } | changes


def column_row(time: datetime, iy: int, ix: int, dbz: float, **changes: Any) -> dict[str, Any]:
    """A row of `radar_columns`."""
    return {
        "station": "KTLX",
        "date": time.date(),
        "volume_time": time,
        "iy": iy,
        "ix": ix,
        "composite_reflectivity": dbz,
        "echo_top_18": 9000.0,
        "vil": 12.5,
    } | changes


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """KTLX: three volumes with echo, the last partial, a rejected one, and one without echo."""
    root = tmp_path_factory.mktemp("lake")
    volumes = [
        volume_row(FIRST),
        volume_row(SECOND),
        volume_row(LAST, status="partial", reason="no_end_of_volume", vcp=None),
        volume_row(
            datetime(2026, 5, 2, 0, 10, tzinfo=UTC), status="rejected", reason="decode_error"
        ),
        volume_row(datetime(2026, 4, 30, 12, tzinfo=UTC), columns=0),
        volume_row(FIRST, station="KLBB", status="rejected", reason="not_level2", grid=None),
    ]
    write(root, RADAR_VOLUMES, volumes)
    columns = [
        column_row(FIRST, 10, 20, 33.3),
        column_row(FIRST, 50, 70, 61.2, echo_top_18=None),
        column_row(SECOND, 11, 21, 44.4),
        column_row(SECOND, 12, 22, 20.0),
        column_row(LAST, 40, 10, 52.0),
        column_row(LAST, 41, 10, 26.0),
    ]
    write(root, RADAR_COLUMNS, columns)
    latitude, longitude = cell_latitude_longitude(GRID, *KTLX)
    geometry = [
        {
            "station": "KTLX",
            "grid": name,
            "iy": iy,
            "ix": ix,
            "x": GRID.x[ix] + shift,
            "y": GRID.y[iy],
            "latitude": latitude[iy, ix],
            "longitude": longitude[iy, ix],
        }
        # A station that moved has two grids; only the volume's own may be used.
        for name, shift in (("lake-0123abcd", 0.0), ("lake-ffffffff", 1e6))
        for iy, ix in np.ndindex(latitude.shape)
    ]
    write(root, RADAR_GEOMETRY, geometry)
    assert (root / "radar_volumes" / "station=KTLX" / f"date={date(2026, 5, 2)}").is_dir()
    return root

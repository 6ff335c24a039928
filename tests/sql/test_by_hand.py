"""The queries on a lake small enough to work out by hand; DuckDB alone, no Spark."""

from __future__ import annotations

import datetime as dt
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from stormlake.lake.tables import TABLES, arrow_schema
from tests.sql.engines import SQL, add_views, open_duckdb, rows

DAY = dt.date(2026, 5, 1)
GRID = "tiny-00000001"


def at(hour: int, minute: int, day: int = 1) -> dt.datetime:
    return dt.datetime(2026, 5, day, hour, minute, tzinfo=dt.UTC)


def volume(time: dt.datetime | None, status: str = "ok", **more: Any) -> dict[str, Any]:
    key = f"KAAA{time:%Y%m%d_%H%M%S}_V06" if time else "unreadable"
    grid = GRID if status in ("ok", "partial") else None
    row = {"station": "KAAA", "date": DAY, "key": key, "key_time": time, "volume_time": time}
    row |= {"status": status, "grid": grid, "qc_method": "dualpol"} | more
    required = {"size": 1, "profile": "tiny", "profile_hash": "0", "software": "s", "run_id": "r"}
    return row | required


def column(time: dt.datetime, iy: int, ix: int, composite: float, **more: Any) -> dict[str, Any]:
    row = {"station": "KAAA", "date": DAY, "volume_time": time, "iy": iy, "ix": ix}
    return row | {"composite_reflectivity": composite, "echo_top_18": 3000.0, "vil": 0.5} | more


def cell(time: dt.datetime, iy: int, ix: int, reflectivity: float) -> dict[str, Any]:
    row = {"station": "KAAA", "date": DAY, "volume_time": time, "iy": iy, "ix": ix}
    return row | {"level": 0, "height": 1000.0, "reflectivity": reflectivity}


def geometry(station: str = "KAAA", grid: str = GRID, dx: float = 3000.0) -> list[dict[str, Any]]:
    """3 x 3 cells, steps of `dx` to the east and 2 km to the north."""
    return [
        {
            "station": station,
            "grid": grid,
            "iy": iy,
            "ix": ix,
            "x": dx * (ix - 1),
            "y": 2000.0 * (iy - 1),
            "latitude": 35.0 + iy,
            "longitude": -97.0 + ix,
        }
        for iy in range(3)
        for ix in range(3)
    ]


def lake(**tables: list[dict[str, Any]]) -> duckdb.DuckDBPyConnection:
    connection = open_duckdb()
    for name, table in TABLES.items():
        arrow = pa.Table.from_pylist(tables.get(name, []), schema=arrow_schema(table))
        connection.register(f"{name}_rows", arrow)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM {name}_rows")
    add_views(connection)
    return connection


@pytest.fixture
def stormy() -> duckdb.DuckDBPyConnection:
    """Three volumes with echo, one without, one rejected; cells of 3 km x 2 km = 6 km2."""
    first, second, third, quiet = at(20, 5), at(20, 55), at(22, 0), at(23, 59)
    return lake(
        radar_volumes=[
            volume(first),
            volume(second, "partial", reason="no_end_of_volume"),
            volume(third, qc_method="reflectivity_only"),
            # Began at 23:59:00 by its name; its first ray is of the next day's first hour.
            volume(at(0, 0, day=2), key_time=quiet, key="KAAA20260501_235900_V06"),
            volume(None, "rejected", reason="not_level2"),
            volume(first, "skipped", reason="duplicate_volume", key="copy"),
        ],
        radar_columns=[
            column(first, 0, 0, 34.9),
            column(first, 0, 1, 35.0),
            column(first, 2, 2, 51.5),
            column(second, 1, 1, 20.0),
            column(third, 1, 1, 41.0),
        ],
        radar_geometry=geometry(),
    )


def test_echo_of_a_volume_is_its_columns_times_the_area_of_a_cell(stormy) -> None:
    found = rows(
        stormy.sql(
            "SELECT volume_time, start_hour, cell_area, echo_columns, strong_columns, echo_area, "
            "strong_area, max_reflectivity FROM radar_volume_echo ORDER BY volume_time"
        )
    )
    assert found == [
        # 35.0 dBZ counts, 34.9 does not.
        (at(20, 5), at(20, 0), 6.0, 3, 2, 18.0, 12.0, 51.5),
        (at(20, 55), at(20, 0), 6.0, 1, 0, 6.0, 0.0, 20.0),
        (at(22, 0), at(22, 0), 6.0, 1, 1, 6.0, 6.0, 41.0),
        (at(0, 0, day=2), at(23, 0), 6.0, 0, 0, 0.0, 0.0, None),
    ]


def test_a_day_has_its_hours_with_echo_and_its_mean_over_all_volumes(stormy) -> None:
    assert rows(stormy.sql("SELECT * FROM radar_daily_echo")) == [
        # Hours 20 and 22; (12 + 0 + 6 + 0) / 4 = 4.5 km2.
        ("KAAA", DAY, 4, 1, 3, 2, 4.5, 12.0, 51.5)
    ]


def test_a_day_without_echo_has_zeros_and_no_maximum() -> None:
    day = lake(radar_volumes=[volume(at(3, 0)), volume(at(3, 6))], radar_geometry=geometry())
    assert rows(day.sql("SELECT * FROM radar_daily_echo")) == [
        ("KAAA", DAY, 2, 0, 2, 0, 0.0, 0.0, None)
    ]


def test_a_day_of_rejects_alone_has_no_row() -> None:
    day = lake(radar_volumes=[volume(None, "rejected", reason="not_level2")])
    assert rows(day.sql("SELECT * FROM radar_daily_echo")) == []


def test_a_duplicate_or_rejected_volume_does_not_multiply_cells() -> None:
    time = at(20, 5)
    twice = lake(
        radar_volumes=[
            volume(time),
            volume(time, key="again"),  # not what the job writes, and still no harm
            volume(time, "skipped", reason="duplicate_volume", key="copy", grid=GRID),
            volume(time, "rejected", reason="no_dual_pol", key="other", grid=GRID),
        ],
        radar_grid=[cell(time, 1, 0, 33.3)],
        radar_columns=[column(time, 1, 0, 33.3)],
        radar_geometry=[*geometry(), *geometry(grid="tiny-of-before"), *geometry(station="KBBB")],
    )
    assert rows(twice.sql("SELECT * FROM radar_grid_located")) == [
        ("KAAA", DAY, time, GRID, 0, 1000.0, 1, 0, -3000.0, 0.0, 36.0, -97.0, pytest.approx(33.3))
    ]
    assert len(rows(twice.sql("SELECT * FROM radar_columns_located"))) == 1
    assert rows(twice.sql("SELECT volumes, max_strong_area FROM radar_daily_echo")) == [(1, 0.0)]


def test_each_volume_is_placed_by_its_own_grid_when_the_station_has_moved() -> None:
    before, after = at(1, 0), at(2, 0)
    moved = lake(
        radar_volumes=[volume(before, grid="old"), volume(after, grid="new")],
        radar_columns=[column(before, 0, 0, 40.0), column(after, 0, 0, 40.0)],
        radar_geometry=[*geometry(grid="old", dx=1000.0), *geometry(grid="new", dx=4000.0)],
    )
    assert rows(moved.sql("SELECT grid, x FROM radar_columns_located ORDER BY volume_time")) == [
        ("old", -1000.0),
        ("new", -4000.0),
    ]
    assert rows(
        moved.sql("SELECT grid, cell_area FROM radar_volume_echo ORDER BY volume_time")
    ) == [("old", 2.0), ("new", 8.0)]


def test_a_volume_that_is_not_recorded_yet_has_no_located_rows() -> None:
    half = lake(
        radar_grid=[cell(at(1, 0), 0, 0, 30.0)],
        radar_columns=[column(at(1, 0), 0, 0, 30.0)],
        radar_geometry=geometry(),
    )
    assert rows(half.sql("SELECT * FROM radar_grid_located")) == []
    assert rows(half.sql("SELECT * FROM radar_columns_located")) == []


def test_storm_days_rank_by_area_then_by_maximum_then_by_date() -> None:
    days = {2: [36.0], 3: [36.0, 36.0], 4: [50.0], 5: [36.0], 6: [34.9]}
    volumes, columns = [], []
    for day, values in days.items():
        time = at(12, 0, day=day)
        volumes.append(volume(time, date=time.date()))
        columns += [column(time, 0, ix, v, date=time.date()) for ix, v in enumerate(values)]
    ranked = lake(radar_volumes=volumes, radar_columns=columns, radar_geometry=geometry())
    query = (SQL / "radar" / "storm_days.sql").read_text(encoding="utf-8")
    found = rows(ranked.sql(query).project("storm_rank, date, max_strong_area"))
    # The 6th stays below 35 dBZ.
    assert [(rank, date.day, area) for rank, date, area in found] == [
        (1, 3, 12.0),
        (2, 4, 6.0),
        (3, 2, 6.0),
        (4, 5, 6.0),
    ]

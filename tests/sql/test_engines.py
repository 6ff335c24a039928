"""The queries over a lake that the job wrote: Spark, DuckDB and plain pandas give the same."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pytest

from stormlake.lake.views import register_tables
from stormlake.radar.profiles import LAKE
from tests.sql.engines import (
    RADAR,
    add_tables,
    add_views,
    comparable,
    open_duckdb,
    rows,
    spark_rows,
    view_name,
)

pytestmark = pytest.mark.spark

CLOSE = 1e-9


@pytest.fixture(scope="module")
def duck(lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    connection = open_duckdb()
    add_tables(connection, lake)
    add_views(connection)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def tables(spark, lake: Path) -> None:
    register_tables(spark, str(lake))


@pytest.mark.parametrize("path", RADAR, ids=lambda path: path.stem)
def test_spark_and_duckdb_give_equal_rows(spark, tables, duck, path: Path) -> None:
    query = path.read_text(encoding="utf-8")
    of_spark, of_duckdb = spark_rows(spark.sql(query)), comparable(rows(duck.sql(query)))
    if view_name(path):  # a view has no order
        of_spark, of_duckdb = sorted(of_spark), sorted(of_duckdb)
    assert of_spark, "nothing was compared"
    assert of_spark == of_duckdb


def test_daily_echo_is_what_pandas_finds_in_the_files(spark, tables, lake: Path) -> None:
    found = {
        (row.station, row.date): (row.volumes, row.hours_with_echo, row.max_strong_area, row.mean)
        for row in spark.sql(
            "SELECT station, date, volumes, hours_with_echo, max_strong_area, "
            "mean_strong_area AS mean FROM radar_daily_echo"
        ).collect()
    }
    volumes = pd.read_parquet(lake / "radar_volumes")
    columns = pd.read_parquet(lake / "radar_columns")
    cell = LAKE.grid.steps[1] * LAKE.grid.steps[2] / 1e6
    expected = {}
    for (station, date), day in volumes[volumes.status.isin(["ok", "partial"])].groupby(
        ["station", "date"], observed=True
    ):
        areas, hours = [], set()
        for time, started in zip(day.volume_time, day.key_time, strict=True):
            of_volume = columns[(columns.station == station) & (columns.volume_time == time)]
            areas.append(cell * int((of_volume.composite_reflectivity >= 35).sum()))
            hours |= {started.floor("h")} if len(of_volume) else set()
        mean = round(sum(areas) / len(areas), 2)
        expected[station, dt.date.fromisoformat(date)] = (
            len(areas),
            len(hours),
            max(areas),
            mean,
        )
    assert found == expected
    # The storm has an hour with echo on both sides of midnight, and so have the samples.
    assert [hours for _, hours, _, _ in (found[k] for k in sorted(found))] == [1, 1, 1, 1]
    assert found["KTLX", dt.date(2026, 5, 1)][2] > 100


def test_every_cell_has_exactly_one_place_and_it_is_where_it_should_be(duck) -> None:
    (cells, located), *_ = rows(
        duck.sql(
            "SELECT (SELECT COUNT(*) FROM radar_grid), (SELECT COUNT(*) FROM radar_grid_located)"
        )
    )
    assert cells == located > 1000
    # Snyder (1987), azimuthal equidistant on a sphere, by plain arithmetic.
    (site,) = {row[1:] for row in rows(duck.sql(
        "SELECT DISTINCT station, latitude, longitude FROM radar_volumes WHERE station = 'KTLX' "
        "AND status = 'ok'"
    ))}  # fmt: skip
    lat0, lon0 = map(math.radians, site)
    sample = rows(
        duck.sql(
            "SELECT iy, ix, latitude, longitude FROM radar_columns_located WHERE station = 'KTLX' "
            "ORDER BY volume_time, iy, ix LIMIT 200"
        )
    )
    for iy, ix, latitude, longitude in sample:
        x, y = -300_000.0 + 2000.0 * ix, -300_000.0 + 2000.0 * iy
        rho = math.hypot(x, y)
        c = rho / 6_370_997.0
        lat = math.asin(
            math.cos(c) * math.sin(lat0) + (y * math.sin(c) * math.cos(lat0) / rho if rho else 0)
        )
        lon = lon0 + math.atan2(
            x * math.sin(c),
            rho * math.cos(lat0) * math.cos(c) - y * math.sin(lat0) * math.sin(c),
        )
        assert latitude == pytest.approx(math.degrees(lat), abs=CLOSE)
        assert longitude == pytest.approx(math.degrees(lon), abs=CLOSE)

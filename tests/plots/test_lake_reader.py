"""Which volume a picture shows, and what it says where there is none."""

from __future__ import annotations

import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest

from stormlake.errors import RefusedInput
from stormlake.plots.lake_reader import read_product
from stormlake.plots.products import PRODUCTS
from tests.plots.conftest import FIRST, GRID, KTLX, LAST, SECOND

COMPOSITE = PRODUCTS["composite_reflectivity"]


def test_without_a_time_the_newest_volume_with_rows_is_read(lake: Path) -> None:
    picture = read_product(lake, "KTLX", None, COMPOSITE)
    assert picture.time == LAST
    assert picture.warning == "partial volume: no end of volume"
    assert "scan pattern unknown" in picture.caption
    assert np.isfinite(picture.values).sum() == 2
    assert picture.values[40, 10] == pytest.approx(52.0)
    assert picture.values[41, 10] == pytest.approx(26.0)


def test_the_volume_nearest_to_the_time_is_read_with_its_own_grid(lake: Path) -> None:
    picture = read_product(str(lake), "KTLX", FIRST + timedelta(minutes=3), COMPOSITE)
    assert picture.time == SECOND
    assert (picture.station, picture.site, picture.warning) == ("KTLX", KTLX, "")
    assert picture.values.shape == picture.latitude.shape == (61, 81)
    assert picture.values[11, 21] == pytest.approx(44.4, abs=1e-5)
    np.testing.assert_allclose(picture.x[0], GRID.x)
    np.testing.assert_allclose(picture.y[:, 0], GRID.y)
    assert picture.caption == (
        "profile lake  ·  VCP 212  ·  9 of 13 cuts  ·  quality control: dual-pol  ·  "
        "2 columns with echo  ·  max 44.4 dBZ"
    )


@pytest.mark.parametrize(
    "time",
    [
        FIRST,
        FIRST.replace(tzinfo=None),
        FIRST.astimezone(timezone(timedelta(hours=-5))),
        FIRST - timedelta(minutes=10),
    ],
)
def test_a_time_means_utc_unless_it_says_otherwise(lake: Path, time: datetime) -> None:
    assert read_product(lake, "KTLX", time, COMPOSITE).time == FIRST


def test_an_echo_top_that_is_null_is_no_value(lake: Path) -> None:
    tops = read_product(lake, "KTLX", FIRST, PRODUCTS["echo_top_18"])
    assert tops.values[10, 20] == 9000.0
    assert np.isnan(tops.values[50, 70])
    assert tops.caption.endswith("max 9.0 km")


def test_a_volume_without_echo_is_an_empty_map(lake: Path, tmp_path: Path) -> None:
    time = datetime(2026, 4, 30, 12, tzinfo=UTC)
    picture = read_product(lake, "KTLX", time, COMPOSITE)
    assert np.isnan(picture.values).all()
    assert picture.caption.endswith("0 columns with echo")
    # A lake that never saw echo has no files of radar_columns at all.
    for table in ("radar_volumes", "radar_geometry"):
        shutil.copytree(lake / table, tmp_path / table)
    assert np.isnan(read_product(tmp_path, "KTLX", time, COMPOSITE).values).all()


def test_a_place_without_a_lake_is_refused(lake: Path, tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"there is no lake at .*nowhere"):
        read_product(tmp_path / "nowhere", "KTLX", None, COMPOSITE)
    with pytest.raises(RefusedInput, match="has no table radar_volumes"):
        read_product(tmp_path, "KTLX", None, COMPOSITE)
    with pytest.raises(RefusedInput, match="from a local folder"):
        read_product("hdfs://host/lake", "KTLX", None, COMPOSITE)
    assert read_product(f"file://{lake}", "KTLX", FIRST, COMPOSITE).time == FIRST


def test_an_unknown_station_is_refused_with_those_there_are(lake: Path) -> None:
    with pytest.raises(RefusedInput, match="of station 'KXYZ'; it has KLBB, KTLX"):
        read_product(lake, "KXYZ", None, COMPOSITE)


def test_a_station_of_rejected_volumes_alone_has_nothing_to_draw(lake: Path) -> None:
    with pytest.raises(RefusedInput, match="no volume with rows of station 'KLBB'"):
        read_product(lake, "KLBB", None, COMPOSITE)


def test_a_time_without_a_volume_is_refused_with_the_nearest(lake: Path) -> None:
    with pytest.raises(RefusedInput) as caught:
        read_product(lake, "KTLX", FIRST - timedelta(minutes=10, seconds=1), COMPOSITE)
    assert str(caught.value) == (
        "no volume of KTLX within 10 minutes of 2026-05-01T20:49:59Z; the nearest of 4 is "
        "2026-05-01T21:00:00Z, the first 2026-04-30T12:00:00Z, the last 2026-05-02T00:01:30Z"
    )


def test_a_volume_whose_grid_is_missing_is_refused(lake: Path, tmp_path: Path) -> None:
    for table in ("radar_volumes", "radar_columns", "radar_geometry"):
        shutil.copytree(lake / table, tmp_path / table)
    shutil.rmtree(tmp_path / "radar_geometry" / "station=KTLX" / "grid=lake-0123abcd")
    with pytest.raises(RefusedInput, match="radar_geometry has no grid 'lake-0123abcd'"):
        read_product(tmp_path, "KTLX", FIRST, COMPOSITE)


def test_reading_and_drawing_import_neither_spark_nor_pyart(lake: Path, tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from stormlake.plots.show import show_product
show_product({str(lake)!r}, "KTLX", out=Path({str(tmp_path / "a.png")!r}))
print(sorted({{"pyspark", "pyart", "numba", "matplotlib.pyplot"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

"""The CSV of the published notebook, from the KATX volume of the arm-pyart wheel."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from stormlake.radar.export import export_csv, export_csv_file
from stormlake.radar.outcomes import VolumeRejected
from stormlake.radar.profiles import NOTEBOOK
from tests.data import wheel_file

KATX = "example_nexrad_archive_msg31_compressed.ar2v"


@pytest.fixture(scope="module")
def text() -> str:
    stream = io.StringIO(newline="")
    rows = export_csv(wheel_file(KATX).read_bytes(), "KATX.ar2v", NOTEBOOK, 5, stream)
    assert rows == 90
    return stream.getvalue()


def test_level_5_of_katx_has_the_rows_and_values_of_the_notebook(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(text), quotechar="|"))
    assert len(rows) == 90
    first, last = rows[0], rows[-1]
    assert float(first["lat"]) == pytest.approx(49.30293184996126, abs=1e-9)
    assert float(first["lon"]) == pytest.approx(-121.03290821080446, abs=1e-9)
    assert float(first["value"]) == pytest.approx(23.20, abs=0.01)
    assert float(last["value"]) == pytest.approx(22.50, abs=0.01)
    assert max(float(row["value"]) for row in rows) == pytest.approx(28.3709, abs=0.01)
    assert {row["date"] for row in rows} == {"2013-07-17T19:50:21Z"}


def test_rows_go_north_and_within_a_row_of_the_grid_east(text: str) -> None:
    rows = list(csv.DictReader(io.StringIO(text), quotechar="|"))
    north = np.array([float(row["lat"]) for row in rows])
    east = np.array([float(row["lon"]) for row in rows])
    # Cells are 6.06 km apart, 0.0545 degrees; within a row the latitude bends by far less. The
    # first cell is in row 70 of the grid and the last in row 87.
    next_row = np.diff(north) > 0.03
    assert np.count_nonzero(next_row) == 87 - 70
    assert np.all(np.abs(np.diff(north)[~next_row]) < 0.02)
    assert np.all(np.diff(east)[~next_row] > 0.08)


def test_the_text_is_plain_commas_and_newlines_with_shortest_numbers(text: str) -> None:
    lines = text.split("\n")
    assert lines[0] == "lat,lon,value,date"
    assert lines[-1] == "" and "\r" not in text and "|" not in text and '"' not in text
    for line in lines[1:-1]:
        value = line.split(",")[2]
        assert value == str(np.float32(value))


def test_a_rerun_replaces_the_file_and_leaves_nothing_else(tmp_path: Path, text: str) -> None:
    out = tmp_path / "new" / "katx.csv"
    for _ in range(2):
        assert export_csv_file(wheel_file(KATX), out, NOTEBOOK, 5) == 90
    assert out.read_text() == text
    assert list(out.parent.iterdir()) == [out]


def test_a_rejected_volume_leaves_the_older_file_as_it_was(tmp_path: Path) -> None:
    source, out = tmp_path / "KATX20130717_195021_V06", tmp_path / "katx.csv"
    source.write_bytes(b"<html>404</html>" * 100)
    out.write_text("older\n")
    with pytest.raises(VolumeRejected, match="not_level2"):
        export_csv_file(source, out, NOTEBOOK, 5)
    assert out.read_text() == "older\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, out.name]


@pytest.mark.parametrize("level", [-1, 11])
def test_a_level_outside_the_grid_is_refused_with_what_there_is(level: int) -> None:
    with pytest.raises(ValueError, match="want 0 to 10"):
        export_csv(b"", "KATX.ar2v", NOTEBOOK, level, io.StringIO())


def test_a_level_without_echo_gives_the_header_alone() -> None:
    stream = io.StringIO(newline="")
    assert export_csv(wheel_file(KATX).read_bytes(), "KATX.ar2v", NOTEBOOK, 0, stream) == 0
    assert stream.getvalue() == "lat,lon,value,date\n"

"""The benchmark compares what is comparable: both sides make the same cells of the same bytes."""

from __future__ import annotations

import bz2
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from benchmarks import archive, kernels, peers
from benchmarks.processes import Watch
from benchmarks.volumes import Sample
from stormlake.radar import containers
from stormlake.radar.decode import decode
from stormlake.radar.gridding import grid_cells
from stormlake.radar.process import process_volume
from stormlake.radar.profiles import LAKE, NOTEBOOK
from tests.data import wheel_file

NAME = "KATX20130717_195021_V06"


@pytest.fixture(scope="module")
def data() -> bytes:
    return wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()


def test_every_way_of_calling_pyart_and_ours_give_the_same_cells(data: bytes) -> None:
    whole = peers.pyart_read(data, NAME).extract_sweeps([0])
    lean = peers.pyart_read_lean(data, NAME, peers.chosen_cuts(data, NAME, NOTEBOOK))
    grids = []
    for radar in (whole, lean):
        gates = peers.pyart_filter(radar, NOTEBOOK)
        assert (~gates.gate_excluded).sum() == 3275  # radar spec, section 4
        grids += [
            peers.pyart_grid(radar, NOTEBOOK.grid),
            peers.pyart_grid(radar, NOTEBOOK.grid, gates),
        ]
    ours = grid_cells(peers.gates_of(lean), NOTEBOOK.grid)
    assert len(ours.level) == 569  # section 5
    for theirs in grids:
        found = peers.difference(theirs, ours)
        assert (found.cells, found.mask) == (569, 0)
        assert found.largest <= 1e-4
    result = process_volume(data, NAME, NOTEBOOK)
    assert result.cells is not None
    assert peers.difference(grids[0], result.cells).mask == 0


def test_a_round_reports_every_step_that_the_table_shows(data: bytes) -> None:
    from benchmarks.report import RATIOS, STEPS

    found = kernels.measure(Sample(NAME, data, "wheel"), LAKE, rounds=1)
    shown = {step for _, step in STEPS} | {step for _, *steps in RATIOS for step in steps}
    assert shown <= set(found["steps"])
    assert all(times["best"] > 0 for times in found["steps"].values())
    assert found["kernel"]["mask"] == 0
    assert found["gates"] == 3275


def test_a_difference_counts_cells_of_either_side() -> None:
    theirs = np.ma.masked_all((1, 1, 3), np.float32)
    theirs[0, 0, 0], theirs[0, 0, 1] = 20.0, 30.0
    position = np.zeros(2, np.int16)
    ours = peers.Cells(position, position, np.array([1, 2], np.int16), np.array([30.5, 40.0], "f4"))
    assert peers.difference(theirs, ours) == peers.Difference(cells=2, mask=2, largest=0.5)


def test_a_moved_volume_differs_from_its_original_in_time_alone(data: bytes) -> None:
    start = datetime(2013, 7, 18, 23, 59, 58, 500_000, tzinfo=UTC)  # its rays pass midnight
    before, after = decode(data, NAME), decode(archive.moved(data, start), NAME)
    assert before.volume_time != start
    assert after.volume_time == start
    np.testing.assert_array_equal(after.cuts[0].time, before.cuts[0].time)
    np.testing.assert_array_equal(after.cuts[0].azimuth, before.cuts[0].azimuth)
    assert after.cuts[0].moments.keys() == before.cuts[0].moments.keys()
    for name, moment in before.cuts[0].moments.items():
        np.testing.assert_array_equal(after.cuts[0].moments[name].codes, moment.codes)


def test_a_station_day_holds_volumes_of_one_day_with_times_of_their_own(
    data: bytes, tmp_path: Path
) -> None:
    folder = archive.station_day(NAME, data, 3, tmp_path)
    files = sorted(folder.rglob("*_V06"))
    first = datetime(2013, 7, 17, 0, 0, 25, tzinfo=UTC)
    times = [decode(path.read_bytes(), path.name).volume_time for path in files]
    assert times == [first + i * timedelta(minutes=5) for i in range(3)]
    assert [path.relative_to(folder).as_posix() for path in files] == [
        f"2013/07/17/KATX/KATX20130717_{time}_V06" for time in ("000025", "000525", "001025")
    ]
    # The second request finds them made.
    made = {path.stat().st_ino for path in files}
    again = archive.station_day(NAME, data, 3, tmp_path)
    assert {path.stat().st_ino for path in again.rglob("*_V06")} == made


def test_unpacking_alone_unpacks_every_ldm_record(data: bytes) -> None:
    records = list(containers.ldm_records(data))
    assert len(records) > 1
    assert peers.unpack(data) == sum(len(bz2.decompress(record)) for record in records)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_watch_sees_the_cpu_time_of_a_process_and_of_its_child() -> None:
    burn = "import time\nwhile time.process_time() < 0.5: pass\n"
    program = (
        f"import subprocess, sys\n{burn}\nsubprocess.run([sys.executable, '-c', '''{burn}'''])"
    )
    process = subprocess.Popen([sys.executable, "-c", program])
    with Watch(process.pid, every=0.02) as watch:
        assert process.wait() == 0
    usage = watch.usage()
    assert 0.4 <= usage.cpu["driver (Python)"] <= 0.7
    assert 0.4 <= usage.cpu["other processes"] <= 0.7
    assert usage.peak_rss["driver (Python)"] > 2**20
    assert os.getpid() not in usage.cpu

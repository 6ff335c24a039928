"""A simulated archive: layout, truth, repeatability, and what the pipeline makes of it."""

from __future__ import annotations

import hashlib
import json
import time
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stormlake.errors import RefusedInput
from stormlake.radar.cuts import choose_cuts
from stormlake.radar.decode import decode
from stormlake.radar.geometry import gate_position
from stormlake.radar.outcomes import Status
from stormlake.radar.process import process_volume
from stormlake.radar.profiles import LAKE
from stormlake.radar.quality import select_gates
from stormlake.radar.stations import Station, builtin_stations
from stormlake.radar.volume import Volume
from stormlake.simulate.radar import simulate_storm
from stormlake.simulate.storm import Storm
from tests.simulate.conftest import START, Simulated


@pytest.fixture(scope="module")
def volumes(simulated: Simulated) -> list[Volume]:
    return [decode(path.read_bytes(), path.name) for path in simulated.paths]


def test_files_lie_in_the_layout_of_the_archive_also_across_midnight(simulated: Simulated) -> None:
    keys = [path.relative_to(simulated.root).as_posix() for path in simulated.paths]
    assert keys == [
        "2026/05/01/KTLX/KTLX20260501_235230_V06",
        "2026/05/01/KTLX/KTLX20260501_235730_V06",
        "2026/05/02/KTLX/KTLX20260502_000230_V06",
    ]
    everything = sorted(
        p.relative_to(simulated.root).as_posix() for p in simulated.root.rglob("*.*")
    )
    assert everything == ["_truth.json"]
    assert [v["key"] for v in simulated.truth["storms"][0]["volumes"]] == keys


def test_every_volume_is_whole_and_the_lake_takes_the_first_surveillance_cut_of_each_elevation(
    volumes: list[Volume],
) -> None:
    for number, volume in enumerate(volumes):
        assert volume.volume_time == START + timedelta(minutes=5 * number)
        assert (volume.complete, volume.problems) == (True, ())
        choice = choose_cuts(volume, LAKE)
        assert choice.chosen == (0, 2, 4, 5, 8, 9, 10, 11, 12)
        assert not choice.incomplete
        assert {choice.dropped[index] for index in (1, 3, 6, 7)} == {"duplicate_elevation"}


def test_rays_are_timed_as_an_antenna_turns(volumes: list[Volume]) -> None:
    cuts = volumes[0].cuts
    assert 270.0 < cuts[-1].time[-1] < 300.0
    for before, after in pairwise(cuts):
        assert 0.9 < after.time[0] - before.time[-1] < 1.2
    for cut in cuts:
        rate = 360.0 / cut.rays / np.diff(cut.time)
        assert np.all((rate > 10.0) & (rate < 25.0))


def _centroid(volume: Volume, x: float, y: float, reach: float) -> tuple[float, float]:
    """Centre of the reflectivity (mm6 m-3) of the lowest cut within `reach` of a point, m."""
    cut = volume.cuts[0]
    ref = cut.moments["REF"]
    distance = ref.first_gate + ref.gate_spacing * np.arange(ref.codes.shape[1])
    east, north, _ = gate_position(distance[None, :], cut.azimuth[:, None], cut.elevation[:, None])
    near = (np.hypot(east - x, north - y) < reach) & (ref.codes >= 2)
    # Gates far out stand for more area than gates near the radar.
    weight = 10.0 ** (ref.values[near] / 10.0) * np.broadcast_to(distance, near.shape)[near]
    return (
        float(np.average(east[near], weights=weight)),
        float(np.average(north[near], weights=weight)),
    )


def _lonely_cells(storm: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """Strong cells of the first volume with no equal near them, as they are in every volume."""
    first = storm["volumes"][0]["cells"]
    found = []
    for cell in first:
        others = [o for o in first if o is not cell and o["peak_reflectivity"] > 30]
        gap = min(np.hypot(o["x"] - cell["x"], o["y"] - cell["y"]) for o in others)
        if cell["peak_reflectivity"] > 45 and gap > 30_000:
            later = [
                next((o for o in v["cells"] if o["id"] == cell["id"]), None)
                for v in storm["volumes"]
            ]
            if all(later):
                found.append(later)
    return found


def test_echo_is_where_the_truth_says_and_moves_as_the_truth_says(
    simulated: Simulated, volumes: list[Volume]
) -> None:
    storm = simulated.truth["storms"][0]
    tracks = _lonely_cells(storm)
    assert len(tracks) >= 2
    for states in tracks:
        seen = [
            _centroid(volume, state["x"], state["y"], 12_000.0)
            for volume, state in zip(volumes, states, strict=True)
        ]
        for (x, y), state in zip(seen, states, strict=True):
            # The storm's texture (2.5 dB) pulls the centre of a core of 6 to 10 km about.
            assert np.hypot(x - state["x"], y - state["y"]) < 2500.0
        seconds = 300.0 * (len(seen) - 1)
        u = (seen[-1][0] - seen[0][0]) / seconds
        v = (seen[-1][1] - seen[0][1]) / seconds
        assert np.hypot(u - states[0]["u"], v - states[0]["v"]) < 1.5


def test_the_truth_moves_in_straight_lines_near_the_common_motion(simulated: Simulated) -> None:
    storm = simulated.truth["storms"][0]
    first, second = (
        {cell["id"]: cell for cell in volume["cells"]} for volume in storm["volumes"][:2]
    )
    both = first.keys() & second.keys()
    assert len(both) >= 8
    for number in both:
        a, b = first[number], second[number]
        assert b["x"] - a["x"] == pytest.approx(300.0 * a["u"], abs=0.5)
        assert b["y"] - a["y"] == pytest.approx(300.0 * a["v"], abs=0.5)
        offset = np.hypot(a["u"] - storm["motion"]["u"], a["v"] - storm["motion"]["v"])
        assert offset < 6.0  # five deviations of 1.2 m/s
    assert 10.0 < np.hypot(storm["motion"]["u"], storm["motion"]["v"]) < 20.0


def test_a_peak_of_the_truth_is_the_peak_of_the_echo(
    simulated: Simulated, volumes: list[Volume]
) -> None:
    for states in _lonely_cells(simulated.truth["storms"][0]):
        state, cut = states[0], volumes[0].cuts[0]
        ref = cut.moments["REF"]
        distance = ref.first_gate + ref.gate_spacing * np.arange(ref.codes.shape[1])
        east, north, z = gate_position(
            distance[None, :], cut.azimuth[:, None], cut.elevation[:, None]
        )
        near = (np.hypot(east - state["x"], north - state["y"]) < 3000.0) & (z < 3500.0)
        if near.any():
            assert np.nanmax(ref.values[near]) == pytest.approx(state["peak_reflectivity"], abs=7.0)


@pytest.mark.parametrize("seed", range(1, 13))
def test_every_seed_has_a_storm_at_every_hour_of_a_day(seed: int) -> None:
    storm = Storm(seed, "KTLX")
    for hour in range(24):
        inside = [
            state
            for _, state in storm.cells(3600.0 * hour)
            if np.hypot(state.x, state.y) < 460_000.0 and state.peak > 20.0
        ]
        assert len(inside) >= 8


def test_cells_grow_and_decay(simulated: Simulated) -> None:
    for cell, _ in Storm(7, "KTLX").cells(0.0):
        ages = np.linspace(0.001, 0.999, 99) * cell.life + cell.birth
        states = [cell.at(age) for age in ages]
        peaks = np.array([state.peak for state in states if state])
        assert peaks.argmax() == 49
        assert peaks[49] == pytest.approx(cell.peak)
        assert np.all(np.diff(peaks[:50]) > 0) and np.all(np.diff(peaks[49:]) < 0)
        assert cell.at(cell.birth - 1.0) is None and cell.at(cell.birth + cell.life + 1.0) is None


def test_quality_control_removes_what_is_no_weather(volumes: list[Volume]) -> None:
    cut = volumes[0].cuts[0]
    rho = cut.moments["RHO"]
    ref = cut.moments["REF"].values[:, : rho.codes.shape[1]]
    strange = (ref >= 20.0) & (rho.values < 0.9)
    assert strange.sum() > 500  # clutter and insects near the radar, above 20 dBZ
    kept = select_gates(cut, LAKE)
    assert kept.counts.kept < kept.counts.reflectivity - strange.sum() * 0.9
    assert not strange[kept.ray, kept.gate].any()
    # Real storms lose 12 to 17 % of their gates above 20 dBZ; ours must not lose the storm.
    assert kept.counts.kept > 0.6 * kept.counts.reflectivity


def test_the_doppler_cuts_fold_and_the_velocity_is_the_storms(
    simulated: Simulated, volumes: list[Volume]
) -> None:
    cut = volumes[0].cuts[1]
    vel = cut.moments["VEL"]
    assert 0.005 < (vel.codes == 1).mean() < 0.2
    np.testing.assert_array_equal(vel.codes == 1, cut.moments["SW"].codes == 1)
    assert not (volumes[0].cuts[0].moments["REF"].codes == 1).any()
    # Along the motion the storm recedes, against it the storm approaches.
    motion = simulated.truth["storms"][0]["motion"]
    towards = np.degrees(np.arctan2(motion["u"], motion["v"]))
    turn = np.cos(np.radians(cut.azimuth - towards))
    with np.errstate(invalid="ignore"):
        assert np.nanmedian(vel.values[turn > 0.9]) > 5.0
        assert np.nanmedian(vel.values[turn < -0.9]) < -5.0


def _digest(path: Path) -> str:
    """Short enough to be read where two of them differ."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_bytes_and_a_shorter_run_is_the_beginning(
    simulated: Simulated, tmp_path: Path
) -> None:
    again = simulate_storm("KTLX", START, 2, 7, tmp_path)
    for new, old in zip(again, simulated.paths, strict=False):
        assert (
            hashlib.sha256(new.read_bytes()).digest() == hashlib.sha256(old.read_bytes()).digest()
        )
    told = json.loads((tmp_path / "_truth.json").read_text())["storms"][0]["volumes"]
    assert told == simulated.truth["storms"][0]["volumes"][:2]


def test_another_seed_or_station_is_another_storm(simulated: Simulated, tmp_path: Path) -> None:
    other = simulate_storm("KTLX", START, 1, 8, tmp_path / "seed")[0].read_bytes()
    assert other != simulated.paths[0].read_bytes()
    assert Storm(7, "KLBB").motion != Storm(7, "KTLX").motion


def test_the_truth_file_keeps_the_storms_of_other_stations(tmp_path: Path) -> None:
    simulate_storm("KTLX", START, 1, 1, tmp_path)
    simulate_storm("KLBB", START, 1, 1, tmp_path)
    simulate_storm("KTLX", START, 1, 2, tmp_path)
    storms = json.loads((tmp_path / "_truth.json").read_text())["storms"]
    assert [(storm["station"], storm["seed"]) for storm in storms] == [("KLBB", 1), ("KTLX", 2)]


def test_a_file_is_of_an_archives_size_and_takes_two_seconds(simulated: Simulated) -> None:
    for path in simulated.paths:
        assert 1_000_000 < path.stat().st_size < 6_000_000
    began = time.process_time()
    simulate_storm("KTLX", START, 1, 7, simulated.root)
    # CPU time, all threads: about 1.6 s here; the margin is for a slow machine.
    assert time.process_time() - began < 6.0


def test_the_pipeline_makes_columns_of_it_whose_maximum_is_the_storms(simulated: Simulated) -> None:
    path = simulated.paths[0]
    result = process_volume(path.read_bytes(), path.name, LAKE)
    assert (result.status, result.reason, result.qc_method) == (Status.OK, None, "dualpol")
    assert (result.vcp, result.cuts, result.rays) == (212, 13, 6840)
    assert result.products is not None and len(result.products.iy) > 1000
    site = builtin_stations()["KTLX"]
    assert result.latitude == pytest.approx(site.latitude, abs=1e-5)
    strongest = max(
        cell["peak_reflectivity"] for cell in simulated.truth["storms"][0]["volumes"][0]["cells"]
    )
    assert result.max_reflectivity == pytest.approx(strongest, abs=6.0)
    assert 8000.0 <= result.products.echo_top_18.max() <= 18_000.0


def test_a_start_in_another_time_zone_is_told_in_utc(tmp_path: Path) -> None:
    start = datetime(2026, 5, 1, 18, 0, 0, 500_000, tzinfo=timezone(timedelta(hours=-5)))
    paths = simulate_storm("KTLX", start, 1, 1, tmp_path)
    assert paths[0].name == "KTLX20260501_230000_V06"
    assert decode(paths[0].read_bytes(), paths[0].name).volume_time == datetime(
        2026, 5, 1, 23, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("station", "volumes", "seed", "message"),
    [
        ("XXXX", 1, 1, "not in the station table"),
        ("KTLX", 0, 1, "volumes must be 1 to"),
        ("KTLX", 1, -1, "seed must not be negative"),
        ("KNAN", 1, 1, "altitude of station 'KNAN' is unknown"),
    ],
)
def test_a_bad_argument_is_refused_by_name_and_nothing_is_written(
    tmp_path: Path, station: str, volumes: int, seed: int, message: str
) -> None:
    stations = {**builtin_stations(), "KNAN": Station(35.0, -97.0, float("nan"))}
    with pytest.raises(RefusedInput, match=message):
        simulate_storm(station, START, volumes, seed, tmp_path, stations=stations)
    assert list(tmp_path.iterdir()) == []


def test_a_truth_file_that_is_none_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "_truth.json").write_text("my notes")
    with pytest.raises(RefusedInput, match="no truth file"):
        simulate_storm("KTLX", START, 1, 1, tmp_path)
    assert (tmp_path / "_truth.json").read_text() == "my notes"

"""One cut per elevation: what real volumes give, and every rule of the choice by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.radar.cuts import choose_cuts, largest_azimuth_gap
from stormlake.radar.outcomes import Reason, VolumeRejected
from stormlake.radar.profiles import LAKE, NOTEBOOK
from stormlake.radar.volume import Cut, Moment, Volume
from tests.radar.peers import real_volume

REAL = [
    ("KABR20050101_000745.gz", "0 2 4 5 6", ".48 1.49 2.46 3.47 4.48"),
    (
        "KDMX20260101_154351_V06",
        "0 2 4 6 7 8 9 10 11",
        ".53 .92 1.36 1.85 2.46 3.12 4.00 5.10 6.42",
    ),
    (
        "KDOX20111001_110612_V04.gz",
        "0 2 4 5 6 7 8 9 10",
        ".53 1.45 2.46 3.42 4.35 6.02 9.89 14.59 19.51",
    ),
    (
        "KLBB20160601_150025_V06",
        "0 2 4 5 6 7 8 9 10",
        ".53 1.45 2.42 3.38 4.31 6.02 9.89 14.59 19.51",
    ),
    (
        "KLIX20050828_180149.gz",
        "0 2 4 5 6 7 8 9 10 11 12 13 14 15",
        ".40 1.41 2.29 3.30 4.17 5.19 6.11 7.38 8.57 9.93 11.95 13.89 16.66 19.38",
    ),
    (
        "KLOT19950413_132143.gz",
        "0 2 4 5 6 7 8 9 10",
        ".48 1.49 2.42 3.38 4.31 6.02 9.89 14.59 19.51",
    ),
    ("KLSX20251229_065156_V06", "0 2 4 6 7 8 9", ".44 .83 1.27 1.76 2.37 3.08 4.44"),
    (
        "KSRX20200805_154019_V06",
        "0 2 4 8 9 10 11 12 13 14 15",
        ".40 .79 1.23 1.71 2.33 3.03 3.91 5.01 6.33 7.91 9.93",
    ),
    ("KTLX20140101_000624_V06.gz", "0 2 4 5 6", ".53 1.54 2.55 3.56 4.53"),
] + [
    (
        name,
        "0 2 3 4 5 6 7 8 9 10 11 12 13 14 15",
        ".26 .97 1.89 5.98 9.98 14.99 20.00 24.96 29.97 34.98 39.99 45.00 49.97 54.98 59.99",
    )
    for name in ("TORD20200818_113449_V08", "TORD20260811_225858_V08")
]


@pytest.mark.parametrize(("name", "chosen", "elevations"), REAL, ids=[row[0][:12] for row in REAL])
def test_real_volumes_give_one_cut_per_elevation(name: str, chosen: str, elevations: str) -> None:
    volume = real_volume(f"volumes/{name}")
    choice = choose_cuts(volume, LAKE)
    assert choice.chosen == tuple(int(index) for index in chosen.split())
    medians = [choice.elevations[i] for i in choice.chosen]
    # Half a unit of the last printed digit, and the width of a float32.
    assert medians == pytest.approx([float(e) for e in elevations.split()], abs=0.00501)
    assert set(choice.chosen) | set(choice.dropped) == set(range(len(volume.cuts)))
    assert choice.incomplete == name.startswith("KLOT1995")


def test_sails_repeats_and_the_doppler_cut_join_the_group_of_the_first_cut() -> None:
    choice = choose_cuts(real_volume("volumes/KSRX20200805_154019_V06"), LAKE)
    assert [i for i, e in choice.elevations.items() if e - choice.elevations[0] <= 0.2] == [
        0,
        1,
        6,
        7,
    ]
    assert {choice.dropped[i] for i in (1, 6, 7)} == {"duplicate_elevation"}


def test_a_cut_with_14_missing_degrees_makes_its_volume_incomplete() -> None:
    choice = choose_cuts(real_volume("volumes/KLOT19950413_132143.gz"), LAKE)
    assert choice.gaps[10] == pytest.approx(14.0, abs=0.05)
    assert choice.incomplete


def test_the_notebook_takes_the_first_cut_alone() -> None:
    choice = choose_cuts(_volume(_cut(0.5), _cut(1.5)), NOTEBOOK)
    assert choice.chosen == (0,)
    assert choice.dropped == {1: "not_lowest"}


def test_a_cut_without_reflectivity_is_dropped_with_its_reason() -> None:
    choice = choose_cuts(_volume(_cut(0.5), _cut(0.5, moments="VEL"), _cut(1.5)), LAKE)
    assert choice.chosen == (0, 2)
    assert choice.dropped == {1: "no_reflectivity"}


def test_a_cut_without_rays_is_no_candidate() -> None:
    assert choose_cuts(_volume(_cut(0.5, rays=0), _cut(1.5)), LAKE).dropped == {
        0: "no_reflectivity"
    }


@pytest.mark.parametrize("profile", [LAKE, NOTEBOOK], ids=lambda profile: profile.name)
def test_a_volume_of_velocity_alone_is_rejected(profile: object) -> None:
    with pytest.raises(VolumeRejected) as rejected:
        choose_cuts(_volume(_cut(0.5, moments="VEL")), profile)  # type: ignore[arg-type]
    assert rejected.value.reason is Reason.NO_REFLECTIVITY
    assert "0 of 1 cuts" in rejected.value.detail


def test_a_group_is_measured_from_its_first_member_not_from_its_last() -> None:
    assert choose_cuts(_volume(_cut(0.5), _cut(0.625), _cut(0.75)), LAKE).chosen == (0, 2)


def test_chosen_cuts_come_in_ascending_elevation() -> None:
    assert choose_cuts(_volume(_cut(3.5), _cut(0.5), _cut(1.5)), LAKE).chosen == (1, 2, 0)


def test_a_whole_cut_wins_over_a_torn_one_that_has_dual_pol() -> None:
    torn = _cut(0.5, moments="REF ZDR RHO", rays=300)
    assert choose_cuts(_volume(torn, _cut(0.5)), LAKE).chosen == (1,)


def test_a_torn_cut_is_better_than_none() -> None:
    choice = choose_cuts(_volume(_cut(0.5, rays=300)), LAKE)
    assert choice.chosen == (0,)
    assert choice.incomplete


def test_dual_pol_wins_over_a_longer_range() -> None:
    far = _cut(0.5, gates=20)
    assert choose_cuts(_volume(far, _cut(0.5, moments="REF ZDR RHO")), LAKE).chosen == (1,)


def test_zdr_without_rho_is_no_dual_pol() -> None:
    half = _cut(0.5, moments="REF ZDR")
    assert choose_cuts(_volume(half, _cut(0.5, moments="REF ZDR RHO")), LAKE).chosen == (1,)


def test_the_longer_range_wins_over_the_first() -> None:
    assert choose_cuts(_volume(_cut(0.5), _cut(0.5, gates=20)), LAKE).chosen == (1,)


def test_of_equal_cuts_the_first_is_taken_also_when_a_repeat_lies_lower() -> None:
    assert choose_cuts(_volume(_cut(0.5), _cut(0.45)), LAKE).chosen == (0,)


def test_less_than_a_metre_of_range_decides_nothing() -> None:
    assert choose_cuts(_volume(_cut(0.5), _cut(0.5, first_gate=0.25)), LAKE).chosen == (0,)


@given(st.lists(st.floats(0, 359.99), min_size=2, max_size=50))
def test_the_largest_gap_is_the_largest_way_around_between_neighbours(
    azimuths: list[float],
) -> None:
    distinct = sorted(set(azimuths))
    expected = (
        360.0
        if len(distinct) == 1
        else max(
            (after - before) % 360.0
            for before, after in zip(distinct, distinct[1:] + distinct[:1], strict=True)
        )
    )
    assert largest_azimuth_gap(np.array(azimuths)) == pytest.approx(expected, abs=1e-9)


def test_the_gap_is_measured_across_north() -> None:
    assert largest_azimuth_gap(np.array([350.0, 20.0, 170.0, 200.0], np.float32)) == 150.0
    assert largest_azimuth_gap(np.arange(340.0, 20.0, -1.0)) == 41.0


def test_damaged_angles_of_one_ray_do_not_move_a_cut() -> None:
    low, high = _cut(0.5), _cut(1.5)
    low.elevation[7] = high.elevation[8] = np.nan
    low.azimuth[7] = np.nan
    choice = choose_cuts(_volume(high, low), LAKE)
    assert choice.chosen == (1, 0)
    assert choice.elevations == {0: 1.5, 1: 0.5}
    assert choice.gaps == {0: 1.0, 1: 2.0}


def test_a_cut_whose_angles_are_all_damaged_is_no_candidate() -> None:
    low = _cut(0.5)
    low.elevation[:] = np.nan
    assert choose_cuts(_volume(low, _cut(1.5)), LAKE).chosen == (1,)


def test_a_single_ray_leaves_the_whole_circle_open() -> None:
    assert largest_azimuth_gap(np.array([12.0], np.float32)) == 360.0


def _cut(
    elevation: float,
    moments: str = "REF",
    rays: int = 360,
    gates: int = 10,
    first_gate: float = 0.0,
) -> Cut:
    """Rays one degree apart from north on."""
    codes = np.zeros((rays, gates), dtype=np.uint8)
    return Cut(
        index=0,
        fixed_angle=elevation,
        azimuth=np.arange(rays, dtype=np.float32),
        elevation=np.full(rays, elevation, dtype=np.float32),
        time=np.zeros(rays),
        nyquist=np.full(rays, np.nan, dtype=np.float32),
        moments={name: Moment(first_gate, 1000.0, codes, 0.5, -33.0) for name in moments.split()},
    )


def _volume(*cuts: Cut) -> Volume:
    return Volume(
        station="KXXX",
        volume_time=datetime(2026, 1, 1, tzinfo=UTC),
        latitude=40.0,
        longitude=-90.0,
        altitude=100.0,
        vcp=None,
        cuts=tuple(replace(cut, index=i) for i, cut in enumerate(cuts)),
        decoder="test",
        complete=True,
        problems=(),
    )

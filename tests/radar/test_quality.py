"""Quality control: golden counts, Py-ART's gate filter, and a plain NumPy reference."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from stormlake.radar.outcomes import Reason, VolumeRejected
from stormlake.radar.profiles import LAKE, NOTEBOOK
from stormlake.radar.quality import (
    GateCounts,
    nearest_gates,
    reflectivity_mask,
    rho_mask,
    select_gates,
    volume_method,
    zdr_mask,
)
from stormlake.radar.volume import Cut, Moment
from tests.data import wheel_file
from tests.radar.peers import read_volume, real_volume

KATX = "example_nexrad_archive_msg31_compressed.ar2v"
KLBB = "volumes/KLBB20160601_150025_V06"


def katx_cut() -> Cut:
    return read_volume(wheel_file(KATX), "KATX20130717_195021_V06").cuts[0]


def test_katx_keeps_3275_gates_and_every_test_takes_its_share() -> None:
    kept = select_gates(katx_cut(), NOTEBOOK)
    assert kept.method == "dualpol"
    assert kept.counts.valid == 23363
    assert kept.counts.reflectivity == 3547
    assert kept.counts.kept == kept.counts.after_rho == len(kept.ray) == 3275
    assert 3275 <= kept.counts.after_zdr <= 3547


def test_katx_has_240_gates_on_the_edge_and_they_are_inside() -> None:
    cut = katx_cut()
    z = cut.moments["REF"].values
    assert np.count_nonzero(z == 20.0) == 240
    assert np.nanmin(z) == -30.5
    assert np.nanmax(z) == 44.5
    for name in ("ZDR", "RHO"):
        assert np.count_nonzero(cut.moments[name].state == 0) == 22081
    # The next float32 above each threshold makes the comparison strict.
    above, below = np.float32(np.inf), np.float32(-np.inf)
    strict = replace(
        NOTEBOOK,
        min_reflectivity=float(np.nextafter(np.float32(20.0), above)),
        max_abs_differential_reflectivity=float(np.nextafter(np.float32(2.3), below)),
        min_cross_correlation_ratio=float(np.nextafter(np.float32(0.95), above)),
    )
    assert select_gates(cut, strict).counts.kept == 3050


def test_py_arts_gate_filter_keeps_the_same_gates_of_katx() -> None:
    import pyart

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        radar = pyart.io.read_nexrad_archive(str(wheel_file(KATX)))
    gate_filter = pyart.filters.GateFilter(radar)
    for field in ("reflectivity", "differential_reflectivity", "cross_correlation_ratio"):
        gate_filter.exclude_masked(field)
    gate_filter.exclude_below("reflectivity", 20.0)
    gate_filter.exclude_outside("differential_reflectivity", -2.3, 2.3)
    gate_filter.exclude_below("cross_correlation_ratio", 0.95)
    kept = select_gates(katx_cut(), NOTEBOOK)
    ray, gate = np.nonzero(gate_filter.gate_included)
    np.testing.assert_array_equal(kept.ray, ray)
    np.testing.assert_array_equal(kept.gate, gate)
    np.testing.assert_array_equal(
        kept.reflectivity, radar.fields["reflectivity"]["data"].data[ray, gate]
    )


@pytest.mark.parametrize(("index", "percent"), [(0, 14.8), (2, 11.8), (4, 17.0)])
def test_dual_pol_tests_cost_klbb_the_known_share_of_its_strong_gates(
    index: int, percent: float
) -> None:
    counts = select_gates(real_volume(KLBB).cuts[index], LAKE).counts
    assert 100 * (1 - counts.kept / counts.reflectivity) == pytest.approx(percent, abs=0.05)


def test_klbb_has_213468_valid_gates_in_its_first_cut() -> None:
    assert select_gates(real_volume(KLBB).cuts[0], LAKE).counts.valid == 213468


def test_a_doppler_cut_is_judged_by_its_reflectivity_alone() -> None:
    cut = real_volume(KLBB).cuts[1]
    kept = select_gates(cut, LAKE)
    assert kept.method == "reflectivity_only"
    z = cut.moments["REF"].values
    assert kept.counts.kept == np.count_nonzero(z >= 20.0)
    assert (
        kept.counts.reflectivity
        == kept.counts.after_zdr
        == kept.counts.after_rho
        == kept.counts.kept
    )


def test_a_profile_that_requires_dual_pol_rejects_a_volume_without() -> None:
    cut = _cut(np.full((1, 4), 200, np.uint8))
    with pytest.raises(VolumeRejected) as rejected:
        select_gates(cut, replace(LAKE, dual_pol="require"))
    assert rejected.value.reason is Reason.NO_DUAL_POL
    assert "cut 0" in rejected.value.detail


def test_masks_of_the_single_tests_together_are_what_is_kept() -> None:
    cut = real_volume(KLBB).cuts[2]
    masks = [reflectivity_mask(cut, LAKE), zdr_mask(cut, LAKE), rho_mask(cut, LAKE)]
    kept = select_gates(cut, LAKE)
    ray, gate = np.nonzero(masks[0] & masks[1] & masks[2])
    np.testing.assert_array_equal(kept.ray, ray)
    np.testing.assert_array_equal(kept.gate, gate)
    assert kept.counts.after_zdr == np.count_nonzero(masks[0] & masks[1])
    assert not masks[1][:, cut.moments["ZDR"].codes.shape[1] :].any()


def test_below_threshold_and_range_folded_are_no_values_whatever_the_scale() -> None:
    # With this scale codes 0 and 1 would be 40 and 39 dBZ.
    codes = np.array([[0, 1, 2, 3]], np.uint8)
    cut = replace(_cut(codes), moments={"REF": Moment(0.0, 250.0, codes, -1.0, 40.0)})
    kept = select_gates(cut, LAKE)
    np.testing.assert_array_equal(kept.gate, [2, 3])
    np.testing.assert_array_equal(kept.reflectivity, np.array([38.0, 37.0], np.float32))
    assert kept.counts.valid == 2


def test_a_damaged_offset_that_makes_infinite_values_keeps_nothing() -> None:
    codes = np.array([[0, 1, 2, 3]], np.uint8)
    cut = replace(_cut(codes), moments={"REF": Moment(0.0, 250.0, codes, 0.5, np.inf)})
    assert len(select_gates(cut, LAKE).ray) == 0


def test_a_test_that_nothing_can_pass_keeps_nothing() -> None:
    kept = select_gates(_cut(np.full((2, 70), 255, np.uint8)), replace(LAKE, min_reflectivity=100))
    assert kept.counts == GateCounts(valid=140)
    assert len(kept.reflectivity) == 0


def test_gates_beyond_the_last_dual_pol_gate_are_not_kept() -> None:
    cut = _cut(np.full((1, 8), 200, np.uint8), _dual_pol(gates=5, first=0.0, spacing=250.0))
    np.testing.assert_array_equal(select_gates(cut, LAKE).gate, [0, 1, 2, 3, 4])


def test_coarse_dual_pol_is_found_by_range_not_by_index() -> None:
    # REF at 0, 250, ... m; ZDR and RHO at 500, 1500, 2500 m; only the gate at 1500 m passes.
    moments = _dual_pol(gates=3, first=500.0, spacing=1000.0)
    moments["RHO"].codes[0] = [50, 200, 50]
    cut = _cut(np.full((1, 14), 200, np.uint8), moments)
    # Centres from 1000 m to 1750 m are nearest to 1500 m; 1000 m, as near to 500 m, goes outwards.
    np.testing.assert_array_equal(select_gates(cut, LAKE).gate * 250.0, [1000, 1250, 1500, 1750])


def test_the_nearest_gate_lies_within_half_a_spacing_or_is_none() -> None:
    ref = Moment(-375.0, 250.0, np.zeros((1, 12), np.uint8), 1.0, 0.0)
    coarse = Moment(0.0, 1000.0, np.zeros((1, 2), np.uint8), 1.0, 0.0)
    # Ranges -375, -125, 125, 375, 625, 875, 1125, 1375, 1625, 1875, 2125, 2375.
    np.testing.assert_array_equal(
        nearest_gates(ref, coarse), [0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1, -1]
    )
    np.testing.assert_array_equal(nearest_gates(coarse, ref), [2, 6])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_kept_gates_equal_a_plain_reference_on_random_codes(data: st.DataObject) -> None:
    rays = data.draw(st.integers(1, 4))
    gates = data.draw(st.integers(1, 150))
    dtype = data.draw(st.sampled_from([np.uint8, np.uint16]))
    top = data.draw(st.sampled_from([3, 120, 255]))

    def codes(n: int) -> np.ndarray:
        return data.draw(hnp.arrays(dtype, (rays, n), elements=st.integers(0, top)))

    ref = Moment(2125.0, 250.0, codes(gates), 0.5, -33.0)
    dual = data.draw(st.integers(1, 150))
    zdr = Moment(2125.0, 250.0, codes(dual), 0.0625, -8.0)
    rho = Moment(2125.0, 250.0, codes(dual), 1 / 300, 60.5 / 300)
    cut = replace(_cut(ref.codes), moments={"REF": ref, "ZDR": zdr, "RHO": rho})

    expected = []
    for r in range(rays):
        for g in range(min(gates, dual)):
            if min(ref.codes[r, g], zdr.codes[r, g], rho.codes[r, g]) < 2:
                continue
            z = np.float32(ref.codes[r, g] * 0.5 - 33.0)
            d = np.float32(zdr.codes[r, g] * 0.0625 - 8.0)
            c = np.float32(rho.codes[r, g] * (1 / 300) + 60.5 / 300)
            if z >= np.float32(20) and abs(d) <= np.float32(2.3) and c >= np.float32(0.95):
                expected.append((r, g, z))
    kept = select_gates(cut, LAKE)
    assert list(zip(kept.ray, kept.gate, kept.reflectivity, strict=True)) == expected
    assert kept.counts.valid == np.count_nonzero(ref.codes >= 2)
    assert (kept.ray.dtype, kept.gate.dtype, kept.reflectivity.dtype) == (
        np.int32,
        np.int32,
        np.float32,
    )


def test_counts_of_cuts_add_up_test_by_test() -> None:
    total = GateCounts.total([GateCounts(9, 8, 7, 6, 5), GateCounts(10, 20, 30, 40, 50)])
    assert total == GateCounts(19, 28, 37, 46, 55)
    assert GateCounts.total([]) == GateCounts(0, 0, 0, 0, 0)


def test_a_volume_of_both_kinds_of_cuts_is_mixed() -> None:
    assert volume_method(["dualpol", "dualpol"]) == "dualpol"
    assert volume_method(["reflectivity_only"]) == "reflectivity_only"
    assert volume_method(["dualpol", "reflectivity_only"]) == "mixed"


def _dual_pol(gates: int, first: float, spacing: float) -> dict[str, Moment]:
    """ZDR of 0 dB and RHO of 0.98 everywhere."""
    return {
        "ZDR": Moment(first, spacing, np.full((1, gates), 128, np.uint8), 0.0625, -8.0),
        "RHO": Moment(first, spacing, np.full((1, gates), 200, np.uint8), 0.0049, 0.0),
    }


def _cut(codes: np.ndarray, dual_pol: dict[str, Moment] | None = None) -> Cut:
    rays = len(codes)
    return Cut(
        index=0,
        fixed_angle=0.5,
        azimuth=np.arange(rays, dtype=np.float32),
        elevation=np.full(rays, 0.5, dtype=np.float32),
        time=np.zeros(rays),
        nyquist=np.zeros(rays, dtype=np.float32),
        moments={"REF": Moment(0.0, 250.0, codes, 0.5, -33.0), **(dual_pol or {})},
    )

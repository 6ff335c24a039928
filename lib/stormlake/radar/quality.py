"""Which gates are kept: reflectivity high enough, and dual-pol moments that look like rain.

Every test is a function of a moment's codes: a table says which of the at most 65,536 codes pass
(`*_table`), and a mask is that table looked up at each gate (`*_mask`). `select_gates` uses the
same tables without ever building an array of all gates: a volume has 10 million of them, of which
one in a hundred is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
from numba import njit

from stormlake.radar.outcomes import Reason, VolumeRejected
from stormlake.radar.profiles import Profile
from stormlake.radar.volume import FIRST_VALUE_CODE, Cut, Moment

Method = Literal["dualpol", "reflectivity_only"]
VolumeMethod = Literal["dualpol", "reflectivity_only", "mixed"]
Mask = npt.NDArray[np.bool_]

_BLOCK: Final = 64
"""Gates looked at in one go by the scan; most blocks hold nothing and cost a few vector steps."""


@dataclass(frozen=True)
class GateCounts:
    """How many gates were left after each test, tests in this order.

    Parameters
    ----------
    valid : int
        Gates with a reflectivity.
    reflectivity : int
        Of these, strong enough.
    after_zdr, after_rho : int
        Of these, passed by the test of differential reflectivity, then of the cross-correlation
        ratio; unchanged where a test does not apply.
    kept : int
        What is gridded.
    """

    valid: int = 0
    reflectivity: int = 0
    after_zdr: int = 0
    after_rho: int = 0
    kept: int = 0

    @classmethod
    def total(cls, counts: Iterable[GateCounts]) -> GateCounts:
        """Sum over cuts, test by test."""
        several = list(counts)
        names = (field.name for field in fields(cls))
        return cls(**{name: sum(getattr(one, name) for one in several) for name in names})


@dataclass(frozen=True, eq=False)
class KeptGates:
    """The gates of one cut that passed, ray by ray in order of acquisition, outwards in a ray.

    Parameters
    ----------
    ray, gate : np.ndarray
        int32, shape (n,): which ray of the cut, which gate of its reflectivity.
    reflectivity : np.ndarray
        float32, shape (n,), dBZ, as decoded.
    counts : GateCounts
        What each test left.
    method : str
        `dualpol` or `reflectivity_only`.
    """

    ray: npt.NDArray[np.int32]
    gate: npt.NDArray[np.int32]
    reflectivity: npt.NDArray[np.float32]
    counts: GateCounts
    method: Method


def select_gates(cut: Cut, profile: Profile) -> KeptGates:
    """Apply a profile's quality control to one cut.

    Parameters
    ----------
    cut : Cut
        With reflectivity; its dual-pol moments may lie on other gates than its reflectivity.
    profile : Profile
        Thresholds, inclusive and compared in float32, and the rule for cuts without dual-pol.

    Returns
    -------
    KeptGates
        Of a cut with ZDR and RHO, gates where all three moments carry a value and pass
        (`dualpol`); else gates whose reflectivity passes (`reflectivity_only`).

    Raises
    ------
    VolumeRejected
        `no_dual_pol`, when the cut lacks ZDR or RHO and the profile requires them.
    """
    if not cut.dual_pol and profile.dual_pol == "require":
        raise VolumeRejected(
            Reason.NO_DUAL_POL,
            f"cut {cut.index} has no ZDR or RHO and profile {profile.name} requires them",
        )
    ref = cut.moments["REF"]
    valid, ray, gate = _passing_gates(ref.codes, reflectivity_table(ref, profile))
    reflectivity = after_zdr = after_rho = len(ray)
    method: Method = "reflectivity_only"
    if cut.dual_pol:
        method = "dualpol"
        for name, table in (("ZDR", zdr_table), ("RHO", rho_table)):
            moment = cut.moments[name]
            nearest = nearest_gates(ref, moment)
            left = _passing_at(moment.codes, table(moment, profile), nearest, ray, gate)
            ray, gate = ray[:left], gate[:left]
            if name == "ZDR":
                after_zdr = after_rho = left
            else:
                after_rho = left
    counts = GateCounts(valid, reflectivity, after_zdr, after_rho, len(ray))
    return KeptGates(ray, gate, ref.table[ref.codes[ray, gate]], counts, method)


def volume_method(methods: Iterable[Method]) -> VolumeMethod:
    """Quality control of a volume whose chosen cuts had these methods (column `qc_method`)."""
    distinct = set(methods)
    return distinct.pop() if len(distinct) == 1 else "mixed"


def reflectivity_table(moment: Moment, profile: Profile) -> Mask:
    """Which codes of a reflectivity moment are strong enough; bool, one per possible code."""
    # A code without a value is NaN, and NaN passes no comparison; a damaged scale gives inf.
    strong = moment.table >= np.float32(profile.min_reflectivity)
    table: Mask = strong & np.isfinite(moment.table)
    return table


def zdr_table(moment: Moment, profile: Profile) -> Mask:
    """Which codes of differential reflectivity are small enough; bool, one per possible code."""
    table: Mask = np.abs(moment.table) <= np.float32(profile.max_abs_differential_reflectivity)
    return table


def rho_table(moment: Moment, profile: Profile) -> Mask:
    """Which codes of the cross-correlation ratio are high enough; bool, one per possible code."""
    table: Mask = moment.table >= np.float32(profile.min_cross_correlation_ratio)
    return table


def reflectivity_mask(cut: Cut, profile: Profile) -> Mask:
    """Gates whose reflectivity passes; bool, shape (rays, gates of REF)."""
    moment = cut.moments["REF"]
    mask: Mask = reflectivity_table(moment, profile)[moment.codes]
    return mask


def zdr_mask(cut: Cut, profile: Profile) -> Mask:
    """Gates whose differential reflectivity passes; bool, shape (rays, gates of REF)."""
    moment = cut.moments["ZDR"]
    return _on_reflectivity_gates(cut, moment, zdr_table(moment, profile)[moment.codes])


def rho_mask(cut: Cut, profile: Profile) -> Mask:
    """Gates whose cross-correlation ratio passes; bool, shape (rays, gates of REF)."""
    moment = cut.moments["RHO"]
    return _on_reflectivity_gates(cut, moment, rho_table(moment, profile)[moment.codes])


def nearest_gates(of: Moment, among: Moment) -> npt.NDArray[np.int32]:
    """For each gate of one moment, the gate of another whose centre is nearest in range.

    Parameters
    ----------
    of, among : Moment
        Two moments of one cut; first gate and spacing may differ.

    Returns
    -------
    np.ndarray
        int32, shape (gates of `of`,): index into `among`, the outer one of two that are equally
        near; -1 where the range lies outside every gate of `among`, that is, more than half its
        spacing before the first or beyond the last centre.
    """
    ranges = of.first_gate + of.gate_spacing * np.arange(of.codes.shape[1])
    nearest = np.floor((ranges - among.first_gate) / among.gate_spacing + 0.5)
    index: npt.NDArray[np.int32] = nearest.astype(np.int32)
    index[(index < 0) | (index >= among.codes.shape[1])] = -1
    return index


def _on_reflectivity_gates(cut: Cut, moment: Moment, mask: Mask) -> Mask:
    nearest = nearest_gates(cut.moments["REF"], moment)
    found: Mask = mask[:, nearest]
    found[:, nearest < 0] = False
    return found


def warm_up() -> None:
    """Compile, or load from the cache, the kernels for one-byte and two-byte codes."""
    table = np.ones(1, dtype=np.bool_)
    nearest = np.zeros(1, dtype=np.int32)
    for dtype in (np.uint8, np.uint16):
        codes = np.zeros((1, 1), dtype=dtype)
        _, ray, gate = _passing_gates(codes, table)
        _passing_at(codes, table, nearest, ray, gate)


def _passing_gates(
    codes: npt.NDArray[np.unsignedinteger], table: Mask
) -> tuple[int, npt.NDArray[np.int32], npt.NDArray[np.int32]]:
    """Count gates with a value; find those whose code passes, in order of ray, then gate."""
    passing = np.flatnonzero(table)
    code = codes.dtype.type
    # 0 for a table that passes nothing: every gate is looked up, none is found.
    lowest = code(passing[0]) if len(passing) else code(0)
    valid, at_most = _count_codes(codes, code(FIRST_VALUE_CODE), lowest)
    ray = np.empty(at_most, dtype=np.int32)
    gate = np.empty(at_most, dtype=np.int32)
    found = _find_codes(codes, table, lowest, ray, gate)
    return valid, ray[:found], gate[:found]


def _passing_at(
    codes: npt.NDArray[np.unsignedinteger],
    table: Mask,
    nearest: npt.NDArray[np.int32],
    ray: npt.NDArray[np.int32],
    gate: npt.NDArray[np.int32],
) -> int:
    """Move the gates that pass another moment's test to the front of `ray` and `gate`."""
    return int(_compact(codes, table, nearest, ray, gate))


@njit(cache=True, nogil=True)
def _count_codes(codes, first_value, lowest):  # type: ignore[no-untyped-def]
    """Count codes with a value, and codes of at least `lowest`."""
    valid = 0
    high = 0
    for r in range(codes.shape[0]):
        row = codes[r]
        # One simple loop for each count: LLVM turns it into vector compares.
        for g in range(row.shape[0]):
            valid += row[g] >= first_value
        for g in range(row.shape[0]):
            high += row[g] >= lowest
    return valid, high


@njit(cache=True, nogil=True)
def _find_codes(codes, table, lowest, ray, gate):  # type: ignore[no-untyped-def]
    """Write where a code passes; blocks of gates whose codes are all too low are skipped."""
    found = 0
    for r in range(codes.shape[0]):
        row = codes[r]
        gates = row.shape[0]
        for start in range(0, gates, _BLOCK):
            end = min(start + _BLOCK, gates)
            high = 0
            for g in range(start, end):
                high += row[g] >= lowest
            if high == 0:
                continue
            for g in range(start, end):
                if row[g] >= lowest and table[row[g]]:
                    ray[found] = r
                    gate[found] = g
                    found += 1
    return found


@njit(cache=True, nogil=True)
def _compact(codes, table, nearest, ray, gate):  # type: ignore[no-untyped-def]
    """Keep the gates whose nearest gate passes; no branch, because most tests fall either way."""
    kept = 0
    for i in range(ray.shape[0]):
        r = ray[i]
        g = gate[i]
        other = nearest[g]
        ray[kept] = r
        gate[kept] = g
        kept += (other >= 0) & table[codes[r, max(other, 0)]]
    return kept

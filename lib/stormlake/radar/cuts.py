"""Which cuts of a volume are gridded: one per elevation, so that no storm counts twice.

A modern volume scans its lowest elevations twice (a surveillance cut with dual-pol moments and a
Doppler cut) and repeats low cuts in mid-volume (SAILS, MRLE). The choice rests on the median
elevation of the rays, because the fixed angle of a message 1 cut is the noise of its first ray.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stormlake.radar.outcomes import Reason, VolumeRejected
from stormlake.radar.profiles import Profile
from stormlake.radar.volume import Cut, Volume

SAME_ELEVATION: Final = 0.2
"""Cuts within so many degrees of the first of their group share an elevation."""

LARGEST_GAP: Final = 5.0
"""A cut with a larger gap between neighbouring azimuths, degrees, is torn."""

NO_REFLECTIVITY: Final = "no_reflectivity"
DUPLICATE_ELEVATION: Final = "duplicate_elevation"
NOT_LOWEST: Final = "not_lowest"


@dataclass(frozen=True)
class Choice:
    """The cuts that are gridded, and why the others are not.

    Parameters
    ----------
    chosen : tuple of int
        Positions in `Volume.cuts`, in ascending elevation.
    dropped : mapping of int to str
        Why each other cut is left out: `no_reflectivity`, `duplicate_elevation`, or `not_lowest`
        (a profile that takes the lowest cut alone).
    elevations : mapping of int to float
        Median elevation of the rays of each cut with reflectivity, degrees.
    gaps : mapping of int to float
        Largest gap between neighbouring azimuths of each cut with reflectivity, degrees.
    """

    chosen: tuple[int, ...]
    dropped: Mapping[int, str]
    elevations: Mapping[int, float]
    gaps: Mapping[int, float]

    @property
    def incomplete(self) -> bool:
        """Whether a chosen cut is torn (its volume is partial: `incomplete_cut`)."""
        return any(self.gaps[i] > LARGEST_GAP for i in self.chosen)


def choose_cuts(volume: Volume, profile: Profile) -> Choice:
    """Choose the cuts to grid.

    Parameters
    ----------
    volume : Volume
        Decoded volume.
    profile : Profile
        Its `cuts` says `lowest` (the first cut) or `one_per_elevation`.

    Returns
    -------
    Choice
        At least one chosen cut.

    Raises
    ------
    VolumeRejected
        `no_reflectivity`, when no cut (for `lowest`: not the first) holds reflectivity.

    Notes
    -----
    `one_per_elevation`: cuts are sorted by median elevation, then order of acquisition. The next
    cut joins a group while it lies within 0.2 degree of the group's first. Of each group the best
    is taken: whole before torn, dual-pol before not, then the longest range, then the first.
    """
    # A damaged ray may carry no number for an angle; the other rays still say where the cut is.
    elevations = {
        i: float(np.nanmedian(cut.elevation))
        for i, cut in enumerate(volume.cuts)
        if "REF" in cut.moments and np.isfinite(cut.elevation).any()
    }
    candidates = {i: volume.cuts[i] for i in elevations}
    dropped = {i: NO_REFLECTIVITY for i in range(len(volume.cuts)) if i not in candidates}
    gaps = {i: largest_azimuth_gap(cut.azimuth) for i, cut in candidates.items()}

    if profile.cuts == "lowest":
        chosen: tuple[int, ...] = (0,) if 0 in candidates else ()
        others = dict.fromkeys((i for i in candidates if i != 0), NOT_LOWEST)
    else:
        groups = list(_groups(elevations))
        chosen = tuple(
            min(group, key=lambda i: _preference(i, candidates[i], gaps[i])) for group in groups
        )
        others = dict.fromkeys((i for i in candidates if i not in chosen), DUPLICATE_ELEVATION)
    if not chosen:
        raise VolumeRejected(
            Reason.NO_REFLECTIVITY,
            f"{len(candidates)} of {len(volume.cuts)} cuts hold reflectivity, "
            f"profile {profile.name} takes cuts {profile.cuts!r}",
        )
    return Choice(chosen, dropped | others, elevations, gaps)


def largest_azimuth_gap(azimuth: npt.NDArray[np.float32]) -> float:
    """Largest angle without a ray between two neighbouring rays, all around.

    Parameters
    ----------
    azimuth : np.ndarray
        Shape (rays,), degrees, any order; NaN is no ray.

    Returns
    -------
    float
        Degrees; 360 for fewer than two rays.
    """
    finite = azimuth[np.isfinite(azimuth)]
    if len(finite) < 2:
        return 360.0
    around = np.sort(finite.astype(np.float64) % 360.0)
    return float(max(np.diff(around).max(), 360.0 - around[-1] + around[0]))


def _groups(elevations: Mapping[int, float]) -> Iterator[list[int]]:
    group: list[int] = []
    for i in sorted(elevations, key=lambda i: (elevations[i], i)):
        if group and elevations[i] - elevations[group[0]] > SAME_ELEVATION:
            yield group
            group = []
        group.append(i)
    if group:
        yield group


def _preference(index: int, cut: Cut, gap: float) -> tuple[bool, bool, int, int]:
    return gap > LARGEST_GAP, not cut.dual_pol, -round(cut.moments["REF"].last_gate), index

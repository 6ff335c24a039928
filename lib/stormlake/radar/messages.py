"""What a volume's messages say about its wholeness, and what a reader hands over.

Radial status and message sequence number as in ICD 2620002 (RDA/RPG), tables II, III and XVII.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from stormlake.radar.volume import Cut

STATUS_MASK: Final = 0x7F
"""Bit 7 of a radial status marks bad data and says nothing about the position in the volume."""

SEQUENCE_MODULUS: Final = 0x8000
"""Message sequence numbers count 0 to 0x7FFF and wrap; a few systems use all 16 bits."""

LONGEST_PAUSE: Final = 10.0
"""Seconds between two cuts; intact volumes need at most 3.0."""

LARGEST_JUMP: Final = 100
"""Messages between two cuts; intact volumes have at most 2 that are no rays."""

LONGEST_VOLUME: Final = 900.0
"""Seconds from first to last ray; the slowest scan pattern takes 10 minutes."""


class RadialStatus(IntEnum):
    """Where in the volume a ray stands (without `STATUS_MASK`'s bit)."""

    START_OF_CUT = 0
    INSIDE_CUT = 1
    END_OF_CUT = 2
    START_OF_VOLUME = 3
    END_OF_VOLUME = 4
    START_OF_LAST_CUT = 5


_CUT_STARTS: Final = (RadialStatus.START_OF_CUT, RadialStatus.START_OF_LAST_CUT)


@dataclass(frozen=True, eq=False)
class RayHeaders:
    """Of the rays of one cut, what only the checks of a volume need.

    Parameters
    ----------
    status : np.ndarray
        Unsigned, shape (rays,), `RadialStatus` and flags.
    sequence : np.ndarray
        uint16, shape (rays,), message sequence numbers.
    """

    status: npt.NDArray[np.unsignedinteger]
    sequence: npt.NDArray[np.unsignedinteger]


@dataclass(frozen=True, eq=False)
class Reading:
    """A file as a reader gives it, before it is judged.

    Parameters
    ----------
    start : datetime
        UTC, time of the first ray.
    latitude, longitude, altitude : float
        As the file says, degrees and m; NaN where it says nothing (message 1).
    vcp : int or None
        Volume coverage pattern.
    cuts : tuple of Cut
        In order of acquisition, at least one ray each.
    headers : tuple of RayHeaders
        One for each cut.
    decoder : str
        Name and version of the library.
    torn_elevations : tuple of int
        Elevation numbers with fewer than two rays below the highest one; only Py-ART's reader
        looks, because Py-ART loses track there.
    """

    start: datetime
    latitude: float
    longitude: float
    altitude: float
    vcp: int | None
    cuts: tuple[Cut, ...]
    headers: tuple[RayHeaders, ...]
    decoder: str
    torn_elevations: tuple[int, ...] = ()


def ends(reading: Reading) -> bool:
    """Whether the last ray says that the volume ends with it."""
    last = int(reading.headers[-1].status[-1]) & STATUS_MASK
    return last == RadialStatus.END_OF_VOLUME


def several_volumes(reading: Reading) -> str | None:
    """Say why the rays cannot be of one volume; None where they can."""
    starts = sum(
        int(np.count_nonzero((headers.status & STATUS_MASK) == RadialStatus.START_OF_VOLUME))
        for headers in reading.headers
    )
    if starts > 1:
        return f"{starts} rays say that a volume starts"
    seconds = float(reading.cuts[-1].time[-1] - reading.cuts[0].time[0])
    if seconds > LONGEST_VOLUME:
        return f"{seconds:.0f} s from the first ray to the last"
    return None


def missing_cut(reading: Reading) -> str | None:
    """Say where a cut is missing or torn apart; None where none is.

    A pause or a jump of the sequence number tells it, or a status that says where a ray stands;
    elevation angles cannot, because fixed angles of message 1 are those of the first ray.
    """
    if int(reading.headers[0].status[0]) & STATUS_MASK in _CUT_STARTS:
        return "the first ray starts a cut and not the volume"
    for cut, headers in zip(reading.cuts, reading.headers, strict=True):
        # Where records are out of order, a reader puts the rays of one cut into another.
        if np.isin(headers.status[1:] & STATUS_MASK, _CUT_STARTS).any():
            return f"in cut {cut.index} another cut starts"
    for (before, after), (ray, next_ray) in zip(
        pairwise(reading.cuts), pairwise(reading.headers), strict=True
    ):
        pause = float(after.time[0] - before.time[-1])
        jump = _jump(int(ray.sequence[-1]), int(next_ray.sequence[0]))
        if pause > LONGEST_PAUSE or abs(jump) > LARGEST_JUMP:
            return (
                f"between cuts {before.index} and {after.index} {pause:.1f} s pass and the "
                f"message number goes on by {jump}"
            )
    return None


def _jump(number: int, following: int) -> int:
    """Give the signed distance between two sequence numbers on their circle."""
    half = SEQUENCE_MODULUS // 2
    return (following - number + half) % SEQUENCE_MODULUS - half

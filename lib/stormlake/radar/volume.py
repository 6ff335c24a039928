"""A decoded radar volume in memory: cuts, rays, gates, and three ways of holding no value.

Terms follow the NEXRAD interface control documents (ICD 2620002, messages 1 and 31) and CF/FM301.
A code of 0 says "below threshold", 1 says "range folded", 2 and more carry a value
(ICD 2620002, table III-E and table XVII-I).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

FIRST_VALUE_CODE: Final = 2
"""Codes below this one carry no value (0 below threshold, 1 range folded)."""


class GateState(IntEnum):
    """What a gate says about itself; "not scanned" is a gate that is not there at all."""

    VALID = 0
    BELOW_THRESHOLD = 1
    RANGE_FOLDED = 2


@dataclass(frozen=True, eq=False)
class Moment:
    """One measured quantity of one cut on its native gates.

    Parameters
    ----------
    first_gate, gate_spacing : float
        Range to the centre of the first gate and between gate centres, m.
    codes : np.ndarray
        uint8 or uint16, shape (rays, gates), as the radar sent them.
    scale, offset : float
        value = float32(code * scale + offset), computed in float64.
    """

    first_gate: float
    gate_spacing: float
    codes: npt.NDArray[np.unsignedinteger]
    scale: float
    offset: float

    @cached_property
    def table(self) -> npt.NDArray[np.float32]:
        """Value of every possible code, float32; NaN for codes without a value."""
        codes = np.arange(np.iinfo(self.codes.dtype).max + 1, dtype=np.float64)
        table = (codes * self.scale + self.offset).astype(np.float32)
        table[:FIRST_VALUE_CODE] = np.nan
        return table

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """float32, shape (rays, gates), physical units; NaN where `state` is not VALID."""
        values: npt.NDArray[np.float32] = self.table[self.codes]
        return values

    @property
    def state(self) -> npt.NDArray[np.uint8]:
        """uint8, shape (rays, gates), a `GateState` each."""
        state = np.zeros(self.codes.shape, dtype=np.uint8)
        state[self.codes == 0] = GateState.BELOW_THRESHOLD
        state[self.codes == 1] = GateState.RANGE_FOLDED
        return state

    @property
    def last_gate(self) -> float:
        """Range to the centre of the last gate, m."""
        return self.first_gate + (int(self.codes.shape[1]) - 1) * self.gate_spacing


@dataclass(frozen=True, eq=False)
class Cut:
    """One turn of the antenna at one elevation, rays in the order of acquisition.

    Parameters
    ----------
    index : int
        Position in the volume, from 0.
    fixed_angle : float
        Degrees; commanded (message 31) or that of the first ray (message 1).
    azimuth, elevation : np.ndarray
        float32, shape (rays,), degrees.
    time : np.ndarray
        float64, shape (rays,), seconds since the volume's time.
    nyquist : np.ndarray
        float32, shape (rays,), m/s; NaN where the file has none.
    moments : mapping of str to Moment
        Keys REF, VEL, SW, ZDR, RHO, PHI, CFP; only those that the cut has.
    """

    index: int
    fixed_angle: float
    azimuth: npt.NDArray[np.float32]
    elevation: npt.NDArray[np.float32]
    time: npt.NDArray[np.float64]
    nyquist: npt.NDArray[np.float32]
    moments: Mapping[str, Moment]

    @property
    def rays(self) -> int:
        """Number of rays."""
        return len(self.azimuth)

    @property
    def dual_pol(self) -> bool:
        """Whether both moments that dual-polarisation quality control needs are there."""
        return "ZDR" in self.moments and "RHO" in self.moments


@dataclass(frozen=True, eq=False)
class Volume:
    """One archive file, decoded.

    Parameters
    ----------
    station : str
        Four characters, from the key, else from the volume header.
    volume_time : datetime
        UTC, time of the first ray.
    latitude, longitude : float
        Degrees.
    altitude : float
        Antenna above mean sea level, m; NaN where neither file nor station table tells it.
    vcp : int or None
        Number of the volume coverage pattern.
    cuts : tuple of Cut
        In order of acquisition.
    decoder : str
        Name and version of the library that read it.
    complete : bool
        Whether the last ray says "end of volume".
    problems : tuple of str
        Reasons (see `outcomes.Reason`) why the volume is partial, in order of precedence.
    """

    station: str
    volume_time: datetime
    latitude: float
    longitude: float
    altitude: float
    vcp: int | None
    cuts: tuple[Cut, ...]
    decoder: str
    complete: bool
    problems: tuple[str, ...]

    @property
    def rays(self) -> int:
        """Number of rays of all cuts."""
        return sum(cut.rays for cut in self.cuts)

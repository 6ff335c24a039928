"""The scan pattern of a simulated volume: which cuts, how fast, how far each one sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

VCP: Final = 212
"""A precipitation pattern with split low cuts; ours scans nine elevations of its fifteen."""

VOLUME_SECONDS: Final = 300.0
"""From the start of a volume to the start of the next, s."""

FIRST_GATE: Final = 2125.0
GATE_SPACING: Final = 250.0
SURVEILLANCE_GATES: Final = 1832
"""REF of a surveillance cut: to 460 km, as super-resolution cuts of build 10 and later."""
DUAL_POL_GATES: Final = 1192
"""Every other moment: to 300 km."""

CEILING: Final = 21_300.0
"""Rays end at 70,000 ft above the radar (m), as the RDA ends them."""

DOPPLER_RANGE: Final = 137_000.0
"""Unambiguous range of a cut that measures velocity, m: echo beyond it folds."""
NYQUIST: Final = 28.5
"""m/s; with a wavelength of 0.105 m and c/2, its product with the range is about c * 0.105 / 8."""

_ANGLE_STEP: Final = 360.0 / 8192  # the elevation's coding (ICD 2620002 table III-A), degrees


@dataclass(frozen=True)
class PlannedCut:
    """One turn of the antenna, planned.

    Parameters
    ----------
    index : int
        Position in the volume, from 0.
    elevation : float
        Degrees.
    kind : str
        `surveillance` (REF and dual-pol), `doppler` (REF, VEL, SW) or `batch` (all of them).
    rays : int
        720 (half a degree) or 360.
    start, seconds : float
        Start since the volume's start and duration, s.
    sails : bool
        Whether the cut repeats the lowest elevation in mid-volume.
    """

    index: int
    elevation: float
    kind: str
    rays: int
    start: float
    seconds: float
    sails: bool

    @property
    def doppler(self) -> bool:
        """Whether velocity is measured, with the short unambiguous range that it needs."""
        return self.kind != "surveillance"

    @property
    def dual_pol(self) -> bool:
        """Whether ZDR, RHO and PHI are measured."""
        return self.kind != "doppler"

    def gates(self, limit: int) -> int:
        """Gates up to the ceiling, at most `limit`; a multiple of 4."""
        reach = CEILING / np.sin(np.radians(self.elevation)) if self.elevation > 0 else np.inf
        inside = (min(reach, 1e6) - FIRST_GATE) // GATE_SPACING + 1
        return int(min(limit, inside // 4 * 4))

    def ranges(self, gates: int) -> npt.NDArray[np.float64]:
        """Range to the gate centres, m."""
        return FIRST_GATE + GATE_SPACING * np.arange(gates, dtype=np.float64)


def planned_cuts() -> tuple[PlannedCut, ...]:
    """The cuts of every simulated volume: nine elevations, the lowest once more in mid-volume.

    Two splits (surveillance, then Doppler) at the bottom, batch cuts above, 1 s between cuts and
    about 285 s in all, as VCP 212 with one SAILS cut.
    """
    split = (("surveillance", 720, 31.0), ("doppler", 720, 25.0))
    batch = (("batch", 360, 16.0),)
    plan = [
        (0.48, split), (0.88, split), (1.45, batch), (2.42, batch), (0.48, split),
        (4.0, batch), (6.4, batch), (10.0, batch), (14.0, batch), (19.5, batch),
    ]  # fmt: skip
    cuts: list[PlannedCut] = []
    start = 0.0
    for step, (angle, turns) in enumerate(plan):
        elevation = round(angle / _ANGLE_STEP) * _ANGLE_STEP
        for kind, rays, seconds in turns:
            cuts.append(
                PlannedCut(len(cuts), elevation, kind, rays, start, seconds, sails=step == 4)
            )
            start += seconds + 1.0
    return tuple(cuts)

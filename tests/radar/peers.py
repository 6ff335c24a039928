"""Real volumes, and what Py-ART makes of them: the reference that our numbers are held against.

Nothing here uses the package's quality control, geometry or kernel. Decoded cuts are ours (other
tests prove them equal to Py-ART's bit for bit), because Py-ART's own reader puts a file on one
range axis and would repeat or interpolate coarse gates. Positions, radius of influence and kernel
are Py-ART's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from stormlake.radar.decode import decode
from stormlake.radar.profiles import Grid
from stormlake.radar.volume import Cut, Volume
from tests.data import shared

VOLUMES = (
    "volumes/KABR20050101_000745.gz",
    "volumes/KDMX20260101_154351_V06",
    "volumes/KDOX20111001_110612_V04.gz",
    "volumes/KLBB20160601_150025_V06",
    "volumes/KLIX20050828_180149.gz",
    "volumes/KLOT19950413_132143.gz",
    "volumes/KLSX20251229_065156_V06",
    "volumes/KSRX20200805_154019_V06",
    "volumes/KTLX20140101_000624_V06.gz",
    "volumes/TORD20200818_113449_V08",
    "volumes/TORD20260811_225858_V08",
    "mosaic_NE_20100911/KBGM20100911_012056_V03.gz",
    "mosaic_NE_20100911/KCBW20100911_005706_V03.gz",
    "mosaic_NE_20100911/KDOX20100911_012056_V04.gz",
    "mosaic_NE_20100911/KENX20100911_011108_V03.gz",
    "sequence_KBGM_20050821/KBGM20050821_024323.gz",
    "sequence_KBGM_20050821/KBGM20050821_024910.gz",
    "sequence_KBGM_20050821/KBGM20050821_025458.gz",
    "sequence_KBGM_20050822/KBGM20050822_024414.gz",
    "sequence_KBGM_20050822/KBGM20050822_025001.gz",
    "sequence_KBGM_20050822/KBGM20050822_025549.gz",
    "sequence_KBGM_20050822/KBGM20050822_030243.gz",
    "sequence_KBGM_20050822/KBGM20050822_030830.gz",
)


@lru_cache(maxsize=1)
def real_volume(name: str) -> Volume:
    """Decode a shared file, e.g. ``volumes/KLBB20160601_150025_V06``."""
    return read_volume(shared("nexrad", *name.split("/")))


def read_volume(path: Path, key: str | None = None) -> Volume:
    """Decode any file."""
    return decode(path.read_bytes(), key or path.name)


def kept_mask(cut: Cut) -> np.ndarray:
    """Gates with Z >= 20, |ZDR| <= 2.3, RHO >= 0.95, all valid, on equal gates, in plain NumPy."""
    mask = _at_least(cut, "REF", 20.0)
    if "ZDR" in cut.moments and "RHO" in cut.moments:
        gates = cut.moments["ZDR"].codes.shape[1]
        with np.errstate(invalid="ignore"):
            zdr = np.abs(cut.moments["ZDR"].values) <= np.float32(2.3)
        both = zdr & _at_least(cut, "RHO", 0.95)
        assert cut.moments["ZDR"].gate_spacing == cut.moments["REF"].gate_spacing
        assert cut.moments["ZDR"].first_gate == cut.moments["REF"].first_gate
        mask[:, :gates] &= both[:, : mask.shape[1]]
        mask[:, gates:] = False
    return mask


def _at_least(cut: Cut, name: str, threshold: float) -> np.ndarray:
    moment = cut.moments[name]
    with np.errstate(invalid="ignore"):
        return (moment.values >= np.float32(threshold)) & (moment.state == 0)


@dataclass(frozen=True)
class GateField:
    """One cut as Py-ART's mapper takes it: float32 arrays of shape (rays, gates)."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    values: np.ndarray
    kept: np.ndarray


def pyart_cut(cut: Cut, altitude: float, kept: np.ndarray) -> GateField:
    """Gate positions that Py-ART computes for a cut, cast as `map_gates_to_grid` casts them."""
    import pyart

    moment = cut.moments["REF"]
    radar = pyart.testing.make_empty_ppi_radar(moment.codes.shape[1], cut.rays, 1)
    gates = np.arange(moment.codes.shape[1])
    radar.range["data"] = (moment.first_gate + moment.gate_spacing * gates).astype(np.float32)
    # Its NEXRAD reader holds ranges and elevations as float32 and azimuths as float64.
    radar.azimuth["data"] = cut.azimuth.astype(np.float64)
    radar.elevation["data"] = cut.elevation
    radar.altitude["data"] = np.array([altitude])
    return GateField(
        x=radar.gate_x["data"].astype(np.float32),
        y=radar.gate_y["data"].astype(np.float32),
        z=(radar.gate_altitude["data"] - altitude).astype(np.float32),
        values=moment.values,
        kept=kept,
    )


def pyart_grid(fields: Sequence[GateField], grid: Grid) -> np.ma.MaskedArray:
    """Map cuts in order with Py-ART's own kernel, each on its native gates.

    What `map_gates_to_grid` does around the kernel, for cuts that do not share a range axis. Gates
    that are not kept are excluded instead of masked: the same sums, and minutes faster.
    """
    from pyart.map._gate_to_grid_map import DistBeamRoI, GateToGridMapper

    limits = (grid.z_limits, grid.y_limits, grid.x_limits)
    starts = tuple(first for first, _ in limits)
    steps = tuple(
        (last - first) / (n - 1.0) if n > 1 else 0.0
        for (first, last), n in zip(limits, grid.shape, strict=True)
    )
    ones = np.ones(3, dtype=np.float32)
    roi = DistBeamRoI(ones, 1.0, 1.0, 250.0, [(0.0, 0.0, 0.0)])
    sums = np.zeros((*grid.shape, 1), dtype=np.float32)
    weights = np.zeros((*grid.shape, 1), dtype=np.float32)
    mapper = GateToGridMapper(grid.shape, starts, steps, sums, weights)
    for field in fields:
        rays, gates = field.kept.shape
        mapper.map_gates_to_grid(
            gates,
            rays,
            np.ascontiguousarray(field.z),
            np.ascontiguousarray(field.y),
            np.ascontiguousarray(field.x),
            np.ascontiguousarray(field.values[:, :, np.newaxis]),
            np.zeros((rays, gates, 1), dtype=np.uint8),
            (~field.kept).astype(np.uint8),
            roi,
            3,  # Barnes2
            ones,
        )
    weight = np.ma.masked_equal(weights[..., 0], 0)
    return np.ma.masked_array(sums[..., 0], weight.mask) / weight

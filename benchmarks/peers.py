"""The steps that are measured: libbz2's, Py-ART's, recast-radar's and ours.

Py-ART is run in three ways, because how it is called decides most of its cost:

* `masked`: all moments are read, the chosen sweeps extracted, the field masked where a gate is
  not kept, and gridded as it is. Every masked gate of the volume goes through the kernel.
* `filtered`: the same, but the GateFilter is handed to the gridding, which then skips gates.
* `lean`: as `filtered`, and the reader is told which sweeps and moments will be needed, which
  only somebody knows who has read the file before. The best that Py-ART can do.
"""

from __future__ import annotations

import bz2
import gzip
import io
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from stormlake.radar import containers
from stormlake.radar.cuts import choose_cuts
from stormlake.radar.decode import decode
from stormlake.radar.gridding import Cells, Gates, gather_gates
from stormlake.radar.profiles import Grid, Profile
from stormlake.radar.quality import select_gates

Z, ZDR, RHO = "reflectivity", "differential_reflectivity", "cross_correlation_ratio"
KEPT = "reflectivity_kept"

PINNED: dict[str, Any] = {
    "fields": [KEPT],
    "weighting_function": "Barnes2",
    "roi_func": "dist_beam",
    "min_radius": 250.0,
    "h_factor": (1.0, 1.0, 1.0),
    "nb": 1.0,
    "bsp": 1.0,
    "map_roi": False,
}
"""Every argument of `map_gates_to_grid` that decides a value; its defaults changed in 2024."""


def unpack(data: bytes) -> int:
    """Decompress and nothing else: libbz2 on LDM records, zlib or libbz2 on a whole file."""
    if data.startswith(containers.GZIP):
        return len(gzip.decompress(data))
    if data.startswith(containers.BZIP2):
        return len(bz2.decompress(data))
    return sum(len(bz2.decompress(record)) for record in containers.ldm_records(data))


# Py-ART


def pyart_read(data: bytes, name: str) -> Any:
    """Decode all sweeps and moments, as users do."""
    return _read(data, name)


def pyart_read_lean(data: bytes, name: str, chosen: list[int]) -> Any:
    """Decode what will be gridded: the chosen sweeps, reflectivity and what quality needs."""
    return _read(data, name, scans=chosen, include_fields=[Z, ZDR, RHO])


def _read(data: bytes, name: str, **wanted: Any) -> Any:
    import pyart

    # Its reader takes whole-file compression from a path only.
    if data.startswith(containers.GZIP):
        data = gzip.decompress(data)
    elif data.startswith(containers.BZIP2):
        data = bz2.decompress(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pyart.io.read_nexrad_archive(io.BytesIO(data), station=name[:4], **wanted)


def pyart_filter(radar: Any, profile: Profile) -> Any:
    """Apply a profile's quality control with Py-ART's means; adds the field of kept gates."""
    import pyart

    gates = pyart.filters.GateFilter(radar)
    gates.exclude_invalid(Z)
    gates.exclude_below(Z, profile.min_reflectivity)
    if ZDR in radar.fields and RHO in radar.fields:
        gates.exclude_invalid(ZDR)
        limit = profile.max_abs_differential_reflectivity
        gates.exclude_outside(ZDR, -limit, limit)
        gates.exclude_invalid(RHO)
        gates.exclude_below(RHO, profile.min_cross_correlation_ratio)
    kept = np.ma.masked_where(gates.gate_excluded, radar.fields[Z]["data"])
    radar.add_field(KEPT, {"data": kept}, replace_existing=True)
    return gates


def pyart_grid(radar: Any, grid: Grid, gates: Any = False) -> np.ma.MaskedArray:
    """Map the field of kept gates; False as `gates` lets all masked gates through the kernel."""
    import pyart

    limits = (grid.z_limits, grid.y_limits, grid.x_limits)
    filters = gates if gates is False else (gates,)
    mapped = pyart.map.map_gates_to_grid(
        (radar,), grid.shape, limits, gatefilters=filters, **PINNED
    )
    values: np.ma.MaskedArray = mapped[KEPT]
    return values


# Ours


def chosen_cuts(data: bytes, name: str, profile: Profile) -> list[int]:
    """Give the cuts that are gridded, by our rule; both sides grid the same ones."""
    return list(choose_cuts(decode(data, name), profile).chosen)


def our_gates(data: bytes, name: str, profile: Profile) -> Gates:
    """Decode, choose and select: what goes into our kernel on the whole path."""
    volume = decode(data, name)
    cuts = [volume.cuts[i] for i in choose_cuts(volume, profile).chosen]
    return gather_gates([(cut, select_gates(cut, profile)) for cut in cuts])


def gates_of(radar: Any) -> Gates:
    """Kept gates of a Py-ART radar at Py-ART's own places, for our kernel."""
    kept = ~np.ma.getmaskarray(radar.fields[KEPT]["data"])
    height = radar.gate_altitude["data"] - radar.altitude["data"][0]
    return Gates(
        x=radar.gate_x["data"].astype(np.float32)[kept],
        y=radar.gate_y["data"].astype(np.float32)[kept],
        z=height.astype(np.float32)[kept],
        reflectivity=radar.fields[KEPT]["data"].data[kept].astype(np.float32),
    )


@dataclass(frozen=True)
class Difference:
    """How two grids differ: cells with a value on one side only, and the largest step in dB."""

    cells: int
    mask: int
    largest: float


def difference(theirs: np.ma.MaskedArray, ours: Cells) -> Difference:
    """Hold our cells against Py-ART's grid."""
    there = ~np.ma.getmaskarray(theirs)
    dense = np.full(theirs.shape, np.nan, np.float32)
    dense[ours.level, ours.iy, ours.ix] = ours.reflectivity
    here = ~np.isnan(dense)
    both = here & there
    steps = np.abs(dense[both] - theirs.data[both])
    return Difference(
        cells=int(here.sum()),
        mask=int((here != there).sum()),
        largest=float(steps.max()) if steps.size else 0.0,
    )

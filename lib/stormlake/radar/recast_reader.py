"""The one adapter to recast-radar's private tree: native gates, codes without copies.

recast's public ways repeat coarse moments onto a sweep's finest range or compute float64 values
(see its ``to_datatree``). The tree beneath has, for each field, the codes as the radar sent them
and how they lie on the sweep's range axis: gate i covers the range gates from start + i * stride
to start + (i + 1) * stride - 1. ``_open_tree`` moves the codes to NumPy; ``read`` followed by
``Volume._tree`` would copy them. Private, hence: pinned version, this one module, and a test
that fails when the shape changes.

Not read: ``format_metadata`` (message 5 and others), which costs more than all the rest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stormlake.radar.messages import RayHeaders, Reading
from stormlake.radar.volume import Cut, Moment

MOMENTS: Final = MappingProxyType(
    {
        "DBZH": "REF",
        "VRADH": "VEL",
        "WRADH": "SW",
        "ZDR": "ZDR",
        "RHOHV": "RHO",
        "PHIDP": "PHI",
        "CCORH": "CFP",
    }
)
"""recast's (FM301) names and those of the interface control document."""

_TIME_UNITS = re.compile(r"seconds since (?P<epoch>\S+)")
_SCAN_NAME = re.compile(r"VCP-(?P<vcp>\d+)")

_Variable = Mapping[str, Any]


def warm_up() -> None:
    """Import recast-radar, and xarray with it, which takes a second."""
    import recast_radar  # noqa: F401


def read(data: bytes) -> Reading | None:
    """Decode an unwrapped volume with recast-radar.

    Parameters
    ----------
    data : bytes
        Archive II bytes without whole-file compression.

    Returns
    -------
    Reading or None
        None where the file holds no ray.

    Raises
    ------
    Exception or pyo3_runtime.PanicException
        Whatever recast has to say; see `decode`.
    """
    import recast_radar
    from recast_radar import _native

    root = _native._open_tree(data, first_dim="time")["tree"]
    groups = [
        variables
        for child in root["children"]
        if child["name"].startswith("sweep_")
        and len((variables := _by_name(child))["time"]["data"]) > 0
    ]
    if not groups:
        return None
    start = _time_of(groups[0], 0)
    site = _by_name(root)
    return Reading(
        start=start,
        latitude=float(site["latitude"]["data"]),
        longitude=float(site["longitude"]["data"]),
        altitude=float(site["altitude"]["data"]),
        vcp=_vcp(dict(root["attrs"]).get("scan_name")),
        cuts=tuple(_cut(index, group, start) for index, group in enumerate(groups)),
        headers=tuple(
            RayHeaders(
                status=group["nexrad_radial_status"]["data"],
                sequence=group["nexrad_message_sequence_number"]["data"],
            )
            for group in groups
        ),
        decoder=f"recast {recast_radar.__version__}",
    )


def _by_name(group: Mapping[str, Any]) -> dict[str, _Variable]:
    return {variable["name"]: variable for variable in group["variables"]}


def _vcp(scan_name: str | None) -> int | None:
    match = _SCAN_NAME.fullmatch(scan_name or "")
    return int(match["vcp"]) if match else None


def _epoch(group: Mapping[str, _Variable]) -> datetime:
    """Give the whole second from which a sweep's ray times count."""
    units = _TIME_UNITS.fullmatch(dict(group["time"]["attrs"])["units"])
    if units is None:
        raise ValueError(f"recast's time units: {dict(group['time']['attrs'])['units']!r}")
    return datetime.fromisoformat(units["epoch"]).astimezone(UTC)


def _time_of(group: Mapping[str, _Variable], ray: int) -> datetime:
    # Rays carry whole milliseconds; here and in `_cut`, rounding takes off what float64 adds.
    milliseconds = round(float(group["time"]["data"][ray]) * 1000)
    return _epoch(group) + timedelta(milliseconds=milliseconds)


def _cut(index: int, group: Mapping[str, _Variable], start: datetime) -> Cut:
    rays = len(group["time"]["data"])
    nyquist = group.get("nyquist_velocity")
    return Cut(
        index=index,
        fixed_angle=float(group["sweep_fixed_angle"]["data"]),
        azimuth=group["azimuth"]["data"],
        elevation=group["elevation"]["data"],
        time=np.round(group["time"]["data"] - (start - _epoch(group)).total_seconds(), 3),
        nyquist=np.full(rays, np.nan, np.float32) if nyquist is None else nyquist["data"],
        moments={
            MOMENTS[name]: _moment(variable, group["range"])
            for name, variable in group.items()
            if variable["kind"] == "field" and name in MOMENTS
        },
    )


def _moment(field: _Variable, range_axis: _Variable) -> Moment:
    attributes = dict(field["attrs"])
    codes: npt.NDArray[np.unsignedinteger] = field["data"]
    if field["rows"] is not None:
        codes = codes[field["rows"]]
    axis = range_axis["data"]
    step = float(dict(range_axis["attrs"])["meters_between_gates"])
    start, stride = int(field["start"]), int(field["stride"])
    return Moment(
        first_gate=float(axis[0]) + (start + (stride - 1) / 2) * step,
        gate_spacing=stride * step,
        codes=codes,
        scale=float(attributes["scale_factor"]),
        offset=float(attributes["add_offset"]),
    )

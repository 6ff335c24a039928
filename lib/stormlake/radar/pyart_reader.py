"""The second opinion: Py-ART's message reader, for volumes that recast-radar refuses.

Only ``NEXRADLevel2File`` is used, for the messages it has unpacked. ``read_nexrad_archive``
would interpolate coarse moments onto one range axis and change Py-ART's shared station table on
every call, and both count on elevation numbers without a gap.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stormlake.radar.messages import RayHeaders, Reading
from stormlake.radar.volume import Cut, Moment

MOMENTS: Final = ("REF", "VEL", "SW", "ZDR", "PHI", "RHO", "CFP")

DEGREES_PER_CODE: Final = 180 / (4096 * 8)
"""Azimuth and elevation of message 1 (ICD 2620002, table III-A)."""

COMMANDED_DEGREES_PER_CODE: Final = 360 / 65536
"""Elevation of message 5 (ICD 2620002, table XI)."""

_Message = Mapping[str, Any]


def read(data: bytes) -> Reading:
    """Decode an unwrapped volume with Py-ART.

    Parameters
    ----------
    data : bytes
        Archive II bytes without whole-file compression.

    Returns
    -------
    Reading
        Same arrays as the recast reader gives.

    Raises
    ------
    Exception
        Whatever Py-ART has to say; struct.error, OSError and ValueError have been seen.
    """
    # Importing Py-ART takes seconds and prints how to cite it to standard output, which belongs
    # to our callers.
    os.environ.setdefault("PYART_QUIET", "1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pyart
        from pyart.io.nexrad_level2 import NEXRADLevel2File

        file = NEXRADLevel2File(BytesIO(data))
    digital = file._msg_type == "31"
    scans = [
        (number, [file.radial_records[i] for i in messages])
        for number, messages in enumerate(file.scan_msgs)
    ]
    if not _whole(scans):
        # Elevation numbers count from 1; Py-ART leaves rays with another number out of its scans.
        raise ValueError("no ray has an elevation number")
    first = file.radial_records[0]
    start = _time_of(first["msg_header"])
    site = first.get("VOL") if digital else None
    return Reading(
        start=start,
        latitude=float(site["lat"]) if site else np.nan,
        longitude=float(site["lon"]) if site else np.nan,
        altitude=float(site["height"] + site["feedhorn_height"]) if site else np.nan,
        vcp=_vcp(file.vcp, first["msg_header"]),
        cuts=tuple(
            _cut(index, rays, start, _fixed_angle(file.vcp, number, rays, digital), digital)
            for index, (number, rays) in enumerate(_whole(scans))
        ),
        headers=tuple(_headers(rays, digital) for _, rays in _whole(scans)),
        decoder=f"pyart {pyart.__version__}",
        torn_elevations=tuple(number + 1 for number, rays in scans if len(rays) < 2),
    )


def _whole(scans: Sequence[tuple[int, list[_Message]]]) -> list[tuple[int, list[_Message]]]:
    return [(number, rays) for number, rays in scans if rays]


def _time_of(header: Mapping[str, Any]) -> datetime:
    # The modified Julian date counts 1970-01-01 as day 1.
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        days=int(header["collect_date"]) - 1, milliseconds=int(header["collect_ms"])
    )


def _vcp(message_5: Mapping[str, Any] | None, header: Mapping[str, Any]) -> int | None:
    # Message 31 has no pattern in its ray header; message 1 often has no message 5.
    number = header.get("vcp") or (message_5 and message_5["msg5_header"]["pattern_number"])
    return int(number) if number else None


def _fixed_angle(
    message_5: Mapping[str, Any] | None, number: int, rays: list[_Message], digital: bool
) -> float:
    if digital and message_5 is not None and number < len(message_5["cut_parameters"]):
        code = message_5["cut_parameters"][number]["elevation_angle"]
        return float(code * COMMANDED_DEGREES_PER_CODE)
    return float(_angles(rays[:1], "elevation_angle", digital)[0])


def _angles(rays: list[_Message], key: str, digital: bool) -> npt.NDArray[np.float32]:
    angles = np.array([ray["msg_header"][key] for ray in rays], dtype=np.float64)
    return (angles if digital else angles * DEGREES_PER_CODE).astype(np.float32)


def _headers(rays: list[_Message], digital: bool) -> RayHeaders:
    # Py-ART's name for the status byte of message 31 is that of the field before it.
    status = "radial_spacing" if digital else "radial_status"
    return RayHeaders(
        status=np.array([ray["msg_header"][status] for ray in rays], dtype=np.uint16),
        sequence=np.array([ray["header"]["seq_id"] for ray in rays], dtype=np.uint16),
    )


def _cut(
    index: int, rays: list[_Message], start: datetime, fixed_angle: float, digital: bool
) -> Cut:
    return Cut(
        index=index,
        fixed_angle=fixed_angle,
        azimuth=_angles(rays, "azimuth_angle", digital),
        elevation=_angles(rays, "elevation_angle", digital),
        time=np.array(
            [(_time_of(ray["msg_header"]) - start).total_seconds() for ray in rays],
            dtype=np.float64,
        ),
        nyquist=_nyquist(rays, digital),
        moments={name: _moment(rays, name) for name in MOMENTS if any(name in ray for ray in rays)},
    )


def _nyquist(rays: list[_Message], digital: bool) -> npt.NDArray[np.float32]:
    hundredths = np.array(
        [ray.get("RAD", {}).get("nyquist_vel", 0) for ray in rays]
        if digital
        else [ray["msg_header"]["nyquist_vel"] for ray in rays],
        dtype=np.float64,
    )
    # A surveillance ray of message 1 says 0 for "none".
    return np.where(hundredths == 0, np.nan, hundredths * 0.01).astype(np.float32)


def _moment(rays: list[_Message], name: str) -> Moment:
    """Stack a moment's codes; a gate that a ray does not have reads "below threshold"."""
    blocks = [ray.get(name) for ray in rays]
    first = next(block for block in blocks if block is not None)
    gates = max(len(block["data"]) for block in blocks if block is not None)
    codes = np.zeros((len(rays), gates), dtype=first["data"].dtype.newbyteorder("="))
    for row, block in zip(codes, blocks, strict=True):
        if block is not None:
            row[: len(block["data"])] = block["data"]
    # The file says code = value * scale + offset.
    return Moment(
        first_gate=float(first["first_gate"]),
        gate_spacing=float(first["gate_spacing"]),
        codes=codes,
        scale=1 / first["scale"],
        offset=-first["offset"] / first["scale"],
    )

"""Write a radar volume as a NEXRAD Level II file: message 31, bz2 LDM records.

Sources: ICD 2620010 (RDA/RPG to Archive II/User) for the volume header, the metadata record and
the LDM records; ICD 2620002 (RDA/RPG) for the messages. Section and table numbers stand at each
structure. `level2_bytes` takes what `radar.decode` gives, so a round trip can be compared whole.

Why not a library: recast-radar 0.1.3 writes Level II only from files that it has read. By way of
CfRadial 1 every cut is given every moment (Doppler cuts seem to have dual-pol data), by way of
FM301 the number of the scan pattern is lost; both stretch ZDR, RHO and PHI to the gates of REF and
turn ZDR into 16 bits. Native gates per moment are what our readers must be tried on.
"""

from __future__ import annotations

import bz2
import struct
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from stormlake.radar.volume import Cut, Moment, Volume

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

RAYS_PER_RECORD: Final = 120
"""ICD 2620010 section 4.3.4: an LDM record holds up to 120 radials."""

METADATA_SEGMENTS: Final = 134
"""ICD 2620010 section 4.3.5: segments of the metadata record, of `SEGMENT` bytes each."""

VCP_SEGMENT: Final = 132
"""Segment of the metadata record that holds message 5 (counted from 0)."""

SEGMENT: Final = 2432

FEEDHORN_HEIGHT: Final = 20
"""m above the ground of the site; the file gives the antenna's altitude as their sum."""

ORDER: Final = ("REF", "VEL", "SW", "ZDR", "PHI", "RHO", "CFP")
"""Order of the moment blocks in a ray (ICD 2620002 table XVII)."""

# Radial status, ICD 2620002 table XVII-A.
START_OF_CUT, WITHIN_CUT, END_OF_CUT, START_OF_VOLUME, END_OF_VOLUME, START_OF_LAST_CUT = range(6)

# ICD 2620002 table II; all structures are big-endian (section 3.2.1).
_MESSAGE_HEADER: Final = struct.Struct(">HBBHHIHH")
_CHANNEL: Final = 8  # ORDA, single channel
# ICD 2620002 table XVII, without the block pointers.
_RADIAL: Final = struct.Struct(">4sIHHfBxHBBBBfBbH")
# ICD 2620002 tables XVII-E, XVII-F, XVII-H and XVII-B: block type and name, then the fields.
_VOLUME_BLOCK: Final = struct.Struct(">4sHBBffhHfffffH2x")
_CUT_BLOCK: Final = struct.Struct(">4sHhf")
_RAY_BLOCK: Final = struct.Struct(">4sHhffh2xff")
_MOMENT_BLOCK: Final = struct.Struct(">4s4xHhhhhBBff")
# ICD 2620002 table XI: header, then one entry per cut.
_PATTERN: Final = struct.Struct(">HHHHHBB4xHH2x")
_PATTERN_CUT: Final = struct.Struct(">H4BHH6h12H")

_SURVEILLANCE, _DOPPLER, _BATCH = 1, 2, 4  # waveform types of table XI


@dataclass(frozen=True)
class Conduct:
    """What a file says of a volume beside its data.

    Parameters
    ----------
    sails : frozenset of int
        Indices of the cuts that repeat the lowest elevation in mid-volume (table XI,
        supplemental data).
    unambiguous_range : mapping of int to float
        Range by cut index, m; cuts without an entry say 466 km.
    number : int
        Volume number of the volume header, 1 to 999.
    """

    sails: frozenset[int] = frozenset()
    unambiguous_range: dict[int, float] = field(default_factory=dict)
    number: int = 1


def level2_bytes(volume: Volume, conduct: Conduct | None = None) -> bytes:
    """A volume as an Archive II file (version 06, bz2 LDM records).

    Parameters
    ----------
    volume : Volume
        Codes are written as they are. Gate positions are kept to 1 m, times to 1 ms, the antenna's
        altitude to 1 m; `complete` decides whether the last ray says "end of volume".
    conduct : Conduct, optional
        Details for messages 5 and 31 that a `Volume` does not hold.

    Returns
    -------
    bytes
        The same bytes for the same volume.
    """
    conduct = conduct or Conduct()
    day, millisecond = julian(volume.volume_time)
    header = b"AR2V0006." + f"{conduct.number:03d}".encode()  # ICD 2620010 section 4.3.3
    header += struct.pack(">II4s", day, millisecond, volume.station.encode())
    # libbz2 leaves the GIL, and map keeps the order.
    with ThreadPoolExecutor() as pool:
        records = list(pool.map(bz2.compress, _records(volume, conduct)))
    # ICD 2620010 section 4.3.4: the control word of the last record is negative.
    last = len(records) - 1
    return header + b"".join(
        struct.pack(">i", -len(record) if index == last else len(record)) + record
        for index, record in enumerate(records)
    )


def julian(time: datetime) -> tuple[int, int]:
    """Days (1970-01-01 is day 1) and milliseconds of the day, as NEXRAD counts them."""
    since = time - EPOCH
    return since.days + 1, (since - timedelta(days=since.days)) // timedelta(milliseconds=1)


def _records(volume: Volume, conduct: Conduct) -> Iterator[bytes]:
    """The unpacked LDM records: metadata, then the rays in portions of one cut."""
    yield _metadata_record(volume, conduct)
    sequence = METADATA_SEGMENTS
    for cut in volume.cuts:
        rays = list(_rays(volume, cut, conduct, sequence))
        sequence += len(rays)
        for start in range(0, len(rays), RAYS_PER_RECORD):
            yield b"".join(rays[start : start + RAYS_PER_RECORD])


def _message(body: bytes, kind: int, sequence: int, time: datetime) -> bytes:
    """A message with its header (table II) and the 12 bytes that once were the network's."""
    size = _MESSAGE_HEADER.size + len(body)
    day, millisecond = julian(time)
    return (
        bytes(12)
        + _MESSAGE_HEADER.pack(size // 2, _CHANNEL, kind, sequence % 0x8000, day, millisecond, 1, 1)
        + body
    )


def _metadata_record(volume: Volume, conduct: Conduct) -> bytes:
    """Message 5 in its segment; the other segments are empty (type 0), as in real files."""
    segments = []
    for index in range(METADATA_SEGMENTS):
        body = _pattern(volume, conduct) if index == VCP_SEGMENT else b""
        kind = 5 if index == VCP_SEGMENT else 0
        segments.append(_message(body, kind, index, volume.volume_time).ljust(SEGMENT, b"\0"))
    return b"".join(segments)


def _angle_code(angle: float) -> int:
    """Degrees as table III-A codes them: 13 bits of a turn in the upper bits of 16."""
    return round(angle * 8192 / 360) % 8192 * 8


def _rate_code(rate: float) -> int:
    """Degrees per second as table XI codes them: steps of 0.010986 deg/s in the upper bits."""
    return round(rate * 16384 / 22.5 / 8) * 8


def _pattern(volume: Volume, conduct: Conduct) -> bytes:
    """Message 5, the scan pattern (table XI)."""
    entries = []
    for cut in volume.cuts:
        doppler = "VEL" in cut.moments
        waveform = _BATCH if doppler and cut.dual_pol else _DOPPLER if doppler else _SURVEILLANCE
        # Table XI: bit 0 half a degree in azimuth, bit 1 250 m, bit 2 Doppler and bit 3 dual-pol
        # to 300 km.
        resolution = 2 + (cut.rays > 400) + 4 * doppler + 8 * cut.dual_pol
        supplemental = 3 if cut.index in conduct.sails else 0  # a SAILS cut, the first
        rate = 360.0 / max(float(cut.time[-1] - cut.time[0]), 1.0)
        entries.append(
            _PATTERN_CUT.pack(
                _angle_code(cut.fixed_angle), 0, waveform, resolution,
                0 if doppler else 1, 0 if doppler else 28, _rate_code(rate),
                16, 28, 28, 28, 28, 28,  # thresholds, 1/8 dB
                0, 5 if doppler else 0, 40 if doppler else 0, supplemental,
                0, 0, 0, 0, 0, 0, 0, 0,
            )
        )  # fmt: skip
    size = _PATTERN.size + _PATTERN_CUT.size * len(entries)
    header = _PATTERN.pack(
        size // 2, 2, volume.vcp or 0, len(entries), 1, 2, 2, 0, 3 if conduct.sails else 0
    )
    return header + b"".join(entries)


def _status(cut: Cut, ray: int, volume: Volume) -> int:
    """Radial status of one ray (table XVII-A)."""
    last_cut = cut.index == len(volume.cuts) - 1
    if ray == 0:
        if cut.index == 0:
            return START_OF_VOLUME
        return START_OF_LAST_CUT if last_cut else START_OF_CUT
    if ray == cut.rays - 1:
        return END_OF_VOLUME if last_cut and volume.complete else END_OF_CUT
    return WITHIN_CUT


@dataclass(frozen=True)
class _Block:
    """One moment of a cut, ready to be cut into rays."""

    header: bytes
    codes: npt.NDArray[np.unsignedinteger]

    def ray(self, index: int) -> bytes:
        codes: bytes = self.codes[index].tobytes()
        return self.header + codes


def _blocks(moments: Sequence[tuple[str, Moment]]) -> list[_Block]:
    """Generic data moment blocks (table XVII-B); value = (code - offset) / scale."""
    return [
        _Block(
            _MOMENT_BLOCK.pack(
                b"D" + name.ljust(3).encode(),
                moment.codes.shape[1],
                round(moment.first_gate),
                round(moment.gate_spacing),
                100,  # threshold parameter (range folding), 0.1 dB
                16,  # signal to noise threshold, 1/8 dB
                0,
                moment.codes.dtype.itemsize * 8,
                1.0 / moment.scale,
                -moment.offset / moment.scale,
            ),
            moment.codes.astype(moment.codes.dtype.newbyteorder(">")),
        )
        for name, moment in moments
    ]


def _rays(volume: Volume, cut: Cut, conduct: Conduct, sequence: int) -> Iterator[bytes]:
    """Message 31 of every ray of a cut (table XVII)."""
    blocks = _blocks([(name, cut.moments[name]) for name in ORDER if name in cut.moments])
    start = _RADIAL.size + 4 * (3 + len(blocks))
    sizes = [_VOLUME_BLOCK.size, _CUT_BLOCK.size, _RAY_BLOCK.size]
    sizes += [len(block.ray(0)) for block in blocks]
    pointers = [start + sum(sizes[:index]) for index in range(len(sizes))]
    length = start + sum(sizes)
    site = round(volume.altitude) - FEEDHORN_HEIGHT
    constants = _VOLUME_BLOCK.pack(
        b"RVOL", _VOLUME_BLOCK.size, 2, 0, volume.latitude, volume.longitude, site,
        FEEDHORN_HEIGHT, -44.0, 240.0, 240.0, 0.0, 60.0, volume.vcp or 0,
    )  # fmt: skip
    constants += _CUT_BLOCK.pack(b"RELV", _CUT_BLOCK.size, -12, -44.0)
    reach = round(conduct.unambiguous_range.get(cut.index, 466_000.0) / 100)  # steps of 0.1 km
    fine = cut.rays > 400
    for ray in range(cut.rays):
        time = volume.volume_time + timedelta(milliseconds=round(float(cut.time[ray]) * 1e3))
        day, millisecond = julian(time)
        nyquist = np.nan_to_num(cut.nyquist[ray])
        body = (
            _RADIAL.pack(
                volume.station.encode(), millisecond, day, ray + 1, cut.azimuth[ray], 0, length,
                1 if fine else 2, _status(cut, ray, volume), cut.index + 1, 1,
                cut.elevation[ray], 0, 25 if fine else 50, len(pointers),
            )
            + struct.pack(f">{len(pointers)}I", *pointers)
            + constants
            + _RAY_BLOCK.pack(
                b"RRAD", _RAY_BLOCK.size, reach, -80.0, -80.0, round(float(nyquist) * 100),
                -44.0, -44.0,
            )
            + b"".join(block.ray(ray) for block in blocks)
        )  # fmt: skip
        yield _message(body + bytes(len(body) % 2), 31, sequence + ray, time)

"""From the bytes of an archive object to the bytes of one Archive II volume.

What the bytes may be wrapped in, and how a volume begins, follows ICD 2620010 (Archive II/User):
a 24-byte volume header, then either messages or LDM records, each a 4-byte big-endian signed
length and a bzip2 stream.
"""

from __future__ import annotations

import bz2
import datetime as dt
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib

from stormlake.radar.outcomes import Reason, VolumeRejected

GZIP: Final = b"\x1f\x8b"
BZIP2: Final = b"BZh"
COMPRESS: Final = b"\x1f\x9d"

HEADER_SIZE: Final = 24
CONTROL_WORD_SIZE: Final = 4
TDWR_VERSION: Final = 8

MAX_UNWRAPPED: Final = 1 << 29
"""A volume is at most about 60 MB; what unwraps to more than this is a bomb, not a volume."""

_MAGIC = re.compile(rb"(?:AR2V00(?P<version>\d\d)|ARCHIVE2)\.")
# The two literals share a prefix on purpose: the engine then scans for it several times faster.
_HEADER = re.compile(rb"AR(?:2V000\d|CHIVE2)\.\d{3}")
_STATION = re.compile(r"[A-Z0-9]{4}")


@dataclass(frozen=True)
class VolumeHeader:
    """The 24 bytes that begin a volume.

    Parameters
    ----------
    version : int
        Two digits after ``AR2V``: 1 message 1; 2 to 7 WSR-88D; 8 TDWR. 0 for ``ARCHIVE2``.
    station : str or None
        Four characters; None where the header has none (files of the 1990s).
    date : date or None
        UTC day of the volume's start; None where it makes no sense.
    """

    version: int
    station: str | None
    date: dt.date | None = None


def unwrap(data: bytes) -> bytes:
    """Take off whole-file compression.

    Parameters
    ----------
    data : bytes
        An archive object.

    Returns
    -------
    bytes
        What was inside, not yet known to be a volume.

    Raises
    ------
    VolumeRejected
        `empty_object`, `unsupported_compression`, `truncated_container`, and `decode_error` for
        a stream that is not cut short but broken.
    """
    while True:
        if not data:
            raise VolumeRejected(Reason.EMPTY_OBJECT)
        if data.startswith(COMPRESS):
            raise VolumeRejected(Reason.UNSUPPORTED_COMPRESSION, "Unix compress (.Z)")
        if data.startswith(GZIP):
            data = _inflate(data)
        elif data.startswith(BZIP2):
            data = _unpack_bzip2(data)
        else:
            return data


def _inflate(data: bytes) -> bytes:
    """All members of a gzip stream; what follows the last one is padding."""
    members = []
    room = MAX_UNWRAPPED
    while data.startswith(GZIP):
        stream = isal_zlib.decompressobj(wbits=31)
        try:
            members.append(stream.decompress(data, room))
        except isal_zlib.IsalError as error:  # type: ignore[misc]  # a class; its stub says object
            raise VolumeRejected(Reason.DECODE_ERROR, f"gzip: {error}") from error
        room -= len(members[-1])
        _check_end(stream.eof, room, "gzip")
        data = stream.unused_data
    return b"".join(members)


def _unpack_bzip2(data: bytes) -> bytes:
    streams = []
    room = MAX_UNWRAPPED
    while data.startswith(BZIP2):
        stream = bz2.BZ2Decompressor()
        try:
            streams.append(stream.decompress(data, room))
        except OSError as error:
            raise VolumeRejected(Reason.DECODE_ERROR, f"bzip2: {error}") from error
        room -= len(streams[-1])
        _check_end(stream.eof, room, "bzip2")
        data = stream.unused_data
    return b"".join(streams)


def _check_end(ended: bool, room: int, name: str) -> None:
    # A member that ends at the limit is refused too: a limit of 0 means "none" to the library.
    if room <= 0:
        raise VolumeRejected(
            Reason.DECODE_ERROR, f"{name}: unwraps to more than {MAX_UNWRAPPED} bytes"
        )
    if not ended:
        raise VolumeRejected(
            Reason.TRUNCATED_CONTAINER,
            f"{name} stream ends early, after {MAX_UNWRAPPED - room} unwrapped bytes",
        )


def read_header(data: bytes) -> VolumeHeader:
    """Read the volume header of unwrapped bytes; `not_level2` where there is none."""
    magic = _MAGIC.match(data)
    if magic is None or len(data) < HEADER_SIZE:
        raise VolumeRejected(
            Reason.NOT_LEVEL2,
            f"{len(data)} bytes that begin with {data[:12]!r}, expected AR2V00vv. or ARCHIVE2.",
        )
    name = data[20:HEADER_SIZE].decode("latin-1")
    # Days are counted from 1970-01-01 as day 1; NEXRAD began in 1991, and 2100 is noise.
    (day,) = struct.unpack_from(">I", data, 12)
    first, last = dt.date(1991, 1, 1).toordinal(), dt.date(2100, 1, 1).toordinal()
    ordinal = dt.date(1970, 1, 1).toordinal() + day - 1
    return VolumeHeader(
        version=int(magic["version"] or 0),
        station=name if _STATION.fullmatch(name) else None,
        date=dt.date.fromordinal(ordinal) if first <= ordinal < last else None,
    )


def find_second_header(data: bytes) -> int | None:
    """Offset of another volume's header in unwrapped bytes, None where there is one volume.

    Headers are never inside an LDM record, so nothing needs to be decompressed for this.
    """
    found = _HEADER.search(data, 1)
    return found.start() if found else None


def holds_ldm_records(data: bytes) -> bool:
    """Whether the messages of an unwrapped volume are in bzip2 LDM records."""
    return data.startswith(BZIP2, HEADER_SIZE + CONTROL_WORD_SIZE)


def ldm_records(data: bytes) -> Iterator[bytes]:
    """Walk the LDM records of an unwrapped volume without decompressing them.

    Parameters
    ----------
    data : bytes
        A volume with `holds_ldm_records`.

    Yields
    ------
    bytes
        One bzip2 stream; the last one is short where the file is cut.
    """
    position = HEADER_SIZE
    while position + CONTROL_WORD_SIZE <= len(data):
        # The sign marks the last record of a volume in some writers; only the size counts.
        (length,) = struct.unpack_from(">i", data, position)
        position += CONTROL_WORD_SIZE
        yield data[position : position + abs(length)]
        position += abs(length)

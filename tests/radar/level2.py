"""Write Archive II files for tests: real volumes taken apart into messages and put together anew.

A message here is its bytes with the 12 bytes of channel terminal manager data in front, as they
stand in the file (ICD 2620010, section 7; ICD 2620002, tables II, III and XVII).
"""

from __future__ import annotations

import bz2
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from stormlake.radar import containers

CTM_SIZE = 12
MESSAGE_HEADER_SIZE = 16
BODY = CTM_SIZE + MESSAGE_HEADER_SIZE
SEGMENT_SIZE = 2432
"""Every message but 31 fills one segment."""


@dataclass(frozen=True)
class Message:
    """One message; the fields of rays are None for others."""

    data: bytes

    @property
    def type(self) -> int:
        return self.data[CTM_SIZE + 3]

    @property
    def sequence(self) -> int:
        return struct.unpack_from(">H", self.data, CTM_SIZE + 4)[0]

    @property
    def is_ray(self) -> bool:
        return self.type in (1, 31)

    @property
    def elevation_number(self) -> int | None:
        if self.type == 31:
            return self.data[BODY + 22]
        return struct.unpack_from(">H", self.data, BODY + 16)[0] if self.type == 1 else None

    def with_status(self, status: int) -> Message:
        """Change a ray's radial status."""
        data = bytearray(self.data)
        if self.type == 31:
            data[BODY + 21] = status
        else:
            struct.pack_into(">H", data, BODY + 12, status)
        return Message(bytes(data))

    def later(self, milliseconds: int) -> Message:
        """Move a ray's time of collection, within its day."""
        data = bytearray(self.data)
        at = BODY + 4 if self.type == 31 else BODY
        (time,) = struct.unpack_from(">I", data, at)
        struct.pack_into(">I", data, at, time + milliseconds)
        return Message(bytes(data))

    def with_sequence(self, number: int) -> Message:
        data = bytearray(self.data)
        struct.pack_into(">H", data, CTM_SIZE + 4, number)
        return Message(bytes(data))

    def with_location(self, latitude: float, longitude: float) -> Message:
        """Change the location in the volume block of message 31."""
        data = bytearray(self.data)
        (pointer,) = struct.unpack_from(">I", data, BODY + 32)
        assert data[BODY + pointer : BODY + pointer + 4] == b"RVOL"
        struct.pack_into(">ff", data, BODY + pointer + 8, latitude, longitude)
        return Message(bytes(data))


def take_apart(data: bytes) -> tuple[bytes, list[Message]]:
    """Volume header (24 bytes) and messages of an archive object, however it is packed."""
    data = containers.unwrap(data)
    header, body = data[: containers.HEADER_SIZE], data[containers.HEADER_SIZE :]
    if containers.holds_ldm_records(data):
        body = b"".join(bz2.decompress(record) for record in containers.ldm_records(data))
    messages = []
    position = 0
    while position + BODY <= len(body):
        size = SEGMENT_SIZE
        if body[position + CTM_SIZE + 3] == 31:
            size = CTM_SIZE + 2 * struct.unpack_from(">H", body, position + CTM_SIZE)[0]
        messages.append(Message(body[position : position + size]))
        position += size
    return header, messages


def raw_volume(header: bytes, messages: Iterable[Message]) -> bytes:
    """A volume without compression."""
    return header + b"".join(message.data for message in messages)


def ldm_volume(header: bytes, messages: Sequence[Message], per_record: int = 120) -> bytes:
    """A volume of bzip2 LDM records: what precedes the first ray, then `per_record` messages each.

    The length of the last record is negative, as in files from the real-time feed.
    """
    first = next(i for i, message in enumerate(messages) if message.is_ray)
    starts = [0, *range(first, len(messages), per_record), len(messages)]
    records = [
        bz2.compress(b"".join(m.data for m in messages[a:b])) for a, b in pairwise(starts) if b > a
    ]
    signs = [1] * (len(records) - 1) + [-1]
    return header + b"".join(
        struct.pack(">i", sign * len(record)) + record
        for sign, record in zip(signs, records, strict=True)
    )


def without(data: bytes, unwanted: Callable[[Message], bool]) -> bytes:
    """A raw volume of an archive object's messages, those that are unwanted left out."""
    header, messages = take_apart(data)
    return raw_volume(header, (message for message in messages if not unwanted(message)))


def with_rays(data: bytes, change: Callable[[int, Message], Message]) -> bytes:
    """A raw volume whose rays are changed; `change` gets the ray's number in the volume."""
    header, messages = take_apart(data)
    ray = -1
    changed = []
    for message in messages:
        if message.is_ray:
            ray += 1
            message = change(ray, message)  # noqa: PLW2901
        changed.append(message)
    return raw_volume(header, changed)


def with_records_swapped(data: bytes, first: int, second: int) -> bytes:
    """A volume of LDM records with two of them in each other's place."""
    records = list(containers.ldm_records(data))
    records[first], records[second] = records[second], records[first]
    return data[: containers.HEADER_SIZE] + b"".join(
        struct.pack(">i", len(record)) + record for record in records
    )


def with_byte_inverted(data: bytes, position: int) -> bytes:
    """The same bytes, one of them with all bits turned."""
    changed = bytearray(data)
    changed[position] ^= 0xFF
    return bytes(changed)


def with_station(data: bytes, station: bytes) -> bytes:
    """A volume with another station in its header."""
    return data[:20] + station + data[containers.HEADER_SIZE :]

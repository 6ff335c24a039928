"""Lines out of pieces of bytes, none longer than a record may be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from stormlake.sensors.json_record import SHOWN, too_large
from stormlake.sensors.outcomes import Reject


@dataclass(frozen=True, slots=True)
class Line:
    """A line without its line feed, and its place."""

    offset: int
    data: bytes


class LineStream:
    """Cuts pieces into lines.

    Parameters
    ----------
    max_record : int
        Bytes; a longer line is `too_large`.
    offset : int
        Place of the first byte in its object.
    """

    def __init__(self, max_record: int, offset: int = 0) -> None:
        self.offset = offset
        self._max = max_record
        self._rest = b""
        # Bytes that were dropped of a line that is too long already.
        self._dropped = 0

    def add(self, piece: bytes) -> Iterator[Line | Reject]:
        """Yield the lines that end in this piece."""
        lines = (self._rest + piece).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            yield self._line(line)
            self.offset += 1
        if len(self._rest) > self._max:
            kept = self._rest[:SHOWN]
            self._dropped += len(self._rest) - len(kept)
            self._rest = kept

    def rest(self) -> Line | Reject | None:
        """What stands behind the last line feed, None for nothing; call it at the end."""
        return self._line(self._rest) if self._rest else None

    def _line(self, data: bytes) -> Line | Reject:
        offset, length = self.offset, self._dropped + len(data)
        self.offset += length
        self._dropped = 0
        if length > self._max:
            reason, detail = too_large(self._max)
            return Reject(reason, detail, offset, length, data=data[:SHOWN])
        return Line(offset, data)

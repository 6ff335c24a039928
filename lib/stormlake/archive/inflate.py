"""Gunzip a stream of bytes in bounded memory, giving all that came before a cut or damage.

Members are taken apart here (RFC 1952) and isal inflates what is in them (RFC 1951): where a
library checks the checksum itself, it withholds the last bytes of a member that fails the check.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

from isal import isal_zlib

GZIP: Final = b"\x1f\x8b"

LARGEST_PIECE: Final = 2 * 2**20
"""Bytes; no inflated piece is larger, whatever the stream unfolds to."""

_STEP: Final = 4096
"""Bytes inflated at once. When a block turns out to be damaged, what this step gave is lost."""

_DEFLATE: Final = b"\x08"
_HEADER_CRC, _EXTRA, _NAME, _COMMENT = 0x02, 0x04, 0x08, 0x10
_ALL_FLAGS: Final = b"\x1f"
_LONGEST_NAME: Final = 2**16


class InflateFailed(Exception):
    """A gzip stream could not be read to its end; what came before was given.

    Parameters
    ----------
    detail : str
        What is wrong, and after how many inflated bytes; the object is not named.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class CutShort(InflateFailed):
    """The stream ends inside a member."""


class Damaged(InflateFailed):
    """The stream is not gzip from some byte on, or its checksum does not fit."""


def inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Stream what is inside a gzip stream, or the stream itself where it is none.

    Parameters
    ----------
    pieces : iterable of bytes
        Of any sizes.

    Yields
    ------
    bytes
        Never empty. At most `LARGEST_PIECE` of a gzip stream; others pass as they come.

    Raises
    ------
    CutShort, Damaged
        After all that could be inflated was given. Of what comes just before damage to a block,
        what 4 KiB of the stream hold is missing; a bit that flipped is mostly noticed only by the
        checksum at the member's end, so what was given may be wrong where `Damaged` follows.

    Notes
    -----
    Members in a row are one stream; zero bytes after a member are padding. Of a cut member, the
    last one or two bytes before the cut may be missing (isal looks ahead).
    """
    source = _Bytes(pieces)
    head = source.take(len(GZIP))
    source.give_back(head)
    if head != GZIP:
        yield from source.rest()
        return
    gathered: list[bytes] = []
    size = 0
    try:
        for out in _members(source):
            gathered.append(out)
            size += len(out)
            if size >= LARGEST_PIECE // 2:
                yield b"".join(gathered)
                gathered, size = [], 0
    except Exception:  # also what reading the pieces raises
        if gathered:
            yield b"".join(gathered)
        raise
    if gathered:
        yield b"".join(gathered)


def _members(source: _Bytes) -> Iterator[bytes]:
    total = 0
    while not source.at_end():
        _skip_header(source, total)
        checksum = size = 0
        inflater = isal_zlib.decompressobj(wbits=-15)
        while not inflater.eof:
            step = source.some(_STEP)
            if not step:
                raise _cut(total)
            for out in _unfolded(inflater, step, total):
                total += len(out)
                size += len(out)
                checksum = isal_zlib.crc32(out, checksum)
                yield out
        source.give_back(inflater.unused_data)
        trailer = _must_take(source, 8, total)
        if trailer != struct.pack("<II", checksum, size % 2**32):
            raise Damaged(f"the checksum at the end of a gzip member does not fit its {size} bytes")
        source.skip_zeros()


def _unfolded(inflater: Any, step: memoryview, total: int) -> Iterator[bytes]:
    """What one step of input gives, a bounded piece at a time: a step may unfold 1,000 times."""
    left: memoryview | bytes = step
    full = True
    while (left or full) and not inflater.eof:
        try:
            out: bytes = inflater.decompress(left, LARGEST_PIECE // 2)
        except isal_zlib.IsalError as error:  # type: ignore[misc]  # a class; its stub says object
            raise Damaged(f"gzip is damaged after {total} inflated bytes: {error}") from error
        left = inflater.unconsumed_tail
        # The library may have more to give although it has taken all input.
        full = len(out) == LARGEST_PIECE // 2
        total += len(out)
        if out:
            yield out


def _skip_header(source: _Bytes, total: int) -> None:
    """Skip a member's header (RFC 1952, 2.3): 10 bytes, and the fields that its flags announce."""
    header = source.take(10)
    start = GZIP + _DEFLATE
    if header[:3] != start[: len(header)] or header[3:4] > _ALL_FLAGS:
        # What stands there instead is not told: it may be a patient's record.
        raise Damaged(f"after {total} inflated bytes comes something that is no gzip member")
    if len(header) < 10:
        raise _cut(total)
    flags = header[3]
    if flags & _EXTRA:
        (length,) = struct.unpack("<H", _must_take(source, 2, total))
        _must_take(source, length, total)
    for field in (_NAME, _COMMENT):
        if flags & field:
            for _ in range(_LONGEST_NAME):
                if _must_take(source, 1, total) == b"\0":
                    break
            else:
                raise Damaged(f"a gzip member's name is longer than {_LONGEST_NAME} bytes")
    if flags & _HEADER_CRC:
        _must_take(source, 2, total)


def _must_take(source: _Bytes, size: int, total: int) -> bytes:
    taken = source.take(size)
    if len(taken) < size:
        raise _cut(total)
    return taken


def _cut(total: int) -> CutShort:
    return CutShort(f"gzip ends inside a member, after {total} inflated bytes")


class _Bytes:
    """Pieces as one row of bytes, of which some can be given back."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._front = memoryview(b"")
        self._returned = b""

    def some(self, size: int) -> memoryview:
        """Take up to `size` bytes; nothing only at the end."""
        if self._returned:
            taken, self._returned = self._returned[:size], self._returned[size:]
            return memoryview(taken)
        while not self._front:
            piece = next(self._pieces, None)
            if piece is None:
                break
            self._front = memoryview(piece)
        front, self._front = self._front[:size], self._front[size:]
        return front

    def take(self, size: int) -> bytes:
        """Take `size` bytes, fewer only at the end."""
        taken = b""
        while len(taken) < size and (more := self.some(size - len(taken))):
            taken += more
        return taken

    def give_back(self, data: bytes) -> None:
        """Put bytes in front again; a step's at most, as all is copied."""
        self._returned = data + self._returned

    def at_end(self) -> bool:
        """Whether nothing is left."""
        last = bytes(self.some(1))
        self.give_back(last)
        return not last

    def skip_zeros(self) -> None:
        """Take zero bytes, up to the first other one."""
        while step := bytes(self.some(_STEP)):
            if left := step.lstrip(b"\0"):
                self.give_back(left)
                return

    def rest(self) -> Iterator[bytes]:
        """Take all, as it comes."""
        for piece in (self._returned, bytes(self._front)):
            if piece:
                yield piece
        self._returned, self._front = b"", memoryview(b"")
        yield from (piece for piece in self._pieces if piece)

"""The bytes of a part, decompressed, in pieces of one size; what went wrong is kept, not raised."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from stormlake.archive.inflate import InflateFailed, inflated
from stormlake.archive.objects import FetchFailed
from stormlake.archive.source import Source
from stormlake.sensors.json_stream import BOM
from stormlake.sensors.parts import Part, part_pieces, resolve

PIECE: Final = 2**20
"""Bytes that are parsed at once: they and their rows stay in the processor's cache."""


HEAD: Final = 64 * 2**10
"""Bytes by which the form of an object is told."""

_BLANKS: Final = b" \t\r\n"


class PartBytes:
    """Pieces of a part; an iterator that ends early where the bytes cannot be read.

    Parameters
    ----------
    source : Source
    part : Part

    Attributes
    ----------
    part : Part or None
        As it is read: the whole object where that cannot be cut; None where there is nothing to do.
    offset : int
        Place of the first byte, in the decompressed object.
    first : bytes
        The beginning without the blanks before it: HEAD bytes, or all there are. However the
        bytes come in pieces, it is the same; they are iterated too.
    failure : InflateFailed or FetchFailed or None
        Why the bytes ended early, once they have.
    """

    def __init__(self, source: Source, part: Part) -> None:
        self.part: Part | None = part
        self.failure: InflateFailed | FetchFailed | None = None
        self.offset = part.start
        pieces: Iterator[bytes] = iter(())
        try:
            self.part = resolve(source, part)
            if self.part is not None:
                pieces = self._pieces(source, self.part)
        except FetchFailed as failure:
            self.failure = failure
        self._begin = self._beginning(pieces)
        self.first = b"".join(self._begin).lstrip(_BLANKS)[:HEAD]
        self._rest = pieces

    def __iter__(self) -> Iterator[bytes]:
        return chain(self._begin, self._rest)

    def _pieces(self, source: Source, part: Part) -> Iterator[bytes]:
        placed = self._read(part_pieces(source, part))
        first = next(placed, None)
        if first is None:
            return iter(())
        raw = chain([first[1]], (data for _, data in placed))
        if part.start:  # the head of an object that can be cut is plain text
            self.offset = first[0]
            return _in_pieces(raw)
        plain = _in_pieces(self._inflate(raw))
        head = _until(plain, lambda data: len(data) >= len(BOM))
        self.offset = len(BOM) if head.startswith(BOM) else 0
        return (piece for piece in chain([head.removeprefix(BOM)], plain) if piece)

    def _beginning(self, pieces: Iterator[bytes]) -> list[bytes]:
        """The first pieces, until HEAD bytes have come; blank ones before them are passed over."""
        found: list[bytes] = []
        size = 0
        for piece in pieces:
            if not found and not piece.strip(_BLANKS):
                self.offset += len(piece)
                continue
            found.append(piece)
            size += len(piece)
            if size >= HEAD + len(found[0]):
                break
        return found

    def _read(self, placed: Iterator[tuple[int, bytes]]) -> Iterator[tuple[int, bytes]]:
        try:
            yield from placed
        except FetchFailed as failure:
            self.failure = failure

    def _inflate(self, raw: Iterable[bytes]) -> Iterator[bytes]:
        try:
            yield from inflated(iter(raw))
        except InflateFailed as failure:
            # Bytes that could not be fetched look like a cut stream from here.
            self.failure = self.failure or failure


def _until(pieces: Iterator[bytes], enough: Callable[[bytes], bool]) -> bytes:
    """The beginning of some pieces, as much as is enough or all there is."""
    found = b""
    for piece in pieces:
        found += piece
        if enough(found):
            break
    return found


def _in_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, in pieces of at most PIECE."""
    for piece in pieces:
        if len(piece) <= PIECE:
            yield piece
        else:
            for start in range(0, len(piece), PIECE):
                yield piece[start : start + PIECE]

"""The work cut into tasks by bytes, and where a large object may be cut."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from stormlake.archive.arrivals import StoredObject
from stormlake.archive.source import Source
from stormlake.archive.streams import pieces, read_at
from stormlake.sensors.json_stream import begins_with_record

OPENING_COSTS: Final = 64 * 2**10
"""Opening an object costs as much as reading this many bytes: a task gets few of many small."""

LEAST: Final = 2**20
MOST: Final = 32 * 2**20
"""Bytes of a task: enough work to be worth starting, little enough to be done again."""

_HEAD: Final = 64 * 2**10
_CUT: Final = re.compile(rb"\}\r?\n(?=\{)")
"""Between the end of a record and a line that begins one. JSON has no such place inside a record,
and the decoder resumes there whatever came before; so it may be cut, and every task finds it."""
_CUT_BYTES: Final = 3


@dataclass(frozen=True, slots=True)
class Part:
    """An object, or a range of its bytes that is to be widened to whole records."""

    obj: StoredObject
    start: int
    stop: int


def plan_parts(objects: Iterable[StoredObject], cores: int, split: bool) -> list[tuple[Part, ...]]:
    """Cut the objects into tasks; the same objects and cores give the same tasks.

    Parameters
    ----------
    objects : iterable of StoredObject
    cores : int
        That there is work for each, where there is much.
    split : bool
        Whether large objects may be cut.
    """
    listed = sorted(objects, key=lambda obj: obj.key)
    total = sum(obj.size + OPENING_COSTS for obj in listed)
    size = min(MOST, max(LEAST, total // (3 * max(1, cores))))
    tasks: list[tuple[Part, ...]] = []
    filling: list[Part] = []
    cost = 0
    for obj in listed:
        step = size if split else max(1, obj.size)
        for start in range(0, max(1, obj.size), step):
            # A short rest stays with the part before it.
            if start and obj.size - start < step // 2:
                continue
            stop = start + step if obj.size - start - step >= step // 2 else obj.size
            part = Part(obj, start, stop)
            if filling and cost + part.stop - part.start > size:
                tasks.append(tuple(filling))
                filling, cost = [], 0
            filling.append(part)
            cost += part.stop - part.start + OPENING_COSTS
    return [*tasks, tuple(filling)] if filling else tasks


def resolve(source: Source, part: Part) -> Part | None:
    """The part as it can be read: an object that cannot be cut is its first part's as a whole.

    Returns
    -------
    Part or None
        None where there is nothing to do.
    """
    whole = Part(part.obj, 0, part.obj.size)
    if part == whole or begins_with_record(read_at(source, part.obj, 0, _HEAD)):
        return part
    return whole if part.start == 0 else None


def part_pieces(source: Source, part: Part) -> Iterator[tuple[int, bytes]]:
    """Bytes of the records that begin in a part, with their offsets in the object."""
    if part.start == 0 and is_last(part):
        return _from(source, part.obj, 0)
    return _between_cuts(_from(source, part.obj, max(0, part.start - _CUT_BYTES)), part)


def is_last(part: Part) -> bool:
    """Whether the object ends with this part."""
    return part.stop >= part.obj.size


def _from(source: Source, obj: StoredObject, start: int) -> Iterator[tuple[int, bytes]]:
    offset = start
    for piece in pieces(source, obj, start=start):
        yield offset, piece
        offset += len(piece)


def _between_cuts(stream: Iterator[tuple[int, bytes]], part: Part) -> Iterator[tuple[int, bytes]]:
    """From the first cut at or behind the part's start to the first at or behind its stop."""
    started = part.start == 0
    kept = b""
    for offset, piece in stream:
        data, base = kept + piece, offset - len(kept)
        if not started:
            cut = _first_cut(data, base, part.start)
            if cut is None or cut >= part.stop:
                if cut is not None or offset + len(piece) >= part.stop + _CUT_BYTES:
                    return
                kept = data[-_CUT_BYTES:]
                continue
            started = True
            data, base = data[cut - base :], cut
        end = None if is_last(part) else _first_cut(data, base, part.stop)
        if end is not None:
            yield base, data[: end - base]
            return
        # What may be half of a cut waits for the next piece.
        kept = data[-_CUT_BYTES:]
        yield base, data[: len(data) - len(kept)]
    if started and kept:
        yield offset + len(piece) - len(kept), kept


def _first_cut(data: bytes, base: int, least: int) -> int | None:
    """Offset of the first record behind a cut that begins at `least` or later."""
    for found in _CUT.finditer(data, max(0, least - base - _CUT_BYTES)):
        if base + found.end() >= least:
            return base + found.end()
    return None

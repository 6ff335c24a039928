"""Archives of unicorn readings in every shape: simulated once, kept in the work folder, reused."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final

from stormlake.simulate.shapes import Shape, write_shape
from stormlake.simulate.unicorns import WRAPPER, unicorn_records

START: Final = datetime(2026, 5, 1, tzinfo=UTC)
SEED: Final = 1

BASE: Final = 1_000_000
"""Records that are simulated, 10 us each; more are the same ones on later days."""

BASE_DAYS: Final = 3
"""Days that the readings of four unicorns, one a second, reach into."""

AGAIN: Final = 100
"""Every so many records, one is a copy of an earlier one: delivery is at least once."""

PER_OBJECT: Final = 160_000
"""Records of an object: 32 MB of JSON Lines, as delivery streams leave them."""


def copies(records: int) -> int:
    """How many of so many records are copies of others."""
    return records // AGAIN


def archive(
    work: Path, records: int, shape: Shape = Shape.LINES, per_object: int = PER_OBJECT
) -> Path:
    """Folder with so many records in objects of one shape.

    Parameters
    ----------
    work : Path
        Where archives are kept.
    records : int
        Copies included; above `BASE` a multiple of it.
    shape : Shape
    per_object : int
        Records of an object.
    """
    base = min(records, BASE)
    if records % base:
        raise ValueError(f"records above {BASE:,} must be a multiple of it, not {records:,}")
    if records == base:
        return _made(work / f"{shape}-{base}-by-{per_object}", base, shape, per_object)
    first = archive(work, base, shape, per_object)
    rounds = [first, *(_later(first, n) for n in range(1, records // base))]
    folder = work / f"{shape}-{records}-by-{per_object}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for number, each in enumerate(rounds):
        for path in each.iterdir():
            os.link(path, folder / f"{number:03}-{path.name}")
    return folder


def size(folder: Path) -> int:
    """Bytes of an archive."""
    return sum(path.stat().st_size for path in folder.iterdir())


def gzip_ratio(folder: Path) -> float:
    """How many bytes of an archive's first object a byte of its gzip form holds."""
    data = min(folder.iterdir()).read_bytes()
    return len(data) / len(gzip.compress(data))


def readings(records: int) -> Iterator[dict[str, Any]]:
    """Simulated readings, every hundredth a copy of the one 99 before it."""
    distinct = unicorn_records(records - copies(records), SEED, START)
    while group := list(islice(distinct, AGAIN - 1)):
        yield from group
        if len(group) == AGAIN - 1:
            yield group[0]


def _made(folder: Path, records: int, shape: Shape, per_object: int) -> Path:
    if folder.is_dir():
        return folder
    unfinished = _new(folder)
    stream = readings(records)
    number = 0
    while some := list(islice(stream, per_object)):
        path = unfinished / f"unicorns-{number:04}.json"
        path.write_bytes(write_shape(some, shape, WRAPPER))
        number += 1
    return unfinished.rename(folder)


def _later(first: Path, times: int) -> Path:
    """The same records, so many times three days later: only the dates in the bytes differ."""
    folder = first.with_name(f"{first.name}-later-{times}")
    if folder.is_dir():
        return folder
    unfinished = _new(folder)
    days = [START + timedelta(days=day) for day in range(BASE_DAYS)]
    for path in sorted(first.iterdir()):
        data = path.read_bytes()
        for day in days:
            moved = day + times * timedelta(days=BASE_DAYS)
            # Blank or T between day and time: as the records have it, nothing else is touched.
            data = data.replace(f'"{day:%Y-%m-%d} '.encode(), f'"{moved:%Y-%m-%d} '.encode())
        (unfinished / path.name).write_bytes(data)
    return unfinished.rename(folder)


def _new(folder: Path) -> Path:
    unfinished = folder.with_name(folder.name + ".part")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    return unfinished

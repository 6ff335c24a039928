"""An archive of many volumes with times of their own, made of one real volume.

Every ray's time is moved and every LDM record packed again by bzip2 at its usual level, so that
reading one of them costs what reading the original costs. Packing takes about 1.5 s a volume;
what was made is kept in the build folder and used again.
"""

from __future__ import annotations

import bz2
import os
import shutil
import struct
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from benchmarks.one_core import cores
from stormlake.radar import containers

CTM_SIZE = 12
HEADER = CTM_SIZE + 16
SEGMENT_SIZE = 2432
EVERY = timedelta(minutes=5)
MOST = 280
"""Volumes that fit into one UTC day; a volume itself lasts up to 10 minutes."""

_EPOCH = datetime(1969, 12, 31, tzinfo=UTC)
"""Day 0 of the format's dates (ICD 2620010: day 1 is 1 January 1970)."""


def station_day(name: str, data: bytes, count: int, work: Path) -> Path:
    """Folder with `count` volumes of one station-day in the archive's layout.

    Parameters
    ----------
    name : str
        Archive name of the original, which tells the station and its day.
    data : bytes
        The original: message 31 in bzip2 LDM records.
    count : int
        1 to `MOST`.
    work : Path
        Where made volumes are kept, and where the folder is made.
    """
    if not 1 <= count <= MOST:
        raise ValueError(f"count must be 1 to {MOST}, not {count}")
    station, day = name[:4], datetime.strptime(name[4:12], "%Y%m%d").replace(tzinfo=UTC)
    times = [day + timedelta(seconds=25) + i * EVERY for i in range(count)]
    kept = work / f"moved-{name[:12]}-{sha256(data).hexdigest()[:8]}"
    kept.mkdir(parents=True, exist_ok=True)
    made = {time: kept / f"{station}{time:%Y%m%d_%H%M%S}_V06" for time in times}
    missing = [time for time, path in made.items() if not path.exists()]
    # bz2 leaves the GIL, and threads inherit the cores of the one that starts them.
    with cores(None) as count_of_cores, ThreadPoolExecutor(count_of_cores) as pool:
        list(pool.map(lambda time: _write(made[time], moved(data, time)), missing))
    folder = work / f"archive-{count}"
    shutil.rmtree(folder, ignore_errors=True)
    leaf = folder / f"{day:%Y/%m/%d}" / station
    leaf.mkdir(parents=True)
    for path in made.values():
        os.link(path, leaf / path.name)
    return folder


def moved(data: bytes, start: datetime) -> bytes:
    """Give the same volume with its first ray at another time; whole milliseconds."""
    data = containers.unwrap(data)
    if not containers.holds_ldm_records(data):
        raise ValueError("only volumes of bzip2 LDM records can be moved")
    shift: int | None = None
    records = []
    for record in containers.ldm_records(data):
        content = bytearray(bz2.decompress(record))
        position = 0
        while position + HEADER <= len(content):
            size = SEGMENT_SIZE
            if content[position + CTM_SIZE + 3] == 31:
                size = CTM_SIZE + 2 * struct.unpack_from(">H", content, position + CTM_SIZE)[0]
                if shift is None:
                    shift = _milliseconds(start) - _time(content, position + HEADER + 4)
                _move(content, position + HEADER + 4, shift)
            position += size
        records.append(bz2.compress(bytes(content)))
    header = bytearray(data[: containers.HEADER_SIZE])
    days, rest = divmod(_milliseconds(start), 86_400_000)
    struct.pack_into(">II", header, 12, days, rest)
    # A negative length marks the last record, as in files from the real-time feed.
    signs = [1] * (len(records) - 1) + [-1]
    return bytes(header) + b"".join(
        struct.pack(">i", sign * len(record)) + record
        for sign, record in zip(signs, records, strict=True)
    )


def _milliseconds(time: datetime) -> int:
    return round((time - _EPOCH) / timedelta(milliseconds=1))


def _time(content: bytearray, at: int) -> int:
    """Collection time (ms of the day) and date of a ray, as ms since day 0."""
    milliseconds, day = struct.unpack_from(">IH", content, at)
    return int(day * 86_400_000 + milliseconds)


def _move(content: bytearray, at: int, shift: int) -> None:
    day, milliseconds = divmod(_time(content, at) + shift, 86_400_000)
    struct.pack_into(">IH", content, at, milliseconds, day)


def _write(path: Path, data: bytes) -> None:
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(data)
    unfinished.replace(path)

"""An archive in a local folder: archive layout, flat files, folders of chunks, or all mixed.

Names that begin with `_` or `.` are not input. A name that says nothing is opened, because its
first bytes tell whether the file is a volume at all.
"""

from __future__ import annotations

import bz2
import datetime as dt
import os
import stat
import zlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from stormlake.archive.keys import (
    ArchiveKey,
    ChunkName,
    parse_chunk_name,
    parse_name,
    station_day_of_folders,
)
from stormlake.archive.objects import ArchiveObject, FetchFailed, refuse_large
from stormlake.errors import RefusedInput
from stormlake.radar.containers import BZIP2, GZIP, HEADER_SIZE, read_header
from stormlake.radar.outcomes import Reason, VolumeRejected

_WRAPPINGS: Final = 2
"""Compressions, one around the other, that are looked through; a limit, for files that never end
to unwrap exist."""

_SNIFFED: Final = 2**20
"""Bytes read of a nameless file: a bz2 block (at most 900 kB before compression) opens whole."""


@dataclass(frozen=True)
class LocalFetcher:
    """Reads files below a folder.

    Parameters
    ----------
    root : str
        Absolute path of the folder that was listed.
    """

    root: str

    def fetch(self, obj: ArchiveObject) -> bytes:
        """Return the file's bytes; of a folder of chunks, all of them joined in order."""
        refuse_large(obj.key, obj.size)
        return b"".join(self._read(key) for key in obj.parts or (obj.key,))

    def _read(self, key: str) -> bytes:
        try:
            return Path(self.root, key).read_bytes()
        except (OSError, ValueError) as error:
            raise FetchFailed(f"{Path(self.root, key)}: {error}") from error


def list_folder(
    root: str, stations: Collection[str], start: dt.date | None, end: dt.date | None
) -> Iterator[ArchiveObject]:
    """Objects of a folder and the folders in it, in an order that depends on names alone.

    Parameters
    ----------
    root : str
        Absolute path.
    stations, start, end
        As in `ArchiveObject.in_scope`.

    Raises
    ------
    RefusedInput
        The folder, or one inside it, is missing or cannot be read. The root is looked at in the
        call, folders inside while iterating.
    """
    if not Path(root).is_dir():
        problem = "is not a folder" if Path(root).exists() else "does not exist"
        raise RefusedInput(
            f"source {root!r} {problem}; pass a folder of Level II files, or s3://BUCKET"
        )
    first = folder_entries(root)
    found = _walk(root, "", first, frozenset({folder_identity(root)}))
    return (obj for obj in found if obj.in_scope(stations, start, end))


def looks_like_volume(head: bytes) -> bool:
    """Whether a file that begins like this is a Level II volume, wrapped or not.

    Parameters
    ----------
    head : bytes
        The first bytes of the file; 1 MiB is enough to open a bz2 block.
    """
    try:
        for _ in range(_WRAPPINGS):
            if head.startswith(GZIP):
                head = zlib.decompressobj(wbits=31).decompress(head, _SNIFFED)
            elif head.startswith(BZIP2):
                head = bz2.BZ2Decompressor().decompress(head, _SNIFFED)
        read_header(head[:HEADER_SIZE])
    except (zlib.error, OSError, VolumeRejected):
        return False
    return True


def _walk(
    root: str, relative: str, entries: list[os.DirEntry[str]], above: frozenset[tuple[int, int]]
) -> Iterator[ArchiveObject]:
    """Yield objects of one folder (`relative` is empty or ends in `/`), then of those inside."""
    # The folders above the root count too: `--source archive/2016/06/01/KLBB` is natural.
    named = station_day_of_folders(Path(root, relative).parts)
    chunks: list[tuple[ChunkName, str, int]] = []
    for entry in entries:
        status = _status(entry)
        if status is not None and stat.S_ISDIR(status.st_mode):
            identity = (status.st_dev, status.st_ino)
            if identity in above:  # a link back up: its content is being listed already
                continue
            inside = folder_entries(entry.path)
            yield from _walk(root, f"{relative}{entry.name}/", inside, above | {identity})
            continue
        chunk = parse_chunk_name(entry.name)
        if chunk and (status is None or stat.S_ISREG(status.st_mode)):
            chunks.append((chunk, relative + entry.name, status.st_size if status else 0))
        else:
            yield _file(entry, relative, status, named)
    if chunks:
        yield _chunk_folder(relative, chunks, named)


def _file(
    entry: os.DirEntry[str],
    relative: str,
    status: os.stat_result | None,
    named: tuple[str, dt.date] | None,
) -> ArchiveObject:
    station, date = named or (None, None)
    key = relative + entry.name
    size = status.st_size if status else 0
    shown = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if shown != key or (status is not None and not stat.S_ISREG(status.st_mode)):
        # No table can hold such a name; and to open a pipe would wait for ever.
        return ArchiveObject(shown, size, station, date, skip=Reason.UNKNOWN_KEY)
    parsed = parse_name(entry.name)
    if isinstance(parsed, ArchiveKey):
        time = parsed.key_time
        return ArchiveObject(key, size, parsed.station, time.date(), time)
    skip: Reason | None = parsed.reason
    if skip is Reason.UNKNOWN_KEY and _may_be_volume(entry.path):
        skip = None
    return ArchiveObject(key, size, parsed.station or station, parsed.date or date, skip=skip)


def _chunk_folder(
    relative: str,
    chunks: list[tuple[ChunkName, str, int]],
    named: tuple[str, dt.date] | None,
) -> ArchiveObject:
    # Chunks of two volumes in one folder stay together: decoding finds the second header and
    # says `concatenated_volumes`, which a person can act on.
    chunks.sort(key=lambda chunk: (chunk[0].key_time, chunk[0].number, chunk[1]))
    time = chunks[0][0].key_time
    return ArchiveObject(
        key=relative or "./",
        size=sum(size for _, _, size in chunks),
        station=named[0] if named else None,
        date=time.date(),
        key_time=time,
        parts=tuple(key for _, key, _ in chunks),
    )


def _may_be_volume(path: str) -> bool:
    try:
        with Path(path).open("rb") as file:
            return looks_like_volume(file.read(_SNIFFED))
    except OSError:
        return True  # fetching it will fail too, and say why


def folder_entries(folder: str) -> list[os.DirEntry[str]]:
    """Entries of a folder that are input, by name; `RefusedInput` where it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return sorted(
                (entry for entry in entries if not entry.name.startswith(("_", "."))),
                key=lambda entry: entry.name,
            )
    except OSError as error:
        raise RefusedInput(
            f"source folder {folder!r} cannot be listed: {error.strerror}; "
            "make it readable or point --source at another folder"
        ) from error


def _status(entry: os.DirEntry[str]) -> os.stat_result | None:
    """Status of what the name leads to; None for a broken link or a file that is gone."""
    try:
        return entry.stat()
    except OSError:
        return None


def folder_identity(path: str) -> tuple[int, int]:
    """Return what tells one folder from all others, whichever links lead to it."""
    status = Path(path).stat()
    return status.st_dev, status.st_ino

"""The objects of a sensor archive, found by the hour in which they arrived.

A delivery stream writes `.../YYYY/MM/DD/HH/<name>`, the folders being the UTC hour of arrival.
Objects in a day's folder without an hour arrived on that day, at any hour. Objects elsewhere have
no arrival and belong to every window, also those in the folder of a year or a month. A day without
an hour of the window is not looked into, whatever lies in it. Names that begin with `_` or `.` are
not input.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from stormlake.archive import s3
from stormlake.archive.hours import DAY_LEVEL, Place, Window, place_of_source
from stormlake.archive.local import folder_entries
from stormlake.archive.source import Source, client_of, probe_bucket
from stormlake.errors import RefusedInput

_NOT_INPUT: Final = ("_", ".")

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object of a sensor archive, as listed.

    Parameters
    ----------
    key : str
        Path below the source; the last part of the source's own URI where that names an object.
    size : int
        Bytes.
    arrival : datetime or None
        Hour of arrival by its folders, or midnight of the day if they name no hour, UTC (aware);
        None outside the layout.
    etag : str or None
        S3's ETag, of a file `<size>-<mtime in ns>`: another one means that the object changed.
    is_source : bool
        Whether the source's URI names this very object.
    arrival_hours : int
        Hours from `arrival` on in one of which it arrived: 1, or 24 where the day alone is known.
    """

    key: str
    size: int
    arrival: dt.datetime | None
    etag: str | None
    is_source: bool = False
    arrival_hours: int = 1


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to look into.

    Parameters
    ----------
    key : str
        Path below the source; empty or ends in `/`.
    place : Place
    above : frozenset
        Identities of it and the folders it was reached through (local folders alone).
    """

    key: str
    place: Place
    above: frozenset[tuple[int, int]] = frozenset()


def list_arrivals(
    source: Source, start: dt.datetime | None = None, end: dt.datetime | None = None
) -> Iterator[StoredObject]:
    """Stream the objects of a window of arrival hours, and all that have no arrival.

    Parameters
    ----------
    source : Source
        A bucket, a prefix in it, or a folder; or one object or file, which is listed alone. Where
        the URI itself ends in folders of the layout, they count.
    start, end : datetime or None
        Half-open window of arrival hours, aware; None means no limit.

    Returns
    -------
    iterator of StoredObject
        In the order of the keys' UTF-8 bytes, as S3 lists them. A page of S3's answers or the
        names of one folder are in memory, for each level of folders. What can be refused is
        refused in the call, save folders inside that cannot be read.

    Raises
    ------
    RefusedInput
        No such folder or bucket, no permission.
    ServiceUnreachable
        S3 does not answer.
    """
    window = Window(start, end)
    if source.is_s3:
        probe_bucket(source)
        return _list_bucket(source, window)
    return _list_local(source.uri, window)


def _list_bucket(source: Source, window: Window) -> Iterator[StoredObject]:
    client = client_of(source)
    *folders, name = source.prefix.rstrip("/").split("/")
    found = _named_object(client, source)
    if found is not None:
        place = place_of_source(folders)
        if window.holds(place.arrival, place.hours):
            yield _stored(name, found["Size"], place, found.get("ETag"), is_source=True)
        return
    root = _Folder("", place_of_source([*folders, name]))
    yield from _walk(root, lambda folder: _look_into_prefix(client, source, folder, window))


def _named_object(client: Any, source: Source) -> dict[str, Any] | None:
    """Listing entry of the object that the URI names; None where it names a folder."""
    name = source.prefix.removesuffix("/")
    if not name:
        return None
    # The exact name comes first of all that begin with it.
    page = next(s3.list_pages(client, source.bucket, name, page_size=1))
    entry: dict[str, Any] = next(iter(page.get("Contents", ())), {})
    if entry.get("Key") != name:
        return None
    inside = next(s3.list_pages(client, source.bucket, source.prefix, page_size=1))
    return None if inside.get("Contents") else entry


def _look_into_prefix(
    client: Any, source: Source, folder: _Folder, window: Window
) -> Iterator[StoredObject | _Folder]:
    """Objects and folders of one prefix; below a day, or without a window, all objects in it."""
    flat = window.open or folder.place.settled or len(folder.place.parts) == DAY_LEVEL
    pages = s3.list_pages(
        client, source.bucket, source.prefix + folder.key, delimiter="" if flat else "/"
    )
    known, is_input, parent_place = "", True, folder.place
    for page in pages:
        entries = [(entry["Key"], entry) for entry in page.get("Contents", ())]
        entries += [(inside["Prefix"], None) for inside in page.get("CommonPrefixes", ())]
        for full, entry in sorted(entries, key=lambda pair: pair[0].encode()):
            key = full.removeprefix(source.prefix)
            parent, _, name = key.removeprefix(folder.key).removesuffix("/").rpartition("/")
            if parent != known:  # the keys of a flat listing mostly share their folders
                known, is_input = parent, _is_input(parent)
                parent_place = folder.place.below(f"{parent}/") if parent else folder.place
            if not is_input or name.startswith(_NOT_INPUT):
                continue
            place = parent_place.enter(name) if entry is None else parent_place
            if entry is None and place.may_hold(window):
                yield _Folder(key, place)
            elif entry is None or full.endswith("/"):
                continue
            elif window.holds(place.arrival, place.hours):
                yield _stored(key, entry["Size"], place, entry.get("ETag"))


def _stored(
    key: str, size: int, place: Place, etag: str | None, is_source: bool = False
) -> StoredObject:
    return StoredObject(key, size, place.arrival, etag, is_source, place.hours)


def _is_input(folders: str) -> bool:
    return not any(folder.startswith(_NOT_INPUT) for folder in folders.split("/"))


def _list_local(root: str, window: Window) -> Iterator[StoredObject]:
    try:
        status = Path(root).stat()
    except (OSError, ValueError) as error:
        raise RefusedInput(
            f"source {root!r} cannot be opened: {getattr(error, 'strerror', None) or error}; pass "
            "a folder or a file of a sensor archive, or s3://BUCKET[/PREFIX]"
        ) from error
    if stat.S_ISREG(status.st_mode):
        place = place_of_source(Path(root).parts[:-1])
        found = _stored(Path(root).name, status.st_size, place, file_etag(status), is_source=True)
        return iter((found,) if window.holds(place.arrival, place.hours) else ())
    if not stat.S_ISDIR(status.st_mode):
        raise RefusedInput(
            f"source {root!r} is neither a folder nor a file; pass a folder or a file of a sensor "
            "archive, or s3://BUCKET[/PREFIX]"
        )
    above = frozenset({(status.st_dev, status.st_ino)})
    top = _Folder("", place_of_source(Path(root).parts), above)
    folder_entries(root)  # one that cannot be read is refused in the call
    return _walk(top, lambda folder: _look_into_folder(root, folder, window))


def _look_into_folder(
    root: str, folder: _Folder, window: Window
) -> Iterator[StoredObject | _Folder]:
    entries = [
        (entry.name, _is_folder(entry)) for entry in folder_entries(str(Path(root, folder.key)))
    ]
    # As S3 orders keys: `a.json` comes before `a/b.json`, since `.` comes before `/`.
    entries.sort(key=lambda pair: os.fsencode(pair[0]) + b"/" * pair[1])
    for name, is_folder in entries:
        key = folder.key + name
        try:
            status = Path(root, key).stat()
        except OSError:
            status = None  # a broken link, or gone: reading it will fail and say why
        if is_folder and status is not None:
            inside = _Folder(
                f"{key}/", folder.place.enter(name), folder.above | {(status.st_dev, status.st_ino)}
            )
            # A link back up: its content is being listed already.
            if len(inside.above) > len(folder.above) and inside.place.may_hold(window):
                yield inside
        elif window.holds(folder.place.arrival, folder.place.hours):
            found = _file(key, status, folder.place)
            if found is not None:
                yield found


def _file(key: str, status: os.stat_result | None, place: Place) -> StoredObject | None:
    # No table can hold a name that is not Unicode: reading fails, and the key is told like this.
    shown = key.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if status is None:
        return _stored(shown, 0, place, None)
    if not stat.S_ISREG(status.st_mode):
        _LOG.warning("%s is a pipe, socket or device, and no input", shown)
        return None
    return _stored(shown, status.st_size, place, file_etag(status))


def file_etag(status: os.stat_result) -> str:
    """What stands for S3's ETag at a file: another size or time of change is another file."""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _walk(
    root: _Folder, look_into: Callable[[_Folder], Iterator[StoredObject | _Folder]]
) -> Iterator[StoredObject]:
    """Objects of a folder and of all below; without recursion, as keys may nest 1,000 deep."""
    levels = [look_into(root)]
    while levels:
        found = next(levels[-1], None)
        if found is None:
            levels.pop()
        elif isinstance(found, StoredObject):
            yield found
        else:
            levels.append(look_into(found))


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False

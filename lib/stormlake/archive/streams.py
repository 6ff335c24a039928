"""Bytes of a stored object, a piece at a time: bounded memory, whatever the object's size.

Every read makes sure that the object is still the one that was listed, by its ETag or, of a file,
its size and time of change: pieces of two versions must not be taken for one object.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final

from stormlake.archive.arrivals import StoredObject, file_etag
from stormlake.archive.objects import FetchFailed
from stormlake.archive.s3_read import read_range
from stormlake.archive.source import Source, client_of

PIECE_SIZE: Final = 4 * 2**20
"""Bytes asked for at a time."""

Sleep = Callable[[float], None]


def read_at(
    source: Source, obj: StoredObject, offset: int, size: int, sleep: Sleep = time.sleep
) -> bytes:
    """Read a part of an object.

    Parameters
    ----------
    source : Source
        The one that listed the object.
    obj : StoredObject
    offset, size : int
        Bytes, neither of them negative.
    sleep : callable
        Waits between attempts at an S3 body that breaks off, s.

    Returns
    -------
    bytes
        `size` bytes, fewer only where the object ends.

    Raises
    ------
    FetchFailed
        The object is gone, has changed since it was listed, or cannot be read.
    """
    if not source.is_s3:
        path = _path(source, obj)
        try:
            with path.open("rb") as file:
                return _read(file, path, obj, offset, size)
        except (OSError, ValueError) as error:
            raise FetchFailed(f"{path}: {error}") from error
    size = min(size, obj.size - offset)
    if size <= 0:
        return b""
    key = source.prefix.removesuffix("/") if obj.is_source else source.prefix + obj.key
    return read_range(
        client_of(source),
        source.bucket,
        key,
        offset,
        size,
        obj.etag,
        source.patience.body_attempts,
        sleep,
    )


def pieces(
    source: Source,
    obj: StoredObject,
    start: int = 0,
    piece_size: int = PIECE_SIZE,
    sleep: Sleep = time.sleep,
) -> Iterator[bytes]:
    """Stream an object from a byte on.

    Parameters
    ----------
    source : Source
        The one that listed the object.
    obj : StoredObject
    start : int
        First byte.
    piece_size : int
        Bytes of a piece; the last one may be shorter, none is empty.
    sleep : callable
        Waits between attempts at an S3 body that breaks off, s.

    Yields
    ------
    bytes
        Of an S3 object, the next piece is on its way while this one is used.

    Raises
    ------
    FetchFailed
        As `read_at`.
    """
    offsets = range(start, obj.size, piece_size)
    if not source.is_s3:
        yield from _pieces_of_file(_path(source, obj), obj, offsets)
    elif len(offsets) <= 1:
        for offset in offsets:
            yield read_at(source, obj, offset, piece_size, sleep)
    else:
        yield from _pieces_ahead(lambda at: read_at(source, obj, at, piece_size, sleep), offsets)


def _pieces_of_file(path: Path, obj: StoredObject, offsets: range) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            # A file listed as empty is looked at too: a broken link is listed so.
            _read(file, path, obj, 0, 0)
            for offset in offsets:
                yield _read(file, path, obj, offset, offsets.step)
    except (OSError, ValueError) as error:
        raise FetchFailed(f"{path}: {error}") from error


def _pieces_ahead(read: Callable[[int], bytes], offsets: range) -> Iterator[bytes]:
    pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pieces")
    try:
        upcoming = pool.submit(read, offsets[0])
        for offset in offsets[1:]:
            piece = upcoming.result()
            upcoming = pool.submit(read, offset)
            yield piece
            del piece  # or it would live on while the next one is waited for
        yield upcoming.result()
    finally:
        # Not waiting: who stops early (a killed task) must not hang on somebody's timeout.
        pool.shutdown(wait=False, cancel_futures=True)


def _read(file: BinaryIO, path: Path, obj: StoredObject, offset: int, size: int) -> bytes:
    file.seek(offset)
    data = file.read(size)
    # Looked at after the bytes were read: what changed them is seen by now.
    status = os.fstat(file.fileno())
    if status.st_size != obj.size or obj.etag not in {None, file_etag(status)}:
        raise FetchFailed(
            f"{path} changed since it was listed: {obj.size} bytes then, {status.st_size} now"
        )
    return data


def _path(source: Source, obj: StoredObject) -> Path:
    return Path(source.uri) if obj.is_source else Path(source.uri, obj.key)

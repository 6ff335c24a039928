"""Control objects in a folder of the machine."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from stormlake.lake.objects import AlreadyExists, Changed, Entry, Stored, StoreRefused, checked

_NOT_LET_IN: Final = frozenset(
    {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.ENOENT}
)
"""The place itself is wrong; a full or broken disk is not among them."""


class LocalStore:
    """Control objects in a folder of the machine.

    Parameters
    ----------
    root : Path
        The lake's folder; made when something is written.

    Notes
    -----
    A new object is written beside its place under a name that listings skip, flushed to disk and
    then linked (`link` fails when the name is taken, as O_EXCL does, but shows whole files only).
    A folder has no compare-and-swap: replace and delete hold an `flock` on the folder's `.guard`,
    which the kernel frees when its process dies.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, path: str) -> Stored | None:
        """Give the object, None when there is none."""
        try:
            data = self._place(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        return Stored(data, _digest(data))

    def create(self, path: str, data: bytes) -> str:
        """Write a new object and give its etag; raise AlreadyExists when there is one."""
        place = self._place(path)
        temporary = self._write_beside(place, data)
        try:
            os.link(temporary, place)
        except FileExistsError:
            raise AlreadyExists(f"{place} exists") from None
        finally:
            temporary.unlink()
        _flush_folder(place.parent)
        return _digest(data)

    def replace(self, path: str, data: bytes, etag: str) -> str:
        """Write over the version `etag` and give the new one; raise Changed when it is not that."""
        place = self._place(path)
        with self._only_version(path, etag):
            self._write_beside(place, data).replace(place)
            _flush_folder(place.parent)
        return _digest(data)

    def delete(self, path: str, etag: str | None = None) -> None:
        """Remove the object; with `etag` only that version, else raise Changed."""
        if etag is None:
            self._place(path).unlink(missing_ok=True)
            return
        with self._only_version(path, etag):
            self._place(path).unlink()

    def list(self, prefix: str) -> Iterator[Entry]:
        """Give the objects whose path starts with `prefix`, by path."""
        folder = self.root / prefix.rpartition("/")[0]
        found = []
        for place in folder.rglob("*"):
            path = place.relative_to(self.root).as_posix()
            if path.startswith(prefix) and not place.name.startswith("."):
                # A temporary may vanish, and a lock may be released, while we walk.
                with suppress(FileNotFoundError):
                    if place.is_file():
                        found.append(Entry(path, place.stat().st_size))
        return iter(sorted(found, key=lambda entry: entry.path))

    def _place(self, path: str) -> Path:
        return self.root / checked(path)

    def _write_beside(self, place: Path, data: bytes) -> Path:
        temporary = place.parent / f".{uuid.uuid4().hex}.tmp"
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            if error.errno in _NOT_LET_IN:
                raise StoreRefused(f"cannot write in {place.parent}: {error.strerror}") from error
            raise
        return temporary

    @contextmanager
    def _only_version(self, path: str, etag: str) -> Iterator[None]:
        place = self._place(path)
        try:
            guard = os.open(place.parent / ".guard", os.O_CREAT | os.O_RDWR, 0o666)
        except FileNotFoundError:
            raise Changed(f"{place} is gone") from None
        try:
            fcntl.flock(guard, fcntl.LOCK_EX)
            now = self.read(path)
            if now is None or now.etag != etag:
                raise Changed(f"{place} is {'gone' if now is None else 'another version'}")
            yield
        finally:
            os.close(guard)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _flush_folder(folder: Path) -> None:
    """Make a new name durable: the name stands in the folder, not in the file."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""What every store of control objects promises, and the errors by which it keeps the promise.

`create` succeeds for exactly one of many callers, `replace` succeeds only when nobody wrote in
between, and a reader never sees half an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Protocol

from stormlake.errors import RefusedInput, StormlakeError


class AlreadyExists(StormlakeError):
    """`create` met an object of that path."""


class Changed(StormlakeError):
    """`replace` or `delete` met another version of the object than the caller had read, or none."""


class StoreRefused(RefusedInput):
    """The store exists but does not let us in, or the bucket or folder cannot be used."""


@dataclass(frozen=True)
class Stored:
    """An object's bytes and the version they are."""

    data: bytes
    etag: str


@dataclass(frozen=True)
class Entry:
    """One line of a listing: path below the store's root, and size in bytes."""

    path: str
    size: int


class Store(Protocol):
    """What a store of control objects can do; paths are relative, with `/` between the parts."""

    def read(self, path: str) -> Stored | None:
        """Give the object, None when there is none."""

    def create(self, path: str, data: bytes) -> str:
        """Write a new object and give its etag; raise AlreadyExists when there is one."""

    def replace(self, path: str, data: bytes, etag: str) -> str:
        """Write over the version `etag` and give the new one; raise Changed when it is not that."""

    def delete(self, path: str, etag: str | None = None) -> None:
        """Remove the object; with `etag` only that version, else raise Changed."""

    def list(self, prefix: str) -> Iterator[Entry]:
        """Give the objects whose path starts with `prefix`, by path."""


def checked(path: str) -> str:
    """Give the path back when it lies inside a store."""
    parts = PurePosixPath(path).parts
    if not parts or path != "/".join(parts) or any(part in ("/", "..", ".") for part in parts):
        raise ValueError(f"not a path inside a store: {path!r}")
    return path

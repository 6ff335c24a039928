"""One seam for small control objects (records, locks, exits): a folder, or S3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from stormlake.archive.s3 import Patience, make_client
from stormlake.lake.local_store import LocalStore
from stormlake.lake.objects import AlreadyExists, Changed, Entry, Store, Stored, StoreRefused
from stormlake.lake.s3_store import S3Store

__all__ = [
    "AlreadyExists",
    "Changed",
    "Entry",
    "LocalStore",
    "S3Store",
    "Store",
    "StoreRefused",
    "Stored",
    "open_store",
    "overwrite",
    "update",
]

PATIENCE: Final = Patience(attempts=6)
"""A lease lasts two minutes: who renews it must know well before whether S3 answers."""


def open_store(uri: str, session: Any = None, endpoint_url: str | None = None) -> Store:
    """Open the store of a lake.

    Parameters
    ----------
    uri : str
        The lake: a local path, `file:///…`, or `s3://bucket/prefix` (`s3a://` too).
    session : boto3.session.Session, optional
        Needed for S3.
    endpoint_url : str, optional
        S3 endpoint other than AWS's.

    Raises
    ------
    RefusedInput
        The address, endpoint or region cannot be used as given.
    """
    parts = urlsplit(uri)
    if parts.scheme in ("s3", "s3a"):
        if session is None:
            raise ValueError(f"a boto3 session is needed to open {uri}")
        client = make_client(session, endpoint_url=endpoint_url, unsigned=False, patience=PATIENCE)
        return S3Store(client, parts.netloc, parts.path)
    if parts.scheme == "file":
        return LocalStore(Path(unquote(parts.path)))
    if "://" in uri:
        raise StoreRefused(f"a lake is a local folder or s3://bucket/prefix, not {uri!r}")
    return LocalStore(Path(uri))


def overwrite(store: Store, path: str, data: bytes) -> str:
    """Write an object whatever stands there, whole as ever, and give its etag; the last wins."""
    return update(store, path, lambda _: data)


def update(store: Store, path: str, change: Callable[[bytes | None], bytes]) -> str:
    """Write what `change` makes of an object (None: there is none), and give its etag.

    `change` is asked again when another writer was faster, so nobody's change is lost.
    """
    while True:
        there = store.read(path)
        data = change(None if there is None else there.data)
        try:
            if there is None:
                return store.create(path, data)
            return store.replace(path, data, there.etag)
        except (AlreadyExists, Changed):
            continue

"""Which objects of the stream hold one volume: those that share its station and volume time.

A claim lists their keys. Keys are only ever added, by conditional writes, so that of several
handlers at work each sees the others.
"""

from __future__ import annotations

import json
from typing import Final

from stormlake.lake.radar_scope import Row
from stormlake.lake.store import Store, update

_FOLDER: Final = "_stormlake/stream"


def claim(store: Store, row: Row) -> list[str]:
    """Add an object to those of its volume.

    Parameters
    ----------
    store : Store
        The lake.
    row : mapping
        The object's row of `radar_volumes`, with a volume time.

    Returns
    -------
    list of str
        Keys of all of them, sorted: the first is the one that counts.
    """
    keys = {row["key"]}

    def with_ours(there: bytes | None) -> bytes:
        keys.update(json.loads(there or b"[]"))
        return json.dumps(sorted(keys)).encode()

    update(store, claim_path(row), with_ours)
    return sorted(keys)


def claimants(store: Store, row: Row) -> list[str]:
    """Give the keys of all objects of a volume that was claimed, sorted.

    A batch run that took the volume over meanwhile has removed the claim; then the object is alone.
    """
    there = store.read(claim_path(row))
    return [row["key"]] if there is None else sorted(json.loads(there.data))


def claims_folder(station: str) -> str:
    """Where the claims of a station lie."""
    return f"{_FOLDER}/{station}/"


def claim_path(row: Row) -> str:
    """Where the claim of a row's volume lies."""
    return f"{claims_folder(row['station'])}{row['volume_time']:%Y%m%dT%H%M%S.%f}.json"

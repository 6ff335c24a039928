"""The archive object: what a listing yields, a task carries and a fetcher takes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from stormlake.radar.outcomes import Reason

LARGEST_OBJECT: Final = 256 * 2**20
"""Bytes; the largest volumes are below 40 MB, and a worker must not read a disk image whole."""


@dataclass(frozen=True, slots=True)
class ArchiveObject:
    """One object of an archive; each becomes exactly one row of `radar_volumes`.

    Parameters
    ----------
    key : str
        Path under the source's root. A folder of real-time chunks: its path and `/`.
    size : int
        Bytes, as listed.
    station : str or None
    date : date or None
        The partition, as far as names say it; None is left to the volume's header.
    key_time : datetime or None
        Start of the volume by its name, UTC (aware).
    skip : Reason or None
        Why this object is never fetched.
    parts : tuple of str
        Keys of a chunk folder's files, in the order of their numbers; else empty.
    """

    key: str
    size: int
    station: str | None = None
    date: dt.date | None = None
    key_time: dt.datetime | None = None
    skip: Reason | None = None
    parts: tuple[str, ...] = ()

    def in_scope(
        self, stations: Collection[str], start: dt.date | None, end: dt.date | None
    ) -> bool:
        """Whether the names allow this object in the run; what they leave open is kept.

        Parameters
        ----------
        stations : collection of str
            Empty means all.
        start, end : date or None
            Half-open window of UTC days; None means no limit.
        """
        if stations and self.station is not None and self.station not in stations:
            return False
        if self.date is None:
            return True
        return (start is None or start <= self.date) and (end is None or self.date < end)


class FetchFailed(Exception):
    """An object could not be read; the job makes a row with reason `fetch_failed` of it.

    Parameters
    ----------
    detail : str
        Which object, and what the store said; goes into column `detail`.
    lasting : bool
        Whether a later try would end the same way: the object is gone, or no volume by its size.
    """

    def __init__(self, detail: str, lasting: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.lasting = lasting


class Fetcher(Protocol):
    """Reads objects of one source; picklable, and safe to use from several threads."""

    def fetch(self, obj: ArchiveObject) -> bytes:
        """Return the object's bytes, or raise `FetchFailed`."""
        ...


def refuse_large(key: str, size: int) -> None:
    """Raise `FetchFailed` for an object that no radar volume can be."""
    if size > LARGEST_OBJECT:
        raise FetchFailed(
            f"{key} has {size} bytes, more than the {LARGEST_OBJECT} that a volume may have",
            lasting=True,
        )

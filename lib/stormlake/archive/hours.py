"""What folders say of the time of arrival: the layout `.../YYYY/MM/DD/HH/`, and windows of hours.

A folder of a day that no folder of an hour follows says the day. Nothing here opens or lists
anything. Folders that no calendar has, such as `2026/13/45/99`, say nothing.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

DAY_LEVEL: Final = 3
"""Folders of the layout that make a day."""

HOUR_LEVEL: Final = 4
"""Folders of the layout that make an hour."""

DAY_HOURS: Final = 24
"""Hours in which an object may have arrived of which the day alone is known."""

# A device's number must not be taken for a year.
_YEAR: Final = re.compile(r"(?:19[7-9]|20\d)\d", re.ASCII)
_TWO_DIGITS: Final = re.compile(r"\d{2}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Window:
    """Arrival hours in [start, end), UTC; None means no limit."""

    start: dt.datetime | None
    end: dt.datetime | None

    @property
    def open(self) -> bool:
        """Whether there is no limit at all."""
        return self.start is None and self.end is None

    def holds(self, arrival: dt.datetime | None, hours: int = 1) -> bool:
        """Whether one of the hours from `arrival` on is inside; of an object without one, always.

        Parameters
        ----------
        arrival : datetime or None
            The first hour.
        hours : int
            How many of them.
        """
        if arrival is None:
            return True
        last = arrival + dt.timedelta(hours=hours - 1)
        return (self.start is None or self.start <= last) and (
            self.end is None or arrival < self.end
        )


@dataclass(frozen=True, slots=True)
class Place:
    """What the folders down to here say.

    Parameters
    ----------
    parts : tuple of int
        Year, month, day, hour, as many of them as the last folders name.
    arrival : datetime or None
        The hour, or the midnight that begins the day, once the folders name one.
    hours : int
        Hours from `arrival` on in which objects here arrived: 1, or 24 of a day.
    settled : bool
        Whether `arrival` stands in the key, so that folders below say nothing else, save the
        folder of an hour directly in that of its day. A day can be passed over as a whole: what
        lies in it arrived on it, whatever other folders say.
    """

    parts: tuple[int, ...] = ()
    arrival: dt.datetime | None = None
    hours: int = 1
    settled: bool = False

    def enter(self, folder: str) -> Place:
        """Return the place one folder below."""
        parts = _extended(self.parts, folder)
        if self.settled and (len(self.parts) != DAY_LEVEL or len(parts) != HOUR_LEVEL):
            return replace(self, parts=())
        if len(parts) == HOUR_LEVEL:
            return Place(parts, dt.datetime(*parts, tzinfo=dt.UTC), settled=True)
        if len(parts) == DAY_LEVEL:
            return Place(parts, dt.datetime(*parts, tzinfo=dt.UTC), DAY_HOURS, settled=True)
        return replace(self, parts=parts)

    def below(self, key: str) -> Place:
        """Return the place of an object whose key, from here, is this."""
        place = self
        for folder in key.split("/")[:-1]:
            place = place.enter(folder)
        return place

    def may_hold(self, window: Window) -> bool:
        """Whether an object here or below can belong to the window.

        In a year or a month any may: what lies there in no day has no arrival.
        """
        return not self.settled or window.holds(self.arrival, self.hours)


def place_of_source(folders: Iterable[str]) -> Place:
    """Return what the source's own folders say; the keys below may say another time."""
    place = Place()
    for folder in folders:
        inside = place.enter(folder)
        parts = inside.parts if len(inside.parts) < HOUR_LEVEL else ()
        place = replace(inside, parts=parts, settled=False)
    return place


def _extended(parts: tuple[int, ...], folder: str) -> tuple[int, ...]:
    """Year, month, day and hour with one more folder; begun anew where it does not fit."""
    if parts and _TWO_DIGITS.fullmatch(folder):
        longer = (*parts, int(folder))
        with contextlib.suppress(ValueError):
            dt.datetime(*(*longer, 1, 1)[: max(3, len(longer))])  # type: ignore[arg-type]
            return longer
    return (int(folder),) if _YEAR.fullmatch(folder) else ()

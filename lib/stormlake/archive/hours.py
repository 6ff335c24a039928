"""What folders say of the hour of arrival: the layout `.../YYYY/MM/DD/HH/`, and windows of hours.

Nothing here opens or lists anything. Folders that no calendar has, such as `2026/13/45/99`, say
nothing.
"""

from __future__ import annotations

import calendar
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

    def meets(self, first: dt.datetime, last: dt.datetime) -> bool:
        """Whether one of the hours from `first` to `last`, both included, is inside."""
        return (self.start is None or self.start <= last) and (self.end is None or first < self.end)

    def holds(self, arrival: dt.datetime | None) -> bool:
        """Whether an object of this hour belongs to the window; one without an hour does."""
        return arrival is None or self.meets(arrival, arrival)


@dataclass(frozen=True, slots=True)
class Place:
    """What the folders down to here say.

    Parameters
    ----------
    parts : tuple of int
        Year, month, day, hour, as many of them as the last folders name.
    arrival : datetime or None
        The hour, once the folders name one.
    settled : bool
        Whether `arrival` stands in the key, so that folders below say no other hour.
    """

    parts: tuple[int, ...] = ()
    arrival: dt.datetime | None = None
    settled: bool = False

    def enter(self, folder: str) -> Place:
        """Return the place one folder below."""
        if self.settled:
            return self
        parts = _extended(self.parts, folder)
        if len(parts) == HOUR_LEVEL:
            return Place(parts, dt.datetime(*parts, tzinfo=dt.UTC), settled=True)
        return replace(self, parts=parts)

    def below(self, key: str) -> Place:
        """Return the place of an object whose key, from here, is this."""
        place = self
        for folder in key.split("/")[:-1]:
            place = place.enter(folder)
        return place

    def may_hold(self, window: Window) -> bool:
        """Whether an object here or below can belong to the window."""
        if self.settled:
            return window.holds(self.arrival)
        if not self.parts:
            return True
        year, month, day = (*self.parts, 1, 1)[:3]
        first = last = dt.datetime(year, month, day, tzinfo=dt.UTC)
        if len(self.parts) == 1:
            last = last.replace(month=12)
        if len(self.parts) <= 2:
            last = last.replace(day=calendar.monthrange(year, last.month)[1])
        return window.meets(first, last.replace(hour=23))


def place_of_source(folders: Iterable[str]) -> Place:
    """Return what the source's own folders say; the keys below may say another hour."""
    place = Place()
    for folder in folders:
        inside = place.enter(folder)
        place = Place((), inside.arrival) if inside.settled else inside
    return place


def _extended(parts: tuple[int, ...], folder: str) -> tuple[int, ...]:
    """Year, month, day and hour with one more folder; begun anew where it does not fit."""
    if parts and _TWO_DIGITS.fullmatch(folder):
        longer = (*parts, int(folder))
        with contextlib.suppress(ValueError):
            dt.datetime(*(*longer, 1, 1)[: max(3, len(longer))])  # type: ignore[arg-type]
            return longer
    return (int(folder),) if _YEAR.fullmatch(folder) else ()

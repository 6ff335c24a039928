"""Which records and rejects belong to a run: by the day of the event and the hour of arrival."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from typing import Final

from stormlake.sensors.outcomes import Reject
from stormlake.sensors.times import day_micros, day_of

EARLY: Final = 1
LATE: Final = 6
"""Hours before and after an event's day in which its record may arrive; options override."""


class Fate(Enum):
    """What becomes of a good record."""

    KEPT = "kept"
    LEFT = "left to the run of another date"
    OUTSIDE = "arrived outside its date's window, and this run is the one that says so"


@dataclass(frozen=True)
class Scope:
    """The event dates of a run, and how far from them arrivals are looked for.

    Parameters
    ----------
    start, end : date or None
        Half-open; both or neither. Neither: all that the source holds.
    early, late : int
        A date's records arrive from `early` hours before its midnight to `late` hours after its
        end.
    """

    start: dt.date | None = None
    end: dt.date | None = None
    early: int = EARLY
    late: int = LATE

    @property
    def arrivals(self) -> tuple[dt.datetime | None, dt.datetime | None]:
        """First arrival hour that is read, and the hour after the last; UTC."""
        if self.start is None or self.end is None:
            return None, None
        first, last = (
            dt.datetime.combine(day, dt.time(), dt.UTC) for day in (self.start, self.end)
        )
        return first - dt.timedelta(hours=self.early), last + dt.timedelta(hours=self.late)

    def covers(self, day: dt.date) -> bool:
        """Whether a day is one of the run's."""
        return self.start is None or self.end is None or self.start <= day < self.end

    def of_object(self, arrival: dt.datetime | None, hours: int = 1) -> ObjectScope:
        """The scope as seen from an object that arrived in one of these hours.

        Parameters
        ----------
        arrival : datetime or None
            The first hour; None: nobody knows.
        hours : int
            How many: 24 where the day alone is known. They may not pass midnight.
        """
        if self.start is None or self.end is None:
            return ObjectScope(arrival.date() if arrival else None, None, None, True)
        kept = day_micros(self.start), day_micros(self.end)
        if arrival is None:
            return ObjectScope(None, kept, None, True)
        # The run of day D reads what meets [D - early, D + 1 day + late): solved for D.
        last = (arrival + dt.timedelta(hours=hours - 1 + self.early)).date()
        first = (arrival - dt.timedelta(hours=self.late)).date()
        expected = day_micros(first), day_micros(last + dt.timedelta(days=1))
        day = arrival.date()
        return ObjectScope(day, kept, expected, self.covers(day))


@dataclass(frozen=True)
class ObjectScope:
    """What a run makes of the records of one object.

    Parameters
    ----------
    arrival_day : date or None
    kept : (int, int) or None
        Event times of the run, half-open, microseconds; None for all.
    expected : (int, int) or None
        Event times of the days whose runs read the object; None for all.
    own : bool
        Whether what is wrong with the object is this run's to tell.
    """

    arrival_day: dt.date | None
    kept: tuple[int, int] | None
    expected: tuple[int, int] | None
    own: bool

    def fate(self, micros: int) -> Fate:
        """What becomes of a good record of this event time."""
        if self.expected and not self.expected[0] <= micros < self.expected[1]:
            return Fate.OUTSIDE if self.own else Fate.LEFT
        if self.kept and not self.kept[0] <= micros < self.kept[1]:
            return Fate.LEFT
        return Fate.KEPT

    def is_ours(self, reject: Reject) -> bool:
        """Whether this run writes the reject; else it is left to its own date's run."""
        if self.arrival_day is not None or reject.event_micros is None or self.kept is None:
            return self.own
        return self.kept[0] <= reject.event_micros < self.kept[1]

    def day_of(self, reject: Reject) -> dt.date | None:
        """Date of a reject: of the arrival, else of the event, else None (the run's first)."""
        if self.arrival_day is not None:
            return self.arrival_day
        return None if reject.event_micros is None else day_of(reject.event_micros)

"""Which run keeps, leaves or rejects a record."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.sensors.outcomes import Reason, Reject
from stormlake.sensors.scope import Fate, Scope

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def micros(time: dt.datetime) -> int:
    return (time - EPOCH) // dt.timedelta(microseconds=1)


def fate(run: str, arrival: str | None, event: str, **window: int) -> str:
    day = dt.date.fromisoformat(run)
    scope = Scope(day, day + DAY, **window).of_object(at(arrival) if arrival else None)
    return scope.fate(micros(at(event))).name


@pytest.mark.parametrize(
    ("run", "arrival", "event", "expected"),
    [
        ("2026-12-31", "2026-12-31T23", "2026-12-31 23:59:59.999999", "KEPT"),
        ("2026-12-31", "2026-12-31T23", "2027-01-01 00:00:00", "LEFT"),
        ("2027-01-01", "2026-12-31T23", "2027-01-01 00:00:00", "KEPT"),
        ("2027-01-01", "2026-12-31T23", "2026-12-31 23:59:59.999999", "LEFT"),
        ("2026-12-31", "2027-01-01T05", "2026-12-31 12:00:00", "KEPT"),
        # Six hours late: the run of the event never sees it, that of the arrival says so.
        ("2027-01-01", "2027-01-01T06", "2026-12-31 12:00:00", "OUTSIDE"),
        ("2026-12-31", "2026-12-31T22", "2027-01-01 00:00:00", "OUTSIDE"),
        ("2027-01-01", "2026-12-31T23", "2026-12-30 00:00:00", "LEFT"),
        ("2026-12-31", "2026-12-31T23", "2026-12-30 00:00:00", "OUTSIDE"),
        ("2026-12-31", None, "2026-12-31 00:00:00", "KEPT"),
        ("2026-12-31", None, "2020-01-01 00:00:00", "LEFT"),
    ],
)
def test_a_record_by_hand(run: str, arrival: str | None, event: str, expected: str) -> None:
    assert fate(run, arrival, event) == expected


def test_a_wider_window_keeps_what_was_outside() -> None:
    assert fate("2027-01-01", "2027-01-01T06", "2026-12-31 12:00:00", late=7) == "LEFT"
    assert fate("2026-12-31", "2027-01-01T06", "2026-12-31 12:00:00", late=7) == "KEPT"
    assert fate("2027-01-01", "2026-12-31T22", "2027-01-01 00:00:00", early=2) == "KEPT"


def test_the_arrivals_of_a_run() -> None:
    scope = Scope(dt.date(2026, 12, 31), dt.date(2027, 1, 2))
    assert scope.arrivals == (at("2026-12-30T23"), at("2027-01-02T06"))
    assert Scope().arrivals == (None, None)


def test_without_dates_everything_is_kept() -> None:
    scope = Scope().of_object(at("2026-01-01T00"))
    assert scope.fate(micros(at("1970-01-01"))) is Fate.KEPT
    reject = Reject(Reason.MALFORMED, "")
    assert scope.is_ours(reject)
    assert scope.day_of(reject) == dt.date(2026, 1, 1)


@pytest.mark.parametrize(
    ("arrival", "event", "day", "ours"),
    [
        ("2026-12-31T23", None, "2026-12-31", True),
        ("2026-12-31T23", "2027-01-01 00:00:00", "2026-12-31", True),
        ("2027-01-01T00", "2026-12-31 23:00:00", "2027-01-01", False),
        (None, "2026-12-31 23:00:00", "2026-12-31", True),
        (None, "2027-01-01 00:00:00", "2027-01-01", False),
        (None, None, None, True),
    ],
)
def test_a_reject_has_the_date_of_its_arrival_else_of_its_event(
    arrival: str | None, event: str | None, day: str | None, ours: bool
) -> None:
    first = dt.date(2026, 12, 31)
    scope = Scope(first, first + DAY).of_object(at(arrival) if arrival else None)
    reject = Reject(Reason.BAD_TYPE, "", event_micros=micros(at(event)) if event else None)
    assert scope.is_ours(reject) is ours
    assert scope.day_of(reject) == (dt.date.fromisoformat(day) if day else None)


hours = st.integers(-60, 60)


@settings(max_examples=150, deadline=None)
@given(
    st.integers(-60 * 3600, 60 * 3600),
    st.none() | hours,
    st.integers(0, 30),
    st.integers(0, 50),
    st.integers(1, 3),
)
def test_over_the_runs_of_all_dates_a_record_is_kept_once_or_rejected_once(
    event_second: int, arrival_hour: int | None, early: int, late: int, days: int
) -> None:
    midnight = at("2027-01-01")
    event = midnight + dt.timedelta(seconds=event_second)
    arrival = None if arrival_hour is None else midnight + arrival_hour * HOUR
    met: Counter[Any] = Counter()
    ours = 0
    for n in range(-12, 12, days):
        first = midnight.date() + n * DAY
        scope = Scope(first, first + days * DAY, early, late)
        begin, end = scope.arrivals
        assert begin is not None and end is not None
        if arrival is None or begin <= arrival < end:
            seen = scope.of_object(arrival)
            met[seen.fate(micros(event))] += 1
            ours += seen.is_ours(Reject(Reason.BAD_TYPE, "", event_micros=micros(event)))
    assert met[Fate.KEPT] + met[Fate.OUTSIDE] == 1
    assert ours == 1

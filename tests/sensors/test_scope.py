"""Which run keeps, leaves or rejects a record."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.archive.arrivals import list_arrivals
from stormlake.archive.source import Source, open_source
from stormlake.sensors.events import EventRecords
from stormlake.sensors.outcomes import Reason, Reject
from stormlake.sensors.parts import Part
from stormlake.sensors.reader import Reader
from stormlake.sensors.scope import Fate, Scope
from tests.sensors.reading import Read, read_parts

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def micros(time: dt.datetime) -> int:
    return (time - EPOCH) // dt.timedelta(microseconds=1)


def fate(run: str, arrival: str | None, event: str, **window: int) -> str:
    day = dt.date.fromisoformat(run)
    hours = 24 if arrival and "T" not in arrival else 1
    scope = Scope(day, day + DAY, **window).of_object(at(arrival) if arrival else None, hours)
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
        # Of a day without an hour: read by the runs of the day before (late) to the day after.
        ("2026-12-31", "2026-12-31", "2026-12-31 12:00:00", "KEPT"),
        ("2026-12-30", "2026-12-31", "2026-12-30 00:00:00", "KEPT"),
        ("2027-01-01", "2026-12-31", "2027-01-01 23:59:59", "KEPT"),
        ("2026-12-31", "2026-12-31", "2026-12-30 00:00:00", "LEFT"),
        ("2026-12-31", "2026-12-31", "2026-12-29 23:59:59", "OUTSIDE"),
        ("2026-12-31", "2026-12-31", "2027-01-02 00:00:00", "OUTSIDE"),
        ("2026-12-30", "2026-12-31", "2026-12-29 12:00:00", "LEFT"),
        ("2027-01-01", "2026-12-31", "2026-12-29 12:00:00", "LEFT"),
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


def read_archive(source: Source, scope: Scope) -> list[Read]:
    """What a run of the event archive gives, object by object."""
    objects = list_arrivals(source, *scope.arrivals)
    reader = Reader(source, EventRecords(), scope)
    return [read_parts(reader, [Part(obj, 0, obj.size)]) for obj in objects]


def test_a_late_record_in_a_day_without_an_hour_is_told_by_the_run_of_that_day(
    tmp_path: Path,
) -> None:
    (tmp_path / "2019/06/30").mkdir(parents=True)
    events = {"a": "test-2019-06-30 12:00:00"}, {"b": "test-2019-06-20 12:00:00"}
    (tmp_path / "2019/06/30/late.json").write_text("".join(map(json.dumps, events)))
    source, told = open_source(str(tmp_path)), []
    for day in (dt.date(2019, 6, n) for n in range(19, 31)):
        for read in read_archive(source, Scope(day, day + DAY)):
            told += [(day.day, row[0]) for row in read.rows]
            told += [(day.day, reject.reason, reject.detail) for reject in read.rejects]
            assert read.adds_up
    detail = "arrived 2019-06-30; run its date with more --early or --late"
    assert told == [(30, "a"), (30, Reason.OUTSIDE_WINDOW, detail)]


MIDNIGHT = at("2027-01-01")

hour_folders = st.builds(
    lambda above, hour, below: f"{above}{MIDNIGHT + hour * HOUR:%Y/%m/%d/%H}/{below}",
    st.sampled_from(("", "fleet/", "2019/", "2019/06/")),
    st.integers(-60, 60),
    st.sampled_from(("", "deep/", "05/", "2026/12/30/04/")),
)
day_folders = st.builds(
    lambda above, day, below: f"{above}{MIDNIGHT + day * DAY:%Y/%m/%d}/{below}",
    st.sampled_from(("", "fleet/", "2019/", "2019/06/")),
    st.integers(-3, 3),
    st.sampled_from(("", "deep/", "24/", "deep/05/", "2026/12/30/04/")),
)
no_arrival = st.sampled_from(
    ("", "fleet/", "2026/", "2026/12/", "2019/", "2019/06/", "2026/12/32/", "2026/12/deep/30/04/")
)
places = st.fixed_dictionaries(
    {},
    optional={
        "hour": hour_folders,
        "day": day_folders,
        "none": no_arrival,
    },
)


@settings(max_examples=60, deadline=None)
@given(
    places.filter(bool),
    st.lists(st.integers(-60 * 3600, 60 * 3600), min_size=1, max_size=3),
    st.integers(0, 30),
    st.integers(0, 50),
    st.integers(1, 3),
)
def test_over_the_runs_of_all_dates_a_record_is_kept_once_or_rejected_once(
    places: dict[str, str], event_seconds: list[int], early: int, late: int, days: int
) -> None:
    events = [micros(MIDNIGHT + dt.timedelta(seconds=second)) for second in event_seconds]
    bad = [Reject(Reason.BAD_TYPE, "", event_micros=event) for event in events]
    kept: Counter[Any] = Counter()
    outside: Counter[Any] = Counter()
    told: Counter[Any] = Counter()
    with tempfile.TemporaryDirectory() as root:
        for name, place in places.items():
            (Path(root) / place).mkdir(parents=True, exist_ok=True)
            (Path(root) / place / name).touch()
        for n in range(-12, 12, days):
            first = MIDNIGHT.date() + n * DAY
            scope = Scope(first, first + days * DAY, early, late)
            for obj in list_arrivals(open_source(root), *scope.arrivals):
                name, seen = Path(obj.key).name, scope.of_object(obj.arrival, obj.arrival_hours)
                for which, (event, reject) in enumerate(zip(events, bad, strict=True)):
                    fate = seen.fate(event)
                    kept[name, which] += fate is Fate.KEPT
                    outside[name, which] += fate is Fate.OUTSIDE
                    told[name, which] += seen.is_ours(reject)
    for record in [(name, which) for name in places for which in range(len(events))]:
        assert kept[record] + outside[record] == 1
        assert told[record] == 1
        assert record[0] != "none" or kept[record] == 1

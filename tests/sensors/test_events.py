"""The event archive of the collection lesson."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from stormlake.sensors.events import EventRecords
from tests.sensors import oracle
from tests.sensors.reading import packed, read_bytes

START = dt.datetime(2026, 5, 1, 21)


def event(n: int) -> bytes:
    time = START + dt.timedelta(seconds=n)
    return f'{{"{uuid.UUID(int=n)}": "test-{time:%Y-%m-%d %H:%M:%S}"}}'.encode()


@pytest.mark.parametrize("gz", [False, True])
@pytest.mark.parametrize("quick", [False, True])
def test_ten_thousand_glued_events_with_the_last_cut_have_the_golden_numbers(
    tmp_path: Path, gz: bool, quick: bool
) -> None:
    assert len(event(0)) == 68
    data = b"".join(event(n) for n in range(10_000))[:-34]
    assert len(data) == 679_966
    read = read_bytes(tmp_path, packed(data) if gz else data, EventRecords(), quick=quick)
    assert len(read.rows) == 9_999
    assert [(r.reason.value, r.offset, r.length) for r in read.rejects] == [
        ("truncated", 679_932, 34)
    ]
    assert read.adds_up and read.tally.read == 10_000
    assert read.rows[0] == (str(uuid.UUID(int=0)), START.replace(tzinfo=dt.UTC), "test")
    minutes = oracle.events_per_minute([data, data])
    assert sum(row["events"] for row in minutes) == 9_999
    assert [row["events"] for row in minutes] == [60] * 166 + [39]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ("{}", "missing_field"),
        ('{"a": "test-2026-05-01 21:00:00", "b": "c"}', "bad_type"),
        ('{"a": 5}', "bad_type"),
        ('{"a": null}', "bad_type"),
        ('{"a": {"b": "c"}}', "bad_type"),
        ('{"a": "test"}', "bad_time"),
        ('{"a": "-2026-05-01 21:00:00"}', "bad_time"),
        ('{"a": "test 2026-05-01 21:00:00"}', "bad_time"),
        ('{"a": "test-2026-05-32 21:00:00"}', "bad_time"),
        ('{"a": "test-2026-05-01 21:00:00 "}', "bad_time"),
        # What the quick way writes for itself is no record of a producer.
        ('{ "key" : "a", "value" : "test-2026-05-01 21:00:00" }', "bad_type"),
        ('{"a","value" : "test-2026-05-01 21:00:00"}', "malformed"),
    ],
)
def test_what_is_no_event_is_a_reject(
    tmp_path: Path, record: str, reason: str, quick: bool
) -> None:
    data = event(1) + b"\n" + record.encode() + b"\n" + event(2) + b"\n" + event(3)
    read = read_bytes(tmp_path, data, EventRecords(), quick=quick)
    assert [reject.reason.value for reject in read.rejects] == [reason]
    assert len(read.rows) == 3 and read.adds_up


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("text", "row"),
    [
        ('{"a":"test-2026-05-01 21:00:00"}', ("a", "test")),
        ('{ "a" : "test-2026-05-01 21:00:00" }', ("a", "test")),
        ('{"": "a-b-2026-05-01 21:00:00"}', ("", "a-b")),
        ('{"key": "x-2026-05-01 21:00:00"}', ("key", "x")),
        ('{"value":"x-2026-05-01 21:00:00"}', ("value", "x")),
        ('{"}{é": "🦄-2026-05-01T21:00:00"}', ("}{é", "🦄")),
        ('{"a\\"b": "\\u00e9-2026-05-01 21:00:00"}', ('a"b', "é")),
        ('{"a": "old", "a": "new-2026-05-01 21:00:00"}', ("a", "new")),
    ],
)
def test_an_event_by_hand(tmp_path: Path, text: str, row: tuple[str, str], quick: bool) -> None:
    read = read_bytes(tmp_path, (text * 3).encode(), EventRecords(), quick=quick)
    key, prefix = row
    assert read.rows == [(key, START.replace(tzinfo=dt.UTC), prefix)] * 3


def test_the_time_zone_of_events_is_the_one_that_is_given(tmp_path: Path) -> None:
    kind = EventRecords(ZoneInfo("America/New_York"))
    rows = read_bytes(tmp_path, event(0) * 2, kind).rows
    assert [row[1].hour for row in rows] == [1, 1]
    assert json.loads(event(0))

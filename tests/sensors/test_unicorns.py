"""Wild Rydes: golden numbers of the real files, and what is refused."""

from __future__ import annotations

import datetime as dt
import json
import math
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from stormlake.sensors.fields import record_id
from stormlake.sensors.unicorns import UnicornMinutes, UnicornRecords
from tests.data import shared
from tests.sensors import oracle
from tests.sensors.reading import read_bytes

GOOD: dict[str, Any] = {
    "Name": "Shadowfax",
    "StatusTime": "2026-05-01 21:00:00.123",
    "Latitude": 40.5,
    "Longitude": -73.25,
    "Distance": 29.5,
    "HealthPoints": 0,
    "MagicPoints": 7,
}
MICROS = 1_777_669_200_123_000


def ride() -> bytes:
    return shared("sensors", "wildrydes", "ride_data_20190625.json").read_bytes()


def minutes() -> bytes:
    return shared("sensors", "wildrydes", "shadowfax-2016-02-12.json").read_bytes()


def rejected(folder: Path, record: dict[str, Any] | str, quick: bool = True) -> tuple[Any, ...]:
    """Reason and event time of a record among good ones."""
    lines = [GOOD if n else record for n in (1, 0, 1)]
    data = "\n".join(x if isinstance(x, str) else json.dumps(x) for x in lines).encode()
    read = read_bytes(folder, data, UnicornRecords(), quick=quick)
    assert read.adds_up and len(read.rows) + len(read.rejects) == 3
    return next(((r.reason.value, r.event_micros) for r in read.rejects), ("kept", None))


@pytest.mark.parametrize("quick", [True, False])
def test_the_real_ride_has_its_golden_numbers(tmp_path: Path, quick: bool) -> None:
    read = read_bytes(tmp_path, ride(), UnicornRecords(), quick=quick)
    assert read.rejects == [] and read.adds_up
    assert len(read.rows) == len(set(read.rows)) == 10_417
    assert {row[0] for row in read.rows} == {"Shadowfax"}
    assert math.fsum(row[4] for row in read.rows) == pytest.approx(1752531.189400, abs=1e-6)
    times = [row[1].replace(tzinfo=None) for row in read.rows]
    assert min(times) == dt.datetime(2019, 6, 25, 9, 43, 42, 426_000)
    assert max(times) == dt.datetime(2019, 6, 25, 12, 37, 37, 534_000)
    assert len(set(times)) == 10_417
    assert read.rows == [tuple(row.values()) for row in oracle.unicorn_records([ride()])]


def test_the_oracle_makes_the_golden_minutes_also_of_the_file_twice() -> None:
    rows = oracle.unicorn_minutes([ride()])
    assert len(rows) == 175
    assert math.fsum(row["distance"] for row in rows) == pytest.approx(1752531.189395, abs=1e-6)
    columns = ("min_magic_points", "max_magic_points", "min_health_points", "max_health_points")
    by_minute = {
        f"{row['window_start']:%H:%M}": (
            row["record_count"],
            row["distance"],
            *(row[name] for name in columns),
        )
        for row in rows
    }
    assert by_minute["09:43"] == (18, 2718.222011, 678, 9400, 88, 8495)
    assert by_minute["09:58"] == (42, 6905.601359, 772, 9791, 284, 9947)
    assert by_minute["10:11"] == (60, 11769.502504, 66, 9905, 47, 9882)
    assert by_minute["10:15"] == (59, 9164.626443, 517, 9836, 678, 9913)
    assert by_minute["11:10"] == (60, 10273.472592, 88, 9529, 2, 9781)
    assert by_minute["12:36"] == (60, 9906.573711, 15, 9819, 274, 9984)
    assert by_minute["12:37"] == (38, 7584.833330, 1068, 9719, 423, 9888)
    assert oracle.unicorn_minutes([ride(), ride()]) == rows


def test_the_first_record_of_the_ride_has_its_golden_id() -> None:
    first = json.loads(ride())["travel_data"][0]
    golden = "cedd1d70591011a30df8caa176bfd7b9151b9fbcdcbb085cdecaa7f8dce0c33d"
    assert record_id(first) == oracle.record_id(first) == golden


def test_the_real_minutes_have_their_golden_sums(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, minutes(), UnicornMinutes())
    assert read.rejects == [] and read.adds_up
    names = [column.name for column in UnicornMinutes.columns]
    rows = [dict(zip(names, row, strict=True)) for row in read.rows]
    start = dt.datetime(2016, 2, 12, tzinfo=dt.UTC)
    step = dt.timedelta(minutes=1)
    assert [row["window_start"] for row in rows] == [start + n * step for n in range(1440)]
    assert all(row["window_end"] - row["window_start"] == step for row in rows)
    assert {row["date"] for row in rows} == {dt.date(2016, 2, 12)}
    assert {row["record_count"] for row in rows} == {None}
    sums = {name: sum(row[name] for row in rows) for name in names[4:9]}
    assert sums == {
        "distance": 1_892_783,
        "min_magic_points": 209_624,
        "max_magic_points": 213_316,
        "min_health_points": 229_417,
        "max_health_points": 233_013,
    }
    assert {min(r["distance"] for r in rows), max(r["distance"] for r in rows)} == {1305, 1324}


def test_minutes_read_as_single_readings_are_rejects_and_no_crash(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, minutes(), UnicornRecords())
    assert read.rows == []
    assert read.tally.reasons == {"missing_field": 1440}
    assert {reject.detail for reject in read.rejects} == {"no Latitude"}
    assert {reject.event_micros for reject in read.rejects} >= {1_455_235_200_000_000}
    back = read_bytes(tmp_path, json.dumps(GOOD).encode(), UnicornMinutes())
    assert [reject.reason.value for reject in back.rejects] == ["bad_time"]  # no whole minute


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, "kept"),
        ({"Name": None}, "missing_field"),
        ({"Name": 5}, "bad_type"),
        ({"Name": ""}, "kept"),
        ({"Latitude": None}, "missing_field"),
        ({"Latitude": "40.5"}, "kept"),
        ({"Latitude": "north"}, "bad_type"),
        ({"Longitude": True}, "bad_type"),
        ({"Distance": -1}, "negative"),
        ({"Distance": "-1"}, "negative"),
        ({"Distance": -0.0}, "kept"),
        ({"Distance": [1]}, "bad_type"),
        ({"Distance": 10**400}, "not_finite"),
        ({"HealthPoints": None}, "kept"),
        ({"HealthPoints": 5.0}, "kept"),
        ({"HealthPoints": "5"}, "kept"),
        ({"HealthPoints": 5.5}, "bad_type"),
        ({"MagicPoints": 2**31}, "bad_type"),
        ({"MagicPoints": True}, "bad_type"),
        ({"x": {"deep": [{}]}}, "kept"),
    ],
)
def test_a_member_by_hand(tmp_path: Path, change: dict[str, Any], reason: str, quick: bool) -> None:
    micros = None if reason == "kept" else MICROS
    assert rejected(tmp_path, GOOD | change, quick) == (reason, micros)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"StatusTime": None}, "missing_field"),
        ({"StatusTime": 1767225600}, "bad_type"),
        ({"StatusTime": "2026-02-30 00:00:00.000"}, "bad_time"),
        ({"StatusTime": "0000-01-01 00:00:00.000"}, "bad_time"),
        ({"StatusTime": "yesterday"}, "bad_time"),
    ],
)
def test_a_record_without_a_time_tells_none(
    tmp_path: Path, change: dict[str, Any], reason: str, quick: bool
) -> None:
    assert rejected(tmp_path, GOOD | change, quick) == (reason, None)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("NaN", "not_finite"),
        ("1e999", "not_finite"),
        ("-Infinity", "not_finite"),
        ("1e-999", "kept"),
    ],
)
def test_numbers_that_python_takes_for_json(
    tmp_path: Path, value: str, reason: str, quick: bool
) -> None:
    record = json.dumps(GOOD).replace("29.5", value)
    assert rejected(tmp_path, record, quick)[0] == reason


@pytest.mark.parametrize("quick", [True, False])
def test_of_a_member_that_comes_twice_the_last_counts(tmp_path: Path, quick: bool) -> None:
    record = json.dumps(GOOD)[:-1] + ', "Distance": 5, "x": 1, "x": 2}'
    read = read_bytes(tmp_path, f"{record}\n{record}\n".encode(), UnicornRecords(), quick=quick)
    assert [row[4] for row in read.rows] == [5.0, 5.0]


@pytest.mark.parametrize("quick", [True, False])
def test_zero_has_no_sign_and_points_of_zero_are_points(tmp_path: Path, quick: bool) -> None:
    record = GOOD | {"Distance": -0.0, "Latitude": -0.0, "Longitude": -0.0, "MagicPoints": 0}
    read = read_bytes(tmp_path, (json.dumps(record) * 3).encode(), UnicornRecords(), quick=quick)
    assert {(str(r[2]), str(r[3]), str(r[4]), r[5], r[6]) for r in read.rows} == {
        ("0.0", "0.0", "0.0", 0, 0)
    }


@pytest.mark.parametrize("quick", [True, False])
def test_the_time_zone_is_the_one_that_is_given(tmp_path: Path, quick: bool) -> None:
    texts = ["2026-07-01 00:00:00.000", "2026-11-01 01:30:00.000", "2100-07-01 00:00:00.000"]
    good = [GOOD | {"StatusTime": text} for text in texts]
    gap = GOOD | {"StatusTime": "2026-03-08 02:30:00.000"}
    data = "\n".join(json.dumps(record) for record in [*good, gap]).encode()
    read = read_bytes(tmp_path, data, UnicornRecords(ZoneInfo("America/New_York")), quick=quick)
    assert [f"{row[1]:%m-%d %H:%M}" for row in read.rows] == [
        "07-01 04:00",
        "11-01 05:30",
        "07-01 04:00",
    ]
    assert [reject.reason.value for reject in read.rejects] == ["bad_time"]


def test_a_minute_of_more_than_32767_metres_is_whole_in_the_oracle() -> None:
    lines = [
        json.dumps(GOOD | {"StatusTime": f"2026-05-01 21:00:{n / 2:06.3f}", "Distance": 300})
        for n in range(111)
    ]
    (row,) = oracle.unicorn_minutes(["\n".join(lines).encode()])
    assert (row["distance"], row["record_count"]) == (33_300.0, 111)

"""What simulated producers say: fields, units, rates, and the anomalies that were planted."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice, pairwise
from typing import Any

import pytest

from stormlake.errors import RefusedInput
from stormlake.simulate.draws import BLOCK
from stormlake.simulate.events import event_records
from stormlake.simulate.unicorns import unicorn_records
from stormlake.simulate.vitals import device_registry, vital_blocks, vital_records
from stormlake.simulate.wind import wind_blocks, wind_records

START = datetime(2026, 12, 31, 23, 59, 30)
PRODUCERS = [unicorn_records, wind_records, vital_records, event_records]
Producer = Callable[[int, int, datetime], Iterator[dict[str, Any]]]


def metres(a: dict[str, Any], b: dict[str, Any]) -> float:
    """Way between two readings on a sphere of 6371 km (haversine)."""
    p, q = math.radians(a["Latitude"]), math.radians(b["Latitude"])
    turn = math.radians(b["Longitude"] - a["Longitude"])
    h = math.sin((q - p) / 2) ** 2 + math.cos(p) * math.cos(q) * math.sin(turn / 2) ** 2
    return 2 * 6_371_000 * math.asin(math.sqrt(h))


@pytest.mark.parametrize("producer", PRODUCERS)
def test_a_shorter_run_is_the_beginning_of_a_longer_one(producer: Producer) -> None:
    long = list(producer(BLOCK + 60, 4, START))
    assert len(long) == BLOCK + 60
    assert list(producer(50, 4, START)) == long[:50]
    assert list(producer(BLOCK + 7, 4, START)) == long[: BLOCK + 7]
    assert list(producer(50, 5, START)) != long[:50]


@pytest.mark.parametrize("producer", PRODUCERS)
def test_a_start_is_an_instant_whatever_its_zone(producer: Producer) -> None:
    east = datetime(2027, 1, 1, 1, 59, 30, tzinfo=timezone(timedelta(hours=2)))
    assert list(producer(9, 1, east)) == list(producer(9, 1, START))


@pytest.mark.parametrize("producer", PRODUCERS)
@pytest.mark.parametrize(
    ("records", "seed", "year"), [(0, 1, 2026), (-5, 1, 2026), (9, -1, 2026), (9, 1, 1969)]
)
def test_no_records_a_negative_seed_and_a_year_before_1970_are_refused(
    producer: Producer, records: int, seed: int, year: int
) -> None:
    with pytest.raises(RefusedInput):
        list(producer(records, seed, START.replace(year=year)))


def test_each_unicorn_tells_once_a_second_where_it_is_and_how_far_it_went() -> None:
    rides = defaultdict(list)
    for reading in unicorn_records(4 * 3600, 2, START):
        rides[reading["Name"]].append(reading)
    assert sorted(rides) == sorted(
        ["Shadowfax", "Rocinante", "Bucephalus the Younger", "Fionn's Étoile"]
    )
    for ride in rides.values():
        times = [datetime.strptime(r["StatusTime"], "%Y-%m-%d %H:%M:%S.%f") for r in ride]
        assert all(len(r["StatusTime"]) == 23 for r in ride)
        for number, time in enumerate(times):
            assert START + timedelta(seconds=number) <= time < START + timedelta(seconds=number + 1)
        assert all(29 <= r["Distance"] <= 31 for r in ride)
        # Also over the seam between two blocks.
        assert max(abs(metres(a, b) - b["Distance"]) for a, b in pairwise(ride)) < 0.01


def test_unicorns_feel_well_but_for_a_few_readings_below_100() -> None:
    ride = list(unicorn_records(40_000, 2, START))
    for field, least, most in (("HealthPoints", 141, 176), ("MagicPoints", 128, 158)):
        low = [r[field] for r in ride if r[field] < 100]
        well = {r[field] for r in ride} - set(low)
        assert well == set(range(least, most + 1))
        assert 40 < len(low) < 130  # 80 are expected
        assert min(low) >= 0


def test_wind_is_normal_and_every_gust_stands_where_it_is_told() -> None:
    blocks = list(wind_blocks(30_000, 5, START))
    farms = defaultdict(list)
    for reading in (r for block in blocks for r in block.records):
        farms[reading["location"]].append(reading)
    assert "Llano Estacado, East" in farms and len(farms) == 3
    planted = [told for block in blocks for told in block.planted]
    for told in planted:
        assert farms[told["location"]][told["record"]] == {
            key: told[key] for key in ("location", "speed", "timestamp")
        }
    for farm, readings in farms.items():
        fast = [n for n, r in enumerate(readings) if r["speed"] > 70]
        assert fast == sorted(told["record"] for told in planted if told["location"] == farm)
        # One gust in each 600 records, none among the first 300.
        assert [(n - 300) // 600 for n in fast][:16] == list(range(16))
        usual = [r["speed"] for r in readings if r["speed"] <= 70]
        mean = sum(usual) / len(usual)
        assert abs(mean - 30) < 0.3
        assert abs(math.sqrt(sum((s - mean) ** 2 for s in usual) / len(usual)) - 6) < 0.2
        times = [datetime.fromisoformat(r["timestamp"]) for r in readings]
        assert times == sorted(set(times))
        assert times[-1] - times[0] < timedelta(seconds=10_000)
    assert all(88 <= told["speed"] <= 105 for told in planted)


def test_a_short_wind_archive_has_no_gust() -> None:
    assert [block.planted for block in wind_blocks(900, 5, START)] == [[]]


def test_vitals_have_the_ten_fields_in_their_ranges() -> None:
    records = list(vital_records(20_000, 3, START))
    assert list(records[0]) == [
        "timestamp", "device_id", "patient_id", "name", "dob", "temp", "pulse", "oxygen_percent",
        "systolic", "diastolic",
    ]  # fmt: skip
    assert records[0]["timestamp"] == "2026-12-31T23:59:30"
    assert records[2000]["timestamp"] == "2027-01-01T00:00:30"  # 2,000 a minute
    for n, r in enumerate(records):
        if n % 1000 or n == 0:
            assert 60 <= r["pulse"] <= 120
        else:
            assert 0 <= r["pulse"] <= 40
        assert 80 <= r["systolic"] <= 200 and 40 <= r["diastolic"] <= 120
        assert 90 <= r["temp"] <= 105 and 90 <= r["oxygen_percent"] <= 100
        assert re.fullmatch(r"device\d{4}", r["device_id"])
        assert re.fullmatch(r"[^,]+, [^,]+", r["name"])
        assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4}", r["dob"])
    assert any(r["dob"].startswith("13/") for r in records)
    people = {(r["device_id"], r["patient_id"], r["name"], r["dob"]) for r in records}
    assert len(people) == len({r["device_id"] for r in records}) > 4000


def test_low_pulses_are_told_by_device_and_never_by_person() -> None:
    blocks = list(vital_blocks(20_000, 3, START))
    records = [r for block in blocks for r in block.records]
    planted = [told for block in blocks for told in block.planted]
    assert [told["record"] for told in planted] == list(range(1000, 20_000, 1000))
    for told in planted:
        assert list(told) == ["device_id", "timestamp", "pulse", "record"]
        assert told.items() - {("record", told["record"])} <= records[told["record"]].items()


def test_every_device_stands_once_in_the_registry_of_5000() -> None:
    rows = list(csv.DictReader(device_registry(3).decode().splitlines()))
    assert list(rows[0]) == ["device_id", "manufacturer", "model"]
    known = [row["device_id"] for row in rows]
    assert known == [f"device{n:04d}" for n in range(5000)]
    assert {r["device_id"] for r in vital_records(20_000, 3, START)} <= set(known)
    assert any("," in row["model"] for row in rows)


def test_every_event_has_68_bytes_and_ten_come_in_a_second() -> None:
    events = list(event_records(1000, 1, START))
    for event in events:
        assert len(json.dumps(event).encode()) == 68
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", *event)
    assert len({key for event in events for key in event}) == 1000
    (first,), (last,) = events[0].values(), events[-1].values()
    assert (first, last) == ("test-2026-12-31 23:59:30", "test-2027-01-01 00:01:09")


def test_records_are_drawn_as_they_are_asked_for() -> None:
    endless = unicorn_records(10**12, 1, datetime(2026, 1, 1, tzinfo=UTC))
    assert [r["StatusTime"][:10] for r in islice(endless, 2)] == [str(date(2026, 1, 1))] * 2

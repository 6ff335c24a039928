"""Device vitals: nothing of the person comes out of the reader."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from stormlake.lake.tables import REJECTS
from stormlake.sensors.tasks import reject_row
from stormlake.sensors.vitals import IDENTIFYING, VitalRecords
from stormlake.simulate.vitals import vital_records
from tests.sensors import oracle
from tests.sensors.reading import read_bytes

GOOD: dict[str, Any] = {
    "timestamp": "2026-05-01T21:00:00",
    "device_id": "device0001",
    "patient_id": "p-17",
    "name": "Quixote, Dulcinea",
    "dob": "13/7/1961",
    "temp": 98.6,
    "pulse": 71,
    "oxygen_percent": 97.5,
    "systolic": 120,
    "diastolic": "80",
}
CHANGES: list[dict[str, Any]] = [
    {"pulse": None},
    {"pulse": "Quixote, Dulcinea"},
    {"timestamp": "Quixote, Dulcinea"},
    {"timestamp": "13/7/1961"},
    {"device_id": 7},
    {"systolic": "1e999"},
    {"temp": ["Quixote, Dulcinea"]},
    {"name": "\ud800 Quixote, Dulcinea"},
]


def test_a_record_becomes_a_row_without_the_person(tmp_path: Path) -> None:
    read = read_bytes(tmp_path, json.dumps(GOOD).encode(), VitalRecords())
    rest = {name: value for name, value in GOOD.items() if name not in IDENTIFYING}
    time = dt.datetime(2026, 5, 1, 21, tzinfo=dt.UTC)
    identity = oracle.record_id(rest)
    assert read.rows == [(identity, time, "device0001", "p-17", 98.6, 71.0, 97.5, 120.0, 80.0)]


def test_two_records_that_differ_only_in_the_person_have_one_id() -> None:
    ids = {VitalRecords().row(GOOD | change)[0] for change in ({}, {"name": "X"}, {"dob": None})}
    nobody = {name: value for name, value in GOOD.items() if name not in IDENTIFYING}
    ids.add(VitalRecords().row(nobody)[0])
    assert len(ids) == 1
    assert VitalRecords().row(GOOD | {"pulse": 72})[0] not in ids


def test_a_row_does_not_change_the_record_that_it_is_made_of() -> None:
    record = dict(GOOD)
    VitalRecords().row(record)
    assert record == GOOD


@pytest.mark.parametrize("member", ["temp", "oxygen_percent", "patient_id"])
def test_members_that_are_not_scored_may_be_absent(member: str) -> None:
    record = {name: value for name, value in GOOD.items() if name != member}
    assert None in VitalRecords().row(record)


def test_names_and_dates_of_birth_are_nowhere_in_what_comes_out(tmp_path: Path) -> None:
    people = [dict(record) for record in vital_records(40, 3, dt.datetime(2026, 5, 1))]
    lines = [json.dumps(record, ensure_ascii=False) for record in people]
    lines += [json.dumps(GOOD | change) for change in CHANGES]
    lines += [lines[0].replace('"pulse"', "pulse"), lines[1].replace(":", ": NaN,", 1)]
    lines += [json.dumps(GOOD).replace("Quixote", "Quixote\x01"), lines[2][: len(lines[2]) // 2]]
    read = read_bytes(tmp_path, "".join(lines).encode("utf-8", "replace"), VitalRecords())
    assert len(read.rows) == 40 and len(read.rejects) >= len(CHANGES) + 3
    assert VitalRecords.shows_excerpt is False
    told = [reject_row(reject, "key", VitalRecords.shows_excerpt) for reject in read.rejects]
    assert {row["excerpt"] for row in told} == {None}
    assert {"excerpt", "detail"} <= {column.name for column in REJECTS.all_columns}
    output = repr([read.rows, told])
    for person in [*people, GOOD]:
        for member in IDENTIFYING:
            assert str(person[member]) not in output
        for part in str(person["name"]).replace(",", " ").split():
            assert part not in repr(told)

"""Wind records: names that producers use, times, windows, ids."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from stormlake.sensors.fields import Unusable
from stormlake.sensors.unicorns import UnicornRecords
from stormlake.sensors.wind import WindRecords
from tests.sensors import oracle
from tests.sensors.reading import read_bytes
from tests.sensors.strategies import written

START = 1_767_225_600  # 2026-01-01
READING = {"location": "Farm, North", "speed": 5.5, "timestamp": START}


def row(record: dict[str, Any], width: int = 60) -> dict[str, Any]:
    kind = WindRecords(width=width)
    return dict(zip([c.name for c in kind.columns], kind.row(record), strict=True))


@pytest.mark.parametrize("time", ["timestamp", "event_time", "time"])
@pytest.mark.parametrize("speed", ["speed", "wind_speed"])
def test_members_have_the_names_that_producers_use(time: str, speed: str) -> None:
    record = {"location": "Farm, North", speed: "55.2", time: START + 61.5}
    found = row(record)
    assert found == {
        "record_id": oracle.record_id(record),
        "location": "Farm, North",
        "speed": 55.2,
        "event_time": (START * 10 + 615) * 100_000,
        "score": None,
        "window_start": (START + 60) * 1_000_000,
        "window_end": (START + 120) * 1_000_000,
    }


@pytest.mark.parametrize(
    "time",
    [
        START,
        START * 1000,
        str(START),
        "2026-01-01T00:00:00Z",
        "2026-01-01 00:00:00",
        "2026-01-01T01:00:00+01:00",
    ],
)
def test_a_time_may_be_seconds_milliseconds_or_iso_8601(time: object) -> None:
    assert row({"location": "F", "speed": 1, "time": time})["event_time"] == START * 1_000_000


@pytest.mark.parametrize("width", [1, 60, 7200, 86_400])
@pytest.mark.parametrize("second", [0, 1, 59, 60, 86_399, -1])
def test_windows_are_aligned_to_the_epoch(width: int, second: int) -> None:
    found = row({"location": "F", "speed": 1, "time": START + second}, width)
    start, end = found["window_start"] // 1_000_000, found["window_end"] // 1_000_000
    assert start % width == 0 and end == start + width
    assert start <= START + second < end


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"location": None}, "missing_field"),
        ({"location": 7}, "bad_type"),
        ({"speed": None}, "missing_field"),
        ({"speed": "fast"}, "bad_type"),
        ({"speed": False}, "bad_type"),
        ({"speed": "1e999"}, "not_finite"),
        ({"timestamp": None}, "bad_time"),
        ({"timestamp": "noon"}, "bad_time"),
        ({"timestamp": True}, "bad_time"),
        ({"timestamp": 1e306}, "bad_time"),
        ({"timestamp": "1" * 5000}, "bad_time"),
        ({"score": "high"}, "bad_type"),
    ],
)
def test_what_is_no_reading_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unusable) as refused:
        row({"location": "F", "speed": 1, "timestamp": START} | change)
    assert refused.value.reason.value == reason


def test_a_negative_speed_and_a_score_pass_as_they_are() -> None:
    found = row({"location": "F", "speed": -1, "timestamp": START, "score": "10.2"})
    assert (found["speed"], found["score"]) == (-1.0, 10.2)


def test_a_reject_tells_the_time_where_it_is_one(tmp_path: Path) -> None:
    data = b'{"location":"F","timestamp":%d}{"location":"F","speed":1}' % START
    read = read_bytes(tmp_path, data, WindRecords())
    assert [(r.reason.value, r.event_micros) for r in read.rejects] == [
        ("missing_field", START * 1_000_000),
        ("bad_time", None),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_csv_and_json_of_the_same_readings_are_the_same_rows(tmp_path: Path, end: str) -> None:
    readings = [('Farm "A", North', 5.5, START), ("Farm é", 6, START + 0.25), ("F", 7.0, START)]
    lines = [
        '"{}",{},{}'.format(name.replace('"', '""'), speed, time) for name, speed, time in readings
    ]
    json_lines = [
        json.dumps({"location": name, "speed": speed, "timestamp": time})
        for name, speed, time in readings
    ]
    data = end.join(["location,speed,timestamp", *lines]).encode()
    csv = read_bytes(tmp_path, data, WindRecords())
    assert csv.adds_up and csv.rejects == [] and csv.tally.comments == 1
    assert csv.rows == read_bytes(tmp_path, "".join(json_lines).encode(), WindRecords()).rows
    assert oracle.wind_records([data]) == oracle.wind_records(["".join(json_lines).encode()])
    assert [r["record_id"] for r in oracle.wind_records([data])] == [r[0] for r in csv.rows]


@pytest.mark.parametrize("shape", ["lines", "concatenated", "pretty", "tight array", "wrapped"])
@pytest.mark.parametrize("stray", [b"x", b"\0", b"}", b"\xff", b'"', b"\r\nx", b",x", b"x\n", b","])
def test_a_stray_byte_before_json_does_not_make_lines_of_it(
    tmp_path: Path, stray: bytes, shape: str
) -> None:
    for record in (READING, {"location": "F", "speed": 5, "time": 6}, {"time": 6, "speed": 5}):
        data = stray + written([record] * 20, shape)
        wind, unicorn = (read_bytes(tmp_path, data, k) for k in (WindRecords(), UnicornRecords()))
        assert wind.tally.read == unicorn.tally.read  # which are never lines
        assert wind.tally.reasons["malformed"] == unicorn.tally.reasons["malformed"]
        assert wind.adds_up


def test_a_stray_byte_before_glued_records_costs_one_of_them(tmp_path: Path) -> None:
    data = b"x" + written([READING] * 5000, "concatenated")
    read = read_bytes(tmp_path, data, WindRecords())
    assert (len(read.rows), [(r.reason.value, r.offset, r.length) for r in read.rejects]) == (
        4999,
        [("malformed", 0, len(data) // 5000 + 1)],
    )


@pytest.mark.parametrize(
    "first", ["location,speed,time", '"{F}",1,0', '"{""F"": G}",1', "Caf\xe9 {F},1", " \r\n\nF,1,0"]
)
def test_csv_with_braces_is_csv(tmp_path: Path, first: str) -> None:
    data = f'{first}\r\n"Farm {{A}}",5,0\n{{"x": 1}}\n"B",6,0'.encode("latin-1")
    read = read_bytes(tmp_path, data, WindRecords())
    assert [row[1:3] for row in read.rows][-2:] == [("Farm {A}", 5.0), ("B", 6.0)]


@pytest.mark.parametrize("blanks", [b"", b" " * 100, b"\n" * 100_000])
def test_the_form_is_told_behind_any_number_of_blanks(tmp_path: Path, blanks: bytes) -> None:
    assert len(read_bytes(tmp_path, blanks + b'"F",1,0', WindRecords()).rows) == 1
    assert len(read_bytes(tmp_path, blanks + written([READING], "lines"), WindRecords()).rows) == 1


@pytest.mark.parametrize("width", [60, 3600])
def test_the_oracle_agrees_with_pandas(width: int) -> None:
    records = [
        {"location": f"F{n % 3}", "speed": (n * 37) % 101, "timestamp": START + n * 7}
        for n in range(500)
    ]
    data = "".join(json.dumps(record) for record in records).encode()
    frame = pd.DataFrame(records)
    floor = pd.to_datetime(frame["timestamp"], unit="s", utc=True).dt.floor(f"{width}s")
    known = frame.groupby([frame["location"], floor])["speed"].agg(["max", "count"])
    rows = oracle.wind_max([data, data], width)
    assert [(r["location"], r["window_start"]) for r in rows] == list(known.index)
    assert [r["max_speed"] for r in rows] == known["max"].to_list()
    assert [r["record_count"] for r in rows] == known["count"].to_list()

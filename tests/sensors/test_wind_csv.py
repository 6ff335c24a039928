"""Wind records as CSV lines."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.sensors.outcomes import Reason, Reject
from stormlake.sensors.wind_csv import parse_wind_csv


@pytest.mark.parametrize(
    ("line", "record"),
    [
        ('"Farm-1",55', {"location": "Farm-1", "speed": 55}),
        ("Farm-1,55.25", {"location": "Farm-1", "speed": 55.25}),
        ('"Farm, North",3', {"location": "Farm, North", "speed": 3}),
        ('"The ""Hill""",3', {"location": 'The "Hill"', "speed": 3}),
        ('"Åland 🌬",3', {"location": "Åland 🌬", "speed": 3}),
        ('"Farm-1", 3.0 ', {"location": "Farm-1", "speed": 3.0}),
        ('"F",1e2', {"location": "F", "speed": 100.0}),
        ('"F",-4', {"location": "F", "speed": -4}),
        ('"F",1,1767225600', {"location": "F", "speed": 1, "timestamp": 1767225600}),
        ('"F",1,1767225600.5', {"location": "F", "speed": 1, "timestamp": 1767225600.5}),
        (
            '"F",1,"2026-01-01T00:00:00Z"',
            {"location": "F", "speed": 1, "timestamp": "2026-01-01T00:00:00Z"},
        ),
        ("F,1\r", {"location": "F", "speed": 1}),
        ("\ufeffF,1", {"location": "\ufeffF", "speed": 1}),
    ],
)
def test_a_line_becomes_the_json_record(line: str, record: dict[str, object]) -> None:
    found = parse_wind_csv(line.encode(), 0)
    assert found == record
    assert isinstance(found, dict)
    assert [type(value) for value in found.values()] == [type(value) for value in record.values()]


@pytest.mark.parametrize(
    "text", ["fast", "", "1_000", "0x1f", "NaN", "Infinity", "\u0661", "1.2.3"]
)
def test_text_that_is_no_number_stays_text(text: str) -> None:
    assert parse_wind_csv(f'"F",{text}'.encode(), 0) == {"location": "F", "speed": text}


@pytest.mark.parametrize(
    "line",
    ["location,speed", "location,speed,timestamp", '"Location","wind_speed",time\r', "", " ", "\r"],
)
def test_header_lines_and_blank_lines_are_no_record(line: str) -> None:
    assert parse_wind_csv(line.encode(), 0) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'"Farm-1"', Reason.FIELD_COUNT),
        (b'"Farm-1",1,2,3', Reason.FIELD_COUNT),
        (b"Farm, North,3,4", Reason.FIELD_COUNT),
        (b'"Farm-1,55', Reason.MALFORMED),
        (b'"Farm"-1,55', Reason.MALFORMED),
        (b'"Farm\xff",55', Reason.BAD_UTF8),
    ],
)
def test_a_bad_line_is_a_reject_with_its_place(line: bytes, reason: Reason) -> None:
    found = parse_wind_csv(line, 700)
    assert isinstance(found, Reject)
    assert (found.reason, found.offset, found.length, found.data) == (reason, 700, len(line), line)
    assert len(found.detail) <= 200


def test_a_field_of_a_hundred_thousand_digits_costs_no_more_than_its_length() -> None:
    begin = time.process_time()
    digits = "1" * 100_000
    assert parse_wind_csv(f'"F",{digits}x'.encode(), 0) == {"location": "F", "speed": f"{digits}x"}
    assert time.process_time() - begin < 2


@given(st.binary(max_size=60) | st.text('",1.e-é\r\n\0', max_size=30).map(str.encode))
def test_any_bytes_are_a_record_a_reject_or_nothing(line: bytes) -> None:
    found = parse_wind_csv(line, 0)
    assert found is None or isinstance(found, dict | Reject)
    assert not isinstance(found, dict) or list(found)[:2] == ["location", "speed"]

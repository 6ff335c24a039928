"""Times of records, by hand and against the standard library."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.sensors.times import BadTime, day_micros, day_of, parse_instant, quick_times
from stormlake.sensors.times import parse_time as parse

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NEW_YORK = ZoneInfo("America/New_York")
ZONES = [None, NEW_YORK, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata")]


def utc(micros: int) -> str:
    return (EPOCH + dt.timedelta(microseconds=micros)).replace(tzinfo=None).isoformat(" ")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1970-01-01 00:00:00", 0),
        ("1970-01-01 00:00:00.000001", 1),
        ("1970-01-01 00:00:00.1", 100_000),
        ("1970-01-01 00:00:00.123456789", 123_456),
        ("1969-12-31 23:59:59.999999", -1),
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01 01:00:00+01:00", 0),
        ("1969-12-31 18:30:00.5-0530", 500_000),
        ("2019-06-25 09:43:42.426", 1_561_455_822_426_000),
        ("1900-01-01 00:00:00", -2_208_988_800_000_000),
        ("1899-12-31 23:59:00-00:01", -2_208_988_800_000_000),
        ("9998-12-31 23:59:59.999999", 253_370_764_799_999_999),
    ],
)
def test_a_time_is_exact_to_the_microsecond(text: str, expected: int) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-29 00:00:00",
        "2026-13-01 00:00:00",
        "2026-01-01 24:00:00",
        "2026-01-01 23:59:60",
        "2026-01-01 00:00",
        "2026-01-01",
        " 2026-01-01 00:00:00",
        "2026-01-01 00:00:00\n",
        "2026-01-01 00:00:00.",
        "2026-01-01 00:00:00.1234567890",
        "2026-01-01 00:00:00+24:00",
        "2026-01-01 00:00:00+01:60",
        "0000-01-01 00:00:00",
        "9999-12-31 23:59:59-00:01",
        "0001-01-01 00:00:00+00:01",
        "1899-12-31 23:59:59.999999",
        "1900-01-01 00:00:59.999+00:01",
        "9998-12-31 23:59:00-00:01",
        "9999-01-01 00:00:00",
        "\uff12026-01-01 00:00:00",
    ],
)
def test_what_is_no_time_is_refused_without_telling_it(text: str) -> None:
    with pytest.raises(BadTime) as refused:
        parse(text)
    assert not text.strip() or text not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "in_utc"),
    [
        ("2026-01-01 00:00:00", "2026-01-01 05:00:00"),
        ("2026-07-01 00:00:00", "2026-07-01 04:00:00"),
        ("2026-03-08 01:59:59", "2026-03-08 06:59:59"),
        ("2026-03-08 03:00:00", "2026-03-08 07:00:00"),
        ("2026-11-01 00:59:59", "2026-11-01 04:59:59"),
        ("2026-11-01 01:30:00", "2026-11-01 05:30:00"),  # comes twice: the first
        ("2026-11-01 02:00:00", "2026-11-01 07:00:00"),
        ("2100-07-01 00:00:00", "2100-07-01 04:00:00"),  # summer time behind Arrow's tables
        ("2026-07-01 00:00:00Z", "2026-07-01 00:00:00"),  # its own zone goes before
    ],
)
def test_a_time_without_a_zone_is_the_given_zones(text: str, in_utc: str) -> None:
    assert utc(parse(text, NEW_YORK)) == in_utc


@pytest.mark.parametrize("text", ["2026-03-08 02:00:00", "2026-03-08 02:59:59.999"])
def test_a_time_that_the_clocks_skipped_is_bad(text: str) -> None:
    with pytest.raises(BadTime, match="skipped"):
        parse(text, NEW_YORK)
    parse(text)


@pytest.mark.parametrize(
    ("value", "in_utc"),
    [
        (0, "1970-01-01 00:00:00"),
        (1767225600, "2026-01-01 00:00:00"),
        ("1767225600", "2026-01-01 00:00:00"),
        (1767225600.123456, "2026-01-01 00:00:00.123456"),
        ("1767225600.123456", "2026-01-01 00:00:00.123456"),
        (1767225600123, "2026-01-01 00:00:00.123000"),
        (1767225600123.456, "2026-01-01 00:00:00.123456"),
        ("1.767225600123e12", "2026-01-01 00:00:00.123000"),
        (100_000_000_000, "5138-11-16 09:46:40"),
        (100_000_000_001, "1973-03-03 09:46:40.001000"),
        (-2_208_988_800, "1900-01-01 00:00:00"),
        (253_370_764_799_999, "9998-12-31 23:59:59.999000"),
        (-1.5, "1969-12-31 23:59:58.500000"),
        ("2026-01-01T00:00:00.5+01:00", "2025-12-31 23:00:00.500000"),
    ],
)
def test_seconds_milliseconds_and_texts_are_told_apart(value: object, in_utc: str) -> None:
    assert utc(parse_instant(value)) == in_utc


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        [],
        {},
        "",
        "soon",
        float("nan"),
        float("inf"),
        1e306,
        -1e306,
        10**400,
        "1e306",
        "1e999",
        "9" * 50,
        "1" * 5000,
        "-" + "1" * 5000,
        "1899-12-31T23:59:59Z",
        -30_610_224_001,
        253_370_764_800_000,
        "253370764800000",
    ],
)
def test_a_value_that_is_no_instant_is_bad_and_never_an_error_of_python(value: object) -> None:
    with pytest.raises(BadTime):
        parse_instant(value)


@given(st.floats(-2.2e9, 1e11, allow_nan=False).map(lambda s: round(s, 6)))
def test_seconds_with_a_fraction_are_the_nearest_microsecond(seconds: float) -> None:
    # As exact as a double is: at 9e10 s two neighbours are 15 microseconds apart.
    assert abs(parse_instant(seconds) / 1e6 - seconds) <= max(1e-6, abs(seconds) * 2.3e-16)


times = st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(9998, 12, 30, 23, 59, 59)).map(
    lambda time: time.isoformat(" ", "milliseconds")
)
recent = st.datetimes(dt.datetime(1890, 1, 1), dt.datetime(2060, 1, 1)).map(
    lambda time: time.isoformat(" ", "milliseconds")
)
edges = st.sampled_from(
    [
        "2026-03-08 02:30:00.000",
        "2026-11-01 01:30:00.000",
        "2026-03-29 02:00:00.000",
        "0000-01-01 00:00:00.000",
        "0001-01-01 00:00:00.000",
        "1899-12-31 23:59:59.999",
        "1900-01-01 00:00:00.000",
        "9998-12-31 23:59:59.999",
        "9999-01-01 00:00:00.000",
        "2026-01-01 00:00+01:00 ",
        "2026-01-01T00:00:00.000",
        "2038-01-01 00:00:00.000",
    ]
)


@st.composite
def nearly_times(draw: st.DrawFn) -> str:
    """A time of the usual length in which one character is another."""
    text = draw(recent)
    at = draw(st.integers(0, len(text) - 1))
    return text[:at] + draw(st.sampled_from("0123456789 -:.,TZ+é")) + text[at + 1 :]


@settings(max_examples=100, deadline=None)
@given(st.lists(times | recent | edges | nearly_times(), min_size=1, max_size=3), st.data())
def test_many_times_at_once_are_the_same_times_or_none(
    texts: list[str], data: st.DataObject
) -> None:
    zone = data.draw(st.sampled_from(ZONES))
    found = quick_times(pa.array(texts), 23, zone)
    if found is None:
        return
    assert found.type == pa.timestamp("us", tz="UTC")
    assert found.cast(pa.int64()).to_pylist() == [parse(text, zone) for text in texts]


@pytest.mark.parametrize("zone", ZONES)
def test_usual_times_are_read_at_once(zone: ZoneInfo | None) -> None:
    texts = pa.array(["2026-05-01 21:00:00.123", "2026-12-31 23:59:59.999"])
    assert quick_times(texts, 23, zone) is not None
    assert quick_times(texts, 19, zone) is None


@pytest.mark.parametrize("text", ["1899-12-31 23:59:59.999", "9999-01-01 00:00:00.000"])
def test_a_year_that_spark_cannot_take_is_bad_alone_and_among_many(text: str) -> None:
    with pytest.raises(BadTime, match="outside the years 1900 to 9998"):
        parse(text)
    first, last = "1900-01-01 00:00:00.000", "9998-12-31 23:59:59.999"
    assert quick_times(pa.array([first, last]), 23, None) is not None
    assert quick_times(pa.array([first, text]), 23, None) is None


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("1900-01-01 00:30:00.000", "Etc/GMT-1"),
        ("9998-12-31 23:30:00.000", "Etc/GMT+1"),
        ("0001-01-01 00:00:00.000", "Etc/GMT-1"),
    ],
)
def test_the_years_are_those_of_utc(text: str, zone: str) -> None:
    with pytest.raises(BadTime, match="outside the years"):
        parse(text, ZoneInfo(zone))


@given(st.dates())
def test_a_day_begins_at_its_midnight_and_ends_before_the_next(day: dt.date) -> None:
    begin = day_micros(day)
    assert begin == (dt.datetime.combine(day, dt.time(), dt.UTC) - EPOCH) // dt.timedelta(
        microseconds=1
    )
    assert day_of(begin) == day_of(begin + 86_400_000_000 - 1) == day


@given(st.datetimes(dt.datetime(1900, 1, 2), dt.datetime(9998, 12, 30)), st.sampled_from(ZONES[1:]))
def test_a_time_in_a_zone_is_what_the_standard_library_says(time: dt.datetime, zone: Any) -> None:
    known = time.replace(tzinfo=zone).astimezone(dt.UTC)
    skipped = known.astimezone(zone).replace(tzinfo=None) != time
    if not skipped:
        assert parse(time.isoformat(" "), zone) == (known - EPOCH) // dt.timedelta(microseconds=1)

"""Archives for property-based tests: any records, in any shape, with damage anywhere."""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import strategies as st

from tests.sensors.reading import SHAPES

START = dt.datetime(2026, 12, 31, 23, 0)

names = st.text(max_size=20) | st.sampled_from(
    ["}{", "},{", "}, {", '"q"', "\n{", "}\n{", "a\\", "NaN", "Infinity", "[{", "]}", "🦄é", '{"']
)
moments = st.integers(0, 7_200_000).map(
    lambda ms: (START + dt.timedelta(milliseconds=ms)).isoformat(" ", "milliseconds")
)
degrees = st.floats(-180, 180) | st.integers(-180, 180)
points = st.none() | st.integers(0, 10_000)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)


@st.composite
def unicorns(draw: st.DrawFn) -> dict[str, Any]:
    """A reading that is good; its members in any order, others among them."""
    record = {
        "Name": draw(names),
        "StatusTime": draw(moments),
        "Latitude": draw(degrees),
        "Longitude": draw(degrees),
        "Distance": draw(st.floats(0, 310) | st.integers(0, 310)),
        **draw(st.fixed_dictionaries({}, optional={"HealthPoints": points, "MagicPoints": points})),
        **draw(st.dictionaries(st.sampled_from(["x", "}{", "é"]), anything, max_size=1)),
    }
    return dict(draw(st.permutations(list(record.items()))))


events = st.builds(
    lambda key, prefix, time: {key: f"{prefix}-{time[:19]}"},
    st.uuids().map(str) | names,
    st.just("test") | names.filter(len),
    moments,
)

clocks = st.one_of(
    moments,
    st.integers(0, 7200).map(lambda s: int(START.replace(tzinfo=dt.UTC).timestamp()) + s),
)
optional_number = st.none() | st.floats(0, 250) | st.integers(0, 250)


@st.composite
def winds(draw: st.DrawFn) -> dict[str, Any]:
    """A reading of a wind farm that is good, under any of the names."""
    record = {
        "location": draw(names),
        draw(st.sampled_from(["speed", "wind_speed"])): draw(st.floats(-5, 200)),
        draw(st.sampled_from(["timestamp", "event_time", "time"])): draw(clocks),
        **draw(st.fixed_dictionaries({}, optional={"score": optional_number, "x": anything})),
    }
    return dict(draw(st.permutations(list(record.items()))))


@st.composite
def vitals(draw: st.DrawFn) -> dict[str, Any]:
    """A reading of a device that is good, with the person."""
    record = {
        "timestamp": draw(moments),
        "device_id": draw(names),
        "name": draw(names),
        "dob": draw(anything),
        **{member: draw(st.integers(30, 200)) for member in ("pulse", "systolic", "diastolic")},
        **draw(st.fixed_dictionaries({}, optional={"temp": optional_number, "x": anything})),
    }
    return dict(draw(st.permutations(list(record.items()))))


shapes = st.sampled_from(sorted(SHAPES))

BYTES = [
    *(b"}", b"{", b"[", b"]", b'"', b",", b":", b"\n", b"\r\n", b" ", b"\t", b"\\", b"-", b"\0"),
    *(b"}{", b"}\n{", b"},{", b"{}", b"[]", b"[[", b'{"', b'{"a":[{', b'"a":', b'": "', b'{"a":[]'),
    *(b"null", b"true", b"NaN", b"Infinity", b"1e999", b"1" * 30, b'"key":"', b'"value"'),
    *(b"\xff", b"\xc3", b"\xed\xa0\x80", b"\\ud800", b"\\udc00", b"\\u00", b"\xef\xbb\xbf"),
]
"""What changes the meaning of JSON where it is put."""


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes with some deleted, inserted, replaced, or the end cut away."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        put = draw(st.sampled_from(BYTES) | st.binary(min_size=1, max_size=2))
        data = draw(
            st.sampled_from(
                [
                    data[:at] + data[at + 1 :],
                    data[:at] + data[at + 30 :],
                    data[:at] + put + data[at:],
                    data[:at] + put + data[at + len(put) :],
                    data[:at],
                ]
            )
        )
    return data


def written(records: list[Any], shape: str) -> bytes:
    """Records in a shape, as bytes."""
    return SHAPES[shape](records).encode()

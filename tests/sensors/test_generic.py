"""Generic records: JSON and CSV by the names of their members, numbers of rows, reasons."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.sensors.generic import GenericRecords
from tests.sensors.reading import read_bytes

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
NOON = dt.datetime(2026, 5, 1, 12, tzinfo=dt.UTC)


def test_a_record_without_id_time_and_key_is_its_number_at_the_epoch(tmp_path: Path) -> None:
    data = b'{"v": 1}{"v": "2.5"}\n[{"v": -3e2}]'
    read = read_bytes(tmp_path, data, GenericRecords(values=("v",)))
    assert read.rows == [
        ("000000000000", EPOCH, None, 1.0),
        ("000000000001", EPOCH, None, 2.5),
        ("000000000002", EPOCH, None, -300.0),
    ]


@pytest.mark.parametrize("time", ["2026-05-01T12:00:00Z", 1_777_636_800, 1_777_636_800_000])
def test_members_are_found_by_the_names_that_were_given(tmp_path: Path, time: Any) -> None:
    record = {"n": 7, "who": "Ä|b", "at": time, "x": 1, "y": 2, "z": 3}
    kind = GenericRecords(values=("y", "x"), key="who", time="at", id="n")
    read = read_bytes(tmp_path, json.dumps(record).encode(), kind)
    assert read.rows == [("7", NOON, "Ä|b", 2.0, 1.0)]
    assert [column.name for column in kind.columns] == ["record_id", "event_time", "key", "y", "x"]


@given(
    st.lists(st.tuples(st.floats(-1e9, 1e9), st.text("ab,\"' ;\tü", min_size=1)), min_size=1),
    st.booleans(),
    st.sampled_from(["\n", "\r\n"]),
)
def test_csv_is_read_as_pythons_own_writer_wrote_it(
    tmp_path_factory: pytest.TempPathFactory,
    table: list[tuple[float, str]],
    with_header: bool,
    end: str,
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=end)
    if with_header:
        writer.writerow(["v", "key"])
    writer.writerows(table)
    header = () if with_header else ("v", "key")
    kind = GenericRecords(values=("v",), key="key", is_csv=True, header=header)
    folder = tmp_path_factory.mktemp("csv")
    read = read_bytes(folder, text.getvalue().encode(), kind)
    blank = [number for number, (_, key) in enumerate(table) if not key.strip()]
    assert [row[3] for row in read.rows] == [
        value + 0.0 for number, (value, _) in enumerate(table) if number not in blank
    ]
    assert [int(row[0]) for row in read.rows] == [
        number for number in range(len(table)) if number not in blank
    ]
    assert read.adds_up
    assert read.tally.comments == with_header


@pytest.mark.parametrize(
    ("line", "reason", "said"),
    [
        (b"1,2,3", "field_count", "3 fields; expected 2: v,w"),
        (b'1,"2', "malformed", "expected one CSV record a line"),
        (b"\xff,2", "bad_utf8", "expected CSV in UTF-8"),
        (b"nan,2", "not_finite", "v is not a number (NaN)"),
        (b"-Infinity,2", "not_finite", "v is larger than a double can be"),
        (b"1e999,2", "not_finite", "v is larger than a double can be"),
        (b",2", "missing_field", "no v"),
        (b"true,2", "bad_type", "v is not a number"),
    ],
)
def test_a_line_that_is_no_record_tells_why(
    tmp_path: Path, line: bytes, reason: str, said: str
) -> None:
    kind = GenericRecords(values=("v", "w"), is_csv=True)
    read = read_bytes(tmp_path, b"v,w\n" + line + b"\n4,5\n", kind)
    (reject,) = read.rejects
    assert (reject.reason, reject.offset, reject.length) == (reason, 4, len(line))
    assert said in reject.detail
    assert read.rows == [("000000000001", EPOCH, None, 4.0, 5.0)]


def test_a_member_that_is_no_text_and_no_whole_number_is_no_key(tmp_path: Path) -> None:
    kind = GenericRecords(values=("v",), key="k")
    read = read_bytes(tmp_path, b'{"v":1,"k":1.5}{"v":1,"k":true}{"v":1,"k":[]}', kind)
    assert [reject.reason for reject in read.rejects] == ["bad_type"] * 3


def test_a_time_that_is_none_is_rejected(tmp_path: Path) -> None:
    kind = GenericRecords(values=("v",), time="t")
    read = read_bytes(tmp_path, b'{"v":1,"t":"noon"}{"v":1}', kind)
    assert [reject.reason for reject in read.rejects] == ["bad_time", "missing_field"]

"""An object of any form to rows, rejects and counts."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import json
import math
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.archive.arrivals import list_arrivals
from stormlake.archive.source import open_source
from stormlake.archive.streams import pieces
from stormlake.sensors import part_bytes, parts
from stormlake.sensors.events import EventRecords
from stormlake.sensors.kinds import Kind
from stormlake.sensors.outcomes import Reason
from stormlake.sensors.parts import Part
from stormlake.sensors.reader import Reader
from stormlake.sensors.scope import Scope
from stormlake.sensors.unicorns import UnicornRecords
from stormlake.sensors.vitals import VitalRecords
from stormlake.sensors.wind import WindRecords
from tests.sensors import oracle
from tests.sensors.reading import EVERYTHING, MEGABYTE, SHAPES, Read, packed, read_bytes, read_parts
from tests.sensors.strategies import damaged, events, shapes, unicorns, vitals, winds, written

RIDE = [
    {
        "Name": name,
        "StatusTime": f"2026-05-01 21:00:{second:02}.{second:03}",
        "Latitude": 40.5,
        "Longitude": -73.25,
        "Distance": 29.5 + second,
        "HealthPoints": second,
        "MagicPoints": None,
    }
    for second, name in enumerate(["Shadowfax", "Ünï 🦄", "a }{ b", 'say "neigh"'])
]
EVENTS = [{f"id-{n}": f"test-2026-05-01 21:{n:02}:00"} for n in range(4)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("object")


def expected(data: bytes) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in oracle.unicorn_records([data])]


def told(read: Read) -> list[tuple[str, int | None, int | None]]:
    return [(reject.reason.value, reject.offset, reject.length) for reject in read.rejects]


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_form_plain_and_packed_with_and_without_a_bom_gives_the_same_rows(
    folder: Path, shape: str, quick: bool
) -> None:
    plain = written(RIDE, shape)
    rows = expected(plain)
    assert len(rows) == len(RIDE)
    for data in (plain, b"\xef\xbb\xbf" + plain):
        for raw in (data, packed(data), packed(data, members=3)):
            read = read_bytes(folder, raw, UnicornRecords(), quick=quick)
            assert read.rows == rows
            assert read.rejects == []
            assert read.adds_up and read.tally.read == len(RIDE)


@pytest.mark.parametrize(
    "content", [b"", b" \r\n\t\n", b"[]", b'{"r": []}', b"\xef\xbb\xbf", b"\n"]
)
def test_an_empty_object_is_counted_and_has_no_record(folder: Path, content: bytes) -> None:
    for data in {content, packed(content)}:
        read = read_bytes(folder, data, UnicornRecords())
        assert (read.rows, read.rejects) == ([], [])
        assert (read.tally.objects, read.tally.empty, read.tally.read) == (1, 1, 0)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cut_at_any_byte_gives_the_whole_records_before_it_and_one_reject_at_most(
    folder: Path, shape: str
) -> None:
    data = written(EVENTS[:3], shape)
    for cut in range(len(data)):
        read = read_bytes(folder, data[:cut], EventRecords())
        assert read.rows == [tuple(row.values()) for row in oracle.event_records([data[:cut]])]
        assert len(read.rejects) <= 1
        assert read.adds_up
        for reason, offset, length in told(read):
            assert reason == "truncated"
            assert offset is not None and length is not None and offset + length == cut


@pytest.mark.parametrize("shape", ["lines", "concatenated", "array", "wrapped", "pretty"])
def test_a_cut_gzip_gives_the_records_before_the_cut_and_one_reject(
    folder: Path, shape: str
) -> None:
    data = written(RIDE, shape)
    raw = packed(data)
    rows = expected(data)
    for cut in range(10, len(raw), 3):
        read = read_bytes(folder, raw[:cut], UnicornRecords())
        assert read.rows == rows[: len(read.rows)]
        assert [reject.reason for reject in read.rejects] == [Reason.TRUNCATED]
        assert "gzip" in read.rejects[0].detail
        assert read.adds_up and read.tally.unreadable == 0


def test_a_gzip_whose_checksum_fails_gives_its_records_and_says_so(folder: Path) -> None:
    raw = bytearray(packed(written(RIDE, "lines")))
    raw[-6] ^= 1
    read = read_bytes(folder, bytes(raw), UnicornRecords())
    assert len(read.rows) == len(RIDE)
    assert [reject.reason for reject in read.rejects] == [Reason.UNREADABLE]
    assert read.tally.unreadable == 1 and read.adds_up


def test_a_deleted_object_is_one_reject_and_the_others_are_read(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(written(RIDE, "lines"))
    source = open_source(str(tmp_path))
    objects = list(list_arrivals(source))
    (tmp_path / "b").unlink()
    whole = [Part(obj, 0, obj.size) for obj in objects]
    read = read_parts(Reader(source, UnicornRecords(), EVERYTHING), whole)
    assert len(read.rows) == 2 * len(RIDE)
    assert told(read) == [("unreadable", 0, 0)]
    assert (read.tally.objects, read.tally.unreadable) == (3, 1)
    assert read.adds_up


def test_an_object_that_changed_after_listing_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(written(RIDE, "lines"))
    source = open_source(str(tmp_path))
    (obj,) = list_arrivals(source)
    (tmp_path / "a").write_bytes(written(RIDE[:2], "lines"))
    read = read_parts(Reader(source, UnicornRecords(), EVERYTHING), [Part(obj, 0, obj.size)])
    assert read.rows == []
    assert [reject.reason for reject in read.rejects] == [Reason.UNREADABLE]


def test_a_record_of_another_date_is_left_and_one_that_nobody_reads_is_rejected(
    folder: Path,
) -> None:
    lines = [{"id": f"test-2026-05-{day:02} 12:00:00"} for day in (1, 2, 3)]
    scope = Scope(dt.date(2026, 5, 2), dt.date(2026, 5, 3))
    for quick in (True, False):
        read = read_bytes(
            folder,
            written(lines, "lines"),
            EventRecords(),
            scope=scope,
            arrival=dt.datetime(2026, 5, 2, 3, tzinfo=dt.UTC),
            quick=quick,
        )
        assert [row[1].day for row in read.rows] == [2]
        assert (read.tally.accepted, read.tally.left, read.tally.rejected) == (1, 1, 1)
        (late,) = read.rejects  # 2026-05-03 arrived on 05-02: its own run does not look there
        assert late.reason is Reason.OUTSIDE_WINDOW
        assert (late.offset, late.length) == (70, 34)
        assert read.tally.reject_days == {"2026-05-02": 1}


def test_names_with_braces_and_quotes_are_read_at_once_and_with_care(folder: Path) -> None:
    records = [RIDE[0] | {"Name": name} for name in ("}{", "},{", '{"', "\n{", "}\n{", "[]", '"')]
    for shape in SHAPES:
        data = written(records, shape)
        for quick in (True, False):
            assert read_bytes(folder, data, UnicornRecords(), quick=quick).rows == expected(data)


@pytest.mark.parametrize("size", [100, 4000])
def test_csv_lines_too_long_are_rejects_in_bounded_memory(folder: Path, size: int) -> None:
    data = b'"F",1,0\n"' + b"x" * size + b'",1,0\r\n"G",2,60'
    read = read_bytes(folder, data, WindRecords(), max_record=80)
    assert [row[1:3] for row in read.rows] == [("F", 1.0), ("G", 2.0)]
    assert told(read) == [("too_large", 8, size + 7)]


def test_a_cut_gzip_of_csv_does_not_take_half_a_line_for_a_record(folder: Path) -> None:
    raw = gzip.compress(b"".join(b'"Farm-%d",%d.5,%d\n' % (n, n * 7919, n) for n in range(400)))
    read = read_bytes(folder, raw[: len(raw) // 2], WindRecords())
    assert 50 < len(read.rows) < 400
    assert all(row[2] == int(row[1][5:]) * 7919 + 0.5 for row in read.rows)
    assert [reject.reason for reject in read.rejects] == [Reason.TRUNCATED]
    assert read.adds_up


archives = st.one_of(
    st.tuples(st.just(UnicornRecords()), st.lists(unicorns(), max_size=5)),
    st.tuples(st.just(EventRecords()), st.lists(events, max_size=6)),
    st.tuples(st.just(WindRecords()), st.lists(winds(), max_size=5)),
    st.tuples(st.just(VitalRecords()), st.lists(vitals(), max_size=5)),
)


@settings(max_examples=40, deadline=None)
@given(archives, shapes, st.booleans())
def test_any_good_records_in_any_shape_become_a_row_each(
    folder: Path, archive: tuple[Kind, list[Any]], shape: str, gz: bool
) -> None:
    kind, records = archive
    data = written(records, shape)
    read = read_bytes(folder, packed(data, 2) if gz else data, kind)
    assert read.adds_up
    assert len(read.rows) == read.tally.read == len(records)
    assert read.rejects == []
    if isinstance(kind, UnicornRecords):
        assert read.rows == expected(data)
        assert math.fsum(row[4] for row in read.rows) == math.fsum(r["Distance"] for r in records)


@settings(max_examples=70, deadline=None)
@given(archives, shapes, st.sampled_from([150, MEGABYTE]), st.data())
def test_whatever_is_damaged_nothing_is_lost_and_every_way_of_reading_agrees(
    folder: Path,
    archive: tuple[Kind, list[Any]],
    shape: str,
    max_record: int,
    data: st.DataObject,
) -> None:
    kind, records = archive
    raw = data.draw(damaged(written(records, shape)))
    read = partial(read_bytes, folder, raw, kind, max_record=max_record)
    careful = read(quick=False)
    assert careful.adds_up
    at = 0
    for reject in careful.rejects:
        assert reject.offset is not None and reject.length is not None
        assert at <= reject.offset <= reject.offset + reject.length <= len(raw)
        assert raw[reject.offset :].startswith(reject.data[: reject.length])
        at = reject.offset + reject.length
    cuts = data.draw(st.lists(st.integers(0, len(raw)), max_size=4))
    size = data.draw(st.sampled_from([1, 3, 30, 4096]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "pieces", partial(pieces, piece_size=size))
        ways = [read(), read(quick=False, cuts=cuts), read(cuts=cuts)]
        patch.setattr(part_bytes, "PIECE", 64)
        ways += [read(), read(quick=False)]
    for way in ways:
        assert (way.rows, way.rejects) == (careful.rows, careful.rejects)
        assert way.adds_up and way.tally.reasons == careful.tally.reasons


@settings(max_examples=40, deadline=None)
@given(st.lists(winds(), max_size=5), st.sampled_from([150, MEGABYTE]), st.data())
def test_damaged_csv_loses_nothing_however_it_is_read(
    folder: Path, records: list[Any], max_record: int, data: st.DataObject
) -> None:
    lines = [
        [record["location"], *(record[name] for name in record if name not in ("location", "x"))]
        for record in records
    ]
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    raw = data.draw(damaged(text.getvalue().encode()))
    whole = read_bytes(folder, raw, WindRecords(), max_record=max_record)
    size = data.draw(st.sampled_from([1, 3, 30]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "pieces", partial(pieces, piece_size=size))
        split = read_bytes(folder, raw, WindRecords(), max_record=max_record)
    packed_up = read_bytes(folder, packed(raw, 3), WindRecords(), max_record=max_record)
    for read in (whole, split, packed_up):
        assert read.adds_up
        assert (read.rows, read.rejects) == (whole.rows, whole.rejects)


@pytest.mark.parametrize("kind", [WindRecords(), VitalRecords()])
def test_a_record_nested_too_deeply_for_its_id_is_a_reject_and_no_crash(
    folder: Path, kind: Kind
) -> None:
    good: dict[str, Any] = {"timestamp": "2026-05-01 21:00:00", "location": "F", "speed": 1}
    good |= {"device_id": "d", "pulse": 1, "systolic": 1, "diastolic": 1}
    text = json.dumps(good)[:-1]
    for depth in range(sys.getrecursionlimit() - 150, sys.getrecursionlimit()):
        data = f'{text}, "x": {"[" * depth}{"]" * depth}}}\n{json.dumps(good)}\n'.encode()
        read = read_bytes(folder, data, kind)
        assert len(read.rows) + len(read.rejects) == 2
        assert {reject.detail for reject in read.rejects} <= {"nested too deeply"}


@settings(max_examples=60, deadline=None)
@given(st.lists(events, min_size=1, max_size=8, unique_by=str), st.data())
def test_one_changed_byte_among_lines_costs_two_records_at_most(
    folder: Path, records: list[Any], data: st.DataObject
) -> None:
    raw = bytearray(written(records, "lines"))
    raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    read = read_bytes(folder, bytes(raw), EventRecords())
    assert len(read.rows) >= len(records) - 2
    assert read.adds_up

"""The decoder alone: bytes in pieces to records and rejects."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.sensors.json_record import SHOWN, Decoded
from stormlake.sensors.json_stream import JsonStream, begins_with_record
from stormlake.sensors.outcomes import Reason, Reject
from tests.sensors import oracle
from tests.sensors.reading import MEGABYTE, SHAPES
from tests.sensors.strategies import anything, damaged, names, written

Found = Decoded | Reject


def decode(pieces: Iterable[bytes], max_record: int = MEGABYTE) -> list[Found]:
    stream = JsonStream(max_record)
    found: list[Found] = []
    for piece in pieces:
        stream.add(piece)
        found += stream.decode()
    return [*found, *stream.decode(final=True)]


def values(found: list[Found]) -> list[object]:
    return [each.value for each in found if isinstance(each, Decoded)]


def rejects(found: list[Found]) -> list[tuple[str, int | None, int | None]]:
    return [(x.reason.value, x.offset, x.length) for x in found if isinstance(x, Reject)]


def in_pieces(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def told(found: list[Found]) -> list[object]:
    """All that is told, the excerpts too."""
    return [(x, x.data) if isinstance(x, Reject) else x for x in found]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_every_shape_gives_the_same_records_in_pieces_of_any_size(shape: str, size: int) -> None:
    records = [{"a": n, "é": "}{", "b": {"c": [n, {}, [{}]]}} for n in range(5)]
    found = decode(in_pieces(written(records, shape), size))
    assert values(found) == records
    assert rejects(found) == []


def test_a_record_tells_its_place_in_bytes() -> None:
    data = ' {"é":"🦄"}\n{"b":2}'.encode()
    first, second = decode([data])
    assert isinstance(first, Decoded) and isinstance(second, Decoded)
    assert (first.offset, first.length, first.data) == (1, 13, '{"é":"🦄"}'.encode())
    assert (second.offset, second.length) == (15, 7)
    assert data[second.offset :] == second.data == b'{"b":2}'


@pytest.mark.parametrize("text", ["", " ", "\r\n\t \n", "[]", "[ \n ]", '{"Records":[]}', "[][]"])
def test_nothing_is_no_record_and_no_reject(text: str) -> None:
    assert decode(in_pieces(text.encode(), 1)) == []


@pytest.mark.parametrize(
    ("text", "records", "rejected"),
    [
        # What is skipped reaches to the next record that begins behind one or on a line.
        ('{"a":1}x{"a":2}{"a":3}', [1, 3], [("malformed", 7, 8)]),
        ('{"a":1}\n{"a":}\n{"a":3}', [1, 3], [("malformed", 8, 7)]),
        ('{"a":1}\nnull\n{"a":3}', [1, 3], [("malformed", 8, 5)]),
        ('{"a":1} {"a" 2} {"a":3}\n{"a":4}', [1, 4], [("malformed", 8, 16)]),
        ('{"a":1}5', [1], [("malformed", 7, 1)]),
        ('{"a":01}\n{"a":2}', [2], [("malformed", 0, 9)]),
        ('{"a":"x\ny"}\n{"a":2}', [2], [("malformed", 0, 12)]),
        ('{"a":"\x01"}\n{"a":2}', [2], [("malformed", 0, 10)]),
        ('{"a":1,}\n{"a":2}', [2], [("malformed", 0, 9)]),
        ("{'a':1}\n{\"a\":2}", [2], [("malformed", 0, 8)]),
        ('[{"a":1},{"a":},{"a":3}]', [1, 3], [("malformed", 9, 7)]),
        ('[{"a":1},7,{"a":3}]', [1], [("malformed", 9, 10)]),
        ('{"r":[{"a":1}],"n":1}\n{"a":3}', [3], []),
        # Cut at the end.
        ('{"a":1}{"a":', [1], [("truncated", 7, 5)]),
        ('{"a":1}{"a":"\\', [1], [("truncated", 7, 7)]),
        ('{"a":1}{"a":"\\u12', [1], [("truncated", 7, 10)]),
        ('{"a":1}{"a":tr', [1], [("truncated", 7, 7)]),
        ('{"a":1}{"a":-', [1], [("truncated", 7, 6)]),
        ('[{"a":1}', [1], [("truncated", 8, 0)]),
        ('[{"a":1},', [1], [("truncated", 9, 0)]),
        ('[{"a":1},{', [1], [("truncated", 9, 1)]),
        ('{"r":[{"a":1}', [1], [("truncated", 13, 0)]),
        ('{"r":[{"a":1}]', [1], [("truncated", 14, 0)]),
        ('{"a":1}{"a":2]}', [1], [("malformed", 7, 8)]),
        # JSON to Python, but not JSON.
        ('{"a":NaN}{"a":2}', [2], [("not_finite", 0, 9)]),
        ('{"a":-Infinity}\n{"a":2}', [2], [("not_finite", 0, 15)]),
        ('{"x":[Infinity],"a":1}\n{"a":2}', [2], [("not_finite", 0, 22)]),
        ('{"a":"\\ud800"}\n{"a":2}', [2], [("bad_utf8", 0, 14)]),
        ('{"a":"\\uDC00\\uD800"}\n{"a":2}', [2], [("bad_utf8", 0, 20)]),
        ('{"\\ud83e":1}\n{"a":2}', [2], [("bad_utf8", 0, 12)]),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_by_hand(
    text: str, records: list[int], rejected: list[tuple[str, int, int]], size: int
) -> None:
    found = decode(in_pieces(text.encode(), size))
    numbers = [value["a"] for value in values(found) if isinstance(value, dict) and "a" in value]
    if rejected:
        assert rejects(found) == rejected
    assert [n for n in numbers if isinstance(n, int)] == records


@pytest.mark.parametrize("bad", [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_bytes_that_are_no_utf_8_reject_their_record_alone(bad: bytes) -> None:
    data = b'{"a":"' + bad + b'"}{"a":2}'
    found = decode([data])
    assert rejects(found) == [("bad_utf8", 0, 8 + len(bad))]
    assert values(found) == [{"a": 2}]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a":1,"a":2}', {"a": 2}),  # the last wins
        ('{"a":"\\ud83e\\udd84"}', {"a": "🦄"}),
        ('{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        ('{"a":null}', {"a": None}),
        ("{}", {}),
        ('{"a":1e999}', {"a": float("inf")}),
        ('{"a":-0.0}', {"a": -0.0}),
        ('{"a":%s}' % ("9" * 5000), {"a": float("inf")}),
        ('{"a":-%s}' % ("9" * 5000), {"a": float("-inf")}),
        ('{"a":%s.5}' % ("9" * 5000), {"a": float("inf")}),
        ('{"a":"\\u0000\x7f"}', {"a": "\0\x7f"}),
    ],
)
@pytest.mark.parametrize("size", [1, 100_000])
def test_unusual_values_that_json_allows(text: str, value: object, size: int) -> None:
    found = decode(in_pieces(text.encode(), size))
    assert values(found) == [value]
    assert rejects(found) == []


def test_a_record_nested_too_deeply_is_a_reject_and_the_next_is_read() -> None:
    deep = '{"a":' + "[" * 100_000 + "]" * 100_000 + "}"
    found = decode([f'{{"a":1}}{deep}{{"a":3}}'.encode()])
    assert rejects(found) == [("malformed", 7, len(deep))]
    assert values(found) == [{"a": 1}, {"a": 3}]


@pytest.mark.parametrize("size", [1, 17, 10_000])
def test_a_record_may_have_max_record_bytes_and_not_one_more(size: int) -> None:
    def record(length: int) -> bytes:
        return b'{"a":"' + b"x" * (length - 8) + b'"}'

    found = decode(in_pieces(record(300) + record(301) + record(20), size), max_record=300)
    assert rejects(found) == [("too_large", 300, 301)]
    assert [len(value["a"]) for value in values(found) if isinstance(value, dict)] == [292, 12]


@pytest.mark.parametrize("end", [b'"}{"a":2}', b""])
def test_a_record_that_is_too_large_is_skipped_in_bounded_memory(end: bytes) -> None:
    limit, piece = MEGABYTE, 64 * 1024
    stream = JsonStream(limit)
    data = b'{"a":1}{"a":"' + b"x" * (5 * MEGABYTE) + end
    found: list[Found] = []
    largest = 0
    for part in in_pieces(data, piece):
        stream.add(part)
        found += stream.decode()
        largest = max(largest, len(stream.buffer))
    found += stream.decode(final=True)
    assert largest < limit + piece
    length = len(data) - 7 - (7 if end else 0)
    assert rejects(found) == [("too_large", 7, length)]
    assert values(found) == ([{"a": 1}, {"a": 2}] if end else [{"a": 1}])


def test_a_cut_text_of_16_megabytes_costs_no_more_memory_than_its_length() -> None:
    data = b'{"a":"' + b"x" * (16 * MEGABYTE)
    tracemalloc.start()
    try:
        found = decode([data], max_record=32 * MEGABYTE)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rejects(found) == [("truncated", 0, len(data))]
    assert most < 12 * len(data)


def test_bad_lines_are_read_in_time() -> None:
    line = b"{'a': 1, 'b': 'python is not json'}\n"
    begin = time.process_time()
    found = decode([line * 8000])
    assert len(found) == 8000
    assert time.process_time() - begin < 2


def test_an_array_is_ended_by_a_record_on_a_new_line_where_tasks_may_begin() -> None:
    found = decode([b'{"a":1}\n[{"a":2}\n{"a":3},{"a":4}'])
    assert values(found) == [{"a": n} for n in (1, 2, 3, 4)]
    assert rejects(found) == [("truncated", 17, 0)]


def test_an_array_may_lack_commas() -> None:
    assert values(decode([b'[{"a":1}\n{"a":2}{"a":3}]'])) == [{"a": n} for n in (1, 2, 3)]


@pytest.mark.parametrize("first", ["[]", '[{"b":1}]', '[{"b":1},{"c":[{}]}]'])
def test_a_record_whose_first_member_is_an_array_of_objects_is_no_wrapper(first: str) -> None:
    record = json.loads(f'{{"x":{first},"a":1}}')
    data = json.dumps(record).encode()
    assert values(decode(in_pieces(data * 2, 5))) == [record, record]
    assert values(decode([b'{"x":%s}' % first.encode()])) == json.loads(first)


def test_a_large_object_with_such_a_first_member_is_taken_for_a_wrapper_and_nothing_is_lost() -> (
    None
):
    inside = [{"b": "x" * 1000}] * 100
    data = json.dumps({"x": inside, "a": 1}).encode()
    found = decode([data])
    assert values(found) == inside
    assert rejects(found) == [("malformed", len(data) - len(', "a": 1}'), 9)]


@pytest.mark.parametrize("bad", [b"x", b'{"a":}', b'{"a":"\n'])
def test_the_excerpt_of_a_bad_record_is_its_beginning_and_ends_with_it(bad: bytes) -> None:
    rest = bytes(random.Random(1).choices(b"abc", k=1000))
    for size in (1, 50, 10_000):
        (short,) = [x for x in decode(in_pieces(bad + b'}{"a":1}', size)) if isinstance(x, Reject)]
        assert short.data == bad + b"}"
        (long,) = [x for x in decode(in_pieces(bad + rest, size)) if isinstance(x, Reject)]
        assert long.data == (bad + rest)[:SHOWN]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b'{"a":1}', True),
        (b'\xef\xbb\xbf \r\n{"a', True),
        (b"[", False),
        (b'{"r": [{', False),
        (b'{"r": [1', True),
        (b"", False),
        (b"x{", False),
        (b"\x1f\x8b", False),
    ],
)
def test_an_object_of_records_one_after_another_is_known_by_its_head(
    head: bytes, expected: bool
) -> None:
    assert begins_with_record(head) is expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.dictionaries(names, anything, min_size=1, max_size=3), max_size=4),
    st.sampled_from(sorted(SHAPES)),
    st.sampled_from([100, 300, MEGABYTE]),
    st.data(),
)
def test_the_size_of_the_pieces_changes_nothing(
    records: list[dict[str, object]], shape: str, max_record: int, data: st.DataObject
) -> None:
    raw = data.draw(damaged(written(records, shape)))
    whole = decode([raw], max_record)
    size = data.draw(st.sampled_from([1, 2, 3, 7, 16, 64]))
    assert told(decode(in_pieces(raw, size), max_record)) == told(whole)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_cut_at_any_byte_gives_the_records_before_it_and_one_reject_at_most(shape: str) -> None:
    data = written([{"a": n, "é": [{"x": "}{"}]} for n in range(4)], shape)
    for cut in range(len(data)):
        found = decode([data[:cut]])
        assert values(found) == oracle.json_records(data[:cut])
        assert len(rejects(found)) <= 1
        for reason, offset, length in rejects(found):
            assert reason == Reason.TRUNCATED
            assert offset is not None and length is not None and offset + length == cut

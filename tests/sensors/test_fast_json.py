"""Arrow's parser gets nothing that it cannot bear, and what it takes is what JSON says."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from stormlake.sensors.events import EventRecords
from stormlake.sensors.fast_json import last_boundary, parse_records
from stormlake.sensors.unicorns import UnicornRecords
from tests.sensors.reading import SHAPES
from tests.sensors.strategies import BYTES, written

SCHEMA = pa.schema([("a", pa.string()), ("b", pa.float64()), ("c", pa.int32())])
RECORDS = [{"a": "x", "b": 1.5, "c": 1}, {"a": "}{", "b": -2, "x": {"y": [1, {}]}}, {"a": "é"}]


@pytest.mark.parametrize(
    ("block", "in_array", "rows"),
    [
        (b'{"a":"x","b":1.5,"c":1}', False, [("x", 1.5, 1)]),
        (b'{"a":"x"}{"a":"y"}\n\r\n {"a":"z"} ', False, [("x",), ("y",), ("z",)]),
        (b'{"a":"x"},{"a":"y"} ,\n{"a":"z"},', True, [("x",), ("y",), ("z",)]),
        (b'{"a":null,"b":12,"z":[[1], 2]}', False, [(None, 12.0)]),
        ('{"a":"é🦄\\u00e9\\ud83e\\udd84"}'.encode(), False, [("é🦄é🦄",)]),
    ],
)
def test_usual_blocks_are_parsed(
    block: bytes, in_array: bool, rows: list[tuple[object, ...]]
) -> None:
    table = parse_records(block, SCHEMA, in_array)
    assert table is not None
    expected = [dict(zip("abc", (*row, None, None), strict=False)) for row in rows]
    assert table.to_pylist() == expected


@pytest.mark.parametrize(
    "block",
    [
        b'{"a":"x"} null {"a":"y"}',
        b'{"a":"x"}\nnull\n',
        b'null{"a":"x"}',
        b'[{"a":"x"}]',
        b'{"a":"x"},{"a":"y"}',
        b'{"a":"x"}\0{"a":"y"}',
        b'{"a":"x"}\xef\xbb\xbf{"a":"y"}',
        b'{"b":NaN}',
        b'{"b":Infinity}',
        b'{"b":-Inf}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00"}',
        b'{"a":"x\ny"}',
        b'{"a":"\x01"}',
        b'{"a":1}',
        b'{"b":"1.5"}',
        b'{"b":true}',
        b'{"c":1.0}',
        b'{"c":2147483648}',
        b'{"a":"x","a":"y"}',
        b'{"a":"x"',
        b'{"a":"x","z":' + b"[" * 1000 + b"]" * 1000 + b"}",
        b"",
        b" ",
    ],
)
@pytest.mark.parametrize("in_array", [False, True])
def test_what_is_unusual_is_left_to_the_careful_way(block: bytes, in_array: bool) -> None:
    if in_array and block == b'{"a":"x"},{"a":"y"}':
        return
    assert parse_records(block, SCHEMA, in_array) is None


@pytest.mark.parametrize(
    ("buffer", "place"),
    [
        (b'{"a":1}{"a":2}', 7),
        (b'{"a":1}\r\n{"a":2}\n', 9),
        (b'{"a":1} , {"a":{', 10),
        (b'{"a":1}', 0),
        (b"", 0),
        (b"x", 0),
        (b'{"a":1}' + b" " * 2000 + b'{"a":2}', 0),
    ],
)
def test_the_last_record_of_a_buffer_is_found_behind_a_closed_one(
    buffer: bytes, place: int
) -> None:
    assert last_boundary(buffer) == place


def mutated(rng: random.Random, block: bytes) -> bytes:
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(block) + 1)
        put = rng.choice([*BYTES, b"null", b" null ", b"\nnull\n", bytes([rng.randrange(256)])])
        block = block[:at] + put + block[at + rng.choice([0, 1, len(put), 20]) :]
    return block


def fuzz() -> None:
    """Parse thousands of damaged blocks; whatever is taken is JSON with as many records."""
    rng = random.Random(7)
    events = [{f"k{n}": "test-2026-05-01 00:00:00"} for n in range(3)]
    blocks = [written(RECORDS, shape).strip(b"[] \n") for shape in SHAPES]
    blocks += [written(events, shape) for shape in ("lines", "concatenated")]
    for _ in range(4000):
        block = mutated(rng, rng.choice(blocks))
        in_array = rng.random() < 0.5
        for schema in (SCHEMA, UnicornRecords.members):
            table = parse_records(block, schema, in_array)
            if table is not None:
                assert table.num_rows == records(block)
        prepared = EventRecords().prepare(block)
        if prepared is not None:
            parse_records(prepared, EventRecords.members, in_array)


def records(block: bytes) -> int:
    text, at, count = block.decode().strip(" \t\r\n,"), 0, 0
    while at < len(text):
        _, at = json.JSONDecoder().raw_decode(text, at)
        at += len(text[at:]) - len(text[at:].lstrip(" \t\r\n,"))
        count += 1
    return count


def test_damaged_blocks_do_not_kill_the_process() -> None:
    code = f"from {__name__} import fuzz; fuzz()"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode >= 0, signal.Signals(-done.returncode).name
    assert done.returncode == 0, done.stderr


def test_depth_is_seen_behind_closed_arrays_and_brackets_in_texts() -> None:
    schema = pa.schema([("Name", pa.string())])
    for inner, opened in (("[[],", 1), ('["]",[', 2)):
        deep = inner * 5000 + "1" + "]" * (5000 * opened)
        block = ('{"Name":"a","x":' + deep + "}").encode()
        assert parse_records(block, schema, in_array=False) is None
    flat = b'{"Name":"a","x":[' + b"[]," * 5000 + b"1]}"
    assert parse_records(flat, schema, in_array=False) is not None

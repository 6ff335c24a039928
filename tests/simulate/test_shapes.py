"""Every shape, read back by the standard library alone."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from stormlake.simulate.shapes import Shape, write_shape
from stormlake.simulate.unicorns import unicorn_records

RIDE = list(unicorn_records(50, 1, datetime(2026, 5, 1, 21)))


def glued(text: str) -> list[Any]:
    """Values that stand one after the other with nothing between them."""
    found, at = [], 0
    while at < len(text):
        value, at = json.JSONDecoder().raw_decode(text, at)
        found.append(value)
    return found


def test_two_small_records_in_every_shape_byte_for_byte() -> None:
    records = [{"a": 1}, {"a": "é"}]
    assert {shape.value: write_shape(records, shape).decode() for shape in Shape} == {
        "lines": '{"a": 1}\n{"a": "é"}\n',
        "concatenated": '{"a": 1}{"a": "é"}',
        "array": '[{"a": 1},{"a": "é"}]',
        "wrapped": '{"records":[{"a": 1},{"a": "é"}]}',
        "pretty": '{\n    "a": 1\n}{\n    "a": "é"\n}',
    }


@pytest.mark.parametrize("shape", Shape)
def test_every_shape_reads_back_as_the_same_records(shape: Shape) -> None:
    text = write_shape(RIDE, shape, "travel_data").decode()
    read = {
        Shape.LINES: lambda: [json.loads(line) for line in text.splitlines()],
        Shape.CONCATENATED: lambda: glued(text),
        Shape.ARRAY: lambda: json.loads(text),
        Shape.WRAPPED: lambda: json.loads(text)["travel_data"],
        Shape.PRETTY: lambda: glued(text),
    }[shape]()
    assert read == RIDE


def test_a_number_that_is_not_json_is_never_written() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        write_shape([{"a": float("nan")}], Shape.LINES)

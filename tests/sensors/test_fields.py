"""Members as values of columns."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.sensors import fields
from stormlake.sensors.fields import Unusable
from stormlake.sensors.outcomes import Reason


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5.0),
        (5.25, 5.25),
        ("55.2", 55.2),
        (" 55.2 ", 55.2),
        ("+5", 5.0),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e2", 100.0),
        (-0.0, 0.0),
        ("-0", 0.0),
        (2**63, 9.223372036854775808e18),
        ("1e-999", 0.0),
    ],
)
def test_a_number_and_a_number_as_text_are_a_double(value: object, expected: float) -> None:
    found = fields.number(value, "speed")
    assert found == expected
    assert isinstance(found, float)
    assert math.copysign(1, found) == 1 or expected < 0


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (True, Reason.BAD_TYPE),
        ("", Reason.BAD_TYPE),
        ("fast", Reason.BAD_TYPE),
        ("1_000", Reason.BAD_TYPE),
        ("0x1f", Reason.BAD_TYPE),
        ("NaN", Reason.BAD_TYPE),
        ("Infinity", Reason.BAD_TYPE),
        ("٣", Reason.BAD_TYPE),
        ([1], Reason.BAD_TYPE),
        ({}, Reason.BAD_TYPE),
        (math.inf, Reason.NOT_FINITE),
        (math.nan, Reason.NOT_FINITE),
        ("1e999", Reason.NOT_FINITE),
        ("-1e999", Reason.NOT_FINITE),
        (10**400, Reason.NOT_FINITE),
        ("9" * 5000, Reason.NOT_FINITE),
    ],
)
def test_what_is_no_finite_number_tells_why_and_not_what(value: object, reason: Reason) -> None:
    with pytest.raises(Unusable) as refused:
        fields.number(value, "speed")
    assert refused.value.reason is reason
    assert refused.value.detail.startswith("speed is ")
    assert "999" not in refused.value.detail


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, None), (0, 0), (5.0, 5), ("7", 7), ("7.0", 7), (-(2**31), -(2**31)), (2**31 - 1,) * 2],
)
def test_a_whole_number_may_be_written_in_any_way(value: object, expected: int | None) -> None:
    assert fields.optional_int({"points": value}, "points") == expected


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (2**31, Reason.BAD_TYPE),
        (-(2**31) - 1, Reason.BAD_TYPE),
        (5.5, Reason.BAD_TYPE),
        ("5.5", Reason.BAD_TYPE),
        (True, Reason.BAD_TYPE),
        ("", Reason.BAD_TYPE),
        (math.inf, Reason.NOT_FINITE),
        (10**400, Reason.BAD_TYPE),
    ],
)
def test_what_is_no_whole_number_of_32_bits_is_refused(value: object, reason: Reason) -> None:
    with pytest.raises(Unusable) as refused:
        fields.optional_int({"points": value}, "points")
    assert refused.value.reason is reason


def test_null_and_absent_are_the_same() -> None:
    for record in ({}, {"a": None}):
        assert fields.optional_int(record, "a") is None
        assert fields.optional_number(record, "a") is None
        assert fields.optional_text(record, "a") is None
        with pytest.raises(Unusable) as refused:
            fields.required(record, "a", "b")
        assert (refused.value.reason, refused.value.detail) == (
            Reason.MISSING_FIELD,
            "no a or b",
        )


def test_the_first_of_several_names_counts() -> None:
    assert fields.required({"b": 2, "a": 1}, "a", "b") == 1
    assert fields.required({"b": 2, "a": None}, "a", "b") == 2


@pytest.mark.parametrize("read", [fields.text, lambda value, name: fields.time(value, name, None)])
@pytest.mark.parametrize("value", [5, True, ["x"], {"x": 1}])
def test_another_type_than_text_is_bad_type(read: Callable[..., Any], value: object) -> None:
    with pytest.raises(Unusable) as refused:
        read(value, "Name")
    assert refused.value.reason is Reason.BAD_TYPE


def test_the_id_of_a_record_is_the_hash_of_its_canonical_json() -> None:
    canonical = '{"a":[1,null,true],"b":{"x":0.1,"é":"\\"\\n🦄"}}'
    record = {"b": {"é": '"\n🦄', "x": 0.1}, "a": [1, None, True]}
    assert fields.record_id(record) == hashlib.sha256(canonical.encode()).hexdigest()


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
def test_the_id_does_not_depend_on_the_order_of_members(record: dict[str, Any]) -> None:
    turned = dict(reversed(record.items()))
    assert fields.record_id(turned) == fields.record_id(json.loads(json.dumps(record)))

"""Rows as items: names, forms, and what DynamoDB would not take."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.errors import RefusedInput
from stormlake.lake.tables import UNICORN_MINUTES
from stormlake.serving.items import MOST_BYTES, SERVED

SERVING = SERVED["unicorn_minutes"]
MINUTE = dt.datetime(2019, 6, 25, 9, 43, tzinfo=dt.UTC)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "name": "Shadowfax",
        "window_start": MINUTE,
        "distance": 2718.222011,
        "min_magic_points": 678,
        "max_magic_points": 9400,
        "min_health_points": 88,
        "max_health_points": 8495,
        "record_count": 18,
    } | changes


def test_a_minute_is_an_item_by_the_names_of_the_original() -> None:
    assert SERVING.item(row()) == {
        "Name": {"S": "Shadowfax"},
        "StatusTime": {"S": "2019-06-25 09:43:00.000"},
        "Distance": {"N": "2718.222011"},
        "MinMagicPoints": {"N": "678"},
        "MaxMagicPoints": {"N": "9400"},
        "MinHealthPoints": {"N": "88"},
        "MaxHealthPoints": {"N": "8495"},
        "RecordCount": {"N": "18"},
    }


def test_every_column_but_the_day_and_the_windows_end_is_served() -> None:
    left = set(UNICORN_MINUTES.names) - set(SERVING.attributes)
    assert left == {"date", "window_end"}


def test_what_is_missing_is_left_out_and_zero_is_not_missing() -> None:
    item = SERVING.item(row(record_count=None, min_magic_points=None, max_magic_points=0))
    assert "RecordCount" not in item and "MinMagicPoints" not in item
    assert item["MaxMagicPoints"] == {"N": "0"}


@given(st.just(0.0) | st.floats(1e-130, 1e120), st.integers(0, 999_999))
def test_a_number_and_a_time_come_back_as_they_were(distance: float, micros: int) -> None:
    item = SERVING.item(row(distance=distance, window_start=MINUTE.replace(microsecond=micros)))
    assert Decimal(item["Distance"]["N"]) == Decimal(str(distance))
    assert float(item["Distance"]["N"]) == distance
    assert item["StatusTime"]["S"] == f"2019-06-25 09:43:00.{micros // 1000:03d}"


@pytest.mark.parametrize("name", ["", "x" * 2049])
def test_a_name_that_can_be_no_key_is_refused(name: str) -> None:
    with pytest.raises(RefusedInput, match="cannot be a key of DynamoDB"):
        SERVING.item(row(name=name))


@pytest.mark.parametrize("distance", [float("nan"), float("inf"), 1e126, 5e-324])
def test_a_number_that_dynamodb_cannot_hold_is_refused_by_name(distance: float) -> None:
    with pytest.raises(RefusedInput, match=r"distance of Shadowfax, 2019-06-25 09:43:00\.000"):
        SERVING.item(row(distance=distance))


def test_an_item_of_more_than_400_kb_is_refused_by_key() -> None:
    wide = replace(SERVING, attributes={**SERVING.attributes, "note": "Note"})
    assert wide.item(row(note="x" * (MOST_BYTES - 300)))["Note"]["S"][:1] == "x"
    with pytest.raises(RefusedInput, match=r"item Shadowfax, 2019-06-25 09:43:00\.000 has more"):
        wide.item(row(note="x" * MOST_BYTES))

"""Rows of an answer as JSON."""

from __future__ import annotations

import pytest

from stormlake.lake.collect import collect_json

pytestmark = pytest.mark.spark


def test_every_column_is_there_in_the_order_of_the_rows_and_times_are_utc(spark) -> None:
    frame = spark.sql(
        "SELECT id, CASE WHEN id > 1 THEN 'x' END AS text, "
        "TIMESTAMP '2026-01-01 00:00:00.5' AS time, DATE '2026-01-01' AS day, "
        "ARRAY(TIMESTAMP '2026-01-01 00:00:00') AS times, id * 1.5 "
        "FROM range(100) ORDER BY id DESC"
    )
    rows = collect_json(frame, 98)
    assert [row["id"] for row in rows] == list(range(99, 1, -1))
    assert collect_json(frame, 100)[-1] == {
        "id": 0,
        "text": None,
        "time": "2026-01-01T00:00:00.500000Z",
        "day": "2026-01-01",
        "times": ["2026-01-01T00:00:00.000000Z"],
        "(id * 1.5)": 0.0,
    }

"""The benchmark of scores measures the same work on all three sides."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import scores
from benchmarks.scores import Shape

TINY = Shape("tiny", 2, 300, 2, 1, 1)


def test_the_archive_holds_the_points_that_the_loop_scores(tmp_path: Path) -> None:
    lines = scores.write_archive(TINY, tmp_path).read_text().splitlines()
    assert len(lines) == 600
    assert lines[1] == (
        '{"k": "key0001", "t": 1767225600, "id": "1-0", '
        f'"v0": {scores.points(TINY, 1)[0][0]}, "v1": {scores.points(TINY, 1)[0][1]}}}'
    )


@pytest.mark.spark
def test_a_measurement_tells_rates_and_ratios_of_the_same_records() -> None:
    told = scores.measure(TINY, rounds=1)
    assert told["records"] == 600
    assert min(told["bare_rate"], told["step_rate"], told["rate_a_core"]) > 0
    assert told["state_bytes_a_key"] > 10_000
    head, row, _ = scores.lines([told])
    assert head.split()[:2] == ["krcf", "alone"]
    assert row.startswith("tiny") and len(row) == len(head)

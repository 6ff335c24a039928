"""The same input gives the same rows, however often, on however many cores, in any order."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.integration.archives import small_volumes, write_archive
from tests.integration.runs import JobServer, assert_same_lake, lake_table, records

pytestmark = pytest.mark.spark


def test_four_cores_and_files_in_another_order_give_the_rows_of_one_core(
    job: JobServer, clean: Path, coarse: Path, tmp_path: Path
) -> None:
    shuffled = list(small_volumes().items())
    random.Random(4).shuffle(shuffled)
    other = write_archive(tmp_path / "other", dict(shuffled))

    job(
        *("--source", other, "--lake", tmp_path / "lake"),
        *("--profile", coarse, "--master", "local[4]"),
    ).expect(0)

    assert lake_table(clean, "radar_grid").num_rows > 2_000
    assert_same_lake(tmp_path / "lake", clean)


def test_a_second_run_replaces_the_rows_and_leaves_a_second_record(
    job: JobServer, archive: Path, clean: Path, coarse: Path
) -> None:
    rows = {name: lake_table(clean, name) for name in ("radar_volumes", "radar_grid")}
    before = records(clean)

    summary = (
        job(
            *("--source", archive, "--lake", clean, "--profile", coarse),
            *("--master", "local[2]", "--output", "json"),
        )
        .expect(0)
        .summary
    )

    assert {name: lake_table(clean, name) for name in rows} == rows
    assert summary["rows"].get("radar_geometry", 0) == 0, "a grid that is there is not made anew"
    after = records(clean)
    assert len(after) == len(before) + 1
    assert {record["run_key"] for record in after} == {before[0]["run_key"]}

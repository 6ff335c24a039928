"""Hundreds of broken files: each ends in a typed outcome, and the good ones beside are complete."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from stormlake.radar.isolation import DecoderProcess
from stormlake.radar.outcomes import GRIDDED, Reason, Status
from stormlake.radar.profiles import load_profile
from tests.integration.archives import small_volumes, write_archive
from tests.integration.corruptions import corruptions
from tests.integration.runs import JobServer, lake_table, records, volumes

PARTIAL = {Reason.NO_END_OF_VOLUME, Reason.MISSING_CUT, Reason.INCOMPLETE_CUT}
REJECTED = {
    Reason.EMPTY_OBJECT,
    Reason.UNSUPPORTED_COMPRESSION,
    Reason.TRUNCATED_CONTAINER,
    Reason.NOT_LEVEL2,
    Reason.CONCATENATED_VOLUMES,
    Reason.NO_RADIALS,
    Reason.DECODE_ERROR,
    Reason.UNKNOWN_STATION,
    Reason.BAD_LOCATION,
    Reason.MISSING_CUT,
    Reason.NO_REFLECTIVITY,
}
"""Not `decoder_failed`: none of these files may crash or hang the decoder."""


def test_each_of_more_than_500_corruptions_ends_in_a_typed_outcome_within_90_seconds(
    coarse: Path,
) -> None:
    profile = load_profile(coarse)
    seen: Counter[tuple[Status, Reason | None]] = Counter()
    spent = 0.0
    with DecoderProcess(profile) as decoder:
        for what, name, data in corruptions():
            started = time.monotonic()
            result = decoder.process(data, name)
            spent += time.monotonic() - started
            told = f"{what} of {name}: {result}"
            seen[result.status, result.reason] += 1

            assert "unforeseen" not in (result.detail or ""), told
            if result.status in GRIDDED:
                assert result.reason in (PARTIAL if result.status is Status.PARTIAL else {None}), (
                    told
                )
                assert result.cells is not None and result.products is not None, told
                assert np.isfinite(result.cells.reflectivity).all(), told
                assert result.rays is not None and result.rays > 0, told
            else:
                assert result.status is Status.REJECTED, told
                assert result.reason in REJECTED, told
                assert result.cells is None and result.products is None, told

    assert sum(seen.values()) >= 500
    # If one way of breaking files stopped working, its outcomes would be missing.
    for outcome in (
        (Status.OK, None),
        (Status.PARTIAL, Reason.NO_END_OF_VOLUME),
        (Status.PARTIAL, Reason.MISSING_CUT),
        (Status.REJECTED, Reason.EMPTY_OBJECT),
        (Status.REJECTED, Reason.NOT_LEVEL2),
        (Status.REJECTED, Reason.TRUNCATED_CONTAINER),
        (Status.REJECTED, Reason.CONCATENATED_VOLUMES),
        (Status.REJECTED, Reason.NO_RADIALS),
        (Status.REJECTED, Reason.DECODE_ERROR),
    ):
        assert seen[outcome] > 0, (outcome, seen)
    assert spent < 90, f"{spent:.0f} s for {sum(seen.values())} files"


def test_the_corruptions_are_the_same_in_every_run() -> None:
    first, second = (
        [(what, name, hash(data)) for what, name, data in corruptions()] for _ in range(2)
    )

    assert first == second


@pytest.mark.spark
@pytest.mark.one_runtime
def test_good_volumes_beside_dozens_of_corrupt_ones_have_the_rows_of_a_clean_run(
    job: JobServer, clean: Path, coarse: Path, tmp_path: Path
) -> None:
    broken = {
        # Behind the good ones by key: of two objects with one volume the first counts.
        f"broken/{number:03}/{name}": data
        for number, (_, name, data) in enumerate(corruptions())
        if number % 17 == 3
    }
    good = small_volumes()
    source = write_archive(tmp_path / "source", good | broken)

    summary = job(
        *("--source", source, "--lake", tmp_path / "lake", "--profile", coarse),
        *("--master", "local[2]", "--output", "json"),
    )

    found = volumes(tmp_path / "lake")
    assert len(broken) > 36
    assert found.keys() == good.keys() | broken.keys()
    expected = volumes(clean)
    assert {key: found[key] for key in good} == expected
    for name in ("radar_grid", "radar_columns"):
        assert _of(lake_table(tmp_path / "lake", name), expected) == lake_table(clean, name), name
    rejected = sum(row["status"] == "rejected" for row in found.values())
    skipped = sum(row["status"] == "skipped" for row in found.values())
    assert rejected / (len(found) - skipped) > 0.05
    assert summary.expect(3).summary["volumes"]["rejected"] == rejected
    (record,) = records(tmp_path / "lake")
    assert (record["ok"], record["exit_code"]) == (False, 3)


def _of(table: pa.Table, expected: dict[str, dict[str, object]]) -> pa.Table:
    """Rows of the volumes that a clean run has."""
    times = pa.array(
        [row["volume_time"] for row in expected.values()], table.schema.field("volume_time").type
    )
    return table.filter(pc.is_in(table["volume_time"], times))

"""A decoder that crashes or hangs its process does not take the job with it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.data import shared
from tests.integration.archives import renamed_station, small_volumes, write_archive
from tests.integration.runs import (
    assert_nothing_dead,
    broken,
    lake_table,
    records,
    start_job,
    volumes,
)

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]


def test_volumes_that_crash_or_hang_the_decoder_are_rejected_and_all_others_are_complete(
    clean: Path, coarse: Path, tmp_path: Path
) -> None:
    victim = shared("nexrad", "volumes", "KTLX20140101_000624_V06.gz").read_bytes()
    said = {
        "SEGV": "died of signal 11",
        "ABRT": "died of signal 6",
        "EXIT": "exited 7",
        "HANG": "no answer within 8 s; killed",
    }
    deadly = {
        f"2014/01/01/KTLX/KTLX20140101_01{number:02}00_V06.gz": station
        for number, station in enumerate(said)
    }
    objects = small_volumes() | {
        key: renamed_station(victim, station.encode()) for key, station in deadly.items()
    }
    source = write_archive(tmp_path / "source", objects)
    lake = tmp_path / "lake"

    started = time.monotonic()
    with start_job(
        *("--source", source, "--lake", lake, "--profile", coarse),
        *("--master", "local[2]", "--output", "json"),
        env=broken(answer="8"),
    ) as running:
        finished = running.finish()
        left = running.left_over()

    # 4 of 10 are more than the limit: tables and record are written, and the exit says so.
    summary = finished.expect(3).summary
    assert summary["volumes"] == {"ok": 6, "partial": 0, "rejected": 4, "skipped": 0}
    assert summary["reasons"] == {"decoder_failed": 4}
    found = volumes(lake)
    for key, station in deadly.items():
        assert (found[key]["status"], found[key]["reason"]) == ("rejected", "decoder_failed")
        assert said[station] in found[key]["detail"]
    expected = volumes(clean)
    assert {key: row for key, row in found.items() if key not in deadly} == expected
    for name in ("radar_grid", "radar_columns", "radar_geometry"):
        assert lake_table(lake, name) == lake_table(clean, name), name
    assert records(lake)[0]["ok"] is False
    assert_nothing_dead(lake)
    assert not left, left
    assert time.monotonic() - started > 8, "the watchdog must have waited for the one that hangs"

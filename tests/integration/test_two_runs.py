"""Two runs at once: one station is one run's at a time, different stations do not meet."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.archives import copy_flat
from tests.integration.runs import (
    Running,
    assert_nothing_dead,
    broken,
    decoders,
    records,
    start_job,
    volumes,
)

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]


def test_of_runs_at_once_those_of_one_station_wait_or_refuse_and_others_succeed(
    coarse: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    ktlx = copy_flat(tmp_path / "ktlx", "volumes/KTLX20140101_000624_V06.gz")
    kabr = copy_flat(tmp_path / "kabr", "volumes/KABR20050101_000745.gz")

    def start(source: Path, **settings: str) -> Running:
        return stack.enter_context(
            start_job(
                *("--source", source, "--lake", lake, "--profile", coarse),
                *("--master", "local[1]", "--run-id", f"run-{len(started)}"),
                env=broken(**settings),
            )
        )

    started: list[Running] = []
    with ExitStack() as stack:
        enough = tmp_path / "enough"
        # Its one volume takes until we have seen enough; on a busy machine that is long.
        first = start(ktlx, slow="200", until=str(enough), answer="240")
        started.append(first)
        first.until(lambda: bool(decoders(first.mark)), "the first run works")
        for source, settings in ((ktlx, {}), (ktlx, {"lock_wait": "1.5"}), (kabr, {})):
            started.append(start(source, **settings))
        waits, refuses, elsewhere = started[1:]
        refused = refuses.finish()
        waits.until(lambda: "waiting at most" in "".join(waits.stderr), "the wait")
        assert first.process.poll() is None, "the first run holds its station still"
        enough.touch()
        others = [run.finish() for run in (first, elsewhere, waits)]

    said = refused.expect(2).stderr
    assert "LockHeld" in said and "KTLX" in said and "run-0" in said
    assert str(first.process.pid) in said, "it names the process to wait for"
    for other in others:
        other.expect(0)
    assert "waiting at most 180 s" in others[2].stderr
    assert "waiting at most" not in others[1].stderr
    ended = {record["run_id"]: record["finished"] for record in records(lake)}
    assert ended.keys() == {"run-0", "run-1", "run-3"}
    assert ended["run-0"] < ended["run-1"]
    assert [row["status"] for row in volumes(lake).values()] == ["ok", "ok"]
    (refusal,) = records(lake, "exits")
    assert (refusal["run_id"], refusal["exit_code"]) == ("run-2", 2)
    assert_nothing_dead(lake)

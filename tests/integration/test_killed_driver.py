"""A driver that is killed, interrupted or terminated: run again, and the rows are complete."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.archives import small_volumes, write_archive
from tests.integration.runs import (
    JobServer,
    Running,
    assert_nothing_dead,
    assert_same_lake,
    broken,
    decoders,
    lake_table,
    records,
    start_job,
)

pytestmark = pytest.mark.spark
ONE_RUNTIME = pytest.mark.one_runtime


@pytest.fixture(scope="module")
def older(
    job: JobServer, coarse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Path], None]:
    """Put a lake in place whose station-days hold other rows: one volume of each."""
    folder = tmp_path_factory.mktemp("older")
    objects = small_volumes()
    first_of_day = {key.rpartition("/")[0]: key for key in sorted(objects, reverse=True)}
    source = write_archive(folder / "source", {k: objects[k] for k in first_of_day.values()})
    job(
        *("--source", source, "--lake", folder / "lake"),
        *("--profile", coarse, "--master", "local[1]"),
    ).expect(0)

    def place(lake: Path) -> None:
        import shutil

        shutil.copytree(folder / "lake", lake)

    return place


def _decoding(run: Running, lake: Path) -> bool:
    return bool(decoders(run.mark))


def _grid_staged(run: Running, lake: Path) -> bool:
    return any((lake / "radar_grid").glob(".spark-staging-*/**/*.parquet"))


def _grid_in_commit(run: Running, lake: Path) -> bool:
    """Some partitions are new, the staging folder is still there."""
    # os.walk, not glob: Spark takes an old partition's folder away before it brings the new one,
    # and pathlib stops where a folder that it has just listed is gone.
    files = {
        name
        for station in (lake / "radar_grid").glob("station=*")
        for _, _, names in os.walk(station)
        for name in names
        if name.endswith(".parquet")
    }
    known = getattr(run, "known", None)
    if known is None:
        run.known = files  # type: ignore[attr-defined]
        return False
    return bool(files - known)


@pytest.mark.parametrize(
    ("moment", "settings"),
    [
        pytest.param(_decoding, {"slow": "1"}, id="decoding", marks=ONE_RUNTIME),
        pytest.param(_grid_staged, {}, id="grid staged", marks=ONE_RUNTIME),
        # How files come to their places is Spark's own doing, which may change with its version.
        pytest.param(_grid_in_commit, {}, id="grid in commit"),
        pytest.param(None, {"die": "before:radar_volumes"}, id="between tables", marks=ONE_RUNTIME),
        pytest.param(None, {"die": "before:record"}, id="before the record", marks=ONE_RUNTIME),
    ],
)
def test_after_a_driver_killed_in_mid_write_the_next_run_gives_the_rows_of_a_clean_one(
    job: JobServer,
    older: Callable[[Path], None],
    archive: Path,
    clean: Path,
    coarse: Path,
    tmp_path: Path,
    moment: Callable[[Running, Path], bool] | None,
    settings: dict[str, str],
) -> None:
    lake = tmp_path / "lake"
    older(lake)
    before = records(lake)
    options = ("--source", archive, "--lake", lake, "--profile", coarse, "--master", "local[2]")
    with start_job(*options, env=broken(**settings)) as running:
        if moment is not None:
            running.until(lambda: moment(running, lake), moment.__name__)
            # The driver alone: its JVM and workers have to notice by themselves.
            running.send(signal.SIGKILL)
        assert running.finish().code == -signal.SIGKILL
        assert running.left_over() == []
    assert records(lake) == before, "a killed run has no record"
    assert list((lake / "_stormlake/locks").rglob("*.json")), "it could not remove its locks"

    finished = job(*options[:-1], "local[1]").expect(0)

    assert_same_lake(lake, clean)
    assert_nothing_dead(lake)
    assert len(records(lake)) == len(before) + 1
    assert "waiting at most" not in finished.stderr, "a dead run's lock is in nobody's way"


def told(lake: Path) -> list[str]:
    """Runs that tell their progress."""
    return [path.stem for path in (lake / "_stormlake/progress").rglob("*.json")]


@pytest.mark.parametrize(
    ("number", "group", "code"),
    [(signal.SIGINT, True, 130), (signal.SIGTERM, False, 6)],
    ids=["Ctrl-C", "SIGTERM"],
)
def test_an_interrupted_run_says_so_in_one_line_and_leaves_an_exit_and_no_process(
    archive: Path, coarse: Path, tmp_path: Path, number: signal.Signals, group: bool, code: int
) -> None:
    lake = tmp_path / "lake"
    with start_job(
        *("--source", archive, "--lake", lake, "--profile", coarse, "--master", "local[2]"),
        env=broken(slow="2"),
    ) as running:
        running.until(lambda: _decoding(running, lake), "decoding")
        running.until(lambda: bool(told(lake)), "the progress in the lake")
        # A terminal sends Ctrl-C to the whole process group, `kill` to one process.
        running.send(number, group=group)
        finished = running.finish().expect(code)
        assert running.left_over() == []

    assert re.search(r"(?m)^stormlake: (interrupted|terminated); run it again", finished.stderr)
    (left,) = records(lake, "exits")
    assert left["exit_code"] == code
    assert records(lake) == [] and told(lake) == []
    assert lake_table(lake, "radar_volumes").num_rows == 0
    assert_nothing_dead(lake)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_interrupted_while_it_starts_ends_without_a_traceback(
    archive: Path, tmp_path: Path, number: signal.Signals
) -> None:
    with start_job("--source", archive, "--lake", tmp_path / "lake") as running:
        running.until(lambda: bool(running.stderr), "the run's first line")
        running.send(number, group=True)
        finished = running.finish()
        assert running.left_over() == []

    assert finished.expect(130 if number is signal.SIGINT else 6)


def test_through_spark_submit_the_job_gives_the_same_rows_and_record(
    archive: Path, clean: Path, coarse: Path, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    from stormlake.java import find_java_home
    from tests.integration.cluster import spark_home
    from tests.integration.runs import ROOT

    with start_job(
        *("--source", archive, "--lake", lake, "--profile", coarse, "--output", "json"),
        command=[
            str(spark_home() / "bin" / "spark-submit"),
            *("--master", "local[2]", str(ROOT / "jobs" / "ingest_radar.py")),
        ],
        env={
            "JAVA_HOME": str(find_java_home()),
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
            "PYSPARK_DRIVER_PYTHON": sys.executable,
        },
    ) as running:
        summary = running.finish().expect(0).summary
        assert running.left_over() == []

    assert_same_lake(lake, clean)
    (record,) = records(lake)
    assert record["run_id"] == summary["run_id"]
    assert 1.0 < summary["core_seconds"] < 120

"""`stormlake aggregate unicorn_minutes` as a user starts it, and DuckDB on the same archive."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.one_core import job_environment
from benchmarks.processes import PYTHON_WORKERS, Usage, Watch
from benchmarks.sensor_archive import copies

TABLE: Final = "unicorn_minutes"
DUCKDB: Final = Path(__file__).with_name("sensor_duckdb.py")

SUMS_AGREE: Final = 1e-5
"""Metres that two engines' sums of a minute may differ by; nothing else may."""


@dataclass(frozen=True)
class Run:
    """One run of the job.

    Parameters
    ----------
    records : int
        Read, copies included.
    core_seconds, wall_seconds : float
        From the job's own summary: all processes, the start of Spark apart.
    load : float
        Load average of the last minute when it began.
    usage : Usage
        CPU time by class, with the start of Spark; peak memory.
    """

    records: int
    core_seconds: float
    wall_seconds: float
    load: float
    usage: Usage

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        start = self.usage.at_first_task
        return {
            "records": self.records,
            "core_seconds": self.core_seconds,
            "wall_seconds": self.wall_seconds,
            "load": self.load,
            "peak_rss": self.usage.peak_rss,
            "classes": {
                kind: (start[kind], seconds - start[kind])
                for kind, seconds in self.usage.cpu.most_common()
            },
        }


def run_job(archive: Path, records: int, lake: Path, master: str = "local[1]") -> Run:
    """Aggregate an archive into a new lake; raises when the numbers are not the archive's."""
    command = [sys.executable, "-m", "stormlake.cli", "aggregate", TABLE, "--output", "json"]
    command += ["--source", str(archive), "--lake", str(lake), "--master", master]
    load = os.getloadavg()[0]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=job_environment()
    )
    with Watch(process.pid) as watch:
        out, err = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited {process.returncode}:\n{err.decode()}")
    summary = json.loads(out.decode().splitlines()[-1])
    check_numbers(summary["records"], records)
    return Run(records, summary["core_seconds"], summary["wall_seconds"], load, usage=watch.usage())


def check_numbers(found: Mapping[str, int], records: int) -> None:
    """Raise when a job's five numbers are not those of `sensor_archive.archive`."""
    again = copies(records)
    expected = {"read": records, "kept": records - again, "duplicates": again}
    expected |= {"rejected": 0, "left": 0}
    if dict(found) != expected:
        raise RuntimeError(f"expected {expected}, the job says {dict(found)}")


def run_duckdb(archive: Path, out: Path) -> dict[str, Any]:
    """Aggregate an archive by DuckDB in a process of its own, on one thread."""
    command = [sys.executable, str(DUCKDB), str(archive), str(out)]
    done = subprocess.run(command, capture_output=True, check=True, env=job_environment())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compare(lake: Path, theirs: Path) -> dict[str, int]:
    """Rows of our table, of DuckDB's, and how many have no equal on the other side.

    Parameters
    ----------
    lake : Path
        Where our job wrote.
    theirs : Path
        Folder of `sensor_duckdb`'s Parquet files.
    """
    import duckdb

    rows = "SELECT * FROM read_parquet($%s, hive_partitioning = true)"
    text = f"""
        WITH a AS ({rows % "ours"}), b AS ({rows % "theirs"})
        SELECT
            (SELECT COUNT(*) FROM a),
            (SELECT COUNT(*) FROM b),
            COUNT(*) FILTER (
                a.name IS NULL OR b.name IS NULL OR abs(a.distance - b.distance) > {SUMS_AGREE}
                OR a.date <> b.date OR a.window_end <> b.window_end
                OR a.min_magic_points IS DISTINCT FROM b.min_magic_points
                OR a.max_magic_points IS DISTINCT FROM b.max_magic_points
                OR a.min_health_points IS DISTINCT FROM b.min_health_points
                OR a.max_health_points IS DISTINCT FROM b.max_health_points
                OR a.record_count <> b.record_count
            )
        FROM a FULL JOIN b ON a.name = b.name AND a.window_start = b.window_start
    """
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.execute(
            text,
            {
                "ours": f"{lake}/{TABLE}/*/*.parquet",
                "theirs": f"{theirs}/*/*.parquet",
            },
        ).fetchone()
    assert found is not None
    ours, duckdb_rows, differ = found
    return {"ours": ours, "duckdb": duckdb_rows, "differ": differ}


def growth(
    archives: Mapping[int, Path], compared: int, rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Measure the job at each size, and DuckDB at one of them; the best of interleaved rounds.

    Parameters
    ----------
    archives : mapping of int to Path
        By records.
    compared : int
        The size at which DuckDB aggregates too, and the results are held against each other.
    rounds : int
    say : callable
        Told of every run.
    """
    runs: dict[int, list[Run]] = {records: [] for records in archives}
    duck = []
    for _ in range(rounds):
        for records, folder in archives.items():
            with _scratch() as scratch:
                run = run_job(folder, records, scratch / "lake")
                runs[records].append(run)
                say(f"{records:,} records: {run.core_seconds} core-seconds, load {run.load:.1f}")
                if records == compared:
                    duck.append(run_duckdb(folder, scratch / "duckdb"))
                    agreement = compare(scratch / "lake", scratch / "duckdb")
    best = {records: min(each, key=lambda run: run.core_seconds) for records, each in runs.items()}
    costs = {records: run.core_seconds for records, run in best.items()}
    return {
        "jobs": {str(records): run.as_json() for records, run in best.items()},
        "all_runs": {str(n): [run.as_json() for run in each] for n, each in runs.items()},
        "compared": compared,
        "duckdb": min(duck, key=lambda one: one["core_seconds"]),
        "agreement": agreement,
        "line": line(list(costs), list(costs.values())),
        "memory": memory({n: run.usage.peak_rss for n, run in best.items()}),
    }


def line(sizes: Sequence[int], costs: Sequence[float]) -> dict[str, Any]:
    """A straight line through costs, by least squares of the relative error.

    Parameters
    ----------
    sizes : sequence of int
        Records, at least two different counts.
    costs : sequence of float
        Core-seconds.

    Returns
    -------
    dict
        `fixed` (core-seconds), `per_million` (core-seconds), `residuals` (share of the cost, by
        size; what was measured minus the line).
    """
    x, y = np.asarray(sizes, dtype=float) / 1e6, np.asarray(costs, dtype=float)
    slope, fixed = np.polyfit(x, y, 1, w=1 / y)
    residuals = (y - fixed - slope * x) / y
    return {
        "fixed": float(fixed),
        "per_million": float(slope),
        "residuals": {str(n): float(r) for n, r in zip(sizes, residuals, strict=True)},
    }


def memory(peaks: Mapping[int, Mapping[str, int]]) -> dict[str, Any]:
    """How many times the smallest run's memory the largest one takes, by class of process."""
    small, large = peaks[min(peaks)], peaks[max(peaks)]
    return {kind: large[kind] / small[kind] for kind in ("JVM", PYTHON_WORKERS)}


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="stormlake-bench-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)

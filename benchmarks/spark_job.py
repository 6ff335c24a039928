"""The whole Spark job as a user starts it, and the same kernel in a bare loop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil

from benchmarks.one_core import cores, job_environment
from benchmarks.processes import Usage, Watch, peak_resident
from stormlake.radar.isolation import DecoderProcess
from stormlake.radar.process import process_volume
from stormlake.radar.profiles import Profile


@dataclass(frozen=True)
class JobMeasured:
    """One run of `stormlake ingest-radar`.

    Parameters
    ----------
    volumes : int
        All of status ok.
    core_seconds, wall_seconds : float
        From the job's own summary: all processes, the start of Spark apart.
    rows : dict
        Rows by table.
    lake_bytes : int
        Size of the Parquet files of all tables but `radar_geometry`, which a station has once.
    grid_bytes : int
        Size of the Parquet files of `radar_grid`.
    master, cores : str, int
        Spark's master, and how many cores the whole tree was allowed.
    load : float
        Load average of the last minute when it began; more than 0 is other people's work.
    usage : Usage
        CPU time by class, with the start of Spark; peak memory.
    """

    volumes: int
    core_seconds: float
    wall_seconds: float
    rows: dict[str, int]
    lake_bytes: int
    grid_bytes: int
    master: str
    cores: int
    load: float
    usage: Usage

    @property
    def per_volume(self) -> float:
        """Core-seconds a volume."""
        return self.core_seconds / self.volumes

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        numbers = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "usage"}
        return numbers | {
            "core_seconds_per_volume": self.per_volume,
            "lake_volume": self.lake_bytes / self.volumes,
            "cpu": dict(self.usage.cpu),
            "cpu_at_first_task": dict(self.usage.at_first_task),
            "peak_rss": self.usage.peak_rss,
        }


def run_job(archive: Path, volumes: int, master: str, allowed: int | None) -> JobMeasured:
    """Run the job over a folder into a new lake; raises when a volume is not ok."""
    lake = Path(tempfile.mkdtemp(prefix="stormlake-bench-"))
    command = [sys.executable, "-m", "stormlake.cli", "ingest-radar", "--output", "json"]
    command += ["--source", str(archive), "--lake", str(lake), "--master", master]
    try:
        with cores(allowed) as count:
            load = os.getloadavg()[0]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=job_environment()
            )
        with Watch(process.pid) as watch:
            out, err = process.communicate()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} exited {process.returncode}:\n{err.decode()}")
        summary = json.loads(out.decode().splitlines()[-1])
        if summary["volumes"]["ok"] != volumes:
            raise RuntimeError(f"expected {volumes} volumes to be ok: {summary}")
        sizes = {
            table: sum(f.stat().st_size for f in (lake / table).rglob("*.parquet"))
            for table in summary["rows"]
        }
        return JobMeasured(
            volumes=volumes,
            core_seconds=summary["core_seconds"],
            wall_seconds=summary["wall_seconds"],
            rows=summary["rows"],
            lake_bytes=sum(size for table, size in sizes.items() if table != "radar_geometry"),
            grid_bytes=sizes["radar_grid"],
            master=master,
            cores=count,
            load=load,
            usage=watch.usage(),
        )
    finally:
        shutil.rmtree(lake, ignore_errors=True)


def bare_loop(archive: Path, profile: Profile) -> float:
    """CPU seconds a volume: read and process every file in this process, keep nothing."""
    files = sorted(path for path in archive.rglob("*_V06") if path.is_file())
    process_volume(files[0].read_bytes(), files[0].name, profile)
    started = time.process_time()
    for path in files:
        result = process_volume(path.read_bytes(), path.name, profile)
        assert result.cells is not None
    return (time.process_time() - started) / len(files)


def decoder_memory(data: bytes, name: str, profile: Profile) -> int:
    """Largest resident set, bytes, of a decoder process that does one volume three times."""
    with DecoderProcess(profile) as decoder:
        for _ in range(3):
            assert decoder.process(data, name).cells is not None
        pids = [child.pid for child in psutil.Process().children() if "radar.child" in _line(child)]
        return max(peak_resident(pid) for pid in pids)


def _line(process: psutil.Process) -> str:
    return " ".join(process.cmdline())

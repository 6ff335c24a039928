"""Run the job in processes of its own, and look at what it left.

A `JobServer` is one process that runs the job again and again, so that many runs share one JVM;
`start_job` starts a process for one run, for tests that kill it. Every process carries a word in
its environment that all its descendants inherit, which is how a test finds those that are left.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.dataset as ds

from stormlake.lake.tables import TABLES, arrow_schema

ROOT = Path(__file__).parents[2]
BROKEN = Path(__file__).parent / "broken"
"""Goes on PYTHONPATH in front: a decoder and an interpreter start-up that fail on purpose."""

MARK = "STORMLAKE_TEST_MARK"
PATIENCE = 240.0
"""Seconds until a test gives up on a run; ten times what one takes on a busy machine."""


@dataclass(frozen=True)
class Finished:
    """How a run ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def summary(self) -> dict[str, Any]:
        """The JSON object on the last line of stdout."""
        assert self.stdout.strip(), f"exit {self.code}, no stdout; stderr:\n{self.stderr}"
        found: dict[str, Any] = json.loads(self.stdout.strip().splitlines()[-1])
        return found

    def expect(self, code: int) -> Finished:
        """Fail with everything that the run said when it ended otherwise."""
        assert self.code == code, f"exit {self.code}, expected {code}; stderr:\n{self.stderr}"
        assert "Traceback" not in self.stderr, self.stderr
        return self


class JobServer:
    """One process that runs commands of `stormlake` one after the other; a context manager."""

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = test_environment(env)
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> JobServer:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.server"],
            cwd=ROOT,
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *error: object) -> None:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.close()
        try:
            process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
        kill_marked(self._env[MARK])

    @property
    def pid(self) -> int:
        """Of the process under which everything runs."""
        assert self._process is not None
        return self._process.pid

    def __call__(self, *arguments: object, command: str = "ingest-radar") -> Finished:
        """Run one command; text arguments as on a command line."""
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.write(json.dumps([command, *map(str, arguments)]) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        assert answer, f"the job server died, exit {process.wait()}"
        return Finished(**json.loads(answer))


@dataclass
class Running:
    """A run in a process of its own."""

    process: subprocess.Popen[str]
    mark: str
    stderr: list[str] = field(default_factory=list)
    _reader: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        self.stderr.extend(self.process.stderr)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        """Wait for a condition while the run lives."""
        end = time.monotonic() + PATIENCE
        while not condition():
            said = "".join(self.stderr)
            assert self.process.poll() is None, f"ended before {what}; stderr:\n{said}"
            assert time.monotonic() < end, f"{what} did not come; stderr:\n{said}"
            time.sleep(0.02)

    def send(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal to the run, or to its process group as a terminal does."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def finish(self) -> Finished:
        """Wait for the end."""
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        code = self.process.wait(timeout=PATIENCE)
        assert self._reader is not None
        # A child that outlives the run holds the pipe; whether one does, `left_over` says.
        self._reader.join(timeout=10)
        return Finished(code, out, "".join(self.stderr))

    def left_over(self, patience: float = 15.0) -> list[str]:
        """Command lines of the run's processes that live on; JVMs need a moment to end."""
        end = time.monotonic() + patience
        while (left := list(marked(self.mark))) and time.monotonic() < end:
            time.sleep(0.1)
        return [" ".join(each.cmdline())[:200] for each in left if each.is_running()]


@contextmanager
def start_job(
    *arguments: object,
    env: Mapping[str, str] | None = None,
    command: Sequence[str] | None = None,
) -> Iterator[Running]:
    """Start `stormlake ingest-radar` with these arguments; nothing of it outlives the block."""
    environment = test_environment(env)
    process = subprocess.Popen(
        [
            *(command or [sys.executable, "-m", "stormlake.cli", "ingest-radar"]),
            *map(str, arguments),
        ],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Running(process, environment[MARK])
    finally:
        kill_marked(environment[MARK])
        process.wait()
        for pipe in (process.stdout, process.stderr):
            assert pipe is not None
            pipe.close()


def run_job(*arguments: object, env: Mapping[str, str] | None = None) -> Finished:
    """Run `stormlake ingest-radar` in a process of its own to its end."""
    with start_job(*arguments, env=env) as running:
        return running.finish()


def test_environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Environment of a run: no one's AWS, a mark to find it by."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SPARK_", "PYSPARK_"))
    }
    environment |= {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
        MARK: uuid.uuid4().hex,
    }
    return environment | dict(extra or {})


test_environment.__test__ = False  # type: ignore[attr-defined]  # pytest: not a test


def broken(**settings: str) -> dict[str, str]:
    """Environment that puts `broken/` first on the import path, with its settings."""
    path = os.pathsep.join(filter(None, (str(BROKEN), os.environ.get("PYTHONPATH"))))
    return {"PYTHONPATH": path} | {
        f"STORMLAKE_TEST_{name.upper()}": value for name, value in settings.items()
    }


def marked(mark: str) -> Iterator[psutil.Process]:
    """Living processes with this mark in their environment."""
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == mark:
                yield process
        except psutil.Error:
            continue


def kill_marked(mark: str) -> None:
    """End whatever a run left."""
    for process in marked(mark):
        try:
            process.kill()
        except psutil.Error:
            continue


def decoders(mark: str) -> list[psutil.Process]:
    """Decoder processes of a run."""
    found = []
    for process in marked(mark):
        try:
            if "stormlake.radar.child" in process.cmdline():
                found.append(process)
        except psutil.Error:
            continue
    return found


def lake_table(lake: Path, name: str) -> pa.Table:
    """Every row of a lake's table, `run_id` apart, in one order; without Spark."""
    table = TABLES[name]
    schema = arrow_schema(table)
    folder = lake / name
    if not folder.is_dir():
        return schema.empty_table()
    keys = pa.schema([schema.field(key) for key in table.partition_names])
    found = ds.dataset(
        folder,
        schema=schema,
        format="parquet",
        partitioning=ds.partitioning(keys, flavor="hive"),
        exclude_invalid_files=False,
    ).to_table()
    if "run_id" in found.column_names:
        found = found.drop_columns(["run_id"])
    return found.sort_by([(column, "ascending") for column in found.column_names])


def volumes(lake: Path) -> dict[str, dict[str, Any]]:
    """`radar_volumes` by key; fails when a key comes twice."""
    rows = lake_table(lake, "radar_volumes").to_pylist()
    by_key = {row["key"]: row for row in rows}
    assert len(by_key) == len(rows), sorted(row["key"] for row in rows)
    return by_key


def assert_same_lake(lake: Path, expected: Path) -> None:
    """Fail, naming table and first difference, unless all tables hold the same rows."""
    for name in TABLES:
        ours, theirs = lake_table(lake, name), lake_table(expected, name)
        if ours.equals(theirs):
            continue
        assert ours.num_rows == theirs.num_rows, (
            f"{name}: {ours.num_rows} rows, expected {theirs.num_rows}"
        )
        for column in ours.column_names:
            pairs = zip(
                ours.column(column).to_pylist(), theirs.column(column).to_pylist(), strict=True
            )
            for row, (mine, other) in enumerate(pairs):
                assert mine == other, f"{name}.{column}, row {row}: {mine!r}, expected {other!r}"


def assert_nothing_dead(lake: Path) -> None:
    """Fail when a lake holds locks, staging folders, or files that no listing shows."""
    left = [
        str(path.relative_to(lake))
        for pattern in ("_stormlake/locks/**/*.json", "*/.spark-staging-*", "*/_temporary")
        for path in lake.glob(pattern)
    ]
    assert not left, left


def records(lake: Path, kind: str = "runs") -> list[dict[str, Any]]:
    """Run records (`runs`) or `exits` of a lake."""
    return [
        json.loads(path.read_bytes())
        for path in sorted(lake.glob(f"_stormlake/{kind}/ingest-radar/*.json"))
    ]

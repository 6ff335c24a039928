"""The object in the lake that tells how far a run is."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormlake.errors import ServiceUnreachable
from stormlake.lake.store import Entry, LocalStore, Store, Stored
from stormlake.running import progress
from stormlake.running.job import JobRun, Lake
from stormlake.running.options import Common
from stormlake.running.progress import ProgressObject, read_progress

PATH = "_stormlake/progress/ingest-radar/r-1.json"


def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def job_run(store: Store, run_id: str = "r-1") -> JobRun:
    lake = Lake("s3://lake", store)
    return JobRun("ingest-radar", lake, Common(run_id=run_id), "s3://archive", {}, {})


def test_a_running_job_tells_how_far_it_is_and_nothing_when_it_has_ended(store: Store) -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=1)
    with job_run(store) as job, job.progress("volumes", 250, lambda: 17):
        until(lambda: store.read(PATH))
        line = json.loads(store.read(PATH).data)
        seen = read_progress(store, "ingest-radar", "r-1")

    assert (line["what"], line["done"], line["total"]) == ("volumes", 17, 250)
    assert (seen.what, seen.done, seen.total) == ("volumes", 17, 250)
    assert before <= seen.at <= datetime.now(UTC)
    assert store.read(PATH) is None
    assert read_progress(store, "ingest-radar", "r-1") is None


def test_the_object_outlives_the_step_that_is_counted_but_not_a_run_that_fails(
    store: Store,
) -> None:
    with pytest.raises(RuntimeError, match="in the middle"), job_run(store) as job:
        with job.progress("volumes", 250, lambda: 250):
            until(lambda: store.read(PATH))
        assert read_progress(store, "ingest-radar", "r-1").done == 250
        raise RuntimeError("in the middle")

    assert store.read(PATH) is None


def test_a_run_takes_over_what_a_killed_attempt_under_its_id_has_left(store: Store) -> None:
    store.create(PATH, b'{"what": "volumes", "done": 99, "total": 250}')

    with job_run(store) as job, job.progress("volumes", 250, lambda: 1):
        until(lambda: read_progress(store, "ingest-radar", "r-1"))
        assert read_progress(store, "ingest-radar", "r-1").done == 1

    assert store.read(PATH) is None


def test_a_run_removes_what_runs_that_were_killed_have_left_and_no_live_ones(store: Store) -> None:
    now = datetime.now(UTC)
    for name, age in (("dead", 601), ("live", 540)):
        at = (now - timedelta(seconds=age)).isoformat()
        line = {"what": "parts", "done": 1, "total": 2, "at": at}
        store.create(
            f"_stormlake/progress/aggregate-wind_max/{name}.json", json.dumps(line).encode()
        )

    with job_run(store) as job, job.progress("volumes", 250, lambda: 17):
        until(lambda: store.read(PATH))

    assert [entry.path for entry in store.list("_stormlake/progress/")] == [
        "_stormlake/progress/aggregate-wind_max/live.json"
    ]


def test_tasks_that_ran_twice_never_make_more_than_all(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with job_run(store) as job, job.progress("volumes", 250, lambda: 260):
        until(lambda: store.read(PATH))

        assert read_progress(store, "ingest-radar", "r-1").done == 250


def test_a_run_without_anything_to_count_writes_no_object(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with job_run(store) as job, job.progress("volumes", 0, lambda: 0):
        time.sleep(0.1)

    assert not (tmp_path / "_stormlake").exists()


class Counted:
    """A store that counts writes, or fails in each of its methods."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.times: list[float] = []

    def read(self, path: str) -> Stored | None:
        if self.error:
            raise self.error
        return None

    def list(self, prefix: str) -> list[Entry]:
        return []

    def create(self, path: str, data: bytes) -> str:
        self.times.append(time.monotonic())
        return "1"

    def delete(self, path: str, etag: str | None = None) -> None:
        if self.error:
            raise self.error


def test_the_object_is_written_no_more_often_than_said() -> None:
    store = Counted()
    told = ProgressObject(store, "ingest-radar", "r-1", seconds=0.2)
    done = 0
    for done in range(30):
        told.count("volumes", 250, lambda done=done: done)
        time.sleep(0.02)
    told.remove()

    assert 2 <= len(store.times) <= 4
    assert min(b - a for a, b in zip(store.times, store.times[1:], strict=False)) >= 0.19
    assert progress.OBJECT_SECONDS == 10


@pytest.mark.parametrize("error", [ServiceUnreachable("no S3"), PermissionError("not yours")])
def test_a_store_that_refuses_is_told_once_and_harms_nothing(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    told = ProgressObject(Counted(error), "ingest-radar", "r-1", seconds=0.01)
    told.count("volumes", 250, lambda: 17)
    time.sleep(0.1)
    told.remove()

    (line,) = [r.getMessage() for r in caplog.records if "progress" in r.getMessage()]
    assert line == f"progress is not told in the lake: {error}"


def test_a_store_that_never_answers_holds_up_the_end_of_a_run_for_seconds_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "REMOVE_SECONDS", 0.2)
    silence = threading.Event()

    class Silent(Counted):
        def read(self, path: str) -> Stored | None:
            silence.wait(30)
            return None

    told = ProgressObject(Silent(), "ingest-radar", "r-1")
    told.count("volumes", 250, lambda: 17)
    start = time.monotonic()
    told.remove()
    took = time.monotonic() - start
    silence.set()

    assert 0.15 < took < 5


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"what": "volumes", "done": 1, "at": 5}'])
def test_what_is_no_progress_is_read_as_none(tmp_path: Path, data: bytes) -> None:
    store = LocalStore(tmp_path)
    store.create(PATH, data)

    assert read_progress(store, "ingest-radar", "r-1") is None

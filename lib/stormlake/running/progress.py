"""How far a long step is: a bar on a terminal, else one log line every 30 s; and, for whoever waits
on another machine, an object in the lake, `_stormlake/progress/<job>/<run id>.json`.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

import click

from stormlake.lake.runs import canonical, iso_utc
from stormlake.lake.store import Store, Stored, overwrite

LOG_SECONDS: Final = 30.0
BAR_SECONDS: Final = 0.5
OBJECT_SECONDS: Final = 10.0
"""Between two writes of the object."""
DEAD_SECONDS: Final = 600.0
"""An object not written for so long is of a run that was killed; the next run removes it."""
REMOVE_SECONDS: Final = 5.0
"""How long the end of a run waits for a store that does not answer, to remove the object."""

_PREFIX: Final = "_stormlake/progress/"

logger = logging.getLogger(__name__)


class Progress:
    """Shows how many of a known number are done; a context manager.

    Parameters
    ----------
    what : str
        What is counted, plural.
    total : int
        How many there are.
    done : callable
        How many are done; asked from another thread.
    log_seconds : float
        Seconds between log lines where there is no terminal.
    """

    def __init__(
        self, what: str, total: int, done: Callable[[], int], log_seconds: float = LOG_SECONDS
    ) -> None:
        self._what = what
        self._total = total
        self._done = done
        self._log_seconds = log_seconds
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Progress:
        if self._total:
            show = self._bar if sys.stderr.isatty() else self._log
            self._thread = threading.Thread(target=show, name="progress", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _bar(self) -> None:
        with click.progressbar(length=self._total, label=self._what, file=sys.stderr) as bar:
            shown = 0
            stopped = False
            while not stopped:
                stopped = self._stop.wait(BAR_SECONDS)
                # A task that ran twice counts twice; the bar ends at the end.
                now = min(self._done(), self._total)
                bar.update(now - shown)
                shown = now

    def _log(self) -> None:
        while not self._stop.wait(self._log_seconds):
            logger.info("%s: %d of %d", self._what, self._done(), self._total)


@dataclass(frozen=True)
class Seen:
    """How far a run was when it last told.

    Parameters
    ----------
    what : str
        What is counted, plural.
    done, total : int
    at : datetime
        UTC.
    """

    what: str
    done: int
    total: int
    at: datetime


class ProgressObject:
    """The progress of a run as an object in its lake; a run that cannot write it runs on.

    Parameters
    ----------
    store : Store
        The lake's.
    job, run_id : str
    seconds : float
        Between two writes.
    """

    def __init__(
        self, store: Store, job: str, run_id: str, seconds: float = OBJECT_SECONDS
    ) -> None:
        self._store = store
        self._path = progress_path(job, run_id)
        self._seconds = seconds
        self._count: tuple[str, int, Callable[[], int]] | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._warned = False

    def count(self, what: str, total: int, done: Callable[[], int]) -> None:
        """Tell of this count from now on; `done` is asked from another thread."""
        self._count = (what, total, done)
        if self._thread is None:
            # A daemon, and never waited for long: no store may keep a run from ending.
            self._thread = threading.Thread(target=self._keep, name="progress object", daemon=True)
            self._thread.start()

    def remove(self) -> None:
        """Remove the object; nothing is written afterwards."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(REMOVE_SECONDS)

    def _keep(self) -> None:
        self._try(self._remove_dead)
        while True:
            self._try(self._write)
            if self._stop.wait(self._seconds):
                break
        self._try(lambda: self._store.delete(self._path))

    def _write(self) -> None:
        assert self._count is not None
        what, total, done = self._count
        # A task that ran twice counts twice.
        line = {"what": what, "done": min(done(), total), "total": total}
        overwrite(self._store, self._path, canonical(line | {"at": iso_utc(datetime.now(UTC))}))

    def _remove_dead(self) -> None:
        now = datetime.now(UTC)
        for entry in self._store.list(_PREFIX):
            seen = _parse(self._store.read(entry.path))
            if seen is None or (now - seen.at).total_seconds() > DEAD_SECONDS:
                self._store.delete(entry.path)

    def _try(self, act: Callable[[], object]) -> None:
        try:
            act()
        except Exception as error:  # whatever it is, the run is worth more than its progress
            if not self._warned:
                logger.warning("progress is not told in the lake: %s", error)
            self._warned = True


def progress_path(job: str, run_id: str) -> str:
    """Where a running job tells its progress in the store."""
    return f"{_PREFIX}{job}/{run_id}.json"


def read_progress(store: Store, job: str, run_id: str) -> Seen | None:
    """Read how far a run is; None when it does not tell, or tells what we do not understand."""
    return _parse(store.read(progress_path(job, run_id)))


def _parse(stored: Stored | None) -> Seen | None:
    try:
        lines = json.loads(stored.data) if stored else {}
        at = datetime.fromisoformat(lines["at"]).astimezone(UTC)
        return Seen(str(lines["what"]), int(lines["done"]), int(lines["total"]), at)
    except (ValueError, KeyError, TypeError):
        return None

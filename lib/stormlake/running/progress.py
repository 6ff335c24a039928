"""How far a long step is: a bar on a terminal, else one log line every 30 s."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final

import click

LOG_SECONDS: Final = 30.0
BAR_SECONDS: Final = 0.5

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

"""Show logs as they are delivered: what is new of each, until the last of the ended is there."""

from __future__ import annotations

import codecs
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from stormlake.emr.logs import Found, Log, Logs
from stormlake.emr.looks import Look
from stormlake.emr.waiting import Pauses
from stormlake.errors import ServiceUnreachable
from stormlake.running.aws import AnswerLost

LATE_SECONDS: Final = 360.0
"""After its end a log is waited for so long: deliveries come every five minutes."""

logger = logging.getLogger(__name__)


@dataclass
class _Shown:
    """How much of one log was shown."""

    etag: str = ""
    size: int = 0
    decoder: codecs.IncrementalDecoder = field(
        default_factory=lambda: codecs.getincrementaldecoder("utf-8")("replace")
    )


class Follower:
    """Shows logs, each piece once.

    Parameters
    ----------
    logs : Logs
    write : callable
        Takes text as it comes.
    """

    def __init__(self, logs: Logs, write: Callable[[str], None]) -> None:
        self._logs = logs
        self._write = write
        self._shown: dict[str, _Shown] = {}
        self._last: str | None = None
        self.at_line_start = True
        """Whether what was written last ended its line."""

    def show(self) -> Found:
        """Show what is new, and give all that is there.

        Raises
        ------
        AnswerLost, CallFailed, ServiceUnreachable
            As of `Logs`; what was shown is not shown again.
        """
        found = self._logs.find()
        for log in found.logs:
            shown = self._shown.setdefault(log.key, _Shown())
            if shown.etag != log.etag:
                for piece in self._logs.pieces(log, shown.size):
                    shown.size += len(piece)
                    self._show(log, shown.decoder.decode(piece))
                shown.etag = log.etag
        return found

    def show_if_answered(self) -> Found | None:
        """Show what is new; None, and a warning, when S3 is out of reach for now."""
        return _if_answered(self.show)

    def show_last(self, seen: Look, **given: Any) -> Found:
        """Show what still comes of something that has ended; see `until_complete`."""
        return until_complete(self.show, seen, **given)

    def _show(self, log: Log, text: str) -> None:
        if not text:
            return
        if self._last != log.key:
            before = "" if self._last is None else "\n" if self.at_line_start else "\n\n"
            self._write(f"{before}==> {log.title}: {self._logs.address(log)} <==\n")
            self._last = log.key
        self._write(text)
        self.at_line_start = text.endswith("\n")


def until_complete(
    find: Callable[[], Found],
    seen: Look,
    *,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    sleep: Callable[[float], object] = time.sleep,
    pauses: Pauses | None = None,
) -> Found:
    """Look for the logs of something that has ended until the last delivery has come, or is late.

    Parameters
    ----------
    find : callable
        Gives the logs by now.
    seen : Look
        The last one.
    now, sleep : callable
    pauses : Pauses, optional

    Raises
    ------
    AnswerLost, CallFailed, ServiceUnreachable
        As of `find`, when S3 stays out of reach.
    """
    pauses = pauses or Pauses()
    ended = seen.ended_at or now()
    while True:
        found = _if_answered(find)
        left = LATE_SECONDS - (now() - ended).total_seconds()
        if found is not None and (is_complete(found, seen) or left <= 0):
            return found
        if left <= 0:
            return find()  # and raise what is in the way
        pause = pauses.after_trouble() if found is None else pauses.after_answer()
        sleep(min(pause, left))


def is_complete(found: Found, seen: Look) -> bool:
    """Whether the last delivery of something that has ended is there.

    Parameters
    ----------
    found : Found
    seen : Look
        The last one.

    Notes
    -----
    An object that did not change is not delivered again, so the clock of each does not tell. A
    process's stderr always gets some lines at its end: it must have been delivered after it.
    """
    if found.awaited:
        return False
    if seen.ended_at is None:
        return True
    ends = [log for log in found.logs if log.title.endswith("stderr") or "stderr," in log.title]
    last = {log.title.split()[0]: log for log in ends}  # of drivers the last attempt's
    # S3 keeps whole seconds.
    ended = seen.ended_at.replace(microsecond=0)
    return all(log.delivered >= ended for log in last.values())


def _if_answered(find: Callable[[], Found]) -> Found | None:
    try:
        return find()
    except (AnswerLost, ServiceUnreachable) as error:
        logger.warning("%s; looking again later", error)
        return None

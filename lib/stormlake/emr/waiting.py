"""Wait until a step or a job run has ended, however long that takes.

Not with boto3's waiter: it gives up after 60 looks of 30 s, and does not know that a step that was
interrupted has ended.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from stormlake.emr.looks import Look, look
from stormlake.emr.outcomes import progress
from stormlake.emr.refs import Ref
from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.running.aws import AnswerLost, Aws, CallFailed
from stormlake.running.progress import Seen

FIRST_PAUSE: Final = 5.0
GROWTH: Final = 1.5
LONGEST_PAUSE: Final = 60.0
SHORTEST_PAUSE: Final = 1.0
LONGEST_IN_TROUBLE: Final = 300.0
"""Seconds between two looks while the service throttles or does not answer."""

TELL_SECONDS: Final = 300.0
"""Between two lines when nothing changes."""
GONE_SECONDS: Final = 1800.0
"""Without any answer for so long, not even a refusal, the service counts as out of reach."""

UNKNOWN_REF: Final = frozenset(
    {"InvalidRequestException", "ResourceNotFoundException", "ValidationException"}
)
"""Error codes of EMR and EMR Serverless for an id that they do not know."""

logger = logging.getLogger(__name__)


class StillRunning(StormlakeError):
    """The time that somebody wanted to wait is over."""

    exit_code = ExitCode.STILL_RUNNING


class CannotLook(ServiceUnreachable):
    """The service does not let us look any more; the job runs on."""


@dataclass
class Pauses:
    """Seconds between looks: 5, growing by half up to 60, with full jitter.

    Parameters
    ----------
    chance : callable
        Gives a number in [0, 1).

    Notes
    -----
    Full jitter: any time up to the pause (Brooker, "Exponential Backoff And Jitter", AWS
    Architecture Blog, 2015), so that many who wait do not ask at once; at least a second.
    """

    chance: Callable[[], float] = random.random
    _calm: float = FIRST_PAUSE
    _trouble: float = 0.0

    def after_answer(self) -> float:
        """The pause after an answer."""
        pause, self._trouble = self._calm, 0.0
        self._calm = min(self._calm * GROWTH, LONGEST_PAUSE)
        return self._jittered(pause)

    def after_trouble(self) -> float:
        """The pause after throttling, a 5xx or a lost answer; doubles up to 5 minutes."""
        self._trouble = min(2 * max(self._calm, self._trouble), LONGEST_IN_TROUBLE)
        return self._jittered(self._trouble)

    def _jittered(self, pause: float) -> float:
        return max(SHORTEST_PAUSE, pause * self.chance())


@dataclass
class Waiting:
    """A wait for one step or job run.

    Parameters
    ----------
    ref : Ref
    look : callable
        Asks the service.
    progress : callable
        Gives how far the run of a look says it is, or None.
    each : callable
        Called with every look, the last one too.
    interrupted : callable
        What Ctrl-C or SIGTERM does: to return is to wait on.
    timeout : float or None
        Seconds.
    clock, sleep : callable
        Seconds that only grow; wait that many seconds.
    pauses : Pauses
    """

    ref: Ref
    look: Callable[[], Look]
    progress: Callable[[Look], Seen | None] = lambda seen: None
    each: Callable[[Look], object] = lambda seen: None
    interrupted: Callable[[KeyboardInterrupt], None] | None = None
    timeout: float | None = None
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    pauses: Pauses = field(default_factory=Pauses)
    last: Look | None = field(default=None, init=False)
    """What the service said last."""

    def __post_init__(self) -> None:
        self._told: tuple[str, str, str] | None = None
        self._told_at = self._answered = self._began = self.clock()
        self._troubled = False

    @classmethod
    def of(cls, aws: Aws, ref: Ref, **given: Any) -> Waiting:
        """A wait by the service's own answers, and the progress in the run's lake."""
        return cls(
            ref,
            look=lambda: look(aws, ref, once=True),
            progress=lambda seen: progress(aws, seen.run),
            **given,
        )

    def until_ended(self) -> Look:
        """Look until there is a last word, and give it.

        Raises
        ------
        StillRunning
            After `timeout`.
        RefusedInput
            The service does not know the ref.
        CannotLook, ServiceUnreachable
            We may not look any more, or nothing has answered for half an hour.
        """
        while True:
            try:
                seen, pause = self._look()
                if seen is not None and seen.ended:
                    return seen
                left = float("inf")
                if self.timeout is not None:
                    left = self._began + self.timeout - self.clock()
                if left <= 0:
                    raise StillRunning(self._still())
                self.sleep(min(pause, left))
                continue
            except KeyboardInterrupt as caught:
                if self.interrupted is None:
                    raise
                interrupt = caught
            # Not in the handler: an error of the answer would carry the interrupt with it, and a
            # command ends as interrupted for whatever an interrupt is behind.
            self.interrupted(interrupt)

    def _look(self) -> tuple[Look | None, float]:
        """Look once and tell what is new; gives the pause to make as well."""
        try:
            seen = self.look()
        except AnswerLost as error:
            self._trouble(error)
            return None, self.pauses.after_trouble()
        except CallFailed as error:
            if error.code in UNKNOWN_REF:
                raise RefusedInput(f"{self.ref}: {error}; check the ref and --region") from error
            raise self._cannot_look(error) from error
        except RefusedInput as error:
            if self.last is None:
                raise
            raise self._cannot_look(error) from error  # credentials that have ended meanwhile
        self.last, self._answered, self._troubled = seen, self.clock(), False
        self._tell(seen)
        self.each(seen)
        return seen, self.pauses.after_answer()

    def _cannot_look(self, error: StormlakeError) -> CannotLook:
        return CannotLook(
            f"{error}; {self.ref} is not touched by that, look again with other credentials: "
            f"stormlake emr wait {self.ref}"
        )

    def _tell(self, seen: Look) -> None:
        new = (seen.state, seen.cluster_state, seen.reason)
        due = self.clock() >= self._told_at + TELL_SECONDS
        if new == self._told and not due:
            return
        told = self.progress(seen) if seen.state == "RUNNING" else None
        logger.info("%s%s", seen, f", {progress_text(told)}" if told else "")
        self._told, self._told_at = new, self.clock()

    def _trouble(self, error: AnswerLost) -> None:
        if has_answered(error):
            self._answered = self.clock()
        silent = self.clock() - self._answered
        if silent >= GONE_SECONDS:
            raise ServiceUnreachable(
                f"no answer for {silent / 60:.0f} minutes: {error}; {self.ref} may be running all "
                f"the same, look again: stormlake emr wait {self.ref}"
            ) from error
        if not self._troubled or self.clock() >= self._told_at + TELL_SECONDS:
            logger.warning("%s; waiting on", error)
            self._troubled, self._told_at = True, self.clock()

    def _still(self) -> str:
        assert self.timeout is not None
        state = self.last or f"{self.ref} has not been seen"
        return (
            f"{state} after {self.timeout / 60:g} minutes; it runs on: stormlake emr wait "
            f"{self.ref} follows it again, stormlake emr cancel {self.ref} ends it"
        )


def has_answered(error: AnswerLost) -> bool:
    """Whether it was an answer after all: throttling, or a 5xx. Who says that is there."""
    from botocore.exceptions import ClientError

    return isinstance(error.__cause__, ClientError)


def progress_text(told: Seen) -> str:
    """Say how far a run is, `17 of 250 volumes at 21:04:10 UTC`."""
    return f"{told.done:,} of {told.total:,} {told.what} at {told.at:%H:%M:%S} UTC"

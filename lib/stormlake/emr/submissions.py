"""Submit a run once, whoever asks and however often: claim, create, complete.

RunJobFlow and AddJobFlowSteps take no client token, so a retry would start the run again. Instead
a client (1) claims the attempt in the ledger, (2) makes the creating call, once, and (3) notes
what runs. Whoever meets a claim without a ref looks for the step by its name, and takes the claim
over when it is old and there is no such step.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from stormlake.emr.ledger import Entry, Kept, Ledger
from stormlake.emr.lookup import describe
from stormlake.emr.refs import Ref
from stormlake.emr.states import FINAL, GOOD
from stormlake.emr.targets import Target, Work, find
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.lake.store import AlreadyExists, Changed
from stormlake.running.aws import AnswerLost, Aws, CallFailed

TAKE_OVER: Final = timedelta(minutes=10)
"""Age at which a claim without a step is another client's for the taking."""

FRESH: Final = timedelta(minutes=5)
"""Age up to which a client acts on its own claim; an older one it renews first, which fails when
somebody has taken it over. What lies between the two is for clocks that differ, and for a call
that is on its way."""

WAIT: Final = timedelta(minutes=1)
"""How long a client waits for another that has just claimed the run."""

POLL: Final = 2.0
"""Seconds between two looks at another's claim."""

LOOKS: Final = (2.0, 5.0, 15.0)
"""Seconds before each look for a step whose creation got no answer: it may be on its way."""

CREATIONS: Final = 3
"""Times that a creation without an answer, of which nothing is found, is tried."""

logger = logging.getLogger(__name__)


class Claimed(RefusedInput):
    """Another client has claimed the run and has not said what runs."""


@dataclass(frozen=True)
class Clock:
    """Time as a submission knows it: UTC now, and a way to wait seconds."""

    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Submitted:
    """What runs.

    Parameters
    ----------
    entry : Entry
        Of the ledger, with its ref.
    already : bool
        True when an earlier call had submitted it.
    state : str or None
        Of an earlier one, what became of it, in the service's word; None when the service does
        not know it any more.
    """

    entry: Entry
    already: bool = False
    state: str | None = None

    @property
    def ref(self) -> Ref:
        """What `wait`, `logs` and `cancel` take."""
        assert self.entry.ref is not None
        return self.entry.ref


def submit_once(
    aws: Aws,
    ledger: Ledger,
    target: Target,
    work: Work,
    *,
    again: bool = False,
    prepare: Callable[[], None] = lambda: None,
    clock: Clock | None = None,
) -> Submitted:
    """Submit a run unless it is submitted.

    Parameters
    ----------
    aws : Aws
    ledger : Ledger
        Of this run.
    target : Target
        Where to.
    work : Work
    again : bool
        Try again also what has ended well: its source has got more since.
    prepare : callable
        Puts everything in its place; called once, before the claim, and only if there is
        something to submit.
    clock : Clock, optional

    Returns
    -------
    Submitted
        Of the attempt that stands: the one under way, the one that ended well, or a new one.

    Raises
    ------
    Claimed
        Another client is submitting it, or has gone while it did.
    CallFailed
        The service refused to start it; no claim is left.
    ServiceUnreachable
        No answer; the same command finds what has become of it.
    """
    one = _Submission(aws, ledger, target, work, clock or Clock())
    patience = one.clock.now() + WAIT
    prepared = False
    while True:
        latest = ledger.latest()
        if latest is not None and latest.entry.ref is not None:
            state = one.state(latest.entry.ref)
            if not _may_go_again(state, again):
                return Submitted(latest.entry, already=True, state=state)
        elif latest is not None and one.adopt(latest):
            continue
        elif latest is not None and one.age(latest) < TAKE_OVER:
            _wait(latest.entry, patience, one.clock)
            continue
        if not prepared:
            prepare()
            prepared = True
            continue  # that may have taken minutes: look again
        try:
            mine = one.claim(latest)
            return Submitted(one.create(mine).entry)
        except (AlreadyExists, Changed):
            logger.info("another client was faster by a moment; looking again")


class _Submission:
    """What one call of `submit_once` does with the ledger and the target."""

    def __init__(self, aws: Aws, ledger: Ledger, target: Target, work: Work, clock: Clock) -> None:
        self.aws = aws
        self.ledger = ledger
        self.target = target
        self.work = work
        self.clock = clock

    def age(self, kept: Kept) -> timedelta:
        """How old a claim is."""
        return self.clock.now() - kept.entry.claimed

    def state(self, ref: Ref) -> str | None:
        """Outcome of what was submitted, its state while it is under way, None if unknown."""
        try:
            seen = describe(self.aws, ref)
        except CallFailed as error:
            logger.warning("%s is not known any more: %s", ref, error)
            return None
        return seen.outcome or seen.state

    def adopt(self, kept: Kept) -> bool:
        """Note what runs under a claim, if it runs; True when the ledger has to be read again."""
        try:
            ref = find(self.aws, kept.entry)
        except CallFailed as error:
            logger.warning("%s cannot be searched: %s", kept.entry.place, error)
            return False
        if ref is None:
            return False
        logger.info("%s runs as %s, which the ledger did not say", kept.entry.name, ref)
        try:
            self.ledger.complete(kept, ref)
        except Changed:
            logger.info("another client has said so meanwhile")
        return True

    def claim(self, latest: Kept | None) -> Kept:
        """Claim the next attempt, or take over a claim that was left."""
        place, now = self.target.place, self.clock.now()
        if latest is None:
            return self.ledger.claim(1, place, now)
        if latest.entry.ref is None:
            logger.warning("taken over: the claim of %s on %s", latest.entry.claimed, place)
            return self.ledger.take_over(latest, place, now)
        return self.ledger.claim(latest.entry.attempt + 1, place, now)

    def create(self, mine: Kept) -> Kept:
        """Make the creating call, and note what runs."""
        told, answer = "", None
        for _ in range(CREATIONS):
            if self.age(mine) > FRESH:
                mine = self.ledger.renew(mine, self.clock.now())
            try:
                call = self.target.create_call(mine.entry, self.work)
                answer = self.aws.make(call, once=True)
            except AnswerLost as lost:
                logger.warning("%s; looking whether it was carried out", lost)
                told = str(lost)
            except (CallFailed, RefusedInput):
                self._release(mine)
                raise
            else:
                told = "it was accepted"
                if (ref := self.target.ref(self.aws, mine.entry, answer)) is not None:
                    return self._complete(mine, ref)
            if (ref := self._look(mine.entry)) is not None:
                return self._complete(mine, ref)
            if answer is not None:
                break  # never a second time what was accepted
        raise ServiceUnreachable(
            f"{mine.entry.name} may have been started on {mine.entry.place}, and is not to be "
            f"found there yet ({told}); the same command looks again, and starts it after "
            f"{TAKE_OVER.seconds // 60} minutes if it is not there"
        )

    def _look(self, entry: Entry) -> Ref | None:
        for pause in LOOKS:
            self.clock.sleep(pause)
            try:
                if (ref := find(self.aws, entry)) is not None:
                    return ref
            except AnswerLost as error:
                logger.warning("%s", error)
        return None

    def _complete(self, mine: Kept, ref: Ref) -> Kept:
        try:
            return self.ledger.complete(mine, ref)
        except Changed:
            there = self.ledger.latest()
            if there is not None and there.entry.ref == ref:
                return there  # adopted by another client, which found it by its name
            raise StormlakeError(
                f"{mine.entry.name} was started as {ref}, and the ledger has another entry "
                f"({there.entry.ref if there else 'none'}): this client was suspended, or its "
                f"clock is wrong; see stormlake emr list, and cancel one"
            ) from None

    def _release(self, mine: Kept) -> None:
        try:
            self.ledger.release(mine)
        except StormlakeError as error:  # must not hide why nothing was started
            logger.warning("the claim was not removed, and ends by itself: %s", error)


def _may_go_again(state: str | None, again: bool) -> bool:
    """Whether the run may get another attempt: it failed, or has ended and was asked for again."""
    if state is None or state in GOOD:
        return again
    return state in FINAL


def _wait(entry: Entry, patience: datetime, clock: Clock) -> None:
    if clock.now() < patience:
        clock.sleep(POLL)
        return
    raise Claimed(
        f"{entry.name} was claimed at {entry.claimed:%Y-%m-%d %H:%M:%S} UTC for {entry.place} by "
        "another client, which has not started it yet or is gone; the same command takes it over "
        f"after {entry.claimed + TAKE_OVER:%H:%M:%S} UTC"
    )

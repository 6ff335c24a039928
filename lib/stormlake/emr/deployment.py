"""Change a stack: make a change set, have it looked at, carry it out, follow it to its end.

With our own polling: botocore's waiters tell nothing while they wait, and of a failure only that
there was one.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stormlake.emr.stacks import (
    OURS,
    REVIEW,
    ChangeSet,
    Event,
    Kind,
    Stack,
    change_set_call,
    create_call,
    describe_change_set,
    execute_call,
    find_stack,
    new_events,
    other_change_sets,
)
from stormlake.emr.template import checked_parameters
from stormlake.emr.waiting import GONE_SECONDS, Pauses, has_answered
from stormlake.errors import ExitCode, RefusedInput, StormlakeError
from stormlake.running.aws import AnswerLost, ApiCall, Aws, CallFailed

GOOD: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE"})

logger = logging.getLogger(__name__)


class DeployFailed(StormlakeError):
    """CloudFormation could not do it; the message has the first resource's reason."""


class Declined(StormlakeError):
    """The changes were looked at and not wanted."""

    exit_code = ExitCode.CANCELLED


@dataclass(frozen=True)
class Deployed:
    """What a deployment came to; `changes` is 0 when there was nothing to change."""

    stack: str
    status: str
    changes: int
    outputs: Mapping[str, str]


@dataclass
class Deployment:
    """One deployment of one stack.

    Parameters
    ----------
    aws : Aws
    name : str
        The stack's.
    body : str
        The template.
    given : mapping of str to str
        Parameters that were asked for; a stack keeps its values of others.
    ask : callable
        Shows the changes and gives whether they are wanted.
    tell : callable
        Is given each event as it comes.
    replace_failed : bool
        Delete a stack first whose creation failed.
    clock, sleep : callable
        Seconds that only grow; wait that many seconds.
    """

    aws: Aws
    name: str
    body: str
    given: Mapping[str, str]
    ask: Callable[[ChangeSet], bool]
    tell: Callable[[Event], None]
    replace_failed: bool = False
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep
    change_set: str = field(default_factory=lambda: f"{OURS}{uuid.uuid4().hex[:12]}")

    def run(self) -> Deployed:
        """Deploy.

        Raises
        ------
        RefusedInput
            The stack is in no state to be changed, or parameters are missing or unknown.
        DeployFailed
            The change set or a resource failed.
        Declined
            The changes were not wanted; nothing is left behind.
        """
        stack = find_stack(self.aws.make, self.name)
        kind: Kind = "UPDATE"
        if stack is None or stack.status in (REVIEW, "ROLLBACK_COMPLETE"):
            kind = "CREATE"
        kept = stack.parameters if stack is not None and kind == "UPDATE" else None
        parameters = checked_parameters(self.body, self.given, kept)
        if stack is not None:
            self._make_way(stack)
        try:
            self._create(create_call(self.name, self.change_set, kind, self.body, parameters))
            made = self._made()
            if not made.is_empty:
                if made.status == "FAILED":
                    raise DeployFailed(f"no change set for {self.name}: {made.reason}")
                if not self.ask(made):
                    raise Declined(f"nothing was changed in {self.name}")
                before = new_events(self._make, self.name, None)
                self._make(execute_call(self.name, self.change_set))
        except BaseException:
            self._clean_up(kind)
            raise
        if made.is_empty:
            self._clean_up(kind)
        else:
            try:
                self._follow(before[-1].id if before else None)
            except KeyboardInterrupt:
                logger.warning("CloudFormation goes on changing %s without us", self.name)
                raise
        found = find_stack(self._make, self.name)
        assert found is not None
        return Deployed(self.name, found.status, len(made.changes), found.outputs)

    def _make_way(self, stack: Stack) -> None:
        """Delete a stack that failed to be created; refuse one that is being changed."""
        if stack.status == "ROLLBACK_COMPLETE":
            if not self.replace_failed:
                raise RefusedInput(
                    f"stack {self.name} is ROLLBACK_COMPLETE: its creation failed, and it can only "
                    "be deleted; --replace-failed does that first"
                )
            self._delete(stack)
        elif stack.status.endswith("_IN_PROGRESS") and stack.status != REVIEW:
            raise RefusedInput(
                f"stack {self.name} is {stack.status}: somebody is changing it; deploy again when "
                "that has ended"
            )

    def _create(self, call: ApiCall) -> None:
        try:
            self._make(call)
        except CallFailed as error:
            # Its name is nobody else's: the answer to an earlier try was lost.
            if error.code != "AlreadyExistsException":
                raise

    def _made(self) -> ChangeSet:
        pauses = Pauses()
        while True:
            found = describe_change_set(self._make, self.name, self.change_set)
            if found.status in ("CREATE_COMPLETE", "FAILED"):
                return found
            self.sleep(pauses.after_answer())

    def _follow(self, last: str | None) -> None:
        """Tell every event until the stack's own says that all is over."""
        cause: Event | None = None
        pauses = Pauses()
        while True:
            events = new_events(self._make, self.name, last)
            for event in events:
                self.tell(event)
                cause = cause or (event if event.is_cause else None)
            if events:
                last, pauses = events[-1].id, Pauses()
            ends = [event for event in events if event.is_end]
            if ends:
                self._judge(ends[-1], cause)
                return
            self.sleep(pauses.after_answer())

    def _judge(self, end: Event, cause: Event | None) -> None:
        if end.status in GOOD:
            return
        why = f"{cause.kind} {cause.name}: {cause.reason}" if cause else end.reason
        again = (
            "; mend that and deploy again with --replace-failed"
            if end.status == "ROLLBACK_COMPLETE"
            else ""
        )
        raise DeployFailed(f"stack {self.name} is {end.status}: {why}{again}")

    def _delete(self, stack: Stack) -> None:
        self._make(ApiCall("cloudformation", "DeleteStack", {"StackName": stack.id}))
        pauses = Pauses()
        while True:
            found = find_stack(self._make, stack.id)
            if found is None or found.status == "DELETE_COMPLETE":
                return
            if found.status == "DELETE_FAILED":
                raise DeployFailed(f"stack {self.name} could not be deleted: {found.reason}")
            self.sleep(pauses.after_answer())

    def _clean_up(self, kind: Kind) -> None:
        """Remove the change set, and the empty stack that was made for it."""
        try:
            self.aws.make(change_set_call("DeleteChangeSet", self.name, self.change_set))
            if kind == "UPDATE":
                return
            stack = find_stack(self.aws.make, self.name)
            if stack is None or stack.status != REVIEW:
                return
            if not other_change_sets(self.aws.make, self.name):
                self.aws.make(ApiCall("cloudformation", "DeleteStack", {"StackName": stack.id}))
        except StormlakeError as error:  # must not hide what went wrong before
            logger.warning("change set %s was not removed: %s", self.change_set, error)

    def _make(self, call: ApiCall) -> dict[str, Any]:
        """Make a call that may be made twice, through throttling and lost answers."""
        pauses, began = Pauses(), self.clock()
        while True:
            try:
                return self.aws.make(call)
            except AnswerLost as error:
                if not has_answered(error) and self.clock() - began >= GONE_SECONDS:
                    raise
                logger.warning("%s; waiting on", error)
                self.sleep(pauses.after_trouble())

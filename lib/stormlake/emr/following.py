"""What `wait` and `run` share: follow something to its end, and say how it ended."""

from __future__ import annotations

from typing import Any

import click

from stormlake.emr.interrupts import Choice, Interrupts
from stormlake.emr.looks import Look
from stormlake.emr.outcomes import Outcome, outcome
from stormlake.emr.refs import Ref
from stormlake.emr.waiting import Waiting
from stormlake.errors import StormlakeError
from stormlake.running.aws import Aws

timeout_option = click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="MINUTES",
    help="Exit 4 when it is still running after so long; it runs on.  [default: wait for ever]",
)


class JobFailed(StormlakeError):
    """The job that was followed did not end well; the exit code is its own."""

    def __init__(self, seen: Look, ended: Outcome) -> None:
        super().__init__(f"{seen.ref} {seen.state}: {ended.why}")
        self.exit_code = ended.code


def follow(
    aws: Aws, ref: Ref, timeout: float | None, on_interrupt: Choice | None
) -> tuple[Look, Outcome]:
    """Wait for the end.

    Parameters
    ----------
    aws : Aws
    ref : Ref
    timeout : float or None
        Minutes.
    on_interrupt : str or None
        What Ctrl-C does, see `Interrupts`.

    Raises
    ------
    Detached, StillRunning, RefusedInput, ServiceUnreachable
    """
    waiting = Waiting.of(
        aws,
        ref,
        timeout=None if timeout is None else timeout * 60,
        interrupted=Interrupts(aws, ref, on_interrupt),
    )
    seen = waiting.until_ended()
    return seen, outcome(aws, seen)


def facts(seen: Look, ended: Outcome) -> dict[str, Any]:
    """What a command tells of something that has ended."""
    return {
        "ref": str(seen.ref),
        "state": seen.state,
        **({"cluster": seen.cluster_state} if seen.lost else {}),
        **({"run": seen.run.run_id, "lake": seen.run.lake} if seen.run else {}),
        "exit_code": int(ended.code),
        "why": ended.why,
    }

"""`stormlake emr run`: submit a job, follow it to its end, tell what it did or why it failed."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Any

import click

from stormlake.emr.asked import Asked, submit_options
from stormlake.emr.diagnosis import Diagnosis, diagnose, wait_for_logs
from stormlake.emr.following import JobFailed, facts, follow, timeout_option
from stormlake.emr.interrupts import Choice, on_interrupt_option
from stormlake.emr.logs_command import cause_lines, tell_awaited
from stormlake.emr.looks import Look
from stormlake.emr.lookup import describe_calls
from stormlake.emr.outcomes import Outcome
from stormlake.emr.refs import Ref, ServerlessRef, StepRef
from stormlake.emr.submitting import make_plan
from stormlake.errors import ExitCode
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, tell

NEEDS_NO_CAUSE = frozenset({ExitCode.DONE, ExitCode.TOO_MANY_REJECTS, ExitCode.CANCELLED})

logger = logging.getLogger(__name__)


@click.command("run", cls=StormlakeCommand)
@click.argument("job", metavar="JOB")
@click.argument("arguments", metavar="-- JOB-ARGUMENTS", nargs=-1, type=click.UNPROCESSED)
@submit_options
@timeout_option
@on_interrupt_option
@common_options
@click.pass_context
def main(
    context: click.Context,
    common: Common,
    asked: Asked,
    job: str,
    arguments: tuple[str, ...],
    timeout: float | None,
    on_interrupt: Choice | None,
) -> None:
    """Start JOB on EMR, wait for its end, and exit with its own code.

    It is submit, wait and logs in one: a run that is there already is followed, not started
    again. In the end the job's summary is printed, or why it failed and what to do.
    """
    aws = Aws.of(common)
    plan = make_plan(context, asked, job, arguments, aws, shown=common.dry_run)
    if common.dry_run:
        print_calls([*plan.calls(), *describe_calls(_some_ref(asked))])
        return
    submitted = plan.submit(aws)
    how = "already submitted" if submitted.already else "submitted"
    logger.info("%s: %s, run %s", how, submitted.ref, submitted.entry.run_id)
    seen, ended = follow(aws, submitted.ref, timeout, on_interrupt)
    found = None if ended.code in NEEDS_NO_CAUSE else _why(aws, seen, ended)
    report(common, seen, ended, found)
    if ended.code is not ExitCode.DONE:
        raise JobFailed(seen, ended)


def report(common: Common, seen: Look, ended: Outcome, found: Diagnosis | None) -> None:
    """Print how a run ended: the job's own numbers, and the cause where it failed."""
    told: dict[str, Any] = facts(seen, ended)
    if common.output == "json":
        cause = found.cause if found else None
        tell(common, **told, summary=ended.summary, cause=cause and asdict(cause))
    else:
        # What both say, the run and the look at it, is said once.
        tell(
            common, **told, **{k: v for k, v in ended.summary.items() if k not in ("run_id", "ok")}
        )
        if found is not None:
            click.echo("\n".join(cause_lines(seen, found.cause)))
    if found is not None:
        tell_awaited(seen, found.awaited)


def _why(aws: Aws, seen: Look, ended: Outcome) -> Diagnosis:
    """Find the cause; where the run could not leave word itself, wait for its logs."""
    found = None
    if ended.left is None:
        try:
            found = wait_for_logs(aws, seen)
        except KeyboardInterrupt:
            logger.info("not waiting for the rest of the logs")
    return diagnose(aws, seen, ended, found)


def _some_ref(asked: Asked) -> Ref:
    """A ref with placeholders for what is only known then."""
    if asked.serverless:
        return ServerlessRef(asked.serverless, "<job run>")
    return StepRef(asked.cluster_id or "<cluster>", "<step>")

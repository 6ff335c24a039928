"""`stormlake emr logs`: what a step or job run wrote, as it is delivered, and why it failed."""

from __future__ import annotations

import json

import click

from stormlake.emr.causes import Cause
from stormlake.emr.deliveries import Follower
from stormlake.emr.diagnosis import Diagnosis, diagnose
from stormlake.emr.logs import Found, Logs
from stormlake.emr.looks import Look, look
from stormlake.emr.lookup import describe_calls
from stormlake.emr.outcomes import outcome
from stormlake.emr.refs import Ref, RefOption
from stormlake.emr.states import GOOD
from stormlake.emr.waiting import Waiting
from stormlake.errors import ExitCode, RefusedInput
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, leave, tell


@click.command("logs", cls=StormlakeCommand)
@click.argument("ref", type=RefOption())
@click.option("--follow", is_flag=True, help="Show what comes until it has ended.")
@click.option("--cause", "why", is_flag=True, help="Show only why it failed, and what to do.")
@common_options
def main(common: Common, ref: Ref, follow: bool, why: bool) -> None:
    """Show the logs of a step or a Serverless job run: the step's own, then its driver's.

    REF is what submit printed. Logs are delivered to S3 every 5 minutes; what has not come yet is
    told on stderr. In cluster mode, what a job prints is in the driver's stdout.
    """
    if follow and why:
        raise RefusedInput("--cause reads the logs of what has ended; leave out --follow")
    if common.dry_run:
        # What is asked after that depends on the answers.
        print_calls(describe_calls(ref))
        return
    aws = Aws.of(common)
    seen = look(aws, ref)
    if why:
        show_cause(common, aws, seen)
        return
    logs = Logs(aws, seen)
    follower = Follower(logs, lambda text: click.echo(text, nl=False))
    found = _follow(aws, ref, follower) if follow else follower.show()
    if common.output == "json":
        told = [{"log": log.title, "uri": logs.address(log)} for log in found.logs]
        facts = {"ref": str(ref), "logs": told, "not_yet_delivered": found.awaited}
        click.echo(("" if follower.at_line_start else "\n") + json.dumps(facts))
    tell_awaited(seen, found.awaited)


def _follow(aws: Aws, ref: Ref, follower: Follower) -> Found:
    """Show what comes until the last of it; Ctrl-C ends the showing alone."""
    wait = Waiting.of(aws, ref, each=lambda seen: follower.show_if_answered())
    try:
        return follower.show_last(wait.until_ended())
    except KeyboardInterrupt:
        leave(ExitCode.INTERRUPTED, f"interrupted; {ref} is not touched")


def show_cause(common: Common, aws: Aws, seen: Look) -> None:
    """Print why something failed, as far as it is known."""
    if not seen.ended or seen.state in GOOD:
        if common.output == "json":
            tell(common, ref=str(seen.ref), state=seen.state, cause=None, not_yet_delivered=[])
        else:
            click.echo(f"cause    none, it has not failed: {seen}")
        return
    found = diagnose(aws, seen, outcome(aws, seen))
    print_diagnosis(common, seen, found)


def print_diagnosis(common: Common, seen: Look, found: Diagnosis) -> None:
    """Print a diagnosis: the error, where, and what to do in the first lines."""
    if common.output == "json":
        cause = None if found.cause is None else vars(found.cause)
        tell(
            common,
            ref=str(seen.ref),
            state=seen.state,
            cause=cause,
            not_yet_delivered=found.awaited,
        )
    else:
        click.echo("\n".join(cause_lines(seen, found.cause)))
    if found.without_logs:
        click.echo(found.without_logs, err=True)
    tell_awaited(seen, found.awaited)


def cause_lines(seen: Look, cause: Cause | None) -> list[str]:
    """Lines for a person: error, place, deeper cause, advice, source, each where it is known."""
    if cause is None:
        return [f"cause    not known: {seen}"]
    lines = {
        "cause": cause.what,
        "where": cause.where,
        "because": cause.because,
        "advice": cause.advice,
        "seen in": cause.source,
    }
    return [f"{name:<8} {words}" for name, words in lines.items() if words]


def tell_awaited(seen: Look, titles: tuple[str, ...]) -> None:
    """Say on stderr which logs have not come yet."""
    if titles:
        click.echo(
            f"not yet delivered: {', '.join(titles)}; logs come to S3 up to 5 minutes late, ask "
            f"again: stormlake emr logs {seen.ref}",
            err=True,
        )

"""`stormlake emr deploy`: what an account needs, by a change set that is shown first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import click

from stormlake.emr.deployment import Deployed, Deployment
from stormlake.emr.options import KeyValueOption
from stormlake.emr.stacks import (
    OURS,
    ChangeSet,
    Event,
    change_set_call,
    create_call,
    describe_call,
    events_call,
    execute_call,
)
from stormlake.emr.template import checked_parameters, template_body
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, print_json
from stormlake.running.text_table import aligned


@click.command("deploy", cls=StormlakeCommand)
@click.option("--stack", required=True, metavar="NAME", help="The CloudFormation stack.")
@click.option(
    "--parameter",
    "parameters",
    type=KeyValueOption("Mode=cluster"),
    multiple=True,
    metavar="KEY=VALUE",
    help="Parameter of the template; may be repeated. A stack keeps its values of others.",
)
@click.option("--yes", is_flag=True, help="Carry the changes out without asking.")
@click.option(
    "--replace-failed",
    is_flag=True,
    help="Delete the stack first when its creation failed (ROLLBACK_COMPLETE).",
)
@common_options
def main(
    common: Common,
    stack: str,
    parameters: tuple[tuple[str, str], ...],
    yes: bool,
    replace_failed: bool,
) -> None:
    """Make or change what an account needs: bucket, roles, cluster or application, schedule.

    Shows what would change as a table, asks, carries it out and follows it. Nothing to change is
    success. emr/README.md explains the parameters.
    """
    given = dict(parameters)
    if len(given) < len(parameters):
        raise RefusedInput("--parameter: one KEY is given twice")
    body = template_body()
    if common.dry_run:
        print_calls(_calls(stack, body, given))
        return
    done = Deployment(
        Aws.of(common),
        stack,
        body,
        given,
        ask=_asking(yes),
        tell=_tell,
        replace_failed=replace_failed,
    ).run()
    _report(done, common)


def _calls(stack: str, body: str, given: dict[str, str]) -> list[ApiCall]:
    """The calls that make a new stack, when nothing goes wrong."""
    name = f"{OURS}<a name of its own>"
    return [
        describe_call(stack),
        create_call(
            stack,
            name,
            "CREATE",
            f"<{len(body)} characters>",
            checked_parameters(body, given, None),
        ),
        change_set_call("DescribeChangeSet", stack, name),
        execute_call(stack, name),
        events_call(stack),
        describe_call(stack),
    ]


def _asking(yes: bool) -> Callable[[ChangeSet], bool]:
    def ask(made: ChangeSet) -> bool:
        # On stderr: stdout is for the answer.
        for line in change_table(made):
            click.echo(line, err=True)
        if yes:
            return True
        try:
            return click.confirm("Carry this out?", err=True)
        except click.Abort:  # Ctrl-C, or nobody there to answer
            click.echo("no answer; --yes carries it out without asking", err=True)
            return False

    return ask


def change_table(made: ChangeSet) -> list[str]:
    """Say what a change set would do, one resource a line under a heading."""
    if not made.changes:
        return ["no resource changes; outputs or parameters do"]
    rows = [("action", "resource", "type", "replaced")]
    rows += [(each.action, each.name, each.kind, each.replaced) for each in made.changes]
    return aligned(rows)


def _tell(event: Event) -> None:
    click.echo(
        f"{event.at:%H:%M:%S} {event.status:<18} {event.name} {event.reason}".rstrip(), err=True
    )


def _report(done: Deployed, common: Common) -> None:
    if common.output == "json":
        print_json(done)
        return
    said = f"{done.changes} changes" if done.changes else "nothing to change"
    click.echo(f"{done.stack} is {done.status}: {said}")
    for line in aligned(sorted(asdict(done)["outputs"].items())):
        click.echo(line)

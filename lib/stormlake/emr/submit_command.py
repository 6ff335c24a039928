"""`stormlake emr submit`: start a job on EMR, once."""

from __future__ import annotations

import click

from stormlake.emr.asked import Asked, submit_options
from stormlake.emr.submitting import facts, make_plan
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, tell


@click.command("submit", cls=StormlakeCommand)
@click.argument("job", metavar="JOB")
@click.argument("arguments", metavar="-- JOB-ARGUMENTS", nargs=-1, type=click.UNPROCESSED)
@submit_options
@common_options
@click.pass_context
def main(
    context: click.Context,
    common: Common,
    asked: Asked,
    job: str,
    arguments: tuple[str, ...],
) -> None:
    """Start JOB on EMR, unless the same run is there already, and print what runs.

    The job takes the arguments that it takes here; --lake and --source must be s3:// addresses.
    The same job, arguments and code are one run, which is started once, however often this is
    called; a run that failed or was cancelled is tried again.
    """
    aws = Aws.of(common)
    plan = make_plan(context, asked, job, arguments, aws, shown=common.dry_run)
    if common.dry_run:
        print_calls(plan.calls())
        return
    submitted = plan.submit(aws)
    if submitted.already:
        click.echo(f"already submitted: {submitted.ref}", err=True)
    tell(common, **facts(submitted))

"""`stormlake emr cancel`: end a step, with its cluster where that is its own, or a job run."""

from __future__ import annotations

from dataclasses import asdict

import click

from stormlake.emr.cancelling import GRACE, cancel, cancel_calls
from stormlake.emr.refs import Ref, RefOption
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, tell


@click.command("cancel", cls=StormlakeCommand)
@click.argument("ref", type=RefOption())
@click.option(
    "--grace",
    type=click.FloatRange(0, 3600),
    default=GRACE,
    show_default=True,
    metavar="SECONDS",
    help="Time to end by itself, before it is killed.",
)
@common_options
def main(common: Common, ref: Ref, grace: float) -> None:
    """Cancel a step or a Serverless job run, and wait until it has ended.

    REF is what submit printed. A step is interrupted, and killed after the grace; a cluster that
    submit --transient made for it is terminated. What has written nothing yet leaves the tables as
    they were; a run that was writing is to be run again.
    """
    if common.dry_run:
        print_calls(cancel_calls(ref, grace))
        return
    ended = cancel(Aws.of(common), ref, grace=grace)
    tell(common, **{**asdict(ended), "ref": str(ref)})

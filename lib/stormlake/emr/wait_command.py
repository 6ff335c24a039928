"""`stormlake emr wait`: follow a step or job run to its end, and end as it did."""

from __future__ import annotations

import click

from stormlake.emr.following import JobFailed, facts, follow, timeout_option
from stormlake.emr.interrupts import Choice, on_interrupt_option
from stormlake.emr.lookup import describe_calls
from stormlake.emr.refs import Ref, RefOption
from stormlake.errors import ExitCode
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, tell


@click.command("wait", cls=StormlakeCommand)
@click.argument("ref", type=RefOption())
@timeout_option
@on_interrupt_option
@common_options
def main(common: Common, ref: Ref, timeout: float | None, on_interrupt: Choice | None) -> None:
    """Wait until a step or a Serverless job run has ended; exit with the job's own code.

    REF is what submit printed: CLUSTER/STEP, or APPLICATION/JOB-RUN. A line on stderr tells every
    change, and every 5 minutes how far the job is.
    """
    if common.dry_run:
        print_calls(describe_calls(ref))
        return
    seen, ended = follow(Aws.of(common), ref, timeout, on_interrupt)
    tell(common, **facts(seen, ended))
    if ended.code is not ExitCode.DONE:
        raise JobFailed(seen, ended)

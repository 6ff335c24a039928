"""`stormlake emr wait`: follow a step or job run to its end, and end as it did."""

from __future__ import annotations

from typing import Any

import click

from stormlake.emr.aws import Aws, print_calls
from stormlake.emr.looks import Look
from stormlake.emr.lookup import describe_calls
from stormlake.emr.outcomes import Outcome, outcome
from stormlake.emr.refs import Ref, RefOption
from stormlake.emr.waiting import Waiting
from stormlake.errors import ExitCode, StormlakeError
from stormlake.running.options import Common, StormlakeCommand, common_options, tell

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


@click.command("wait", cls=StormlakeCommand)
@click.argument("ref", type=RefOption())
@timeout_option
@common_options
def main(common: Common, ref: Ref, timeout: float | None) -> None:
    """Wait until a step or a Serverless job run has ended; exit with the job's own code.

    REF is what submit printed: CLUSTER/STEP, or APPLICATION/JOB-RUN. A line on stderr tells every
    change, and every 5 minutes how far the job is.
    """
    if common.dry_run:
        print_calls(describe_calls(ref))
        return
    aws = Aws.of(common)
    seen = Waiting.of(aws, ref, timeout=None if timeout is None else timeout * 60).until_ended()
    ended = outcome(aws, seen)
    tell(common, **facts(seen, ended))
    if ended.code is not ExitCode.DONE:
        raise JobFailed(seen, ended)


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

"""`stormlake emr list`: our runs, newest first."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Final

import click

from stormlake.emr.listing import Wanted, facts, list_runs
from stormlake.emr.states import FINAL, JOB_RUN_UNDER_WAY, STEP_UNDER_WAY
from stormlake.errors import RefusedInput
from stormlake.running.aws import Aws, CallFailed, print_calls
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcTime,
    common_options,
    refuse_unless,
)
from stormlake.running.text_table import text_table

SINCE: Final = timedelta(days=7)

COLUMNS: Final = ("ref", "job", "state", "created", "started", "ended", "cause")


@click.command("list", cls=StormlakeCommand)
@click.option("--cluster-id", metavar="ID", help="Of this cluster alone.")
@click.option("--serverless", metavar="APPLICATION", help="Of this application alone.")
@click.option("--job", metavar="NAME", help="Of this job alone, such as aggregate-wind_max.")
@click.option(
    "--state",
    "states",
    type=click.Choice(sorted(FINAL | STEP_UNDER_WAY | JOB_RUN_UNDER_WAY), case_sensitive=False),
    multiple=True,
    help="In this state; may be given several times.",
)
@click.option(
    "--since",
    type=UtcTime(),
    metavar="T",
    help="Submitted at this UTC time or later.  [default: 7 days ago]",
)
@common_options
def main(
    common: Common,
    cluster_id: str | None,
    serverless: str | None,
    job: str | None,
    states: tuple[str, ...],
    since: datetime | None,
) -> None:
    """List what was submitted, newest first: of all clusters of the region, or as the options say.

    EMR knows a cluster for two months after its end.
    """
    refuse_unless(
        not (cluster_id and serverless), "--cluster-id and --serverless do not go together"
    )
    since = since or datetime.now(UTC) - SINCE
    wanted = Wanted(since, cluster_id, serverless, job, states)
    if common.dry_run:
        print_calls(wanted.calls())
        return
    try:
        runs = [facts(seen) for seen in list_runs(Aws.of(common), wanted)]
    except CallFailed as error:
        raise RefusedInput(
            f"{cluster_id or serverless}: {error}; check it, and --region"
        ) from error
    if common.output == "json":
        click.echo(json.dumps({"runs": runs}))
    elif runs:
        click.echo(text_table(runs, COLUMNS))
    else:
        click.echo(f"nothing was submitted since {since:%Y-%m-%d %H:%M} UTC", err=True)

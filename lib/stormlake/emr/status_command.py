"""`stormlake emr status`: a step, a job run, or a cluster and its steps."""

from __future__ import annotations

import re
from typing import Any, Final

import click

from stormlake.emr.listing import facts, steps_of, utc_text
from stormlake.emr.lookup import cluster_call, describe, describe_calls, describe_cluster
from stormlake.emr.refs import Ref, RefOption
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, CallFailed, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options, tell
from stormlake.running.text_table import text_table

CLUSTER_COLUMNS: Final = ("cluster", "name", "state", "release", "created", "ended", "cause")
STEP_COLUMNS: Final = ("ref", "name", "state", "created", "started", "ended", "cause")


class _RefOrCluster(click.ParamType[Ref | str]):
    """A ref, or the id of a cluster."""

    name = "ref or cluster"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Ref | str:
        """Read it."""
        if isinstance(value, str) and re.fullmatch(r"j-[A-Z0-9]+", value):
            return value
        return RefOption().convert(value, param, ctx)


@click.command("status", cls=StormlakeCommand)
@click.argument("ref", metavar="REF|CLUSTER", type=_RefOrCluster())
@common_options
def main(common: Common, ref: Ref | str) -> None:
    """Tell what a step, a Serverless job run or a cluster is doing.

    REF is what submit printed; of a cluster all steps are told, newest first.
    """
    if common.dry_run:
        print_calls(_calls(ref))
        return
    try:
        told = _cluster(Aws.of(common), ref) if isinstance(ref, str) else _one(Aws.of(common), ref)
    except CallFailed as error:
        raise RefusedInput(f"{ref}: {error}; check it, and --region") from error
    if common.output == "json" or not isinstance(ref, str):
        tell(common, **told)
        return
    click.echo(text_table([told], CLUSTER_COLUMNS))
    if told["steps"]:
        click.echo(f"\n{text_table(told['steps'], STEP_COLUMNS)}")


def _calls(ref: Ref | str) -> list[ApiCall]:
    if isinstance(ref, str):
        return [cluster_call(ref), ApiCall("emr", "ListSteps", {"ClusterId": ref})]
    return describe_calls(ref)


def _one(aws: Aws, ref: Ref) -> dict[str, Any]:
    seen = describe(aws, ref)
    told = {**facts(seen), "cluster_state": seen.cluster_state}
    return {name: value for name, value in told.items() if value is not None}


def _cluster(aws: Aws, cluster: str) -> dict[str, Any]:
    seen = describe_cluster(aws, cluster)
    return {
        "cluster": seen.id,
        "name": seen.name,
        "state": seen.state,
        "release": seen.release,
        "created": utc_text(seen.created),
        "ended": utc_text(seen.ended),
        "cause": seen.cause,
        "steps": [facts(step) for step in steps_of(aws, seen)],
    }

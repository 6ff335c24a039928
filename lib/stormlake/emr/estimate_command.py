"""`stormlake emr estimate JOB`: hours and cost of a run, before it is submitted.

The job's own dry run lists what it would read; no Spark starts.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import click

from stormlake.archive.s3 import PAGE_KEYS, station_day_prefixes
from stormlake.archive.source import open_source
from stormlake.emr.artifacts import Arch, ArtifactPlace, Target, short_hash
from stormlake.emr.capacity import cluster_capacities, serverless_capacities
from stormlake.emr.cluster_file import cluster_spec
from stormlake.emr.estimate_report import lines
from stormlake.emr.estimates import (
    Estimate,
    Row,
    cluster_rows,
    estimate_path,
    keep,
    lake_month,
    now,
    reading_cost,
    serverless_rows,
    unlike,
    work_of,
)
from stormlake.emr.jobs import JobRequest, job_command, job_request
from stormlake.emr.options import target_options
from stormlake.emr.rates import Work, read_rates
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, print_calls
from stormlake.running.job import open_lake
from stormlake.running.options import Common, StormlakeCommand, common_options
from stormlake.running.prices import Prices, prices_option, read_prices
from stormlake.runtimes import Runtime

ANY_ACCOUNT: Final = {
    "LogUri": "s3://any/",
    "ServiceRole": "any",
    "InstanceProfile": "any",
    "Subnets": "any",
}
"""What a cluster file may leave out when nothing is made from it: it has no price."""


@click.command("estimate", cls=StormlakeCommand)
@click.argument("job", metavar="JOB")
@click.argument("arguments", metavar="-- JOB-ARGUMENTS", nargs=-1, type=click.UNPROCESSED)
@prices_option
@click.option(
    "--cluster-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="TOML file of the cluster.  [default: the cluster that emr submit --transient makes]",
)
@click.option(
    "--serverless", metavar="APPLICATION", help="In this application of EMR Serverless, no cluster."
)
@target_options
@common_options
def main(
    common: Common,
    job: str,
    arguments: tuple[str, ...],
    price_file: Path | None,
    cluster_file: Path | None,
    serverless: str | None,
    runtime: Runtime,
    arch: Arch,
    without_pyart: bool,
) -> None:
    """Tell what a run of JOB would take: core-hours, hours and cost.

    JOB's own options stand behind `--`. What it would read is listed; nothing else is done, but
    for a lake in S3 the estimate is kept there, so that `emr cost` can show it beside the cost.
    """
    if serverless and cluster_file:
        raise RefusedInput("--serverless and --cluster-file exclude each other")
    context = click.get_current_context()
    request = job_request(context, job, arguments)
    target = Target(runtime, arch, pyart=not without_pyart)
    key = request.key(short_hash(target.lock()))
    if common.dry_run:
        print_calls(planned_calls(request, key, serverless))
        return
    prices = read_prices(price_file)
    listed = list_work(context, request, common)
    work, measured = work_of(job, listed, read_rates())
    if serverless:
        rows, notes = _serverless(common, serverless, work, prices)
    else:
        spec = cluster_spec(cluster_file, ANY_ACCOUNT, arch=arch)
        rows, notes = cluster_rows(work, cluster_capacities(spec), prices)
    source = open_source(str(request.parameters["source"]))
    prefixes = [*_day_prefixes(source.prefix, request)] if source.is_s3 else []
    found = Estimate(
        job=request.name,
        run_key=key,
        at=now(),
        runtime=runtime.label,
        listed=listed,
        core_hours=work.core_seconds / 3600,
        formula=work.formula,
        rates=f"measured {measured.date} at {measured.commit} on {measured.machine}: "
        f"{measured.what}",
        prices=prices.label,
        currency=prices.currency,
        rows=tuple(rows),
        reading_cost=reading_cost(listed, len(prefixes), source, prices),
        lake_bytes=work.lake_bytes,
        lake_month=lake_month(work.lake_bytes, prices),
        notes=(*notes, *unlike(request)),
    )
    kept = None
    if request.lake.startswith("s3://"):
        keep(open_lake(request.lake, common).store, found)
        kept = f"{request.lake.rstrip('/')}/{estimate_path(found.job, key)}"
    if common.output == "json":
        click.echo(json.dumps(found.as_json() | {"kept": kept}))
        return
    for line in lines(found, kept):
        click.echo(line)


def list_work(context: click.Context, request: JobRequest, common: Common) -> dict[str, int]:
    """What the job's own dry run counts, as its JSON says it.

    Parameters
    ----------
    context : click.Context
        Of a command below `stormlake`.
    request : JobRequest
    common : Common
        Where AWS is, for a job whose arguments do not say it.
    """
    command = job_command(context, request.command)
    parsed = command.make_context(f"stormlake {request.command}", list(request.arguments))
    parsed.params |= {"dry_run": True, "output": "json", "log_json": common.log_json}
    for name in ("region", "aws_profile", "endpoint_url"):
        parsed.params[name] = parsed.params[name] or getattr(common, name)
    printed = io.StringIO()
    with parsed, contextlib.redirect_stdout(printed):
        command.invoke(parsed)
    listed: dict[str, int] = json.loads(printed.getvalue().splitlines()[-1])
    return listed


def planned_calls(request: JobRequest, key: str, serverless: str | None) -> Iterator[ApiCall]:
    """The calls of an estimate, as far as they do not follow from answers.

    A sensor archive is walked from its first listing on; the estimate's text is not known yet.
    """
    source = open_source(str(request.parameters["source"]))
    if source.is_s3:
        where = {"Bucket": source.bucket, "Prefix": source.prefix}
        yield ApiCall("s3", "ListObjectsV2", where | {"MaxKeys": 1})
        for prefix in _day_prefixes(source.prefix, request):
            where = {"Bucket": source.bucket, "Prefix": prefix}
            yield ApiCall("s3", "ListObjectsV2", where | {"MaxKeys": PAGE_KEYS})
    if serverless:
        yield _application(serverless)
    if request.lake.startswith("s3://"):
        lake = ArtifactPlace.parse(request.lake)
        where = {"Bucket": lake.bucket, "Key": lake.full_key(estimate_path(request.name, key))}
        yield ApiCall("s3", "PutObject", where | {"Body": "<estimate>", "IfNoneMatch": "*"})


def _day_prefixes(prefix: str, request: JobRequest) -> Iterator[str]:
    """What a radar job lists; a sensor job's listings follow from the first one's answer."""
    if request.command != "ingest-radar":
        return
    stations: Sequence[str] = request.parameters["stations"]
    days = [request.parameters[name] for name in ("start", "end")]
    if not stations or None in days:
        raise RefusedInput(
            f"source {request.parameters['source']} needs --station, --start and --end"
        )
    start, end = (dt.datetime.fromisoformat(day).date() for day in days)
    for _, _, found in station_day_prefixes(prefix, stations, start, end):
        yield found


def _serverless(
    common: Common, application: str, work: Work, prices: Prices
) -> tuple[list[Row], list[str]]:
    answer: dict[str, Any] = Aws.of(common).make(_application(application))
    return serverless_rows(work, serverless_capacities(answer["application"]), prices)


def _application(application: str) -> ApiCall:
    return ApiCall("emr-serverless", "GetApplication", {"applicationId": application})

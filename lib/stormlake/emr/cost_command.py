"""`stormlake emr cost`: what a run has cost, beside what was estimated."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import click

from stormlake.emr.costs import Cost, cost_calls, cost_of
from stormlake.emr.estimate_report import money
from stormlake.emr.refs import Ref, RefOption
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import Common, StormlakeCommand, common_options
from stormlake.running.prices import prices_option, read_prices


@click.command("cost", cls=StormlakeCommand)
@click.argument("ref", type=RefOption())
@prices_option
@common_options
def main(common: Common, ref: Ref, price_file: Path | None) -> None:
    """Tell what a step or a Serverless job run has cost, beside its estimate.

    REF is what submit printed: CLUSTER/STEP, or APPLICATION/JOB-RUN. On a cluster that several
    steps share, a step's part is the instances' time while it ran, split evenly with those that ran
    at the same time; time in which no step ran is nobody's.
    """
    if common.dry_run:
        print_calls(cost_calls(ref))
        return
    found = cost_of(Aws.of(common), ref, read_prices(price_file), datetime.now(UTC))
    if common.output == "json":
        click.echo(json.dumps(found.as_json()))
        return
    for line in lines(found):
        click.echo(line)


def lines(found: Cost) -> Iterator[str]:
    """The report, line by line."""
    yield f"{found.ref}  {found.name}  {found.state}"
    yield from _used(found)
    said = "no price" if found.cost is None else f"{money(found.cost)} {found.currency}"
    yield f"this run    {found.hours:.2f} {_unit(found)}, {said}" + _so_far(found)
    yield f"            {found.share}"
    yield from _estimated(found)
    for note in found.notes:
        yield f"            {note}"
    yield f"prices      {found.prices}"
    yield f"not in it   {', '.join(_left_out(found))}"


def _left_out(found: Cost) -> Iterator[str]:
    """What AWS bills for the run besides."""
    if found.launching_hours:
        yield f"{found.launching_hours:.2f} instance-hours from launch to ready, which EC2 bills"
    if found.lines:
        yield "EBS volumes"
    yield "S3 requests and storage"
    yield "transfer"


def _used(found: Cost) -> Iterator[str]:
    for name, amount in found.resources.items():
        yield f"{name:<22}{amount:>12.3f}"
    if not found.lines:
        return
    head = f"{'type':<16}{'market':<12}{'instances':>9}{'hours':>9}   {'cost':<12}"
    yield f"{head}{'this run':>9}   cost, {found.currency}"
    for line in found.lines:
        yield (
            f"{line.type:<16}{line.market:<12}{line.instances:>9}{line.hours:>9.2f}   "
            f"{_sum(line.cost):<12}{line.run_hours:>9.2f}   {_sum(line.run_cost)}"
        )
    hours = sum(line.hours for line in found.lines)
    yield f"cluster     {hours:.2f} instance-hours, {_sum(found.cluster_cost)}"


def _estimated(found: Cost) -> Iterator[str]:
    kept = found.estimate
    if kept is None:
        yield "estimate    none was kept; stormlake emr estimate, with the same lake, keeps one"
        return
    took = "" if found.wall_hours is None else f"; it ran {found.wall_hours:.2f}"
    yield f"estimate    {kept['hours'][0]:.2f} to {kept['hours'][1]:.2f} hours{took}"
    if kept["cost"] is not None:
        yield f"            {money(*kept['cost'])} {kept['currency']}, of {kept['at']}"


def _unit(found: Cost) -> str:
    return "instance-hours" if found.lines else "vCPU-hours"


def _so_far(found: Cost) -> str:
    return "" if found.final else ", so far"


def _sum(cost: float | None) -> str:
    return "no price" if cost is None else money(cost)

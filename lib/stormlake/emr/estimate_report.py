"""An estimate as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from stormlake.emr.billing import LEAST_SECONDS
from stormlake.emr.estimates import (
    SERVERLESS_START_UP,
    START_UP,
    Estimate,
    Row,
)
from stormlake.emr.rates import GIGABYTE


def lines(estimate: Estimate, kept: str | None) -> Iterator[str]:
    """The report, line by line.

    Parameters
    ----------
    estimate : Estimate
    kept : str or None
        Address of the estimate in the lake.
    """
    counted = ", ".join(f"{count:,} {name}" for name, count in estimate.listed.items())
    yield f"{estimate.job}  run {estimate.run_key}  {estimate.runtime}"
    yield f"listed      {counted}"
    yield f"core-hours  {estimate.core_hours:.3g} = {estimate.formula}"
    yield f"            {estimate.rates}"
    yield f"prices      {estimate.prices}"
    yield ""
    yield from _table(estimate)
    yield ""
    yield "hours       " + " to ".join(dict.fromkeys(f"{each:.2f}" for each in estimate.hours))
    if estimate.cost is not None:
        yield f"cost        {money(*estimate.cost)} {estimate.currency}"
    for note in estimate.notes:
        yield f"            {note}"
    yield from _storage(estimate)
    yield from _small_print(estimate)
    yield f"kept        {kept}" if kept else "not kept    the lake is not in S3"


def money(*sums: float) -> str:
    """A sum, or two as a span."""
    said = list(dict.fromkeys(_sum(value) for value in sums))
    return " to ".join(said)


def _sum(value: float) -> str:
    if value >= 1:
        return f"{value:,.2f}"
    return f"{value:.4f}" if value >= 0.0001 or value == 0 else "less than 0.0001"


def _table(estimate: Estimate) -> Iterator[str]:
    yield (
        f"{'capacity':<10}{'market':<12}{'vCPUs':>6}{'hours':>8}{'instance-hours':>16}   "
        f"cost, {estimate.currency}"
    )
    for row in estimate.rows:
        yield (
            f"{row.capacity:<10}{row.market:<12}{row.vcpus:>6,}{row.hours:>8.2f}"
            f"{sum(row.instance_hours.values()):>16,.2f}   {_cost(row)}"
        )


def _cost(row: Row) -> str:
    return "no price" if row.cost is None else money(*row.cost)


def _storage(estimate: Estimate) -> Iterator[str]:
    if estimate.reading_cost:
        yield f"reading     {money(estimate.reading_cost)} {estimate.currency}, by LIST and GET"
    if estimate.lake_bytes is not None:
        said = f"about {estimate.lake_bytes / GIGABYTE:,.3g} GB more"
        if estimate.lake_month is not None:
            said += f", {money(estimate.lake_month)} {estimate.currency} a month"
        yield f"lake        {said}"


def _small_print(estimate: Estimate) -> Iterator[str]:
    if any(row.market == "Serverless" for row in estimate.rows):
        yield f"assumed     {SERVERLESS_START_UP // 60} minutes of start-up, in hours, not billed"
        yield f"            a worker is billed by the second, {LEAST_SECONDS} s at the least"
    else:
        yield f"assumed     {START_UP // 60} minutes of start-up, in hours and cost"
        yield f"            an instance is billed by the second, {LEAST_SECONDS} s at the least"
        yield "            Spot is for task nodes; a cluster that runs already has no start-up"
    yield "not in it   EBS volumes, requests that write, transfer, idle time"

"""What a run has cost: what the services say of its instances or its resources, times prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from stormlake.emr.billing import Line, Span, billed, lines, step_shares
from stormlake.emr.estimates import find
from stormlake.emr.looks import RunName, run_name
from stormlake.emr.lookup import (
    Seen,
    all_pages,
    describe_calls,
    seen_cluster,
    seen_job_run,
    seen_step,
)
from stormlake.emr.refs import Ref, ServerlessRef, StepRef
from stormlake.errors import StormlakeError
from stormlake.lake.store import open_store
from stormlake.running.aws import ApiCall, Aws
from stormlake.running.prices import Prices

RESOURCES = {
    "vCPUHour": "vcpu_hour",
    "memoryGBHour": "memory_gb_hour",
    "storageGBHour": "storage_gb_hour",
}
"""What EMR Serverless bills -> its price."""


@dataclass(frozen=True)
class Cost:
    """What a run has cost so far, or in all.

    Parameters
    ----------
    ref, name, state : str
    share : str
        What is the run's, in words.
    lines : tuple of Line
        Instances by type and market; none for Serverless.
    resources : mapping of str to float
        What Serverless bills, by its own names; none for a cluster.
    hours : float
        Instance-hours, or hours of vCPUs, that are the run's.
    cost : float or None
        Of these; None where a price is missing.
    cluster_cost : float or None
        Of the whole cluster, so far or in all.
    launching_hours : float
        Instance-hours before instances were ready, for which EC2 is billed and this is not.
    wall_hours : float or None
        From the run's start to its end, or until now.
    final : bool
        Whether the numbers will not change any more.
    currency, prices : str
    estimate : mapping or None
        As it was kept before the run.
    notes : tuple of str
    """

    ref: str
    name: str
    state: str
    share: str
    lines: tuple[Line, ...]
    resources: Mapping[str, float]
    hours: float
    cost: float | None
    cluster_cost: float | None
    launching_hours: float
    wall_hours: float | None
    final: bool
    currency: str
    prices: str
    estimate: Mapping[str, Any] | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def cost_calls(ref: Ref) -> list[ApiCall]:
    """First calls of `cost_of`; the estimate is read from the lake that the answer names."""
    calls = describe_calls(ref)
    if isinstance(ref, StepRef):
        calls += [
            ApiCall("emr", operation, {"ClusterId": ref.cluster})
            for operation in ("ListInstances", "ListSteps")
        ]
    return calls


def cost_of(aws: Aws, ref: Ref, prices: Prices, now: datetime) -> Cost:
    """Ask what a run has used, and reckon.

    Parameters
    ----------
    aws : Aws
    ref : Ref
    prices : Prices
    now : datetime
        End of what still runs, UTC.

    Raises
    ------
    CallFailed
        The service does not know the ref.
    AnswerLost
        No answer.
    """
    if isinstance(ref, ServerlessRef):
        return _of_job_run(aws, ref, prices, now)
    return _of_step(aws, ref, prices, now)


def _of_step(aws: Aws, ref: StepRef, prices: Prices, now: datetime) -> Cost:
    calls = {call.operation: call for call in cost_calls(ref)}
    cluster = aws.make(calls["DescribeCluster"])["Cluster"]
    step = aws.make(calls["DescribeStep"])["Step"]
    instances = billed(all_pages(aws, calls["ListInstances"]), now)
    steps = [seen_step(ref.cluster, each) for each in all_pages(aws, calls["ListSteps"])]
    seen, whole = seen_step(ref.cluster, step), seen_cluster(cluster)
    ran = _ran(seen, now)
    alone = whole.alone and len(steps) == 1
    if alone:
        share = "the whole cluster, which was made for this run"
        seconds = [float(each.seconds) for each in instances]
    elif ran is None:
        share = "nothing: the step has not started"
        seconds = [0.0] * len(instances)
    else:
        spans = [_ran(each, now) for each in steps if each.ref != ref]
        others = [span for span in spans if span is not None]
        share = (
            "instance time between the step's start and end, split evenly with the steps that ran "
            "at the same time"
        )
        seconds = step_shares(instances, ran, others)
    found, notes = lines(instances, seconds, prices)
    run = run_name(step["Name"], step.get("Config", {}).get("Args", []))
    estimate, unread = _estimate(aws, run)
    return Cost(
        ref=str(ref),
        name=seen.name,
        state=f"{seen.state}, cluster {whole.state}",
        share=share,
        lines=tuple(found),
        resources={},
        hours=sum(line.run_hours for line in found),
        cost=_total([line.run_cost for line in found]),
        cluster_cost=_total([line.cost for line in found]),
        launching_hours=sum(each.launching for each in instances) / 3600,
        wall_hours=None if ran is None else ran.seconds / 3600,
        final=(whole if alone else seen).ended is not None,
        currency=prices.currency,
        prices=prices.label,
        estimate=estimate,
        notes=(*notes, *unread),
    )


def _of_job_run(aws: Aws, ref: ServerlessRef, prices: Prices, now: datetime) -> Cost:
    (call,) = cost_calls(ref)
    run = aws.make(call)["jobRun"]
    used = run.get("billedResourceUtilization", {})
    resources = {name: float(used.get(name, 0)) for name in RESOURCES} if used else {}
    notes, cost = [], None
    if not used:
        notes.append("EMR Serverless tells what it bills when a job run has ended; not yet")
    elif prices.serverless is None:
        notes.append(f"no [serverless] in {prices.file}: hours only")
    else:
        cost = sum(
            amount * getattr(prices.serverless, RESOURCES[name])
            for name, amount in resources.items()
        )
    driver = run.get("jobDriver", {}).get("sparkSubmit", {})
    named = run_name(run.get("name", ""), driver.get("entryPointArguments", []))
    estimate, unread = _estimate(aws, named)
    seen = seen_job_run(run)
    ran = _ran(seen, now)
    return Cost(
        ref=str(ref),
        name=seen.name,
        state=seen.state,
        share="what EMR Serverless bills for this job run",
        lines=(),
        resources=resources,
        hours=resources.get("vCPUHour", 0.0),
        cost=cost,
        cluster_cost=None,
        launching_hours=0.0,
        wall_hours=None if ran is None else ran.seconds / 3600,
        final=bool(used) and seen.outcome is not None,
        currency=prices.currency,
        prices=prices.label,
        estimate=estimate,
        notes=(*notes, *unread),
    )


def _estimate(aws: Aws, run: RunName | None) -> tuple[dict[str, Any] | None, list[str]]:
    """What was estimated for a run, and a note where that could not be read."""
    if run is None or not run.lake.startswith("s3://"):
        return None, []
    store = open_store(run.lake, session=aws.session, endpoint_url=aws.endpoint_url)
    try:
        return find(store, run.job, run.run_id.rpartition("-")[0]), []
    except StormlakeError as error:  # the cost is worth more than its estimate
        return None, [f"the estimate could not be read: {error}"]


def _ran(seen: Seen, now: datetime) -> Span | None:
    """When it ran; None when it never did."""
    return None if seen.started is None else Span(seen.started, seen.ended or now)


def _total(costs: list[float | None]) -> float | None:
    known = [cost for cost in costs if cost is not None]
    return sum(known) if len(known) == len(costs) else None

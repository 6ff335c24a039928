"""Which of our runs there are, on all clusters or in an application: newest first, all pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from stormlake.emr.lookup import (
    Seen,
    SeenCluster,
    describe_cluster,
    list_clusters,
    list_job_runs,
    list_steps,
)
from stormlake.emr.states import CLUSTER_FINAL
from stormlake.emr.steps import read_step_name
from stormlake.running.aws import ApiCall, Aws


@dataclass(frozen=True)
class Wanted:
    """Which runs are wanted.

    Parameters
    ----------
    since : datetime
        Made at this time or later.
    cluster, application : str or None
        On this cluster or in this application alone.
    job : str or None
        Name of the job.
    states : tuple of str
        Any, where there is none.
    """

    since: datetime
    cluster: str | None = None
    application: str | None = None
    job: str | None = None
    states: tuple[str, ...] = ()

    def calls(self) -> list[ApiCall]:
        """First calls of `list_runs`; a call for each cluster names it in angle brackets."""
        if self.application:
            window = {"applicationId": self.application, "createdAtAfter": self.since}
            return [ApiCall("emr-serverless", "ListJobRuns", window)]
        if self.cluster:
            return [
                ApiCall("emr", name, {"ClusterId": self.cluster})
                for name in ("DescribeCluster", "ListSteps")
            ]
        return [
            ApiCall("emr", "ListClusters", {}),
            ApiCall("emr", "ListSteps", {"ClusterId": "<each cluster>"}),
        ]


def list_runs(aws: Aws, wanted: Wanted) -> list[Seen]:
    """Give our runs, newest first.

    Raises
    ------
    CallFailed
        There is no such cluster or application.
    AnswerLost
        No answer.
    """
    found = [
        seen
        for seen in _all(aws, wanted)
        if (name := read_step_name(seen.name)) is not None
        and wanted.job in (None, name.job)
        and _made(seen) >= wanted.since
        and (not wanted.states or _state(seen) in wanted.states)
    ]
    return sorted(found, key=lambda seen: (_made(seen), str(seen.ref)), reverse=True)


def facts(seen: Seen) -> dict[str, Any]:
    """What there is to tell of a step or a job run; JSON values.

    The state is FAILED also for a step that waits on a cluster that has ended.
    """
    name = read_step_name(seen.name)
    return {
        "ref": str(seen.ref),
        "name": seen.name,
        "job": name and name.job,
        "run_id": name and name.run_id,
        "state": _state(seen),
        "created": utc_text(seen.created),
        "started": utc_text(seen.started),
        "ended": utc_text(seen.ended),
        "cause": seen.cause or (seen.cluster_cause if seen.outcome == "FAILED" else None),
    }


def utc_text(time: datetime | None) -> str | None:
    """A time to the second, `2016-06-01T15:00:25Z`."""
    return None if time is None else f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def steps_of(aws: Aws, cluster: SeenCluster) -> Iterator[Seen]:
    """Give a cluster's steps, which know what has become of it."""
    for seen in list_steps(aws, cluster.id):
        yield replace(seen, cluster_state=cluster.state, cluster_cause=cluster.cause)


def _all(aws: Aws, wanted: Wanted) -> Iterator[Seen]:
    if wanted.application:
        yield from list_job_runs(aws, wanted.application, wanted.since)
        return
    if wanted.cluster:
        yield from steps_of(aws, describe_cluster(aws, wanted.cluster))
        return
    for cluster in list_clusters(aws):
        # One that was made long ago may have a step of today, unless it has ended before.
        if cluster.state in CLUSTER_FINAL and cluster.ended and cluster.ended < wanted.since:
            continue
        yield from steps_of(aws, cluster)


def _state(seen: Seen) -> str:
    return seen.outcome or seen.state


def _made(seen: Seen) -> datetime:
    return seen.created or datetime.fromtimestamp(0, UTC)

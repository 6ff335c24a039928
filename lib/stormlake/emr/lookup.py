"""What the services say about steps, job runs and clusters at one moment; all pages of a list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from stormlake.emr.refs import Ref, ServerlessRef, StepRef
from stormlake.emr.states import CLUSTER_FINAL, FINAL
from stormlake.running.aws import ApiCall, Aws

PAGES: Final = {
    "ListClusters": ("Clusters", "Marker", "Marker"),
    "ListInstances": ("Instances", "Marker", "Marker"),
    "ListSteps": ("Steps", "Marker", "Marker"),
    "ListJobRuns": ("jobRuns", "nextToken", "nextToken"),
    "ListObjectsV2": ("Contents", "NextContinuationToken", "ContinuationToken"),
}
"""Operation -> member of its answer, and what names the next page in answer and request."""


@dataclass(frozen=True)
class Seen:
    """A step or a job run.

    Parameters
    ----------
    ref : StepRef or ServerlessRef
    name : str
        As it was submitted, `stormlake/<job>/<run key>/<attempt>` if by us.
    state : str
        The service's own word.
    cause : str or None
        Why it failed, in the service's words.
    created, started, ended : datetime or None
    cluster_state, cluster_cause : str or None
        Of its cluster, where that was asked for.
    """

    ref: Ref
    name: str
    state: str
    cause: str | None = None
    created: datetime | None = None
    started: datetime | None = None
    ended: datetime | None = None
    cluster_state: str | None = None
    cluster_cause: str | None = None

    @property
    def outcome(self) -> str | None:
        """Its final state; None while it is under way.

        A step that waits on a cluster that has ended will never run: it has failed.
        """
        if self.state in FINAL:
            return self.state
        return "FAILED" if self.cluster_state in CLUSTER_FINAL else None


@dataclass(frozen=True)
class SeenCluster:
    """A cluster; `alone` tells one that ends with its last step."""

    id: str
    name: str
    state: str
    cause: str | None
    release: str | None = None
    alone: bool = False
    created: datetime | None = None
    ended: datetime | None = None


def describe_calls(ref: Ref) -> list[ApiCall]:
    """Calls that `describe` makes.

    The cluster comes first: when it has ended and a later answer still says that the step has not,
    the step never will.
    """
    if isinstance(ref, StepRef):
        return [
            cluster_call(ref.cluster),
            ApiCall("emr", "DescribeStep", {"ClusterId": ref.cluster, "StepId": ref.step}),
        ]
    return [
        ApiCall(
            "emr-serverless",
            "GetJobRun",
            {"applicationId": ref.application, "jobRunId": ref.job_run},
        )
    ]


def cluster_call(cluster: str) -> ApiCall:
    """Ask for a cluster."""
    return ApiCall("emr", "DescribeCluster", {"ClusterId": cluster})


def describe(aws: Aws, ref: Ref) -> Seen:
    """Look at a step, and at its cluster, or at a job run.

    Raises
    ------
    CallFailed
        The service does not know it.
    AnswerLost
        No answer.
    """
    answers = [aws.make(call) for call in describe_calls(ref)]
    if isinstance(ref, ServerlessRef):
        return seen_job_run(answers[0]["jobRun"])
    cluster = seen_cluster(answers[0]["Cluster"])
    step = seen_step(ref.cluster, answers[1]["Step"])
    return Seen(**{**vars(step), "cluster_state": cluster.state, "cluster_cause": cluster.cause})


def describe_cluster(aws: Aws, cluster: str) -> SeenCluster:
    """Look at a cluster; errors as of `describe`."""
    return seen_cluster(aws.make(cluster_call(cluster))["Cluster"])


def list_steps(aws: Aws, cluster: str) -> Iterator[Seen]:
    """Give a cluster's steps, newest first, of all pages."""
    for step in all_pages(aws, ApiCall("emr", "ListSteps", {"ClusterId": cluster})):
        yield seen_step(cluster, step)


def list_clusters(aws: Aws, since: datetime | None = None) -> Iterator[SeenCluster]:
    """Give the clusters that were made since, or all that EMR still knows, of all pages."""
    window = {} if since is None else {"CreatedAfter": since}
    for cluster in all_pages(aws, ApiCall("emr", "ListClusters", window)):
        yield seen_cluster(cluster)


def list_job_runs(aws: Aws, application: str, since: datetime | None = None) -> Iterator[Seen]:
    """Give an application's job runs that were made since, or all, of all pages."""
    window = {} if since is None else {"createdAtAfter": since}
    parameters = {"applicationId": application, **window}
    for run in all_pages(aws, ApiCall("emr-serverless", "ListJobRuns", parameters)):
        yield seen_job_run(run)


def all_pages(aws: Aws, call: ApiCall) -> Iterator[dict[str, Any]]:
    """Give the elements of a list, page after page, for as long as somebody asks for more."""
    member, token, parameter = PAGES[call.operation]
    parameters = dict(call.parameters)
    while True:
        answer = aws.make(ApiCall(call.service, call.operation, parameters))
        yield from answer.get(member, [])
        if not answer.get(token):
            return
        parameters[parameter] = answer[token]


def seen_step(cluster: str, step: Mapping[str, Any]) -> Seen:
    """Read a step of DescribeStep or ListSteps."""
    status = step["Status"]
    times = status.get("Timeline", {})
    failure = status.get("FailureDetails", {})
    said = [failure.get("Reason"), failure.get("Message")]
    said += [] if any(said) else [status.get("StateChangeReason", {}).get("Message")]
    return Seen(
        StepRef(cluster, step["Id"]),
        step["Name"],
        status["State"],
        ": ".join(filter(None, said)) or None,
        times.get("CreationDateTime"),
        times.get("StartDateTime"),
        times.get("EndDateTime"),
    )


def seen_cluster(cluster: Mapping[str, Any]) -> SeenCluster:
    """Read a cluster of DescribeCluster or ListClusters."""
    status = cluster["Status"]
    times, reason = status.get("Timeline", {}), status.get("StateChangeReason", {})
    said = [reason.get("Code"), reason.get("Message")]
    return SeenCluster(
        cluster["Id"],
        cluster["Name"],
        status["State"],
        ": ".join(filter(None, said)) or None,
        cluster.get("ReleaseLabel"),
        bool(cluster.get("AutoTerminate")),
        times.get("CreationDateTime"),
        times.get("EndDateTime"),
    )


def seen_job_run(run: Mapping[str, Any]) -> Seen:
    """Read a job run of GetJobRun or ListJobRuns."""
    ended = run.get("endedAt") or (run["updatedAt"] if run["state"] in FINAL else None)
    return Seen(
        # A list calls the id `id`, a single job run `jobRunId`.
        ServerlessRef(run["applicationId"], run.get("jobRunId") or run["id"]),
        run.get("name", ""),
        run["state"],
        run.get("stateDetails") or None,
        run.get("createdAt"),
        run.get("startedAt"),
        ended,
    )

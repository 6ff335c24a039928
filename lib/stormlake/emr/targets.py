"""Where a job can run: how each place is asked to start it, and how it is found there by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, Protocol

from stormlake.emr.clusters import ClusterSpec, run_job_flow
from stormlake.emr.ledger import Entry, Place
from stormlake.emr.lookup import (
    cluster_call,
    describe_cluster,
    list_clusters,
    list_job_runs,
    list_steps,
)
from stormlake.emr.refs import Ref, ServerlessRef, StepRef
from stormlake.emr.states import CLUSTER_ALIVE
from stormlake.emr.steps import ActionOnFailure, Shipped, serverless_driver, spark_submit, step
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, CallFailed

SKEW: Final = timedelta(minutes=15)
"""How far the clocks of a client and of AWS may differ when something is looked for by time."""


@dataclass(frozen=True)
class Work:
    """A job as any place is asked to start it.

    Parameters
    ----------
    shipped : Shipped
    arguments : tuple of str
        The job's.
    conf : mapping
        Further settings of Spark.
    """

    shipped: Shipped
    arguments: tuple[str, ...]
    conf: Mapping[str, str] = field(default_factory=dict)

    def command(self, entry: Entry) -> list[str]:
        """The arguments of its step."""
        return spark_submit(entry.name, self.shipped, entry.run_id, self.arguments, self.conf)


class Target(Protocol):
    """A place, and how to ask it."""

    @property
    def place(self) -> Place:
        """As the ledger notes it."""

    def checks(self) -> list[ApiCall]:
        """Calls that `check` makes."""

    def check(self, aws: Aws, release: str) -> None:
        """Refuse, before anything is made, a place that could not run the job.

        Raises
        ------
        RefusedInput
        """

    def create_call(self, entry: Entry, work: Work) -> ApiCall:
        """The call that starts the job; it must not be made twice."""

    def ref(self, aws: Aws, entry: Entry, answer: Mapping[str, Any]) -> Ref | None:
        """What was started, from the call's answer."""


@dataclass(frozen=True)
class RunningCluster:
    """A cluster that is there.

    Parameters
    ----------
    cluster : str
    execution_role : str or None
        ARN of the role that the step runs as.
    on_failure : str
    """

    cluster: str
    execution_role: str | None = None
    on_failure: ActionOnFailure = "CONTINUE"

    @property
    def place(self) -> Place:
        """As the ledger notes it."""
        return Place("cluster", self.cluster)

    def checks(self) -> list[ApiCall]:
        """Calls that `check` makes."""
        return [cluster_call(self.cluster)]

    def check(self, aws: Aws, release: str) -> None:
        """Refuse a cluster that has ended, or that has another release than the archive is for."""
        try:
            seen = describe_cluster(aws, self.cluster)
        except CallFailed as error:
            raise RefusedInput(
                f"--cluster-id {self.cluster}: {error}; stormlake emr list shows clusters, "
                "--region says where they are"
            ) from error
        if seen.state not in CLUSTER_ALIVE:
            raise RefusedInput(
                f"cluster {self.cluster} is {seen.state} and takes no step; name another, or "
                "--transient"
            )
        _same_release(f"cluster {self.cluster}", seen.release, release)

    def create_call(self, entry: Entry, work: Work) -> ApiCall:
        """AddJobFlowSteps with one step."""
        one = step(entry.name, work.command(entry), self.on_failure)
        parameters: dict[str, Any] = {"JobFlowId": self.cluster, "Steps": [one]}
        if self.execution_role:
            parameters["ExecutionRoleArn"] = self.execution_role
        return ApiCall("emr", "AddJobFlowSteps", parameters)

    def ref(self, aws: Aws, entry: Entry, answer: Mapping[str, Any]) -> Ref | None:
        """The step of the answer."""
        return StepRef(self.cluster, answer["StepIds"][0])


@dataclass(frozen=True)
class TransientCluster:
    """A cluster that is made for the job and ends with it.

    Parameters
    ----------
    spec : ClusterSpec
    on_failure : str
        With CONTINUE the cluster ends too, for it has no other step.
    """

    spec: ClusterSpec
    on_failure: ActionOnFailure = "TERMINATE_CLUSTER"

    @property
    def place(self) -> Place:
        """As the ledger notes it."""
        return Place("transient")

    def checks(self) -> list[ApiCall]:
        """None: the spec is checked when it is read."""
        return []

    def check(self, aws: Aws, release: str) -> None:
        """Nothing to ask; `cluster_spec` compares the release."""

    def create_call(self, entry: Entry, work: Work) -> ApiCall:
        """RunJobFlow with the step inside; the cluster is called as its step is."""
        one = step(entry.name, work.command(entry), self.on_failure)
        return ApiCall(
            "emr",
            "RunJobFlow",
            run_job_flow(self.spec, name=entry.name, steps=[one], keep_alive=False),
        )

    def ref(self, aws: Aws, entry: Entry, answer: Mapping[str, Any]) -> Ref | None:
        """The step of the new cluster, which the answer does not name."""
        return _step_of(aws, answer["JobFlowId"], entry)


@dataclass(frozen=True)
class Serverless:
    """An application of EMR Serverless.

    Parameters
    ----------
    application : str
    execution_role : str
        ARN of the role that the job runs as.
    log_uri : str
        `s3://…`, where its logs go.
    arch : str
        CPU of the dependency archive.
    """

    application: str
    execution_role: str
    log_uri: str
    arch: str = "x86_64"

    @property
    def place(self) -> Place:
        """As the ledger notes it."""
        return Place("serverless", self.application)

    def checks(self) -> list[ApiCall]:
        """Calls that `check` makes."""
        return [ApiCall("emr-serverless", "GetApplication", {"applicationId": self.application})]

    def check(self, aws: Aws, release: str) -> None:
        """Refuse an application that has another release or CPU than the archive is for."""
        try:
            found = aws.make(self.checks()[0])["application"]
        except CallFailed as error:
            raise RefusedInput(f"--serverless {self.application}: {error}") from error
        what = f"application {self.application}"
        _same_release(what, found["releaseLabel"], release)
        arch = found.get("architecture", "X86_64").lower()
        if arch != self.arch:
            raise RefusedInput(
                f"{what} has {arch} processors, and the dependency archive is for {self.arch}: "
                f"give --arch {arch}"
            )

    def create_call(self, entry: Entry, work: Work) -> ApiCall:
        """StartJobRun.

        The run's id is its token: a second call gets the first one's answer, while the next
        attempt, with a token of its own, gets a run of its own.
        """
        driver = serverless_driver(work.shipped, entry.run_id, work.arguments, work.conf)
        logs = {"s3MonitoringConfiguration": {"logUri": self.log_uri}}
        return ApiCall(
            "emr-serverless",
            "StartJobRun",
            {
                "applicationId": self.application,
                "clientToken": entry.run_id,
                "executionRoleArn": self.execution_role,
                "name": entry.name,
                "jobDriver": driver,
                "configurationOverrides": {"monitoringConfiguration": logs},
            },
        )

    def ref(self, aws: Aws, entry: Entry, answer: Mapping[str, Any]) -> Ref | None:
        """The job run of the answer."""
        return ServerlessRef(self.application, answer["jobRunId"])


def find(aws: Aws, entry: Entry) -> Ref | None:
    """Look where an attempt was to run for what has its name.

    Raises
    ------
    AnswerLost
        No answer.
    CallFailed
        The place is not known any more.
    """
    since = entry.claimed - SKEW
    if entry.place.kind == "cluster":
        return _step_of(aws, entry.place.id, entry)
    if entry.place.kind == "serverless":
        runs = list_job_runs(aws, entry.place.id, since)
        return next((run.ref for run in runs if run.name == entry.name), None)
    for cluster in list_clusters(aws, since):
        if cluster.name == entry.name and (ref := _step_of(aws, cluster.id, entry)) is not None:
            return ref
    return None


def _step_of(aws: Aws, cluster: str, entry: Entry) -> Ref | None:
    since = entry.claimed - SKEW
    for seen in list_steps(aws, cluster):
        if seen.name == entry.name:
            return seen.ref
        if seen.created is not None and seen.created < since:
            return None  # newest first: the rest is older than the claim
    return None


def _same_release(what: str, found: str | None, wanted: str) -> None:
    if found != wanted:
        raise RefusedInput(
            f"{what} has release {found}, and the dependency archive is for {wanted}: give "
            f"--runtime {found}, where Stormlake runs on it"
        )

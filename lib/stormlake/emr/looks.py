"""One look at a step or a job run: its state, what it was told to do, why it ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click

from stormlake.emr.lookup import describe_calls, seen_cluster, seen_job_run, seen_step
from stormlake.emr.refs import Ref, StepRef
from stormlake.emr.states import CLUSTER_FINAL, FINAL
from stormlake.emr.steps import read_step_name
from stormlake.running.aws import Aws
from stormlake.running.options import unpack_arguments


@dataclass(frozen=True)
class RunName:
    """Where a run of a job leaves its progress, record or exit.

    Parameters
    ----------
    job : str
        Name of the job.
    run_id : str
    lake : str
        URI of the lake, as the job was told it.
    """

    job: str
    run_id: str
    lake: str


@dataclass(frozen=True)
class Look:
    """What the service says at one moment.

    Parameters
    ----------
    ref : Ref
    state : str
        Of the step or the job run.
    reason : str
        The service's words about that state; empty where it has none.
    ended_at : datetime or None
        When it ended, by the service's clock.
    cluster_state, cluster_reason : str
        Of the step's cluster; empty for Serverless.
    log_uri : str or None
        Where the service delivers logs; None where it does not.
    run : RunName or None
        None for what is no job of ours.
    cluster_mode : bool
        Whether the driver of the step is in a container of its own.
    failure : mapping
        `FailureDetails` of a step: Reason, Message, LogFile.
    """

    ref: Ref
    state: str
    reason: str = ""
    ended_at: datetime | None = None
    cluster_state: str = ""
    cluster_reason: str = ""
    log_uri: str | None = None
    run: RunName | None = None
    cluster_mode: bool = False
    failure: Mapping[str, str] = field(default_factory=dict)

    @property
    def lost(self) -> bool:
        """Whether the cluster is gone and the step's state will never change again."""
        return self.cluster_state in CLUSTER_FINAL and self.state not in FINAL

    @property
    def ended(self) -> bool:
        """Whether this is the last word."""
        return self.state in FINAL or self.lost

    def __str__(self) -> str:
        said = f"{self.ref} {self.state}" + (f" ({self.reason})" if self.reason else "")
        if self.cluster_state:
            said += f", cluster {self.cluster_state}"
        return said + (f" ({self.cluster_reason})" if self.lost and self.cluster_reason else "")


def look(aws: Aws, ref: Ref, *, once: bool = False) -> Look:
    """Ask the service, by the requests of `describe_calls`.

    Parameters
    ----------
    aws : Aws
    ref : Ref
    once : bool
        Each request a single time, for who will look again anyway.

    Raises
    ------
    AnswerLost
        No answer, throttling or a 5xx.
    CallFailed
        The service does not know the ref, or does not let us ask.
    """
    answers = [aws.make(call, once=once) for call in describe_calls(ref)]
    if isinstance(ref, StepRef):
        return _step(ref, answers[0]["Cluster"], answers[1]["Step"])
    return _job_run(answers[0]["jobRun"])


def run_name(name: str, arguments: Sequence[str]) -> RunName | None:
    """Find what a step's name and arguments say of its run.

    Parameters
    ----------
    name : str
        `stormlake/<job>/<run key>/<attempt>`.
    arguments : sequence of str
        spark-submit's, or the job's alone; packed or not.

    Returns
    -------
    RunName or None
        None for what was not submitted by us.
    """
    named = read_step_name(name)
    try:
        plain = unpack_arguments(list(arguments))
    except click.UsageError:
        return None
    lake = _value(plain, "--lake")
    if named is None or lake is None:
        return None
    return RunName(named.job, _value(plain, "--run-id") or named.run_id, lake)


def _step(ref: StepRef, cluster: Mapping[str, Any], step: Mapping[str, Any]) -> Look:
    seen, of = seen_step(ref.cluster, step), seen_cluster(cluster)
    arguments = step.get("Config", {}).get("Args", [])
    return Look(
        ref=seen.ref,
        state=seen.state,
        reason=seen.cause or "",
        ended_at=seen.ended,
        cluster_state=of.state,
        cluster_reason=of.cause or "",
        log_uri=cluster.get("LogUri") or None,
        run=run_name(seen.name, arguments),
        cluster_mode=_value(arguments, "--deploy-mode") == "cluster",
        failure=step["Status"].get("FailureDetails", {}),
    )


def _job_run(run: Mapping[str, Any]) -> Look:
    seen = seen_job_run(run)
    driver = run.get("jobDriver", {}).get("sparkSubmit", {})
    monitoring = run.get("configurationOverrides", {}).get("monitoringConfiguration", {})
    return Look(
        ref=seen.ref,
        state=seen.state,
        reason=seen.cause or "",
        ended_at=seen.ended,
        log_uri=monitoring.get("s3MonitoringConfiguration", {}).get("logUri") or None,
        run=run_name(seen.name, driver.get("entryPointArguments", [])),
    )


def _value(arguments: Sequence[str], option: str) -> str | None:
    """Value of an option; of several the last counts, as click has it."""
    found = None
    for position, argument in enumerate(arguments):
        if argument == option and position + 1 < len(arguments):
            found = arguments[position + 1]
        elif argument.startswith(f"{option}="):
            found = argument.removeprefix(f"{option}=")
    return found

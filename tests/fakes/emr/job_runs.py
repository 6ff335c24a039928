"""Applications and job runs of the stand-in's EMR Serverless, and what it tells of them.

Source: the data types Application, JobRun and JobRunSummary of the EMR Serverless API Reference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.emr.documents import Document
from tests.fakes.emr.ids import ACCOUNT, REGION
from tests.fakes.emr.logs import Delivery
from tests.fakes.emr.runners import Task


@dataclass(frozen=True)
class Workers:
    """What a job run occupies, driver and executors together, for its bill."""

    vcpu: float = 12.0
    memory_gb: float = 48.0
    storage_gb: float = 60.0


@dataclass
class Application:
    """An application.

    Parameters
    ----------
    id : str
    release : str
        Label of its runtime.
    created : float
        s since 1970.
    state : str
    auto_start : bool
        Whether a job run starts it.
    architecture : str
    maximum_capacity : mapping or None
        `cpu`, `memory` and `disk`, as GetApplication gives them.
    """

    id: str
    release: str
    created: float
    state: str = "CREATED"
    auto_start: bool = True
    architecture: str = "X86_64"
    maximum_capacity: Mapping[str, str] | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:emr-serverless:{REGION}:{ACCOUNT}:/applications/{self.id}"


@dataclass
class JobRun:
    """A job run and what became of it."""

    id: str
    request: Mapping[str, Any]
    application: Application
    created: float
    updated: float
    state: str = "SUBMITTED"
    details: str = "Job submitted."
    started: float | None = None
    ended: float | None = None
    task: Task | None = None
    delivery: Delivery | None = None

    @property
    def arn(self) -> str:
        return f"{self.application.arn}/jobruns/{self.id}"


@dataclass
class ServerlessTiming:
    """How long a job run stays in each state before RUNNING, and its bill is away (s)."""

    submitted: float = 0.0
    pending: float = 0.0
    scheduled: float = 0.0
    bill: float = 0.0


def application_document(application: Application) -> Document:
    """GetApplication's `application`."""
    document: Document = {
        "applicationId": application.id,
        "arn": application.arn,
        "releaseLabel": application.release,
        "type": "Spark",
        "state": application.state,
        "createdAt": application.created,
        "updatedAt": application.created,
        "architecture": application.architecture,
        "autoStartConfiguration": {"enabled": application.auto_start},
    }
    if application.maximum_capacity is not None:
        document["maximumCapacity"] = dict(application.maximum_capacity)
    return document


def run_document(run: JobRun, workers: Workers | None) -> Document:
    """GetJobRun's `jobRun`; with a bill where `workers` says for what."""
    document: Document = {
        **run_summary(run),
        "jobRunId": run.id,
        "jobDriver": run.request["jobDriver"],
        "tags": run.request.get("tags", {}),
        "executionTimeoutMinutes": run.request.get("executionTimeoutMinutes", 720),
    }
    if "configurationOverrides" in run.request:
        document["configurationOverrides"] = run.request["configurationOverrides"]
    if run.started is not None:
        document["startedAt"] = run.started
    if run.ended is not None and run.started is not None:
        document["endedAt"] = run.ended
        document["totalExecutionDurationSeconds"] = round(run.ended - run.started)
        if workers is not None:
            hours = math.ceil(max(60.0, run.ended - run.started)) / 3600
            bill = {
                "vCPUHour": workers.vcpu * hours,
                "memoryGBHour": workers.memory_gb * hours,
                "storageGBHour": workers.storage_gb * hours,
            }
            document["totalResourceUtilization"] = bill
            document["billedResourceUtilization"] = bill
    del document["id"]
    return document


def run_summary(run: JobRun) -> Document:
    """An element of ListJobRuns' answer, and part of GetJobRun's."""
    return {
        "applicationId": run.application.id,
        "id": run.id,
        **({"name": run.request["name"]} if "name" in run.request else {}),
        "arn": run.arn,
        "createdBy": f"arn:aws:iam::{ACCOUNT}:user/tester",
        "createdAt": run.created,
        "updatedAt": run.updated,
        "executionRole": run.request["executionRoleArn"],
        "state": run.state,
        "stateDetails": run.details,
        "releaseLabel": run.application.release,
        "mode": run.request.get("mode", "BATCH"),
    }

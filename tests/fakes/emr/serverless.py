"""EMR Serverless in the stand-in: applications that a test makes, and the job runs of clients.

Sources: EMR Serverless API Reference; "Job run states" and "Storing logs" (EMR Serverless User
Guide). That a client token used again with other parameters is a conflict is how AWS's other
services word it; the reference lists ConflictException for StartJobRun without saying when.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from tests.fakes.emr.clock import Clock
from tests.fakes.emr.ids import ACCOUNT, REGION, serverless_id
from tests.fakes.emr.logs import Delivery, LogStore
from tests.fakes.emr.runners import Runner, Task, Work
from tests.fakes.emr.service import Document, page
from tests.fakes.emr.validation import (
    Refusal,
    check_answer,
    check_request,
    read_rest,
    service_model,
)

OVER = ("SUCCESS", "FAILED", "CANCELLED")


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


@dataclass
class ServerlessService:
    """The stand-in for EMR Serverless.

    Parameters
    ----------
    applications : dict of str to Application
    runs : dict of str to JobRun
        By id, in order of creation.
    timing : ServerlessTiming
    workers : Workers
    page_size : int
        The most elements of a page; a request may ask for fewer.
    """

    clock: Clock
    runner: Runner
    logs: LogStore
    applications: dict[str, Application] = field(default_factory=dict)
    runs: dict[str, JobRun] = field(default_factory=dict)
    timing: ServerlessTiming = field(default_factory=ServerlessTiming)
    workers: Workers = field(default_factory=Workers)
    page_size: int = 50

    def application(self, release: str = "emr-7.13.0", **properties: Any) -> str:
        """Make an application and give its id."""
        made = Application(serverless_id(), release, self.clock.now(), **properties)
        self.applications[made.id] = made
        return made.id

    def call(self, method: str, target: str, body: bytes) -> Document:
        """Check a request, carry it out, check the answer.

        Raises
        ------
        Refusal
        """
        request = read_rest(service_model("emr-serverless"), method, target, body)
        name = request.operation.name
        operations: dict[str, Callable[[Mapping[str, Any]], Document]] = {
            "StartJobRun": self._start_job_run,
            "GetJobRun": self._get_job_run,
            "ListJobRuns": self._list_job_runs,
            "CancelJobRun": self._cancel_job_run,
            "GetApplication": self._get_application,
            "StartApplication": self._start_application,
        }
        if name not in operations:
            raise Refusal("UnknownOperationException", f"the stand-in does not know {name}", 404)
        check_request(request.operation, request.parameters)
        answer = operations[name](request.parameters)
        check_answer(request.operation, answer)
        return answer

    def tick(self) -> None:
        """Let happen all that is due, then deliver logs."""
        now = self.clock.now()
        for run in self.runs.values():
            while (event := next(self._events(run, now), None)) is not None and event[0] <= now:
                event[1](max(event[0], run.updated))
            if run.delivery is not None and run.delivery.due(self.logs, now, run.ended):
                self._deliver(run, now)

    def _events(self, run: JobRun, now: float) -> Iterator[tuple[float, Callable[[float], None]]]:
        match run.state:
            case "SUBMITTED":
                yield run.updated + self.timing.submitted, partial(_enter, run, "PENDING")
            case "PENDING":
                yield run.updated + self.timing.pending, partial(_enter, run, "SCHEDULED")
            case "SCHEDULED":
                yield run.updated + self.timing.scheduled, partial(self._start, run)
            case "RUNNING" | "CANCELLING":
                assert run.task is not None
                end = run.task.ended(now)
                timeout = run.request.get("executionTimeoutMinutes", 720) * 60.0 or math.inf
                assert run.started is not None
                if end is not None:
                    yield end, partial(self._ended, run)
                elif run.state == "RUNNING" and run.started + timeout <= now:
                    yield run.started + timeout, partial(self._timed_out, run)

    def _start(self, run: JobRun, at: float) -> None:
        driver = run.request["jobDriver"]["sparkSubmit"]
        arguments = [
            "spark-submit",
            *shlex.split(driver.get("sparkSubmitParameters", "")),
            driver["entryPoint"],
            *driver.get("entryPointArguments", []),
        ]
        _enter(run, "RUNNING", at)
        run.started = at
        run.delivery = Delivery(at)
        run.task = self.runner.start(Work(run.request.get("name", run.id), arguments, at))

    def _ended(self, run: JobRun, at: float) -> None:
        assert run.task is not None
        run.ended = at
        if run.task.exit_code == 0:
            _enter(run, "SUCCESS", at)
        elif run.state == "CANCELLING":
            _enter(run, "CANCELLED", at)
        else:
            _enter(run, "FAILED", at)
            found = run.task.failure
            code = run.task.exit_code
            run.details = (
                found["Message"]
                if found
                else f"Job failed, please check complete logs in "
                f"configured logging destination. ExitCode: {code}. Last few exceptions: "
            )[:256]

    def _timed_out(self, run: JobRun, at: float) -> None:
        assert run.task is not None
        _enter(run, "CANCELLING", at)
        run.details = "The job run exceeded its execution timeout."
        run.task.stop(at, kill=True)

    def _deliver(self, run: JobRun, now: float) -> None:
        monitoring = run.request.get("configurationOverrides", {}).get(
            "monitoringConfiguration", {}
        )
        uri = monitoring.get("s3MonitoringConfiguration", {}).get("logUri")
        if uri is None:
            return
        assert run.task is not None
        texts = {**run.task.logs(now), **([*run.task.drivers(now), {}][0])}
        folder = f"{uri.rstrip('/')}/applications/{run.application.id}/jobs/{run.id}/SPARK_DRIVER"
        for name in ("stdout", "stderr"):
            self.logs.put(f"{folder}/{name}.gz", texts.get(name, ""))

    # operations

    def _start_job_run(self, request: Mapping[str, Any]) -> Document:
        application = self._application(request)
        for run in self.runs.values():
            if run.application is application and (
                run.request["clientToken"] == request["clientToken"]
            ):
                if run.request != request:
                    raise Refusal(
                        "ConflictException",
                        "The client token was used before, with other parameters.",
                        409,
                    )
                return _ids(run) | {"arn": run.arn}
        if "sparkSubmit" not in request.get("jobDriver", {}):
            raise Refusal("ValidationException", "jobDriver must have sparkSubmit.")
        if application.state not in ("STARTING", "STARTED"):
            if not application.auto_start:
                raise Refusal(
                    "ValidationException",
                    f"Application {application.id} is {application.state}, not STARTED.",
                )
            application.state = "STARTED"
        now = self.clock.now()
        made = JobRun(serverless_id(), request, application, now, now)
        self.runs[made.id] = made
        return _ids(made) | {"arn": made.arn}

    def _get_job_run(self, request: Mapping[str, Any]) -> Document:
        run = self._run(request)
        document: Document = {
            **_run_summary(run),
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
            if self.clock.now() >= run.ended + self.timing.bill:
                hours = math.ceil(max(60.0, run.ended - run.started)) / 3600
                bill = {
                    "vCPUHour": self.workers.vcpu * hours,
                    "memoryGBHour": self.workers.memory_gb * hours,
                    "storageGBHour": self.workers.storage_gb * hours,
                }
                document["totalResourceUtilization"] = bill
                document["billedResourceUtilization"] = bill
        del document["id"]
        return {"jobRun": document}

    def _list_job_runs(self, request: Mapping[str, Any]) -> Document:
        after = _instant(request.get("createdAtAfter"), -math.inf)
        before = _instant(request.get("createdAtBefore"), math.inf)
        states = request.get("states")
        chosen = [
            _run_summary(run)
            for run in reversed(self.runs.values())
            if run.application.id == request["applicationId"]
            and after <= run.created <= before
            and (not states or run.state in states)
        ]
        size = min(self.page_size, request.get("maxResults", 50))
        return page("jobRuns", "nextToken", chosen, request, size)

    def _cancel_job_run(self, request: Mapping[str, Any]) -> Document:
        run, now = self._run(request), self.clock.now()
        if run.state in OVER:
            raise Refusal("ValidationException", f"Job run {run.id} is {run.state} already.")
        if run.task is None:
            _enter(run, "CANCELLED", now)
            run.ended = now
        else:
            _enter(run, "CANCELLING", now)
            run.task.stop(now, kill=False)
        return _ids(run)

    def _get_application(self, request: Mapping[str, Any]) -> Document:
        application = self._application(request)
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
        return {"application": document}

    def _start_application(self, request: Mapping[str, Any]) -> Document:
        self._application(request).state = "STARTED"
        return {}

    def _application(self, request: Mapping[str, Any]) -> Application:
        found = self.applications.get(request["applicationId"])
        if found is None:
            raise Refusal(
                "ResourceNotFoundException",
                f"Application {request['applicationId']} does not exist.",
                404,
            )
        return found

    def _run(self, request: Mapping[str, Any]) -> JobRun:
        application = self._application(request)
        run = self.runs.get(request["jobRunId"])
        if run is None or run.application is not application:
            raise Refusal(
                "ResourceNotFoundException", f"Job run {request['jobRunId']} does not exist.", 404
            )
        return run


def _enter(run: JobRun, state: str, at: float) -> None:
    run.state = state
    run.details = f"Job run is {state}."
    run.updated = at


def _ids(run: JobRun) -> Document:
    return {"applicationId": run.application.id, "jobRunId": run.id}


def _run_summary(run: JobRun) -> Document:
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


def _instant(value: str | None, default: float) -> float:
    return default if value is None else datetime.fromisoformat(value).timestamp()

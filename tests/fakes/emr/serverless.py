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
from tests.fakes.emr.documents import Document
from tests.fakes.emr.ids import serverless_id
from tests.fakes.emr.job_runs import (
    Application,
    JobRun,
    ServerlessTiming,
    Workers,
    application_document,
    run_document,
    run_summary,
)
from tests.fakes.emr.limits import page
from tests.fakes.emr.logs import Delivery, LogStore
from tests.fakes.emr.runners import Runner, Work
from tests.fakes.validation import (
    Refusal,
    check_answer,
    check_request,
    read_rest,
    service_model,
)

OVER = ("SUCCESS", "FAILED", "CANCELLED")


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
        billed = self.timing.bill <= self.clock.now() - (run.ended or math.inf)
        return {"jobRun": run_document(run, self.workers if billed else None)}

    def _list_job_runs(self, request: Mapping[str, Any]) -> Document:
        after = _instant(request.get("createdAtAfter"), -math.inf)
        before = _instant(request.get("createdAtBefore"), math.inf)
        states = request.get("states")
        chosen = [
            run_summary(run)
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
        return {"application": application_document(self._application(request))}

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


def _instant(value: str | None, default: float) -> float:
    return default if value is None else datetime.fromisoformat(value).timestamp()

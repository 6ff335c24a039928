"""States of the stand-in's clusters and steps, and what moves them on.

Sources: "Understanding the cluster lifecycle" and "Submit work to an Amazon EMR cluster" (EMR
Management Guide); StepConfig, ClusterStateChangeReason and StepStatus (EMR API Reference);
"Cancel steps when you submit work to an Amazon EMR cluster", which says of release 5.32 and later:
SEND_INTERRUPT is a SIGTERM to the step's child process, TERMINATE_PROCESS a SIGKILL to it and all
below it, "asynchronous processes are not affected", and a cancelled step does not trigger
ActionOnFailure. A driver in YARN's cluster mode is such a process (SPARK-6692: the end of the
client does not end the application).

Nothing moves by itself: `Cluster.events` gives what is due next and when, and `EmrService.tick`
lets it happen in the order of time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.fakes.emr.instances import Fleet
from tests.fakes.emr.logs import Delivery, LogStore, container, yarn_client_text
from tests.fakes.emr.runners import (
    Runner,
    Script,
    ScriptedTask,
    Work,
    command_runner,
)
from tests.fakes.emr.steps import Loss, Step, Timing

ENDING = ("TERMINATING", "TERMINATED", "TERMINATED_WITH_ERRORS")
STEP_OVER = ("COMPLETED", "CANCELLED", "FAILED", "INTERRUPTED")
TERMINATING_ACTIONS = ("TERMINATE_CLUSTER", "TERMINATE_JOB_FLOW")

Event = tuple[float, Callable[[float], None]]


@dataclass
class Cluster:
    """A cluster and what became of it.

    Parameters
    ----------
    id : str
    request : mapping
        RunJobFlow's parameters.
    created : float
        s since 1970.
    """

    id: str
    request: Mapping[str, Any]
    created: float
    timing: Timing
    runner: Runner
    logs: LogStore
    fleets: list[Fleet]
    loss: Loss | None = None
    state: str = "STARTING"
    since: float = 0.0
    ready: float | None = None
    ended: float | None = None
    reason: Mapping[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    scaling: Mapping[str, Any] | None = None
    auto_termination: Mapping[str, Any] | None = None
    drivers_outlive_cancel: bool = False
    _idle_since: float = 0.0
    _slot_since: float = 0.0
    _with_errors: bool = False

    def __post_init__(self) -> None:
        self.since = self.created

    # what is due

    def events(self, now: float) -> Iterator[Event]:
        """What comes next, with its time; some of it may lie in the future."""
        match self.state:
            case "STARTING":
                yield self.since + self.timing.starting, partial(self._enter, "BOOTSTRAPPING")
            case "BOOTSTRAPPING":
                yield self.since + self.timing.bootstrapping, self._become_ready
            case "RUNNING" | "WAITING":
                yield from self._step_events(now)
                yield from self._idle_events(now)
            case "TERMINATING":
                yield self.since + self.timing.terminating, self._terminated
        if self.loss is not None and self.state not in ENDING:
            yield self.created + self.loss.seconds, self._lost

    def _step_events(self, now: float) -> Iterator[Event]:
        active = [step for step in self.steps if step.active]
        for step in active:
            assert step.task is not None
            end = step.task.ended(now)
            if end is not None:
                yield end, partial(self._step_ended, step)
        pending = [step for step in self.steps if step.state == "PENDING"]
        if pending and len(active) < self.concurrency:
            assert self.ready is not None
            free = max(pending[0].created, self.ready, self._slot_since)
            yield free + self.timing.step_pending, partial(self._start, pending[0])

    def _idle_events(self, now: float) -> Iterator[Event]:
        if any(step.state not in STEP_OVER for step in self.steps):
            return
        if any(step.driver_left(now) for step in self.steps):
            self._idle_since = now
        if not self.request["Instances"].get("KeepJobFlowAliveWhenNoSteps", False):
            yield self._idle_since, self._all_steps_completed
        elif self.auto_termination is not None:
            due = self._idle_since + self.auto_termination["IdleTimeout"]
            yield due, self._idle_too_long

    @property
    def concurrency(self) -> int:
        return int(self.request.get("StepConcurrencyLevel", 1))

    # what happens

    def _enter(self, state: str, at: float) -> None:
        self.state = state
        self.since = at

    def _become_ready(self, at: float) -> None:
        self.ready = self._idle_since = self._slot_since = at
        for fleet in self.fleets:
            fleet.become_ready(at)
        self._enter("WAITING", at)
        self._settle(at)

    def _settle(self, at: float) -> None:
        """RUNNING while there is a step to run, else WAITING."""
        busy = any(step.state not in STEP_OVER for step in self.steps)
        state = "RUNNING" if busy else "WAITING"
        if self.state != state:
            self._enter(state, at)
            self._idle_since = at

    def add_step(self, step: Step) -> None:
        self.steps.append(step)
        if self.state in ("RUNNING", "WAITING"):
            self._settle(step.created)

    def _start(self, step: Step, at: float) -> None:
        step.state = "RUNNING"
        step.started = at
        jar = step.config["HadoopJarStep"]
        number = sum(other.started is not None for other in self.steps)
        step.application = f"application_{int(self.created * 1000)}_{number:04}"
        step.work = Work(step.config["Name"], command_runner(jar.get("Args", [])), at)
        step.delivery = Delivery(at)
        if step.work.arguments[:3] == ["yarn", "application", "-kill"]:
            found = self._kill_application(step.work.arguments[3:], at)
            step.task = ScriptedTask(step.work, Script(exit_code=int(not found)))
        else:
            step.task = self.runner.start(step.work)

    def _kill_application(self, applications: Sequence[str], at: float) -> bool:
        """Do what `yarn application -kill APPLICATION` does; whether there was one."""
        found = [step for step in self.steps if step.application in applications and step.task]
        for step in found:
            assert step.task is not None
            if step.task.ended(at) is None:
                step.task.stop(at, kill=True)
        return bool(found)

    def _step_ended(self, step: Step, at: float) -> None:
        assert step.task is not None
        cancelled = step.state == "CANCEL_PENDING"
        self._slot_since = at
        step.ended = at
        if step.task.exit_code == 0:
            step.state = "COMPLETED"
        elif cancelled:
            step.state = "CANCELLED"
        else:
            step.state = "FAILED"
            step.failure = step.task.failure or {
                "Reason": "Unknown Error.",
                **({"LogFile": f"{self._steps_folder(step)}/stderr.gz"} if self.log_uri else {}),
            }
            self._act_on_failure(step, at)
        if self.state not in ENDING:
            self._settle(at)

    def _act_on_failure(self, step: Step, at: float) -> None:
        if step.action in TERMINATING_ACTIONS and self.concurrency == 1:
            self.terminate(at, "STEP_FAILURE", "Shut down as step failed", with_errors=True)
        elif step.action == "CANCEL_AND_WAIT" and self.concurrency == 1:
            for other in self.steps:
                if other.state == "PENDING":
                    self._cancel_pending(other, at, "Cancelled because an earlier step failed")

    def cancel(self, step: Step, at: float, *, kill: bool) -> tuple[str, str | None]:
        """Answer CancelSteps for one step: status and reason."""
        if step.state in STEP_OVER:
            return "FAILED", f"Step {step.id} is {step.state} and cannot be cancelled"
        if step.task is None:
            self._cancel_pending(step, at, "Cancelled by user")
            if self.state not in ENDING and self.ready is not None:
                self._settle(at)
        elif self.drivers_outlive_cancel and step.work is not None and step.work.cluster_mode:
            self._cancel_pending(step, at, "Cancelled by user")
            step.outlived = True
            self._slot_since = at
            self._settle(at)
        else:
            step.state = "CANCEL_PENDING"
            step.message = "Cancelled by user"
            step.task.stop(at, kill=kill)
        return "SUBMITTED", None

    def _cancel_pending(self, step: Step, at: float, message: str) -> None:
        step.state = "CANCELLED"
        step.message = message
        step.ended = at

    def _all_steps_completed(self, at: float) -> None:
        failed = any(step.state == "FAILED" for step in self.steps)
        message = "Steps completed with errors" if failed else "Steps completed"
        self.terminate(at, "ALL_STEPS_COMPLETED", message)

    def _idle_too_long(self, at: float) -> None:
        assert self.auto_termination is not None
        seconds = self.auto_termination["IdleTimeout"]
        self.terminate(at, "USER_REQUEST", f"Idle for {seconds} s, the auto-termination policy")

    def _lost(self, at: float) -> None:
        assert self.loss is not None
        loss = self.loss
        self.terminate(at, loss.code, loss.message, with_errors=True, keep=loss.leaves_pending)

    def terminate(
        self, at: float, code: str, message: str, *, with_errors: bool = False, keep: bool = False
    ) -> None:
        """Begin to shut down: kill what runs, cancel what waits (or `keep` it pending)."""
        self._enter("TERMINATING", at)
        self.reason = {"Code": code, "Message": message}
        self._with_errors = with_errors
        for step in self.steps:
            if step.driver_left(at):
                assert step.task is not None
                step.task.stop(at, kill=True)
            elif step.active:
                assert step.task is not None
                step.task.stop(at, kill=True)
                step.state = "INTERRUPTED"
                step.ended = at
            elif step.state == "PENDING" and not keep:
                self._cancel_pending(step, at, "Job terminated")

    def _terminated(self, at: float) -> None:
        self._enter("TERMINATED_WITH_ERRORS" if self._with_errors else "TERMINATED", at)
        self.ended = at
        for fleet in self.fleets:
            fleet.end(at)

    # logs

    @property
    def log_uri(self) -> str | None:
        uri = self.request.get("LogUri")
        return None if uri is None else str(uri).rstrip("/")

    def _steps_folder(self, step: Step) -> str:
        return f"{self.log_uri}/{self.id}/steps/{step.id}"

    def deliver_logs(self, now: float) -> None:
        """Write the logs that are due."""
        for step in self.steps if self.log_uri else []:
            ended = None if step.driver_left(now) else step.ended
            if step.delivery is not None and step.delivery.due(self.logs, now, ended):
                self._deliver(step, now)

    def _deliver(self, step: Step, now: float) -> None:
        task, work, application = step.task, step.work, step.application
        assert task is not None and work is not None and application is not None
        texts = dict(task.logs(now))
        drivers = task.drivers(now) if work.cluster_mode else []
        if drivers:
            running = step.ended is None or step.driver_left(now)
            code = None if running else task.exit_code
            client = yarn_client_text(application, work.started, code)
            texts["stderr"] = client + texts.get("stderr", "")
            for attempt, driver in enumerate(drivers, 1):
                folder = f"{self.log_uri}/{self.id}/containers/{application}"
                for name in ("stdout", "stderr"):
                    address = f"{folder}/{container(application, attempt)}/{name}.gz"
                    self.logs.put(address, driver.get(name, ""))
        for name in ("controller", "syslog", "stdout", "stderr"):
            self.logs.put(f"{self._steps_folder(step)}/{name}.gz", texts.get(name, ""))

"""A job every night: a schedule of EventBridge Scheduler, which starts the stack's state machine.

The schedule's input holds all of the night: the parameters of the cluster and the step's arguments,
as `submit --transient` would send them. `emr/daily.asl.json` adds the scheduled time alone.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from stormlake.emr.cluster_file import SCHEDULE_OUTPUTS
from stormlake.emr.clusters import ClusterSpec, run_job_flow
from stormlake.emr.steps import spark_submit, step, step_name
from stormlake.emr.submitting import Plan
from stormlake.emr.targets import TransientCluster
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws, CallFailed
from stormlake.running.options import refuse_unless

SCHEDULED_TIME: Final = "<aws.scheduler.scheduled-time>"
"""What Scheduler replaces by the time, such as 2026-05-02T03:00:00Z (Scheduler User Guide)."""

RETRIES: Final = {"MaximumEventAgeInSeconds": 4 * 3600, "MaximumRetryAttempts": 20}
"""How long Scheduler tries to start a night before it goes to the dead-letter queue."""

ROLES: Final = {
    "service_role": "ServiceRole",
    "instance_profile": "InstanceProfile",
    "step_role": "StepRole",
}
"""Of a cluster spec, what the state machine may pass on from its own stack alone."""

TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"

ADDED: Final = ("--day-before", "2026-05-02T03:00:00Z", "--run-id", "x" * 80)
"""What the state machine adds to a job's arguments: the time, and the execution's name."""


def _token() -> str:
    return uuid.uuid4().hex


@dataclass(frozen=True)
class Parts:
    """What a schedule needs of a stack.

    Parameters
    ----------
    stack : str
    bucket, machine, role, group, queue : str
        Names of bucket and group, ARNs of the others.
    """

    stack: str
    bucket: str
    machine: str
    role: str
    group: str
    queue: str

    @classmethod
    def of(cls, stack: str, outputs: Mapping[str, str]) -> Parts:
        """Take them from a stack's outputs.

        Raises
        ------
        RefusedInput
            The stack has none: it is one for EMR Serverless.
        """
        missing = [name for name in SCHEDULE_OUTPUTS if not outputs.get(name)]
        if missing:
            raise RefusedInput(
                f"--stack {stack} has no {missing[0]}: a stack with Mode=serverless makes no "
                "clusters, and a schedule runs its job on a cluster; deploy one with "
                "Mode=transient"
            )
        return cls(stack, *(outputs[name] for name in SCHEDULE_OUTPUTS))


@dataclass(frozen=True)
class Schedule:
    """A schedule as Scheduler keeps it.

    Parameters
    ----------
    name : str
    parts : Parts
    daily : time
        UTC.
    job : str
        The job's name, for the description.
    night : mapping
        The execution's input.
    token : str
        Makes a repeated call the same call.
    """

    name: str
    parts: Parts
    daily: time
    job: str
    night: Mapping[str, Any]
    token: str = field(default_factory=_token)

    def call(self, operation: str, state: str = "ENABLED") -> ApiCall:
        """CreateSchedule or UpdateSchedule, which replaces all that it had."""
        return ApiCall(
            "scheduler",
            operation,
            {
                "Name": self.name,
                "GroupName": self.parts.group,
                "ClientToken": self.token,
                "Description": f"stormlake {self.job}, the day before",
                "ScheduleExpression": f"cron({self.daily.minute} {self.daily.hour} * * ? *)",
                "ScheduleExpressionTimezone": "UTC",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "State": state,
                "Target": {
                    "Arn": self.parts.machine,
                    "RoleArn": self.parts.role,
                    "DeadLetterConfig": {"Arn": self.parts.queue},
                    "RetryPolicy": RETRIES,
                    "Input": json.dumps(self.night, sort_keys=True),
                },
            },
        )


@dataclass(frozen=True)
class Written:
    """What became of a schedule: `created` or `updated`, and whether it is on."""

    how: str
    state: str


def night_input(name: str, parts: Parts, plan: Plan) -> dict[str, Any]:
    """Input of the state machine.

    Parameters
    ----------
    name : str
        The schedule's.
    parts : Parts
    plan : Plan
        Of a submission to a cluster of its own.

    Raises
    ------
    RefusedInput
        The cluster is one that the state machine may not make, or the step is too long.
    """
    assert isinstance(plan.place, TransientCluster)
    spec = plan.place.spec
    _check_spec(spec, plan.outputs)
    label = step_name(plan.request.name, name, 1)
    work = plan.work
    command = spark_submit(label, work.shipped, None, work.arguments, work.conf)
    step(label, [*command, *ADDED])
    return {
        "name": name,
        "bucket": parts.bucket,
        "scheduled": SCHEDULED_TIME,
        "cluster": run_job_flow(spec, name=f"stormlake/{plan.request.name}/{name}"),
        "step_role": spec.step_role,
        "step": step(label, command),
    }


def _check_spec(spec: ClusterSpec, outputs: Mapping[str, str]) -> None:
    for name, output in ROLES.items():
        refuse_unless(
            getattr(spec, name) == outputs.get(output),
            f"{name} is {getattr(spec, name)!r}, and the stack's state machine may pass on the "
            f"stack's own alone, {outputs.get(output)}; leave {name} out of --cluster-file",
        )
    refuse_unless(
        bool(spec.security_configuration),
        "security_configuration is empty; leave it out of --cluster-file, for the stack's",
    )


def get_call(parts: Parts, name: str) -> ApiCall:
    """Ask for a schedule."""
    return ApiCall("scheduler", "GetSchedule", {"Name": name, "GroupName": parts.group})


def write_schedule(aws: Aws, schedule: Schedule) -> Written:
    """Create a schedule, or replace the one of this name; one that is off stays off."""
    there = _find(aws, schedule.parts, schedule.name)
    if there is None:
        try:
            aws.make(schedule.call("CreateSchedule"))
            return Written("created", "ENABLED")
        except CallFailed as error:
            if error.code != "ConflictException":
                raise
            there = get_schedule(aws, schedule.parts, schedule.name)  # made by another meanwhile
    state = str(there["State"])
    aws.make(schedule.call("UpdateSchedule", state))
    return Written("updated", state)


def get_schedule(aws: Aws, parts: Parts, name: str) -> dict[str, Any]:
    """Look a schedule up.

    Raises
    ------
    RefusedInput
        There is none of that name.
    """
    found = _find(aws, parts, name)
    if found is None:
        raise _unknown(parts, name)
    return found


def _find(aws: Aws, parts: Parts, name: str) -> dict[str, Any] | None:
    try:
        return aws.make(get_call(parts, name))
    except CallFailed as error:
        if error.code == "ResourceNotFoundException":
            return None
        raise


def _unknown(parts: Parts, name: str) -> RefusedInput:
    return RefusedInput(f"stack {parts.stack} has no schedule {name!r}")


def remove_call(parts: Parts, name: str, token: str | None = None) -> ApiCall:
    """Delete a schedule."""
    return ApiCall(
        "scheduler",
        "DeleteSchedule",
        {"Name": name, "GroupName": parts.group, "ClientToken": token or _token()},
    )


def remove_schedule(aws: Aws, parts: Parts, name: str) -> None:
    """Delete a schedule; what runs, runs on.

    Raises
    ------
    RefusedInput
        There is none of that name.
    """
    try:
        aws.make(remove_call(parts, name))
    except CallFailed as error:
        if error.code == "ResourceNotFoundException":
            raise _unknown(parts, name) from error
        raise


def time_for(day: datetime | None, now: datetime) -> str:
    """A scheduled time whose day before is `day`, or the day before today.

    Of the second of asking, so that its claim is another than that of a night which failed.
    """
    moment = now.astimezone(UTC)
    if day is not None:
        moment = datetime.combine((day + timedelta(days=1)).date(), moment.time(), UTC)
    return moment.strftime(TIME_FORMAT)


def start_call(parts: Parts, name: str, night: str, execution: str) -> ApiCall:
    """Start the state machine; a repeated call of one execution's name is the same call."""
    return ApiCall(
        "stepfunctions",
        "StartExecution",
        {"stateMachineArn": parts.machine, "name": f"{name}-{execution}", "input": night},
    )


def start_night(aws: Aws, parts: Parts, name: str, scheduled: str) -> str:
    """Start what is scheduled, as it is scheduled but for the time; gives the execution's ARN.

    Raises
    ------
    RefusedInput
        There is no schedule of that name.
    """
    night = json.loads(get_schedule(aws, parts, name)["Target"]["Input"])
    text = json.dumps({**night, "scheduled": scheduled}, sort_keys=True)
    # A schedule's name has 64 characters at most, an execution's 80.
    answer = aws.make(start_call(parts, name, text, _token()[:12]))
    return str(answer["executionArn"])

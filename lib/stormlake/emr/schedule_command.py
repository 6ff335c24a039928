"""`stormlake emr schedule`: a job every night, on a cluster of its own."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, time
from typing import Any, Final

import click

from stormlake.emr.artifacts import ArtifactPlace
from stormlake.emr.asked import Asked, own_cluster_options
from stormlake.emr.cluster_file import shown_outputs, stack_outputs
from stormlake.emr.jobs import job_request
from stormlake.emr.schedules import (
    ADDED,
    SCHEDULED_TIME,
    Parts,
    Schedule,
    get_call,
    night_input,
    remove_call,
    remove_schedule,
    start_call,
    start_night,
    time_for,
    write_schedule,
)
from stormlake.emr.stacks import describe_call
from stormlake.emr.submitting import Plan, make_plan
from stormlake.errors import RefusedInput
from stormlake.running.aws import Aws, print_calls
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcDay,
    common_options,
    refuse_unless,
    tell,
)

OWN_TOKEN: Final = "<a token of its own>"
"""What `--dry-run` shows for what differs with each call."""

logger = logging.getLogger(__name__)


class _Daily(click.ParamType[time]):
    """A time of day, `03:00`."""

    name = "time of day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> time:
        """Read it, to the minute."""
        if isinstance(value, time):
            return value
        found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", value)
        if found is None:
            self.fail(f"{value!r} is no time of day (UTC) such as 03:00", param, ctx)
        return time(int(found[1]), int(found[2]))


class _Name(click.ParamType[str]):
    """A schedule's name."""

    name = "name"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Take what Scheduler and an S3 key take."""
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
            self.fail(
                f"{value!r}: expected at most 64 letters, digits, '.', '_' and '-'", param, ctx
            )
        return str(value)


@click.command("schedule", cls=StormlakeCommand)
@click.argument("job", metavar="[JOB]", required=False)
@click.argument("arguments", metavar="-- JOB-ARGUMENTS", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--name",
    required=True,
    type=_Name(),
    metavar="NAME",
    help="The schedule's name in its stack; an existing one is replaced.",
)
@click.option("--daily", type=_Daily(), metavar="HH:MM", help="When it runs, in UTC.")
@click.option("--remove", is_flag=True, help="Delete the schedule; what runs, runs on.")
@click.option(
    "--run-now",
    is_flag=True,
    help="Start what is scheduled now, for the day before today or for --for.",
)
@click.option("--for", "day", type=UtcDay(), metavar="DAY", help="With --run-now: this UTC day.")
@own_cluster_options
@common_options
@click.pass_context
def main(
    context: click.Context,
    common: Common,
    asked: Asked,
    job: str | None,
    arguments: tuple[str, ...],
    name: str,
    daily: time | None,
    remove: bool,
    run_now: bool,
    day: datetime | None,
) -> None:
    """Run JOB every night on the UTC day before, on a cluster made for it.

    EventBridge Scheduler starts the stack's state machine, which makes a cluster, runs the job
    with --day-before and ends the cluster; a night that is started twice runs once. Clusters alone:
    there is no schedule for EMR Serverless. A missed day is caught up with --run-now --for DAY, a
    range of days with stormlake emr run JOB -- --start DAY --end DAY.
    """
    _check(job, daily, remove, run_now, day)
    assert asked.stack is not None
    aws = Aws.of(common)
    if job is not None:
        assert daily is not None
        plan = make_plan(context, asked, job, arguments, aws, shown=common.dry_run)
        _check_job(context, job, arguments, plan, daily)
        _write(aws, common, asked.stack, plan, name, daily)
        return
    outputs = shown_outputs(asked.stack) if common.dry_run else stack_outputs(aws, asked.stack)
    parts = Parts.of(asked.stack, outputs)
    if remove:
        _remove(aws, common, parts, name)
    else:
        _run_now(aws, common, parts, name, time_for(day, datetime.now(UTC)))


def _check(
    job: str | None, daily: time | None, remove: bool, run_now: bool, day: datetime | None
) -> None:
    """Refuse options that do not belong together."""
    refuse_unless(
        [job is not None, remove, run_now].count(True) == 1,
        "give one of: JOB -- JOB-ARGUMENTS to write the schedule, --remove, --run-now",
    )
    refuse_unless(
        (daily is not None) == (job is not None),
        "--daily HH:MM belongs to JOB, and JOB needs it: it says when the job runs",
    )
    refuse_unless(day is None or run_now, "--for DAY belongs to --run-now")


def _check_job(
    context: click.Context, job: str, arguments: tuple[str, ...], plan: Plan, daily: time
) -> None:
    """Refuse arguments that --day-before cannot be added to; warn of records that come later."""
    # As the state machine will add it: a window that was typed, or an open end, shows here.
    job_request(context, job, (*arguments, *ADDED[:2]))
    late = plan.request.parameters.get("late")
    if late is not None and daily.hour < int(late):
        logger.warning(
            "--daily %s is before %02d:00, up to when records of the day before may arrive (--late "
            "%s): those that come later are missing from that day; run it later",
            f"{daily:%H:%M}",
            int(late),
            late,
        )


def _write(aws: Aws, common: Common, stack: str, plan: Plan, name: str, daily: time) -> None:
    parts = Parts.of(stack, plan.outputs)
    schedule = Schedule(
        name,
        parts,
        daily,
        plan.request.name,
        night_input(name, parts, plan),
        **({"token": OWN_TOKEN} if common.dry_run else {}),
    )
    if common.dry_run:
        calls = [*plan.before, *plan.shipment.calls(), get_call(parts, name)]
        print_calls([*calls, schedule.call("CreateSchedule")])
        return
    lake = plan.request.lake
    if ArtifactPlace.parse(lake).bucket != parts.bucket:
        raise RefusedInput(
            f"--lake {lake}: the roles of stack {stack} may write to s3://{parts.bucket} alone; "
            "give a lake there"
        )
    plan.shipment.ship(aws)
    written = write_schedule(aws, schedule)
    tell(
        common,
        schedule=name,
        job=plan.request.name,
        daily=f"{daily:%H:%M} UTC",
        done=written.how,
        state=written.state,
    )


def _remove(aws: Aws, common: Common, parts: Parts, name: str) -> None:
    if common.dry_run:
        print_calls([describe_call(parts.stack), remove_call(parts, name, OWN_TOKEN)])
        return
    remove_schedule(aws, parts, name)
    tell(common, schedule=name, done="removed")


def _run_now(aws: Aws, common: Common, parts: Parts, name: str, scheduled: str) -> None:
    if common.dry_run:
        night = f"<input of {name}, with its time for {SCHEDULED_TIME}>"
        start = start_call(parts, name, night, OWN_TOKEN)
        print_calls([describe_call(parts.stack), get_call(parts, name), start])
        return
    tell(
        common,
        schedule=name,
        execution=start_night(aws, parts, name, scheduled),
        scheduled=scheduled,
    )

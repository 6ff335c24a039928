"""`stormlake emr schedule`: what is written, what a night then does, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from stormlake.cli import main
from stormlake.emr.jobs import job_request
from stormlake.emr.schedules import SCHEDULED_TIME, time_for
from stormlake.errors import ExitCode
from stormlake.running.aws import ApiCall
from tests.emr.golden import check_golden
from tests.emr.stacks import DEFINITION, Deployed, deploy
from tests.emr.submitting import CLUSTER, invoke, put_archive
from tests.emr.test_submit import placeholders
from tests.emr.validation import faults
from tests.fakes.asl import Execution, Machine
from tests.fakes.asl_services import Integrations
from tests.fakes.emr import FakeAws
from tests.fakes.faults import LoseResponse, Rule

TIME = "2026-05-02T03:00:00Z"


class Lake:
    """A stack with a bucket, and the commands on it."""

    def __init__(self, fake: FakeAws, bucket: str, stack: Deployed) -> None:
        self.fake = fake
        self.bucket = bucket
        self.stack = stack

    @property
    def job(self) -> tuple[str, ...]:
        """The radar job's arguments, without a day."""
        return (
            *("--source", f"s3://{self.bucket}/archive", "--lake", f"s3://{self.bucket}/lake"),
            *("--station", "KLBB"),
        )

    def schedule(self, *options: str) -> Result:
        """Run `stormlake emr schedule … --name nightly`."""
        place = ("--name", "nightly", "--stack", self.stack.name)
        return invoke("emr", "schedule", *place, *options)

    def write(self, *options: str, daily: str = "03:00") -> Result:
        """Schedule the radar job."""
        return self.schedule("--daily", daily, *options, "ingest-radar", "--", *self.job)

    def kept(self) -> dict[str, Any]:
        """The schedule as Scheduler has it."""
        scheduler = self.fake.client("scheduler")
        found: dict[str, Any] = scheduler.get_schedule(Name="nightly", GroupName=self.bucket)
        return found

    def night(self, given: str, execution: str = "execution-1") -> Execution:
        """What the state machine does with an input."""
        services = Integrations(
            self.fake.session(),
            self.fake.endpoint_url,
            clock=self.fake.clock.now,
            sleep=self.fake.clock.advance,
        )
        machine = Machine(DEFINITION, services, sleep=self.fake.clock.advance)
        done = machine.run(json.loads(given), execution)
        self.fake.tick()
        return done


@pytest.fixture
def lake(fake: FakeAws, bucket: str) -> Lake:
    put_archive(fake, bucket)
    return Lake(fake, bucket, deploy(fake, bucket))


def test_a_job_is_scheduled_every_night_in_utc_and_what_fails_is_kept(lake: Lake) -> None:
    done = lake.write(daily="3:05")
    assert done.exit_code == 0, done.output
    kept, outputs = lake.kept(), lake.stack.outputs
    assert kept["ScheduleExpression"] == "cron(5 3 * * ? *)"
    assert kept["ScheduleExpressionTimezone"] == "UTC"
    assert kept["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert kept["State"] == "ENABLED"
    target = kept["Target"]
    assert target["Arn"] == outputs["StateMachine"]
    assert target["RoleArn"] == outputs["SchedulerRole"]
    assert target["DeadLetterConfig"] == {"Arn": outputs["DeadLetterQueue"]}
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 14400, "MaximumRetryAttempts": 20}
    told = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert told == {
        "schedule": "nightly",
        "job": "ingest-radar",
        "daily": "03:05 UTC",
        "done": "created",
        "state": "ENABLED",
    }


def test_what_is_scheduled_is_what_submit_sends(lake: Lake) -> None:
    assert lake.write("--conf", "spark.executor.memory=8g").exit_code == 0
    night = json.loads(lake.kept()["Target"]["Input"])
    lake.fake.clock.freeze()
    submitted = invoke(
        *("emr", "submit", "--transient", "--stack", lake.stack.name, "ingest-radar"),
        *("--conf", "spark.executor.memory=8g", "--", *lake.job),
    )
    assert submitted.exit_code == 0, submitted.output
    (cluster,) = lake.fake.emr.clusters.values()
    request = dict(cluster.request)
    (step,) = request.pop("Steps")
    assert request.pop("StepExecutionRoleArn") == night["step_role"]
    mine = night["cluster"]
    # The schedule's cluster waits for its step, and several steps would go one by one.
    assert mine["Instances"].pop("KeepJobFlowAliveWhenNoSteps") is True
    assert request["Instances"].pop("KeepJobFlowAliveWhenNoSteps") is False
    assert (request.pop("StepConcurrencyLevel"), mine.pop("StepConcurrencyLevel")) == (1, 4)
    assert mine.pop("Name") == "stormlake/ingest-radar/nightly"
    name = request.pop("Name")
    assert mine == request
    sent = [part for part in step["HadoopJarStep"]["Args"] if part != name]
    run = sent.index("--run-id")
    del sent[run : run + 2]
    scheduled = night["step"]["HadoopJarStep"]["Args"]
    assert [part for part in scheduled if part != "stormlake/ingest-radar/nightly/1"] == sent


def test_the_machine_passes_on_every_parameter_of_the_cluster_and_no_other(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    night = json.loads(lake.kept()["Target"]["Input"])
    passed = DEFINITION["States"]["CreateCluster"]["Parameters"]
    assert {name.removesuffix(".$") for name in passed} == night["cluster"].keys()


def fired(lake: Lake) -> str:
    """The input of a night, as Scheduler gives it at three o'clock."""
    return str(lake.kept()["Target"]["Input"]).replace(SCHEDULED_TIME, TIME)


def test_a_night_runs_the_job_on_the_day_before(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    lake.fake.clock.freeze()
    done = lake.night(fired(lake))
    assert done.status == "SUCCEEDED", done
    (cluster,) = lake.fake.emr.clusters.values()
    assert cluster.state == "TERMINATED"
    assert cluster.request["Name"] == f"stormlake/ingest-radar/nightly/{TIME}"
    (step,) = cluster.steps
    assert step.role == lake.stack.outputs["StepRole"]
    arguments = step.config["HadoopJarStep"]["Args"]
    assert arguments[-2:] == ["--run-id", "execution-1"]
    # As the job reads them: what follows its own file, the run's id apart.
    (start,) = (n for n, part in enumerate(arguments) if part.endswith("-ingest_radar.py"))
    read = job_request(click.Context(main), "ingest-radar", arguments[start + 1 : -2])
    assert read.parameters["start"] == "2026-05-01T00:00:00+00:00"
    assert read.parameters["end"] == "2026-05-02T00:00:00+00:00"
    assert read.lake == f"s3://{lake.bucket}/lake"


def test_a_night_fired_twice_makes_one_cluster(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    lake.fake.clock.freeze()
    ends = [lake.night(fired(lake), execution).visited[-1] for execution in ("first", "second")]
    assert ends == ["Done", "AlreadyStarted"]
    assert len(lake.fake.emr.clusters) == 1


def test_arguments_that_a_step_would_damage_reach_the_job(lake: Lake) -> None:
    assert (
        lake.schedule(
            *("--daily", "07:00", "aggregate", "--", "requests_by_os", "--fields", ""),
            *("--source", f"s3://{lake.bucket}/a}}}}b", "--lake", f"s3://{lake.bucket}/lake"),
        ).exit_code
        == 0
    )
    lake.fake.clock.freeze()
    assert lake.night(fired(lake)).status == "SUCCEEDED"
    (cluster,) = lake.fake.emr.clusters.values()
    arguments = cluster.steps[0].config["HadoopJarStep"]["Args"]
    (start,) = (n for n, part in enumerate(arguments) if part.endswith("-aggregate_sensors.py"))
    assert arguments[start + 1] == "--options"
    read = job_request(click.Context(main), "aggregate", arguments[start + 1 : -2])
    assert read.parameters["source"] == f"s3://{lake.bucket}/a}}}}b"
    assert read.parameters["start"] == "2026-05-01T00:00:00+00:00"


def test_a_second_writing_replaces_the_first(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    done = lake.write("--output", "json", daily="04:30")
    assert json.loads(done.stdout)["done"] == "updated"
    assert lake.kept()["ScheduleExpression"] == "cron(30 4 * * ? *)"


def test_a_schedule_that_was_switched_off_stays_off_when_it_is_replaced(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    kept = lake.kept()
    members = ("Name", "GroupName", "ScheduleExpression", "FlexibleTimeWindow", "Target")
    off = {name: kept[name] for name in members}
    lake.fake.client("scheduler").update_schedule(**off, State="DISABLED")
    done = lake.write(daily="04:30")
    assert done.stdout.splitlines()[-1].split() == ["state", "DISABLED"]
    assert lake.kept()["State"] == "DISABLED"


def test_a_creation_whose_answer_was_lost_leaves_one_schedule(lake: Lake) -> None:
    lake.fake.inject(Rule(LoseResponse(), method="POST", path="/schedules/nightly", times=1))
    done = lake.write()
    assert done.exit_code == 0, done.output
    assert lake.kept()["State"] == "ENABLED"


def test_nothing_is_scheduled_without_the_archive_of_dependencies(
    fake: FakeAws, bucket: str
) -> None:
    lake = Lake(fake, bucket, deploy(fake, bucket))
    done = lake.write()
    assert done.exit_code == ExitCode.REFUSED and "stormlake emr package" in done.stderr
    assert not fake.client("scheduler").list_schedules(GroupName=bucket)["Schedules"]


def test_a_schedule_is_removed_by_its_name(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    done = lake.schedule("--remove")
    assert done.exit_code == 0, done.output
    assert not lake.fake.client("scheduler").list_schedules(GroupName=lake.bucket)["Schedules"]


@pytest.mark.parametrize("option", ["--remove", "--run-now"])
def test_a_schedule_that_is_not_there_is_refused(lake: Lake, option: str) -> None:
    done = lake.schedule(option)
    assert done.exit_code == ExitCode.REFUSED
    assert f"stack {lake.stack.name} has no schedule 'nightly'" in done.stderr


def started(lake: Lake, *options: str) -> dict[str, Any]:
    """Input of the execution that --run-now starts."""
    done = lake.schedule("--run-now", "--output", "json", *options)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    found = lake.fake.client("stepfunctions").describe_execution(executionArn=told["execution"])
    night: dict[str, Any] = json.loads(found["input"])
    assert night["scheduled"] == told["scheduled"]
    return night


def test_run_now_starts_what_is_scheduled_for_a_day_that_was_missed(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    night = started(lake, "--for", "2026-04-20")
    assert night["scheduled"].startswith("2026-04-21T")
    kept = json.loads(lake.kept()["Target"]["Input"])
    assert {**night, "scheduled": SCHEDULED_TIME} == kept


def test_run_now_runs_a_day_again_whose_night_has_been_claimed(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    lake.fake.clock.freeze()
    assert lake.night(fired(lake)).status == "SUCCEEDED"
    again = lake.night(json.dumps(started(lake, "--for", "2026-05-01")), "execution-2")
    assert again.visited[-1] == "Done"
    assert len(lake.fake.emr.clusters) == 2


def test_run_now_without_a_day_means_the_day_before_today(lake: Lake) -> None:
    assert lake.write().exit_code == 0
    before = datetime.now(UTC).replace(microsecond=0)
    scheduled = datetime.fromisoformat(started(lake)["scheduled"])
    assert before <= scheduled <= datetime.now(UTC)


@given(
    st.dates(min_value=datetime(1992, 1, 1).date(), max_value=datetime(2200, 1, 1).date()),
    st.datetimes(timezones=st.just(UTC)),
)
def test_the_time_for_a_day_is_on_the_day_after_it(day: Any, now: datetime) -> None:
    midnight = datetime.combine(day, datetime.min.time(), UTC)
    time = datetime.fromisoformat(time_for(midnight, now))
    assert timedelta(days=1) <= time - midnight < timedelta(days=2)


@pytest.mark.parametrize(
    ("daily", "late", "warned"),
    [("03:00", None, True), ("06:00", None, False), ("03:00", "2", False), ("23:59", "24", True)],
)
def test_a_night_before_the_last_arrivals_is_warned_of(
    lake: Lake, daily: str, late: str | None, warned: bool
) -> None:
    done = lake.schedule(
        *("--daily", daily, "aggregate", "--", "wind_max", *(("--late", late) if late else ())),
        *("--source", f"s3://{lake.bucket}/wind", "--lake", f"s3://{lake.bucket}/lake"),
    )
    assert done.exit_code == 0, done.output
    assert ("missing from that day" in done.stderr) == warned


DAILY = ("--daily", "03:00")
REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing": ((), "give one of: JOB"),
    "job and removal": (("--remove", *DAILY, "ingest-radar"), "give one of: JOB"),
    "no time": (("ingest-radar",), "--daily HH:MM belongs to JOB, and JOB needs it"),
    "a time for a removal": (("--remove", *DAILY), "--daily HH:MM belongs to JOB"),
    "a day for a job": ((*DAILY, "--for", "2026-05-01", "ingest-radar"), "belongs to --run-now"),
    "hour 24": (("--daily", "24:00", "ingest-radar"), "no time of day (UTC) such as 03:00"),
    "no job of ours": ((*DAILY, "guess"), "'guess' is no job"),
    "a day": (
        (*DAILY, "ingest-radar", "--", "--lake", "s3://b", "--start", "2026-05-01"),
        "leave --start out",
    ),
    "an open end": (
        (*DAILY, "ingest-radar", "--", "--lake", "s3://b", "--"),
        "unexpected extra arguments",
    ),
    "a local lake": (
        (*DAILY, "ingest-radar", "--", "--lake", "lake"),
        "a cluster finds it in S3 alone",
    ),
    "another bucket": (
        (*DAILY, "ingest-radar", "--", "--lake", "s3://elsewhere/lake"),
        "may write to s3://",
    ),
    "another release": (
        (*DAILY, "--runtime", "emr-spark-8.0.0", "ingest-radar", "--", "--lake", "s3://b"),
        "--runtime is emr-spark-8.0.0",
    ),
    "a step too long": (
        (*DAILY, "ingest-radar", "--", "--lake", "s3://b", *["--station", "KLBB"] * 900),
        "EMR takes 10,240",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_could_not_run_at_night_is_refused_by_day(lake: Lake, case: str) -> None:
    options, message = REFUSED[case]
    done = lake.schedule(*options)
    assert done.exit_code == ExitCode.REFUSED, done.output
    assert message in done.stderr
    assert not lake.fake.client("scheduler").list_schedules(GroupName=lake.bucket)["Schedules"]


@pytest.mark.parametrize("name", ["a/b", "", "-x", "x" * 65])
def test_a_name_is_one_that_scheduler_and_a_key_take(name: str) -> None:
    done = invoke("emr", "schedule", "--name", name, "--stack", "s", "--remove")
    assert done.exit_code == ExitCode.REFUSED and "at most 64" in done.stderr


def test_roles_that_the_state_machine_may_not_pass_on_are_refused(
    lake: Lake, tmp_path: Path
) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(CLUSTER, encoding="utf-8")
    done = lake.write("--cluster-file", str(file))
    assert done.exit_code == ExitCode.REFUSED
    assert "leave service_role out of --cluster-file" in done.stderr


def test_a_stack_for_serverless_has_no_schedule_and_says_so(fake: FakeAws, bucket: str) -> None:
    lake = Lake(fake, bucket, deploy(fake, bucket, mode="serverless"))
    done = lake.schedule("--run-now")
    assert done.exit_code == ExitCode.REFUSED
    assert "a schedule runs its job on a cluster" in done.stderr


def test_a_stack_is_needed() -> None:
    done = invoke("emr", "schedule", "--name", "nightly", "--remove")
    assert done.exit_code == ExitCode.REFUSED and "--stack NAME is missing" in done.stderr


def calls_of(printed: str) -> list[ApiCall]:
    return [ApiCall(**call) for call in json.loads(printed)]


@pytest.mark.parametrize(
    ("golden", "options"),
    [
        ("schedule", (*DAILY, "ingest-radar")),
        ("schedule_remove", ("--remove",)),
        ("schedule_run_now", ("--run-now", "--for", "2026-05-01")),
    ],
)
def test_the_dry_run_is_its_golden_file_and_calls_nobody(
    golden: str, options: tuple[str, ...], fake: FakeAws
) -> None:
    lake = Lake(fake, "radar-lake", Deployed("stormlake", {}))
    job = ("--", *lake.job) if "ingest-radar" in options else ()
    done = lake.schedule(*options, "--dry-run", *job)
    assert done.exit_code == 0, done.output
    assert not fake.requests
    found = {key: name for key, name in placeholders(lake.bucket).items() if name != "RUN-KEY"}
    check_golden(golden, done.stdout, found if job else None)
    for call in calls_of(done.stdout):
        if call.operation != "PutObject":  # its body is left out
            assert faults(call) == ""

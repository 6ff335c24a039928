"""`stormlake emr wait` against the stand-in for EMR, and a real S3 protocol server as the lake."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from stormlake.emr.looks import RunName, look, run_name
from stormlake.emr.outcomes import outcome, progress
from stormlake.emr.waiting import Waiting
from stormlake.errors import ExitCode
from stormlake.lake.exits import RunExit
from stormlake.lake.runs import canonical
from stormlake.running.aws import Aws
from stormlake.running.options import pack_arguments
from stormlake.running.progress import progress_path
from tests.emr import followed
from tests.emr.conftest import cluster_request
from tests.emr.followed import JOB, KEY, MAKERS, RUN_ID, a_job_run, a_step, emr, ref_of
from tests.emr.golden import check_golden
from tests.fakes.emr import FakeAws, Loss, Script, Timing, internal_error, throttling
from tests.fakes.faults import LoseResponse, Reset, Rule

DESCRIBE = ("X-Amz-Target", "DescribeStep$")

TARGETS = pytest.mark.parametrize("target", MAKERS)


@TARGETS
def test_the_golden_calls_of_a_dry_run(target: str) -> None:
    done = emr("wait", ref_of(target), "--dry-run")

    assert done.exit_code == 0
    check_golden(f"wait_{target}", done.stdout)


@TARGETS
def test_what_ends_well_is_exit_0(fake: FakeAws, bucket: str, target: str) -> None:
    ref = MAKERS[target](fake, bucket)

    done = emr("wait", ref, "--output", "json")

    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["ref"] == str(ref)
    assert told["state"] == ("COMPLETED" if target == "cluster" else "SUCCESS")
    assert (told["exit_code"], told["run"]) == (0, RUN_ID)


@TARGETS
@pytest.mark.parametrize("code", [1, 2, 3, 5])
def test_a_failed_step_ends_with_the_code_that_the_driver_had(
    fake: FakeAws, bucket: str, target: str, code: int
) -> None:
    # As in cluster mode: the service says FAILED, whatever the driver said.
    fake.scripts.expect(Script(exit_code=1))
    if code == 3:
        followed.leave_record(fake, bucket, 3)
        said = "more of the input was rejected than --max-reject-share lets"
    else:
        followed.leave_exit(fake, bucket, RunExit(code, "LockHeld: KLBB is locked"))
        said = "LockHeld: KLBB is locked"

    done = emr("wait", MAKERS[target](fake, bucket))

    assert done.exit_code == code
    assert f"JobFailed: {done.stdout.split()[1]} FAILED: {said}" in done.stderr


def test_the_code_is_found_where_the_arguments_are_packed(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(exit_code=1))
    followed.leave_exit(fake, bucket, RunExit(5, "ServiceUnreachable: no S3"))

    # An empty argument is one that command-runner.jar would drop.
    assert emr("wait", a_step(fake, bucket, "--source", "")).exit_code == 5


@TARGETS
def test_without_record_and_exit_a_failed_step_is_exit_1(
    fake: FakeAws, bucket: str, target: str
) -> None:
    fake.scripts.expect(Script(exit_code=1))

    assert emr("wait", MAKERS[target](fake, bucket)).exit_code == 1


def test_a_run_that_was_done_before_its_step_failed_is_done(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(exit_code=1))
    followed.leave_record(fake, bucket, 0)

    done = emr("wait", a_step(fake, bucket))

    assert done.exit_code == 0
    assert "the run was done and recorded before it became FAILED" in done.stdout


def test_a_driver_that_was_interrupted_over_there_is_cancelled(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(exit_code=1))
    followed.leave_exit(fake, bucket, RunExit(130, "KeyboardInterrupt: "))

    assert emr("wait", a_step(fake, bucket)).exit_code == ExitCode.CANCELLED


def test_a_cancelled_step_is_exit_6_however_its_driver_took_it(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(seconds=3600))
    followed.leave_exit(fake, bucket, RunExit(1, "Py4JJavaError: the context was shut down"))
    ref = a_step(fake, bucket)
    fake.client("emr").cancel_steps(
        ClusterId=ref.cluster, StepIds=[ref.step], StepCancellationOption="TERMINATE_PROCESS"
    )
    fake.tick()

    done = emr("wait", ref)

    assert "CANCELLED" in done.stdout
    assert done.exit_code == ExitCode.CANCELLED


def test_a_step_that_waits_on_a_cluster_that_failed_to_start_has_failed_with_its_reason(
    fake: FakeAws, bucket: str
) -> None:
    words = "On the master instance, application provisioning failed"
    fake.emr.next_loss = Loss("BOOTSTRAP_FAILURE", words, 600, leaves_pending=True)
    fake.emr.timing = Timing(starting=3600)
    cluster = fake.client("emr").run_job_flow(**cluster_request())["JobFlowId"]
    ref = followed.add_step(fake, cluster, bucket)
    fake.clock.advance(7200)
    fake.tick()

    done = emr("wait", ref)

    assert look(Aws(fake.session(), fake.endpoint_url), ref).state == "PENDING"
    assert done.exit_code == ExitCode.FAILED
    assert f"the cluster is TERMINATED_WITH_ERRORS: BOOTSTRAP_FAILURE: {words}" in done.stderr


@TARGETS
def test_what_is_still_running_after_the_timeout_is_exit_4(
    fake: FakeAws, bucket: str, target: str
) -> None:
    fake.scripts.expect(Script(seconds=3600))

    done = emr("wait", MAKERS[target](fake, bucket), "--timeout", "0")

    assert done.exit_code == ExitCode.STILL_RUNNING
    assert "it runs on" in done.stderr


@TARGETS
def test_an_id_that_the_service_does_not_know_is_exit_2(fake: FakeAws, target: str) -> None:
    done = emr("wait", ref_of(target))

    assert done.exit_code == ExitCode.REFUSED
    assert "check the ref and --region" in done.stderr


def by_clock(fake: FakeAws, aws: Aws, ref: followed.Ref) -> Waiting:
    """A wait whose pauses the stand-in's clock takes at once."""
    fake.clock.freeze()
    return Waiting.of(aws, ref, clock=fake.clock.now, sleep=fake.clock.advance)


@TARGETS
def test_the_wait_outlives_31_minutes_and_ends_with_the_right_code(
    fake: FakeAws, aws: Aws, bucket: str, target: str
) -> None:
    fake.scripts.expect(Script(seconds=31 * 60, exit_code=1))
    followed.leave_record(fake, bucket, 3)
    start = fake.clock.freeze()
    ref = MAKERS[target](fake, bucket)

    seen = by_clock(fake, aws, ref).until_ended()

    assert seen.state == "FAILED"
    assert 31 * 60 <= fake.clock.now() - start <= 33 * 60
    assert outcome(aws, seen).code is ExitCode.TOO_MANY_REJECTS


@pytest.mark.parametrize(
    "fault", [throttling, internal_error, LoseResponse, Reset], ids=lambda f: f.__name__
)
def test_a_wait_goes_through_faults_of_every_second_look(
    fake: FakeAws, aws: Aws, bucket: str, fault: Callable[[], object]
) -> None:
    fake.scripts.expect(Script(seconds=600))
    ref = a_step(fake, bucket)
    fake.inject(Rule(fault(), header=DESCRIBE, every=2, times=None))

    assert by_clock(fake, aws, ref).until_ended().state == "COMPLETED"

    asked = [
        r for r in fake.requests if r.headers.get("x-amz-target", "").endswith(DESCRIBE[1][:-1])
    ]
    # Ten minutes; each request once, with no retries of botocore's between.
    assert fake.faults >= 3
    assert len(asked) < 50


def test_a_job_tells_its_progress_through_the_lake(
    fake: FakeAws,
    aws: Aws,
    bucket: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("stormlake"), "propagate", True)
    caplog.set_level(logging.INFO, "stormlake")
    line = {"what": "volumes", "done": 17, "total": 250, "at": "2026-05-01T21:04:10Z"}
    store = followed.lake_store(fake, bucket)
    store.create(progress_path(JOB, RUN_ID), canonical(line))
    fake.scripts.expect(Script(seconds=60))
    ref = a_step(fake, bucket)

    by_clock(fake, aws, ref).until_ended()

    told = [record.getMessage() for record in caplog.records]
    assert told[0] == f"{ref} RUNNING, cluster RUNNING, 17 of 250 volumes at 21:04:10 UTC"


def test_progress_that_cannot_be_read_does_not_end_a_wait(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    fake.scripts.expect(Script(seconds=60))
    ref = a_step(fake, bucket)
    fake.inject(Rule(internal_error(), path="_stormlake/progress", times=None))

    assert by_clock(fake, aws, ref).until_ended().state == "COMPLETED"
    assert fake.faults


def test_a_lake_that_cannot_be_read_leaves_the_services_word_and_says_so(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    fake.scripts.expect(Script(exit_code=1))
    seen = look(aws, a_step(fake, bucket))
    absent = RunName(JOB, RUN_ID, "s3://no-such-bucket-anywhere/lake")

    ended = outcome(aws, replace(seen, run=absent))

    assert ended.code is ExitCode.FAILED
    assert "what the run left could not be read" in ended.why


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        (
            f"stormlake/{JOB}/{KEY}/2",
            ["--run-id", "r-9", "--lake", "s3://a", "--lake=s3://b/c"],
            RunName(JOB, "r-9", "s3://b/c"),
        ),
        (f"stormlake/{JOB}/{KEY}/2", ["--lake", "s3://a"], RunName(JOB, f"{KEY}-2", "s3://a")),
        (
            f"stormlake/{JOB}/{KEY}/1",
            ["--options", pack_arguments(["--lake", "s3://a", "--source", ""])],
            RunName(JOB, f"{KEY}-1", "s3://a"),
        ),
        (f"stormlake/{JOB}/{KEY}/1", ["--options", "%%%"], None),
        (f"stormlake/{JOB}/{KEY}/1", ["--lake"], None),
        ("somebody's step", ["--lake", "s3://a"], None),
        ("", [], None),
    ],
)
def test_a_run_is_found_in_the_name_and_the_arguments_of_its_step(
    name: str, arguments: list[str], expected: RunName | None
) -> None:
    assert run_name(name, ["spark-submit", "s3://b/j.py", *arguments]) == expected


def test_a_lake_in_a_folder_of_the_cluster_is_not_looked_for_here(aws: Aws) -> None:
    assert progress(aws, RunName(JOB, RUN_ID, "/mnt/lake")) is None
    assert progress(aws, None) is None


def test_a_job_run_tells_its_end_and_its_log_address(fake: FakeAws, aws: Aws, bucket: str) -> None:
    seen = look(aws, a_job_run(fake, bucket))

    assert seen.log_uri == f"s3://{bucket}/logs/"
    assert seen.ended_at is not None and seen.ended_at <= datetime.now(UTC)

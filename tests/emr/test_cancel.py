"""`stormlake emr cancel`: it is asked to end, then made to, and its answer is read."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from stormlake.emr.cancelling import Ended, NotTaken, cancel, cancel_step_call
from stormlake.emr.looks import look
from stormlake.emr.outcomes import outcome
from stormlake.emr.refs import ServerlessRef, StepRef
from stormlake.emr.waiting import StillRunning
from stormlake.errors import ExitCode, RefusedInput
from stormlake.lake.exits import exit_path
from stormlake.lake.locks import LockHeld, LockLost, hold
from stormlake.lake.store import S3Store
from stormlake.running.aws import Aws
from stormlake.running.job import JobRun, Lake, RunCancelled
from stormlake.running.options import Common
from tests.emr.conftest import waiting_cluster
from tests.emr.submitting import CLUSTER, ROLE, clock_of, invoke, plan, put_archive
from tests.fakes.emr import FakeAws, Script
from tests.fakes.faults import Answer, Rule

ENDLESS = Script(seconds=math.inf)
DEAF = Script(seconds=math.inf, interrupt_seconds=math.inf)


def started(fake: FakeAws, aws: Aws, bucket: str, script: Script, **given: Any) -> Any:
    """What runs a radar job that goes as the script says."""
    put_archive(fake, bucket)
    fake.scripts.expect(script)
    place = given or {"cluster_id": waiting_cluster(fake)}
    ref = plan(aws, bucket, **place).submit(aws, clock_of(fake)).ref
    fake.tick()
    return ref


def cancellations(fake: FakeAws) -> list[str]:
    """What was asked of CancelSteps, in order."""
    return [
        json.loads(request.body)["StepCancellationOption"]
        for request in fake.requests
        if request.headers.get("x-amz-target", "").endswith("CancelSteps")
    ]


def test_a_step_that_heeds_an_interrupt_is_not_killed(fake: FakeAws, aws: Aws, bucket: str) -> None:
    ref = started(fake, aws, bucket, ENDLESS)
    assert cancel(aws, ref, clock=clock_of(fake)) == Ended(ref, "CANCELLED", "interrupted")
    assert cancellations(fake) == ["SEND_INTERRUPT"]


def test_a_step_that_does_not_is_killed_after_the_grace(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    ref = started(fake, aws, bucket, DEAF)
    before = fake.clock.now()
    assert cancel(aws, ref, grace=90, clock=clock_of(fake)) == Ended(ref, "CANCELLED", "killed")
    assert cancellations(fake) == ["SEND_INTERRUPT", "TERMINATE_PROCESS"]
    assert 90 <= fake.clock.now() - before < 120


def test_the_cluster_goes_on_after_a_step_was_cancelled(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    ref = started(fake, aws, bucket, ENDLESS)
    cancel(aws, ref, clock=clock_of(fake))
    fake.tick()
    assert fake.emr.clusters[ref.cluster].state == "WAITING"


def test_a_cluster_that_was_made_for_the_step_is_terminated(
    fake: FakeAws, aws: Aws, bucket: str, tmp_path: Path
) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(CLUSTER)
    ref = started(fake, aws, bucket, ENDLESS, transient=True, cluster_file=path)
    ended = cancel(aws, ref, clock=clock_of(fake))
    assert (ended.state, ended.how) == ("INTERRUPTED", "cluster terminated")
    # The state alone would say that somebody ended the cluster; whoever waits exits with 6.
    assert outcome(aws, look(aws, ref)).code == ExitCode.CANCELLED
    fake.tick()
    assert fake.emr.clusters[ref.cluster].state in ("TERMINATING", "TERMINATED")
    assert cancellations(fake) == []
    assert cancel(aws, ref, clock=clock_of(fake)) == Ended(ref, "INTERRUPTED", "already")


def test_a_cluster_that_ends_by_itself_but_is_not_ours_is_left_to_its_other_steps(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    ref = started(fake, aws, bucket, ENDLESS)
    instances = fake.emr.clusters[ref.cluster].request["Instances"]
    instances["KeepJobFlowAliveWhenNoSteps"] = False
    assert cancel(aws, ref, clock=clock_of(fake)).how == "interrupted"


def test_a_job_run_is_cancelled_with_the_grace(fake: FakeAws, aws: Aws, bucket: str) -> None:
    application = fake.serverless.application()
    ref = started(fake, aws, bucket, ENDLESS, serverless=application, execution_role=ROLE)
    assert cancel(aws, ref, grace=45, clock=clock_of(fake)).state == "CANCELLED"
    (request,) = [r for r in fake.requests if r.method == "DELETE"]
    assert request.target == (
        f"/applications/{application}/jobruns/{ref.job_run}?shutdownGracePeriodInSeconds=45"
    )


def test_what_was_cancelled_before_is_so_again(fake: FakeAws, aws: Aws, bucket: str) -> None:
    ref = started(fake, aws, bucket, ENDLESS)
    cancel(aws, ref, clock=clock_of(fake))
    assert cancel(aws, ref, clock=clock_of(fake)) == Ended(ref, "CANCELLED", "already")


def test_what_has_ended_otherwise_is_not_cancelled(fake: FakeAws, aws: Aws, bucket: str) -> None:
    ref = started(fake, aws, bucket, Script())
    with pytest.raises(RefusedInput, match=rf"{ref} has ended: COMPLETED; there is nothing to"):
        cancel(aws, ref, clock=clock_of(fake))


def test_a_step_that_emr_will_not_cancel_is_told_with_its_reason(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    """CancelSteps answers 200 and says of each step whether it took the request."""
    ref = started(fake, aws, bucket, ENDLESS)
    info = {"StepId": ref.step, "Status": "FAILED", "Reason": "The step is stubborn."}
    body = json.dumps({"CancelStepsInfoList": [info]}).encode()
    answer = Answer(200, body, {"Content-Type": "application/x-amz-json-1.1"})
    fake.inject(Rule(answer, header=("X-Amz-Target", "CancelSteps$")))
    with pytest.raises(NotTaken, match=rf"EMR did not cancel {ref}: The step is stubborn\."):
        cancel(aws, ref, clock=clock_of(fake))


def test_a_step_that_survives_everything_is_told_as_running(
    fake: FakeAws, aws: Aws, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = started(fake, aws, bucket, DEAF)
    info = {"StepId": ref.step, "Status": "SUBMITTED"}
    body = json.dumps({"CancelStepsInfoList": [info]}).encode()
    answer = Answer(200, body, {"Content-Type": "application/x-amz-json-1.1"})
    fake.inject(Rule(answer, header=("X-Amz-Target", "CancelSteps$"), times=None))
    with pytest.raises(StillRunning, match=rf"{ref} was told to end and is RUNNING") as caught:
        cancel(aws, ref, clock=clock_of(fake))
    assert caught.value.exit_code == ExitCode.STILL_RUNNING


def run_id_of(fake: FakeAws, ref: StepRef) -> str:
    """What the cluster's first step gave its job as --run-id."""
    _, _, key, attempt = fake.emr.clusters[ref.cluster].steps[0].config["Name"].split("/")
    return f"{key}-{attempt}"


def test_a_driver_that_the_step_leaves_behind_loses_its_locks(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    """In cluster mode the driver is YARN's; CancelSteps ends spark-submit, not the driver."""
    fake.emr.drivers_outlive_cancel = True
    ref = started(fake, aws, bucket, ENDLESS)
    run_id = run_id_of(fake, ref)
    store = S3Store(fake.client("s3"), bucket, "lake")
    with hold(store, "ingest-radar", ["KLBB"], run_id=run_id) as driver:
        with hold(store, "ingest-radar", ["KTLX"], run_id="another-1") as other:
            assert cancel(aws, ref, clock=clock_of(fake)).state == "CANCELLED"
            assert fake.emr.clusters[ref.cluster].steps[0].driver_left(fake.clock.now())
            with pytest.raises(LockLost, match="cancelled"):
                driver.check()
            other.check()
        # Until the driver must have noticed nobody else begins either.
        with (
            pytest.raises(LockHeld, match=rf"run {run_id} \(cancelled\)"),
            hold(store, "ingest-radar", ["KLBB"], run_id="next-1", wait=0),
        ):
            pass


def test_a_driver_that_an_unfinished_cancel_left_behind_is_stopped_by_the_next(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    fake.emr.drivers_outlive_cancel = True
    ref = started(fake, aws, bucket, ENDLESS)
    store = S3Store(fake.client("s3"), bucket, "lake")
    with hold(store, "ingest-radar", ["KLBB"], run_id=run_id_of(fake, ref)) as driver:
        # Ctrl-C came after this, and before the lake was told.
        aws.make(cancel_step_call(ref, "SEND_INTERRUPT"))
        driver.check()
        assert cancel(aws, ref, clock=clock_of(fake)) == Ended(ref, "CANCELLED", "already")
        with pytest.raises(LockLost, match="cancelled"):
            driver.check()


def test_the_command_tells_how_it_went(fake: FakeAws, aws: Aws, bucket: str) -> None:
    ref = started(fake, aws, bucket, ENDLESS)
    result = invoke("emr", "cancel", str(ref), "--output", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == {
        "ref": str(ref),
        "state": "CANCELLED",
        "how": "interrupted",
    }


@pytest.mark.parametrize(
    ("ref", "said"),
    [
        (StepRef("j-NEVER", "s-NEVER"), "is not valid"),
        (ServerlessRef("0never", "0never"), "ResourceNotFoundException"),
    ],
)
def test_what_never_was_is_refused(fake: FakeAws, ref: Any, said: str) -> None:
    result = invoke("emr", "cancel", str(ref))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_driver_that_has_not_begun_yet_finds_that_it_is_cancelled(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    """Also the second attempt that YARN makes of a driver whose first one lost its locks."""
    ref = started(fake, aws, bucket, ENDLESS)
    run_id = run_id_of(fake, ref)
    cancel(aws, ref, clock=clock_of(fake))
    lake = Lake(f"s3://{bucket}/lake", S3Store(fake.client("s3"), bucket, "lake"))
    run = JobRun("ingest-radar", lake, Common(run_id=run_id), "s3://source", {}, {})
    with pytest.raises(RunCancelled, match=f"run {run_id} was cancelled"), run, run.hold(["KLBB"]):
        pass
    assert RunCancelled.exit_code == ExitCode.CANCELLED
    left = lake.store.read(exit_path("ingest-radar", run_id))
    assert left is not None
    assert json.loads(left.data)["exit_code"] == 6
    other = JobRun("ingest-radar", lake, Common(run_id="another-1"), "s3://source", {}, {})
    with other.hold(["KLBB"]):
        other.check_locks()

"""`emr/daily.asl.json`: its linter, its graph, and its nights on the stand-in for EMR."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from statelint.config import Config
from statelint.linter import Linter

from tests.emr.conftest import cluster_request
from tests.fakes.asl import Execution, Machine, StateError, template
from tests.fakes.asl_services import Integrations
from tests.fakes.emr import FakeAws, Loss, Script, internal_error, throttling
from tests.fakes.faults import Answer, Fault, LoseResponse, Rule, s3_error

FILE = Path(__file__).resolve().parents[2] / "emr" / "daily.asl.json"
TIME = "2026-05-02T03:00:00Z"
ROLE = "arn:aws:iam::123456789012:role/steps"
ARGUMENTS = ["spark-submit", "--master", "yarn", "s3://b/job.py", "--lake", "s3://b/a b,c"]


@pytest.fixture(scope="module")
def definition() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


class Nights:
    """The machine on the stand-in, and an input for it."""

    def __init__(self, definition: dict[str, Any], fake: FakeAws, bucket: str) -> None:
        fake.clock.freeze()
        self.fake = fake
        self.services = Integrations(
            fake.session(), fake.endpoint_url, clock=fake.clock.now, sleep=fake.clock.advance
        )
        self.machine = Machine(definition, self.services, sleep=fake.clock.advance)
        self.numbers = itertools.count(1)
        cluster = cluster_request(
            LogUri=f"s3://{bucket}/logs/",
            Applications=[{"Name": "Spark"}],
            SecurityConfiguration="secure",
            EbsRootVolumeSize=40,
            AutoTerminationPolicy={"IdleTimeout": 3600},
            ScaleDownBehavior="TERMINATE_AT_TASK_COMPLETION",
            ManagedScalingPolicy={
                "ComputeLimits": {
                    "UnitType": "InstanceFleetUnits",
                    "MinimumCapacityUnits": 1,
                    "MaximumCapacityUnits": 8,
                }
            },
            Configurations=[],
            Tags=[{"Key": "team", "Value": "radar"}],
        )
        self.input: dict[str, Any] = {
            "name": "nightly",
            "bucket": bucket,
            "scheduled": TIME,
            "cluster": cluster,
            "step_role": ROLE,
            "step": {
                "Name": "stormlake/ingest-radar/nightly/1",
                "ActionOnFailure": "CONTINUE",
                "HadoopJarStep": {"Jar": "command-runner.jar", "Args": ARGUMENTS},
            },
        }

    def run(self, **changes: Any) -> Execution:
        """One more execution."""
        done = self.machine.run({**self.input, **changes}, f"execution-{next(self.numbers)}")
        self.fake.tick()
        return done

    def fail(self, fault: Fault, call: str, times: int) -> None:
        """Make calls of EMR, or of S3 with `PUT` or `GET`, fail."""
        header = ("X-Amz-Target", f"{call}$")
        of_s3 = call in ("PUT", "GET")
        rule = (
            Rule(fault, method=call, path="_stormlake/schedule", times=times)
            if of_s3
            else Rule(fault, header=header, times=times)
        )
        self.fake.inject(rule)

    @property
    def states(self) -> list[str]:
        """Of all clusters, oldest first."""
        return [cluster.state for cluster in self.fake.emr.clusters.values()]


@pytest.fixture
def nights(definition: dict[str, Any], fake: FakeAws, bucket: str) -> Nights:
    return Nights(definition, fake, bucket)


GOOD = ["Night", "Claim", "CreateCluster", "RunJob", "Terminate", "Done"]


def test_the_linter_has_nothing_to_say() -> None:
    assert Linter.validate(str(FILE), Config([], False, False)) == []


def test_a_night_claims_makes_a_cluster_runs_the_job_and_ends_the_cluster(nights: Nights) -> None:
    done = nights.run()
    assert (done.status, done.visited) == ("SUCCEEDED", GOOD)
    (cluster,) = nights.fake.emr.clusters.values()
    assert cluster.state == "TERMINATED"
    assert cluster.request["Name"] == f"test/{TIME}"
    assert cluster.auto_termination == {"IdleTimeout": 3600}
    (step,) = cluster.steps
    assert step.state == "COMPLETED"
    assert step.config["Name"] == "stormlake/ingest-radar/nightly/1"
    assert step.role == ROLE


def test_the_job_gets_its_arguments_one_by_one_and_behind_them_time_and_run_id(
    nights: Nights,
) -> None:
    nights.run()
    (cluster,) = nights.fake.emr.clusters.values()
    (step,) = cluster.steps
    assert step.config["HadoopJarStep"] == {
        "Jar": "command-runner.jar",
        "Args": [*ARGUMENTS, "--day-before", TIME, "--run-id", "execution-1"],
    }


def test_the_claim_lies_under_name_and_time_and_says_whose_it_is(nights: Nights) -> None:
    nights.run()
    key = f"_stormlake/schedule/nightly/{TIME}.json"
    claim = nights.fake.s3.get_object(Bucket=nights.input["bucket"], Key=key)["Body"].read()
    assert json.loads(claim)["execution"].endswith(":execution-1")


def test_a_night_that_is_fired_twice_runs_once(nights: Nights) -> None:
    first, second = nights.run(), nights.run()
    assert first.status == second.status == "SUCCEEDED"
    assert second.visited == ["Night", "Claim", "ReadClaim", "Whose", "AlreadyStarted"]
    assert nights.states == ["TERMINATED"]


def test_two_firings_at_once_run_once(nights: Nights) -> None:
    # The second one comes in while the first waits for its cluster.
    others: list[Execution] = []
    create = nights.services["elasticmapreduce:createCluster.sync"]

    def meanwhile(asked: dict[str, Any], timeout: float | None) -> Any:
        others.append(nights.run())
        return create(asked, timeout)

    nights.services["elasticmapreduce:createCluster.sync"] = meanwhile
    done = nights.run()
    assert done.visited == GOOD
    (other,) = others
    assert other.visited[-1] == "AlreadyStarted"
    assert nights.states == ["TERMINATED"]


def test_another_night_another_name_and_another_bucket_are_other_claims(nights: Nights) -> None:
    nights.run()
    for changes in ({"scheduled": "2026-05-03T03:00:00Z"}, {"name": "other"}):
        assert nights.run(**changes).visited == GOOD
    assert nights.states == ["TERMINATED"] * 3


def test_a_claim_whose_answer_was_lost_is_recognised_as_our_own(nights: Nights) -> None:
    nights.fail(LoseResponse(), "PUT", 1)
    done = nights.run()
    assert done.status == "SUCCEEDED"
    assert done.visited == [*GOOD[:2], "ReadClaim", "Whose", *GOOD[2:]]
    assert nights.states == ["TERMINATED"]


def test_s3_that_is_busy_for_a_moment_is_asked_again(nights: Nights) -> None:
    nights.fail(s3_error(503, "SlowDown"), "PUT", 2)
    assert nights.run().visited == GOOD


def test_a_claim_that_is_refused_for_good_fails_with_that_and_makes_no_cluster(
    nights: Nights,
) -> None:
    nights.fail(s3_error(403, "AccessDenied", "no right to put"), "PUT", 10)
    done = nights.run()
    assert done.status == "FAILED"
    assert done.error == "S3.S3Exception" and "no right to put" in (done.cause or "")
    assert nights.states == []


def test_a_step_that_was_added_twice_has_one_run_id_and_waits_for_the_first(
    nights: Nights,
) -> None:
    add = nights.services["elasticmapreduce:addStep.sync"]

    def accepted_and_denied(asked: dict[str, Any], timeout: float | None) -> Any:
        nights.services["elasticmapreduce:addStep.sync"] = add
        add(asked, timeout)
        raise StateError("EMR.AmazonElasticMapReduceException", "a 500 behind a step that is there")

    nights.services["elasticmapreduce:addStep.sync"] = accepted_and_denied
    assert nights.run().visited == GOOD
    (cluster,) = nights.fake.emr.clusters.values()
    assert cluster.concurrency == 1
    runs = [step.config["HadoopJarStep"]["Args"][-2:] for step in cluster.steps]
    assert runs == [["--run-id", "execution-1"]] * 2


def test_a_cluster_that_cannot_be_made_fails_the_night(nights: Nights) -> None:
    nights.fake.emr.next_loss = Loss("BOOTSTRAP_FAILURE", "bad image")
    done = nights.run()
    assert (done.status, done.visited[-1]) == ("FAILED", "Failed")
    assert done.error == "States.TaskFailed" and "bad image" in (done.cause or "")
    assert nights.states == ["TERMINATED_WITH_ERRORS"]


@pytest.mark.parametrize("call", ["RunJobFlow", "AddJobFlowSteps", "TerminateJobFlows"])
def test_throttling_is_waited_out(nights: Nights, call: str) -> None:
    nights.fail(throttling(), call, 5)
    done = nights.run()
    assert done.visited == GOOD
    assert len(done.retries) == 5
    assert nights.states == ["TERMINATED"]


def failing_step(nights: Nights) -> None:
    nights.fake.scripts.expect(Script(exit_code=1))


def cancelled_step(nights: Nights) -> None:
    nights.fake.scripts.expect(Script(seconds=3600))

    def cancel_by_hand(seconds: float) -> None:
        ((cluster, one),) = nights.fake.emr.clusters.items()
        emr = nights.fake.client("emr")
        emr.cancel_steps(
            ClusterId=cluster,
            StepIds=[each.id for each in one.steps],
            StepCancellationOption="SEND_INTERRUPT",
        )
        nights.fake.clock.advance(seconds)

    nights.services.sleep = cancel_by_hand


def endless_step(nights: Nights) -> None:
    nights.fake.scripts.expect(Script(seconds=7 * 24 * 3600))
    nights.services.poll = 3600


def refused_step(nights: Nights) -> None:
    nights.fail(
        Answer(400, b'{"__type":"ValidationException","message":"no"}'), "AddJobFlowSteps", 9
    )


def broken_service(nights: Nights) -> None:
    nights.fail(internal_error(), "AddJobFlowSteps", 9)


def no_role(nights: Nights) -> None:
    del nights.input["step_role"]


@pytest.mark.parametrize(
    ("trouble", "error"),
    [
        (failing_step, "States.TaskFailed"),
        (cancelled_step, "States.TaskFailed"),
        (endless_step, "States.Timeout"),
        (refused_step, "EMR.AmazonElasticMapReduceException"),
        (broken_service, "EMR.AmazonElasticMapReduceException"),
        (no_role, "States.ParameterPathFailure"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_whatever_becomes_of_the_job_the_cluster_is_ended_and_the_first_error_told(
    nights: Nights, trouble: Callable[[Nights], None], error: str
) -> None:
    trouble(nights)
    done = nights.run()
    assert done.status == "FAILED"
    assert done.visited == [*GOOD[:4], "TerminateAfterFailure", "Failed"]
    assert done.error == error
    assert nights.states == ["TERMINATED"]


def test_a_job_that_failed_is_told_even_when_its_cluster_cannot_be_ended(nights: Nights) -> None:
    failing_step(nights)
    nights.fail(internal_error(), "TerminateJobFlows", 20)
    done = nights.run()
    assert (done.status, done.error) == ("FAILED", "States.TaskFailed")
    assert nights.states == ["WAITING"]
    nights.fake.clock.advance(3601)  # what AutoTerminationPolicy is for
    nights.fake.tick()
    assert nights.states == ["TERMINATED"]


def test_a_cluster_that_cannot_be_ended_after_success_fails_the_night(nights: Nights) -> None:
    nights.fail(internal_error(), "TerminateJobFlows", 20)
    done = nights.run()
    assert (done.status, done.error) == ("FAILED", "EMR.AmazonElasticMapReduceException")


def test_a_night_stopped_by_hand_leaves_a_cluster_that_ends_itself(nights: Nights) -> None:
    class Stopped(Exception):
        pass

    def stopped(asked: dict[str, Any], timeout: float | None) -> Any:
        raise Stopped

    nights.services["elasticmapreduce:addStep.sync"] = stopped
    with pytest.raises(Stopped):
        nights.run()
    assert nights.states == ["WAITING"]
    nights.fake.clock.advance(3601)
    nights.fake.tick()
    assert nights.states == ["TERMINATED"]


def test_an_input_without_an_idle_time_makes_no_cluster(nights: Nights) -> None:
    del nights.input["cluster"]["AutoTerminationPolicy"]
    done = nights.run()
    assert (done.status, done.error) == ("FAILED", "States.ParameterPathFailure")
    assert nights.states == []


# The graph, without running it.


def reached(machine: Machine, start: set[str], kinds: tuple[str, ...]) -> set[str]:
    """All states that can be reached from these, themselves included."""
    found: set[str] = set()
    todo = set(start)
    while todo:
        name = todo.pop()
        found.add(name)
        ways = machine.successors(name)
        todo |= {way for kind in kinds for way in ways[kind]} - found
    return found


def resource(machine: Machine, name: str) -> str:
    return str(machine.states[name].get("Resource", "")).removeprefix("arn:aws:states:::")


def terminates(machine: Machine, name: str) -> bool:
    return resource(machine, name).startswith("elasticmapreduce:terminateCluster")


def after_creation(machine: Machine) -> set[str]:
    """Tasks that run when there is a cluster."""
    (create,) = (
        name
        for name in machine.states
        if resource(machine, name) == "elasticmapreduce:createCluster.sync"
    )
    later = reached(machine, machine.successors(create)["next"], ("next", "error"))
    return {name for name in later if machine.states[name]["Type"] == "Task"}


def test_from_every_task_after_the_clusters_creation_a_failure_reaches_termination(
    definition: dict[str, Any],
) -> None:
    machine = Machine(definition, {})
    tasks = after_creation(machine)
    assert tasks == {"RunJob", "Terminate", "TerminateAfterFailure"}
    for name in tasks:
        caught = [set(each["ErrorEquals"]) for each in machine.states[name]["Catch"]]
        assert caught[-1] == {"States.ALL"}, name
        handlers = machine.successors(name)["error"]
        if name == "TerminateAfterFailure":  # tried six times; then the idle time ends the cluster
            assert handlers == {"Failed"}
            continue
        for handler in handlers:
            # Every way from here ends the cluster before it ends the execution.
            assert all_ways_terminate(machine, handler), (name, handler)


def all_ways_terminate(machine: Machine, name: str) -> bool:
    if terminates(machine, name):
        return True
    ways = machine.successors(name)["next"]
    return bool(ways) and all(all_ways_terminate(machine, way) for way in ways)


def test_success_too_ends_the_cluster(definition: dict[str, Any]) -> None:
    machine = Machine(definition, {})
    assert all_ways_terminate(machine, "RunJob")


def test_a_failure_without_its_way_out_would_be_found(definition: dict[str, Any]) -> None:
    # The proof above, proven: a handler that goes straight to the end is not let through.
    spoilt = json.loads(json.dumps(definition))
    spoilt["States"]["RunJob"]["Catch"][0]["Next"] = "Failed"
    assert not all_ways_terminate(Machine(spoilt, {}), "Failed")


def test_every_task_of_the_machine_is_tried_again_and_caught(definition: dict[str, Any]) -> None:
    for name, state in definition["States"].items():
        if state["Type"] != "Task":
            continue
        assert state["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        for retrier in state.get("Retry", []):
            assert isinstance(retrier["BackoffRate"], float), name
        assert "Retry" in state or name == "ReadClaim"


def test_no_cluster_is_made_without_an_idle_time(definition: dict[str, Any]) -> None:
    create = definition["States"]["CreateCluster"]["Parameters"]
    assert create["AutoTerminationPolicy"].keys() == {"IdleTimeout.$"}
    assert "Steps" not in create and "Steps.$" not in create  # createCluster takes none


def test_every_state_can_be_reached(definition: dict[str, Any]) -> None:
    machine = Machine(definition, {})
    assert reached(machine, {machine.start}, ("next", "error")) == machine.states.keys()


def test_arrays_of_arguments_are_joined_in_order() -> None:
    joined = template(
        {"args.$": "$.parts[*][*]"}, {"parts": [["a", "b, c", ""], ["--day-before", TIME]]}, {}
    )
    assert joined == {"args": ["a", "b, c", "", "--day-before", TIME]}

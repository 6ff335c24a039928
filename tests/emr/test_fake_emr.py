"""The stand-in for EMR keeps EMR's rules, so that what passes against it means something."""

from __future__ import annotations

import gzip
import threading
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from tests.emr.conftest import cluster_request, waiting_cluster
from tests.fakes.emr import FakeAws, Loss, Script, Timing, internal_error, throttling
from tests.fakes.emr.steps import Step
from tests.fakes.faults import LoseResponse, Rule
from tests.fakes.s3 import S3Server


def step(name: str = "one", *arguments: str, action: str = "CONTINUE") -> dict[str, Any]:
    return {
        "Name": name,
        "ActionOnFailure": action,
        "HadoopJarStep": {
            "Jar": "command-runner.jar",
            "Args": ["spark-submit", "--deploy-mode", "cluster", *arguments],
        },
    }


def add(fake: FakeAws, cluster: str, *steps: dict[str, Any]) -> list[str]:
    answer = fake.client("emr").add_job_flow_steps(JobFlowId=cluster, Steps=list(steps))
    return list(answer["StepIds"])


def step_state(fake: FakeAws, cluster: str, one: str) -> str:
    answer = fake.client("emr").describe_step(ClusterId=cluster, StepId=one)
    return str(answer["Step"]["Status"]["State"])


def cluster_status(fake: FakeAws, cluster: str) -> dict[str, Any]:
    return dict(fake.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]["Status"])


def the_step(fake: FakeAws, cluster: str, one: str) -> Step:
    return next(step for step in fake.emr.clusters[cluster].steps if step.id == one)


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_cluster_goes_through_its_states_in_time(fake: FakeAws) -> None:
    start = fake.clock.freeze()
    fake.emr.timing = Timing(starting=120, bootstrapping=180, terminating=60)
    emr = fake.client("emr")
    cluster = emr.run_job_flow(**cluster_request())["JobFlowId"]
    seen = []
    for seconds in (0, 120, 180):
        fake.clock.advance(seconds)
        seen.append(cluster_status(fake, cluster)["State"])
    emr.terminate_job_flows(JobFlowIds=[cluster])
    seen.append(cluster_status(fake, cluster)["State"])
    fake.clock.advance(60)
    status = cluster_status(fake, cluster)

    assert seen == ["STARTING", "BOOTSTRAPPING", "WAITING", "TERMINATING"]
    assert status["State"] == "TERMINATED"
    assert status["StateChangeReason"]["Code"] == "USER_REQUEST"
    times = {name: at.timestamp() - start for name, at in status["Timeline"].items()}
    assert times == pytest.approx(
        {"CreationDateTime": 0, "ReadyDateTime": 300, "EndDateTime": 360}, abs=0.01
    )


def test_a_step_runs_for_its_time_and_what_waits_starts_at_its_end(fake: FakeAws) -> None:
    start = fake.clock.freeze()
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(seconds=1860))
    fake.scripts.expect(Script(seconds=60))
    first, second = add(fake, cluster, step("first"), step("second"))
    assert [step_state(fake, cluster, one) for one in (first, second)] == ["RUNNING", "PENDING"]
    assert cluster_status(fake, cluster)["State"] == "RUNNING"

    fake.clock.advance(2000)

    status = fake.client("emr").describe_step(ClusterId=cluster, StepId=second)["Step"]["Status"]
    assert status["State"] == "COMPLETED"
    assert status["Timeline"]["StartDateTime"].timestamp() - start == pytest.approx(1860, abs=0.01)
    assert status["Timeline"]["EndDateTime"].timestamp() - start == pytest.approx(1920, abs=0.01)
    assert cluster_status(fake, cluster)["State"] == "WAITING"


def test_two_steps_run_at_once_where_the_cluster_allows_it(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake, StepConcurrencyLevel=2)
    go = threading.Event()
    for _ in range(3):
        fake.scripts.expect(Script(until=go))
    ids = add(fake, cluster, step("a"), step("b"), step("c"))
    assert [step_state(fake, cluster, one) for one in ids] == ["RUNNING", "RUNNING", "PENDING"]
    go.set()
    assert [step_state(fake, cluster, one) for one in ids] == ["COMPLETED"] * 3


def test_a_step_waits_for_the_event_of_a_test(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    go = threading.Event()
    fake.scripts.expect(Script(until=go, exit_code=3))
    (one,) = add(fake, cluster, step())
    fake.clock.advance(86400)
    assert step_state(fake, cluster, one) == "RUNNING"
    go.set()
    assert step_state(fake, cluster, one) == "FAILED"


@pytest.mark.parametrize(
    ("action", "second", "state", "code"),
    [
        ("CONTINUE", "COMPLETED", "WAITING", None),
        ("CANCEL_AND_WAIT", "CANCELLED", "WAITING", None),
        ("TERMINATE_CLUSTER", "CANCELLED", "TERMINATED_WITH_ERRORS", "STEP_FAILURE"),
        ("TERMINATE_JOB_FLOW", "CANCELLED", "TERMINATED_WITH_ERRORS", "STEP_FAILURE"),
    ],
)
def test_a_failure_does_what_the_step_said(
    fake: FakeAws, action: str, second: str, state: str, code: str | None
) -> None:
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(exit_code=1))
    ids = add(fake, cluster, step("bad", action=action), step("next"))
    assert [step_state(fake, cluster, one) for one in ids] == ["FAILED", second]
    status = cluster_status(fake, cluster)
    assert (status["State"], status["StateChangeReason"].get("Code")) == (state, code)


def test_a_failure_tells_its_details(fake: FakeAws, bucket: str) -> None:
    cluster = waiting_cluster(fake, LogUri=f"s3://{bucket}/logs/")
    found = {"Reason": "Main class threw", "Message": "boom", "LogFile": "s3://x/y.gz"}
    fake.scripts.expect(Script(exit_code=1, failure=found))
    fake.scripts.expect(Script(exit_code=1))
    ids = add(fake, cluster, step(), step())
    emr = fake.client("emr")
    details = [
        emr.describe_step(ClusterId=cluster, StepId=one)["Step"]["Status"]["FailureDetails"]
        for one in ids
    ]
    assert details == [
        found,
        {
            "Reason": "Unknown Error.",
            "LogFile": f"s3://{bucket}/logs/{cluster}/steps/{ids[1]}/stderr.gz",
        },
    ]


@pytest.mark.parametrize(
    ("exit_code", "step_over", "over", "message"),
    [
        (0, "COMPLETED", "TERMINATED", "Steps completed"),
        (1, "FAILED", "TERMINATED", "Steps completed with errors"),
    ],
)
def test_a_transient_cluster_ends_with_its_steps(
    fake: FakeAws, exit_code: int, step_over: str, over: str, message: str
) -> None:
    fake.scripts.expect(Script(exit_code=exit_code))
    request = cluster_request(Instances={"KeepJobFlowAliveWhenNoSteps": False}, Steps=[step()])
    cluster = fake.client("emr").run_job_flow(**request)["JobFlowId"]
    status = cluster_status(fake, cluster)
    assert status["State"] == over
    assert status["StateChangeReason"] == {"Code": "ALL_STEPS_COMPLETED", "Message": message}
    (only,) = fake.client("emr").list_steps(ClusterId=cluster)["Steps"]
    assert only["Status"]["State"] == step_over


def test_an_idle_cluster_ends_by_its_policy_and_a_busy_one_does_not(fake: FakeAws) -> None:
    start = fake.clock.freeze()
    emr = fake.client("emr")
    idle = waiting_cluster(fake)
    busy = waiting_cluster(fake, AutoTerminationPolicy={"IdleTimeout": 3600})
    emr.put_auto_termination_policy(ClusterId=idle, AutoTerminationPolicy={"IdleTimeout": 3600})
    assert emr.get_auto_termination_policy(ClusterId=idle)["AutoTerminationPolicy"] == {
        "IdleTimeout": 3600
    }
    fake.scripts.expect(Script(seconds=4000))
    add(fake, busy, step())
    fake.clock.advance(3601)
    assert cluster_status(fake, busy)["State"] == "RUNNING"
    status = cluster_status(fake, idle)
    assert status["State"] == "TERMINATED"
    assert status["Timeline"]["EndDateTime"].timestamp() - start == pytest.approx(3600, abs=0.01)
    fake.clock.advance(4000)
    assert cluster_status(fake, busy)["State"] == "TERMINATED"


@pytest.mark.parametrize("keep", [False, True])
def test_a_cluster_is_lost_before_its_step_ran(fake: FakeAws, keep: bool) -> None:
    fake.clock.freeze()
    fake.emr.timing = Timing(starting=3600)
    fake.emr.next_loss = Loss("INSTANCE_FLEET_TIMEOUT", "no spot", 600, leaves_pending=keep)
    request = cluster_request(Steps=[step()])
    cluster = fake.client("emr").run_job_flow(**request)["JobFlowId"]
    assert cluster_status(fake, cluster)["State"] == "STARTING"
    fake.clock.advance(600)
    status = cluster_status(fake, cluster)
    assert status["State"] == "TERMINATED_WITH_ERRORS"
    assert status["StateChangeReason"] == {"Code": "INSTANCE_FLEET_TIMEOUT", "Message": "no spot"}
    (only,) = fake.client("emr").list_steps(ClusterId=cluster)["Steps"]
    assert only["Status"]["State"] == ("PENDING" if keep else "CANCELLED")
    assert fake.scripts.works == []


def test_a_cluster_is_lost_under_its_step(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(until=threading.Event()))
    (one,) = add(fake, cluster, step())
    fake.tick()
    fake.emr.lose(cluster, Loss("INSTANCE_FAILURE"))
    assert step_state(fake, cluster, one) == "INTERRUPTED"
    assert cluster_status(fake, cluster)["State"] == "TERMINATED_WITH_ERRORS"


def test_cancelling_answers_for_each_step(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script())
    fake.scripts.expect(Script(until=threading.Event()))
    over, running, pending = add(fake, cluster, step("a"), step("b"), step("c", action="CONTINUE"))
    fake.tick()
    emr = fake.client("emr")
    answer = emr.cancel_steps(
        ClusterId=cluster, StepIds=[over, running, pending, "s-0000000000000"]
    )["CancelStepsInfoList"]
    assert [info["Status"] for info in answer] == ["FAILED", "SUBMITTED", "SUBMITTED", "FAILED"]
    assert answer[0]["Reason"] == f"Step {over} is COMPLETED and cannot be cancelled"
    assert [step_state(fake, cluster, one) for one in (over, running, pending)] == [
        "COMPLETED",
        "CANCELLED",
        "CANCELLED",
    ]
    assert cluster_status(fake, cluster)["State"] == "WAITING"


def test_a_step_that_ignores_the_interrupt_ends_by_force_and_without_its_action(
    fake: FakeAws,
) -> None:
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(until=threading.Event(), interrupt_seconds=float("inf")))
    (one,) = add(fake, cluster, step(action="TERMINATE_CLUSTER"))
    emr = fake.client("emr")
    assert step_state(fake, cluster, one) == "RUNNING"
    emr.cancel_steps(ClusterId=cluster, StepIds=[one])
    fake.clock.advance(3600)
    assert step_state(fake, cluster, one) == "CANCEL_PENDING"
    emr.cancel_steps(ClusterId=cluster, StepIds=[one], StepCancellationOption="TERMINATE_PROCESS")
    assert step_state(fake, cluster, one) == "CANCELLED"
    assert cluster_status(fake, cluster)["State"] == "WAITING"


def test_a_driver_outlives_its_cancelled_step_until_yarn_is_told(
    fake: FakeAws, bucket: str
) -> None:
    fake.emr.drivers_outlive_cancel = True
    policy = {"IdleTimeout": 3600}
    cluster = waiting_cluster(fake, LogUri=f"s3://{bucket}", AutoTerminationPolicy=policy)
    fake.scripts.expect(Script(until=threading.Event()))
    (one,) = add(fake, cluster, step())
    fake.tick()
    fake.client("emr").cancel_steps(
        ClusterId=cluster, StepIds=[one], StepCancellationOption="TERMINATE_PROCESS"
    )
    assert step_state(fake, cluster, one) == "CANCELLED"
    left = the_step(fake, cluster, one)
    fake.clock.advance(2 * 3600)
    assert left.driver_left(fake.clock.now())
    assert cluster_status(fake, cluster)["State"] == "WAITING"

    kill = step("kill")
    kill["HadoopJarStep"]["Args"] = ["yarn", "application", "-kill", str(left.application)]
    (killer,) = add(fake, cluster, kill)
    assert step_state(fake, cluster, killer) == "COMPLETED"
    assert not left.driver_left(fake.clock.now())
    fake.clock.advance(3600)
    assert cluster_status(fake, cluster)["State"] == "TERMINATED"


def test_lists_come_page_by_page_the_newest_first(fake: FakeAws) -> None:
    fake.emr.page_size = 1
    clusters = [waiting_cluster(fake, Name=f"c{number}") for number in range(3)]
    steps = add(fake, clusters[0], *(step(f"s{number}") for number in range(3)))
    emr = fake.client("emr")

    def listed(operation: str, key: str, **parameters: Any) -> list[list[str]]:
        pages = emr.get_paginator(operation).paginate(**parameters)
        return [[one["Id"] for one in page[key]] for page in pages]

    assert listed("list_clusters", "Clusters") == [[one] for one in reversed(clusters)]
    assert listed("list_steps", "Steps", ClusterId=clusters[0]) == [[s] for s in reversed(steps)]
    assert len(listed("list_instances", "Instances", ClusterId=clusters[0])) == 2
    assert len(listed("list_instance_fleets", "InstanceFleets", ClusterId=clusters[0])) == 2


def test_clusters_are_listed_by_time_and_state(fake: FakeAws) -> None:
    fake.clock.freeze()
    old = waiting_cluster(fake)
    fake.clock.advance(100)
    new = waiting_cluster(fake)
    emr = fake.client("emr")
    emr.terminate_job_flows(JobFlowIds=[old])
    since = fake.clock.now() - 50
    found = [one["Id"] for one in emr.list_clusters(CreatedAfter=since)["Clusters"]]
    assert found == [new]
    found = [one["Id"] for one in emr.list_clusters(ClusterStates=["TERMINATED"])["Clusters"]]
    assert found == [old]


def test_instances_have_type_market_and_times(fake: FakeAws) -> None:
    start = fake.clock.freeze()
    fake.emr.timing = Timing(starting=300)
    fleets = [
        *cluster_request()["Instances"]["InstanceFleets"],
        {
            "Name": "task",
            "InstanceFleetType": "TASK",
            "TargetSpotCapacity": 7,
            "InstanceTypeConfigs": [{"InstanceType": "r7i.2xlarge", "WeightedCapacity": 4}],
        },
    ]
    emr = fake.client("emr")
    request = cluster_request(Instances={"InstanceFleets": fleets})
    cluster = emr.run_job_flow(**request)["JobFlowId"]
    fake.clock.advance(900)
    fake.tick()
    task = fake.emr.clusters[cluster].fleets[2]
    task.scale(fake.clock.now(), 1, "r7i.2xlarge", "SPOT")
    fake.clock.advance(100)
    emr.terminate_job_flows(JobFlowIds=[cluster])

    found = emr.list_instances(ClusterId=cluster, InstanceFleetType="TASK")["Instances"]
    assert [(one["InstanceType"], one["Market"]) for one in found] == [("r7i.2xlarge", "SPOT")] * 2
    assert [
        [round(at.timestamp() - start) for at in one["Status"]["Timeline"].values()]
        for one in found
    ] == [[0, 300, 1000], [0, 300, 900]]


def test_an_invalid_request_is_refused_as_emr_does(fake: FakeAws) -> None:
    emr = fake.session().client(
        "emr", endpoint_url=fake.endpoint_url, config=Config(parameter_validation=False)
    )
    cluster = waiting_cluster(fake)
    code, message = refused(emr.describe_step, ClusterId=cluster)
    assert code == "ValidationException"
    assert "Missing required parameter" in message and "StepId" in message
    code, message = refused(emr.list_steps, ClusterId=cluster, StepStates=["DONE"])
    assert code == "ValidationException" and "'DONE'" in message
    code, message = refused(emr.add_job_flow_steps, JobFlowId=cluster, Steps=[step("x" * 257)])
    assert code == "ValidationException" and "257" in message
    code, message = refused(emr.describe_cluster, ClusterId="j-0000000000000")
    assert code == "InvalidRequestException"


def test_what_emr_limits_is_limited(fake: FakeAws) -> None:
    emr = fake.client("emr")
    cluster = waiting_cluster(fake)
    code, message = refused(
        emr.add_job_flow_steps, JobFlowId=cluster, Steps=[step("one", "x" * 10240)]
    )
    assert code == "ValidationException" and "10240" in message
    code, message = refused(
        emr.put_auto_termination_policy,
        ClusterId=cluster,
        AutoTerminationPolicy={"IdleTimeout": 59},
    )
    assert code == "ValidationException" and "60" in message
    many = waiting_cluster(fake, StepConcurrencyLevel=2)
    code, message = refused(
        emr.add_job_flow_steps, JobFlowId=many, Steps=[step(action="TERMINATE_CLUSTER")]
    )
    assert code == "ValidationException" and "StepConcurrencyLevel" in message
    emr.terminate_job_flows(JobFlowIds=[cluster])
    code, message = refused(emr.add_job_flow_steps, JobFlowId=cluster, Steps=[step()])
    assert code == "ValidationException" and "may not be modified" in message
    safe = waiting_cluster(fake, Instances={"TerminationProtected": True})
    code, message = refused(emr.terminate_job_flows, JobFlowIds=[safe])
    assert code == "ValidationException" and "protected" in message
    code, message = refused(emr.run_job_flow, **cluster_request(ReleaseLabel="7.13"))
    assert code == "ValidationException" and "7.13" in message


def test_command_runner_drops_empty_arguments_and_braces(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    add(fake, cluster, step("one", "--a", "", '{"b": {"c": 1}}'))
    fake.tick()
    (work,) = fake.scripts.works
    assert work.arguments[3:] == ["--a", '{"b": {"c": 1']


def test_a_scaling_policy_is_kept(fake: FakeAws) -> None:
    emr = fake.client("emr")
    cluster = waiting_cluster(fake)
    assert "ManagedScalingPolicy" not in emr.get_managed_scaling_policy(ClusterId=cluster)
    limits = {"UnitType": "InstanceFleetUnits", "MinimumCapacityUnits": 1}
    policy = {"ComputeLimits": limits | {"MaximumCapacityUnits": 8}}
    emr.put_managed_scaling_policy(ClusterId=cluster, ManagedScalingPolicy=policy)
    answer = emr.get_managed_scaling_policy(ClusterId=cluster)
    assert answer["ManagedScalingPolicy"] == policy


def test_throttling_and_errors_come_by_rule_and_are_retried(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    target = ("X-Amz-Target", "ListSteps$")
    fake.inject(Rule(throttling(), header=target), Rule(internal_error(), header=target))
    assert fake.client("emr").list_steps(ClusterId=cluster)["Steps"] == []
    assert [request.status for request in fake.requests][-3:] == [400, 500, 200]


def test_a_lost_response_leaves_the_step(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    fake.inject(Rule(LoseResponse(), header=("X-Amz-Target", "AddJobFlowSteps$")))
    once = fake.session().client(
        "emr",
        endpoint_url=fake.endpoint_url,
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(ConnectionClosedError):
        once.add_job_flow_steps(JobFlowId=cluster, Steps=[step("kept")])
    assert [one["Name"] for one in once.list_steps(ClusterId=cluster)["Steps"]] == ["kept"]


def keys(fake: FakeAws, bucket: str) -> list[str]:
    answer = fake.s3.list_objects_v2(Bucket=bucket)
    return [one["Key"] for one in answer.get("Contents", [])]


def text(fake: FakeAws, bucket: str, key: str) -> str:
    return gzip.decompress(fake.s3.get_object(Bucket=bucket, Key=key)["Body"].read()).decode()


def test_logs_lie_where_emr_puts_them(fake: FakeAws, bucket: str) -> None:
    cluster = waiting_cluster(fake, LogUri=f"s3://{bucket}/logs")
    fake.scripts.expect(
        Script(
            exit_code=1,
            logs={"controller": "INFO waitProcessCompletion"},
            drivers=[{"stderr": "first"}, {"stderr": "second", "stdout": "rows"}],
        )
    )
    (one,) = add(fake, cluster, step())
    assert step_state(fake, cluster, one) == "FAILED"
    application = the_step(fake, cluster, one).application
    assert application is not None
    container = application.replace("application", "container")
    root = f"logs/{cluster}"
    assert keys(fake, bucket) == [
        *(
            f"{root}/containers/{application}/{container}_{attempt}_000001/{name}.gz"
            for attempt in ("01", "02")
            for name in ("stderr", "stdout")
        ),
        *(f"{root}/steps/{one}/{name}.gz" for name in ("controller", "stderr", "stdout", "syslog")),
    ]
    client = text(fake, bucket, f"{root}/steps/{one}/stderr.gz")
    assert f"Submitted application {application}\n" in client
    driver = f"{root}/containers/{application}/{container}_02_000001/stderr.gz"
    assert text(fake, bucket, driver) == "second"
    described = fake.client("emr").describe_cluster(ClusterId=cluster)["Cluster"]
    assert described["LogUri"] == f"s3n://{bucket}/logs/"


def test_logs_come_late_and_grow_while_the_step_runs(fake: FakeAws, bucket: str) -> None:
    fake.clock.freeze()
    fake.logs.every, fake.logs.delay = 60, 240
    cluster = waiting_cluster(fake, LogUri=f"s3://{bucket}/")
    fake.scripts.expect(
        Script(seconds=200, drivers=[{"stdout": [(10, "a"), (70, "b"), (150, "c")]}])
    )
    add(fake, cluster, step())
    fake.tick()
    read = []
    for seconds in (59, 1, 60, 79, 1, 239, 1):  # at 59, 60, 120, 199, 200, 439, 440 s
        fake.clock.advance(seconds)
        fake.tick()
        found = [key for key in keys(fake, bucket) if key.endswith("_01_000001/stdout.gz")]
        read.append([text(fake, bucket, key) for key in found])
    assert read == [[], ["a"], ["ab"], ["abc"], ["abc"], ["abc"], ["abc"]]
    fake.logs.every = 3600
    fake.scripts.expect(Script(seconds=200, drivers=[{"stdout": "all"}]))
    (late,) = add(fake, cluster, step())
    fake.clock.advance(201)
    assert step_state(fake, cluster, late) == "COMPLETED"
    application = the_step(fake, cluster, late).application
    assert not [key for key in keys(fake, bucket) if str(application) in key]
    fake.clock.advance(240)
    fake.tick()
    assert [key for key in keys(fake, bucket) if str(application) in key]


def test_all_else_is_moto_s(fake: FakeAws, bucket: str) -> None:
    fake.client("s3").put_object(Bucket=bucket, Key="a b/ü", Body=b"\x00\xff")
    assert fake.s3.get_object(Bucket=bucket, Key="a b/ü")["Body"].read() == b"\x00\xff"
    assert fake.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert fake.client("scheduler").list_schedules()["Schedules"] == []


def test_a_fault_of_the_stand_in_fails_the_test(s3: S3Server) -> None:
    with pytest.raises(AssertionError, match="answer to ListClusters"), FakeAws(s3) as broken:
        cluster = waiting_cluster(broken)
        broken.emr.clusters[cluster].state = "ON_FIRE"
        with pytest.raises(ClientError):
            broken.client("emr").list_clusters()

"""Cluster specs: from a file, from a stack, and as a request."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stormlake.emr.cluster_file import cluster_spec
from stormlake.emr.clusters import ClusterSpec, run_job_flow
from stormlake.emr.fleets import Fleet, Instance, Scaling, arch_of
from stormlake.emr.steps import step
from stormlake.errors import RefusedInput
from stormlake.runtimes import RUNTIMES
from tests.emr.validation import emr_call, faults

EXAMPLE = Path(__file__).parents[2] / "emr" / "cluster.example.toml"

OUTPUTS = {
    "Release": "emr-7.13.0",
    "LogUri": "s3://bucket/logs/",
    "Subnets": "subnet-1,subnet-2",
    "ServiceRole": "service",
    "InstanceProfile": "instances",
    "SecurityConfiguration": "security",
    "StepRole": "arn:aws:iam::123456789012:role/steps",
    "Bucket": "bucket",
}


def refusal(tmp_path: Path, text: str, outputs: dict[str, str] | None = OUTPUTS) -> str:
    path = tmp_path / "cluster.toml"
    path.write_text(text)
    with pytest.raises(RefusedInput) as refused:
        cluster_spec(path, outputs)
    message = str(refused.value)
    assert message.startswith(f"{path}: ") or str(path) in message
    return message.replace(f"{path}: ", "")


def fleets(request: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["InstanceFleetType"]: each for each in request["Instances"]["InstanceFleets"]}


def test_the_example_file_shows_every_key_with_its_default() -> None:
    spec = cluster_spec(EXAMPLE)
    assert spec == ClusterSpec(
        subnets=("subnet-0123456789abcdef0", "subnet-0123456789abcdef1"),
        service_role="stormlake-service",
        instance_profile="stormlake-instances",
        log_uri="s3://my-bucket/logs/",
        security_configuration="stormlake",
        step_role="arn:aws:iam::123456789012:role/stormlake-steps",
        tags={"team": "radar"},
    )


def test_a_deployed_stack_is_enough_for_a_cluster() -> None:
    spec = cluster_spec(None, OUTPUTS)
    assert spec.subnets == ("subnet-1", "subnet-2")
    assert (spec.service_role, spec.instance_profile) == ("service", "instances")
    assert spec.log_uri == "s3://bucket/logs/"
    assert not faults(emr_call("RunJobFlow", run_job_flow(spec)))


def test_the_file_wins_over_the_stack(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text('subnets = ["subnet-9"]\nidle_timeout = 600\n')
    spec = cluster_spec(path, OUTPUTS)
    assert (spec.subnets, spec.idle_timeout, spec.service_role) == (("subnet-9",), 600, "service")


def test_a_request_has_core_on_demand_and_task_on_spot_with_the_way_back() -> None:
    request = run_job_flow(cluster_spec(EXAMPLE))
    assert not faults(emr_call("RunJobFlow", request))
    found = fleets(request)
    for kind in ("MASTER", "CORE"):
        assert found[kind]["TargetSpotCapacity"] == 0
        assert found[kind]["TargetOnDemandCapacity"] > 0
        assert "SpotSpecification" not in found[kind]["LaunchSpecifications"]
    task = found["TASK"]
    assert (task["TargetOnDemandCapacity"], task["TargetSpotCapacity"]) == (0, 16)
    assert len(task["InstanceTypeConfigs"]) == 6
    assert task["LaunchSpecifications"]["SpotSpecification"] == {
        "AllocationStrategy": "price-capacity-optimized",
        "TimeoutDurationMinutes": 10,
        "TimeoutAction": "SWITCH_TO_ON_DEMAND",
    }


def test_a_request_scales_within_limits_and_ends_itself() -> None:
    request = run_job_flow(cluster_spec(EXAMPLE))
    assert request["ManagedScalingPolicy"]["ComputeLimits"] == {
        "UnitType": "InstanceFleetUnits",
        "MinimumCapacityUnits": 8,
        "MaximumCapacityUnits": 128,
        "MaximumOnDemandCapacityUnits": 128,
        "MaximumCoreCapacityUnits": 16,
    }
    assert request["AutoTerminationPolicy"] == {"IdleTimeout": 3600}
    assert request["LogUri"] == "s3://my-bucket/logs/"
    assert request["StepConcurrencyLevel"] == 4


def test_drivers_are_kept_on_core_nodes() -> None:
    (yarn,) = run_job_flow(cluster_spec(EXAMPLE))["Configurations"]
    assert yarn == {
        "Classification": "yarn-site",
        "Properties": {
            "yarn.node-labels.enabled": "true",
            "yarn.node-labels.am.default-node-label-expression": "CORE",
        },
    }


def test_a_cluster_carries_the_tag_of_emrs_managed_policy() -> None:
    assert run_job_flow(cluster_spec(EXAMPLE))["Tags"] == [
        {"Key": "for-use-with-amazon-emr-managed-policies", "Value": "true"},
        {"Key": "team", "Value": "radar"},
    ]


def test_a_transient_cluster_has_its_step_its_role_and_one_step_at_a_time() -> None:
    spec = cluster_spec(EXAMPLE)
    one = step("stormlake/x/0/1", ["spark-submit"], "TERMINATE_CLUSTER")
    request = run_job_flow(spec, name="n", steps=[one], keep_alive=False)
    assert not faults(emr_call("RunJobFlow", request))
    assert request["Name"] == "n"
    assert request["Steps"] == [one]
    assert request["StepExecutionRoleArn"] == spec.step_role
    assert request["Instances"]["KeepJobFlowAliveWhenNoSteps"] is False
    assert request["StepConcurrencyLevel"] == 1  # more is refused beside TERMINATE_CLUSTER
    assert request["AutoTerminationPolicy"] == {"IdleTimeout": 3600}


@pytest.mark.parametrize("known", RUNTIMES, ids=lambda known: known.label)
def test_a_release_is_looked_up_and_goes_as_it_is(known: Any) -> None:
    """A known defect of other clients: the label is parsed, and 7.13 is taken for 7.1."""
    outputs = {**OUTPUTS, "Release": known.label}
    spec = cluster_spec(None, outputs, release=known.label)
    assert run_job_flow(spec)["ReleaseLabel"] == known.label


def test_an_unknown_release_is_refused_and_the_known_ones_are_named(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'release = "emr-7.1.0"')
    assert "emr-7.1.0" in message
    assert "emr-7.13.0, emr-spark-8.0.0" in message


def test_a_release_that_is_not_the_runtime_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"release is 'emr-7.13.0', and --runtime is emr-spark"):
        cluster_spec(None, OUTPUTS, release="emr-spark-8.0.0")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('idle_timout = 60\nrelease = "x"', "unknown key idle_timout; known are subnets, service"),
        ("[core]\ninstances = []\nspot_time = 3", "unknown key core.spot_time; known are"),
        ("idle_timeout = 30", "idle_timeout: expected 60 to 604800, got 30"),
        ('idle_timeout = "60"', "idle_timeout: expected a whole number, got '60'"),
        ("idle_timeout = true", "idle_timeout: expected a whole number, got True"),
        ('subnets = "subnet-1"', "subnets: expected a list, got 'subnet-1'"),
        ("subnets = []", "subnets: expected one or more"),
        ("subnets = [3]", "subnets[0]: expected a text, got 3"),
        ("tags = { a = 1 }", "tags.a: expected a text, got 1"),
        ("core = 3", "core: expected a table, got 3"),
        ("[task]\nspot = 8", "task.instances is missing"),
        (
            '[task]\nspot = 8\ninstances = [{type = "m7i.2xlarge", unit = 8}]',
            "unknown key task.instances[0].unit; known are type, units",
        ),
        (
            '[task]\nspot = 8\ninstances = [{type = "big"}]',
            "task.instances[0].type: expected one such as m7i.2xlarge, got 'big'",
        ),
        (
            '[core]\non_demand = 8\nspot = 8\ninstances = [{type = "m7i.2xlarge"}]',
            "core.spot: expected 0: drivers live on core nodes",
        ),
        (
            '[primary]\nspot = 1\ninstances = [{type = "m7i.2xlarge"}]',
            "primary: expected on_demand = 1 and no spot",
        ),
        (
            '[task]\nspot = 1\ninstances = [{type = "m7i.large"}, {type = "m7i.large"}]',
            "task.instances: m7i.large stands there twice",
        ),
        ('[task]\ninstances = [{type = "m7i.large"}]', "the fleet would have no instance"),
        (
            "[scaling]\nminimum = 8\nmaximum = 4\nmaximum_on_demand = 8\nmaximum_core = 8",
            "scaling.maximum: expected 8 (minimum) to 4 (maximum), got 4",
        ),
        (
            "[scaling]\nminimum = 1\nmaximum = 9\nmaximum_on_demand = 9\nmaximum_core = 4",
            "scaling.maximum_core: is below the core fleet's 8 units",
        ),
        ('arch = "arm64"', "arch is said with --arch"),
        ("= 3", "is no TOML file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_by_the_key(
    tmp_path: Path, text: str, said: str
) -> None:
    assert said in refusal(tmp_path, text)


def test_what_an_account_decides_must_be_said(tmp_path: Path) -> None:
    message = refusal(tmp_path, 'subnets = ["subnet-1"]', None)
    assert message == (
        "service_role is missing; name it in the file, or name a deployed stack with --stack"
    )


def test_a_graviton_instance_is_refused_unless_the_archive_is_for_it(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    one = "instances = [{type = 'm7g.2xlarge'}]\non_demand = 1\n"
    path.write_text(f"[primary]\n{one}[core]\n{one}[task]\n{one}")
    with pytest.raises(RefusedInput, match=r"m7g.2xlarge has arm64 processors.*--arch arm64"):
        cluster_spec(path, OUTPUTS)
    assert cluster_spec(path, OUTPUTS, arch="arm64").arch == "arm64"
    with pytest.raises(RefusedInput, match=r"m7i.xlarge has x86_64 processors.*--arch x86_64"):
        cluster_spec(None, OUTPUTS, arch="arm64")


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        ("m7i.2xlarge", "x86_64"),
        ("m7i-flex.large", "x86_64"),
        ("r6id.32xlarge", "x86_64"),
        ("c7a.medium", "x86_64"),
        ("g5.xlarge", "x86_64"),  # a graphics card, not Graviton
        ("g4dn.metal", "x86_64"),
        ("hpc7a.96xlarge", "x86_64"),
        ("m7g.large", "arm64"),
        ("c7gn.large", "arm64"),
        ("r8gd.24xlarge", "arm64"),
        ("im4gn.large", "arm64"),
        ("is4gen.large", "arm64"),
        ("x2gd.metal", "arm64"),
        ("g5g.xlarge", "arm64"),
        ("a1.large", "arm64"),
    ],
)
def test_the_processor_of_an_instance_stands_in_its_name(name: str, arch: str) -> None:
    assert arch_of(name) == arch


def test_a_fleet_of_spot_and_on_demand_is_a_task_fleet() -> None:
    spec = cluster_spec(None, OUTPUTS)
    mixed = replace(spec, task=Fleet((Instance("r7i.large", 2),), on_demand=4, spot=8))
    task = fleets(run_job_flow(mixed))["TASK"]
    assert (task["TargetOnDemandCapacity"], task["TargetSpotCapacity"]) == (4, 8)
    assert task["InstanceTypeConfigs"] == [{"InstanceType": "r7i.large", "WeightedCapacity": 2}]
    assert "TASK" not in fleets(run_job_flow(replace(spec, task=None)))


def test_limits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(RefusedInput, match=r"maximum_on_demand: expected 8 \(minimum\) to 16"):
        Scaling(minimum=8, maximum=16, maximum_on_demand=32, maximum_core=8)

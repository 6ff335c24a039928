"""What a cluster of ours looks like, and the RunJobFlow request that makes one.

One function builds the request for a transient cluster and for the schedule's state machine, so
that what is scheduled is what was tried. `cluster_file` reads a spec from TOML and from a stack.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stormlake.emr.artifacts import Arch
from stormlake.emr.fleets import CORE, PRIMARY, SCALING, TASK, Fleet, Scaling, arch_of, check
from stormlake.emr.refusals import FleetOfOtherCpu
from stormlake.runtimes import RUNTIMES, runtime

MANAGED_TAG: Final = "for-use-with-amazon-emr-managed-policies"
"""Without this tag EMR's managed policy v2 lets its service role touch nothing of the cluster."""

IDLE_LIMITS: Final = (60, 604_800)
"""Seconds (EMR's API reference, AutoTerminationPolicy)."""

ROOT_LIMITS: Final = (15, 100)
"""GiB of the root volume: from what the image needs to what EMR allows."""


@dataclass(frozen=True)
class ClusterSpec:
    """A cluster; what an account decides has no default, the rest suits one network's day.

    Parameters
    ----------
    subnets : tuple of str
        EMR takes the one with the most capacity.
    service_role, instance_profile : str
        Names or ARNs.
    log_uri : str
        `s3://…`, where EMR leaves logs.
    security_configuration : str or None
        Name: IMDSv2, encryption, roles of steps.
    step_role : str or None
        ARN of the role that steps run as; None for the instance profile's.
    name : str
    release : str
        A label of `runtimes`.
    primary, core : Fleet
        On demand; the core nodes hold the drivers.
    task : Fleet or None
        Executors alone, so spot may be taken away.
    scaling : Scaling
    idle_timeout : int
        Seconds without a step after which the cluster ends itself.
    step_concurrency : int
        Steps at once; a transient cluster has one.
    root_gib : int
        Size of the root volume.
    tags : mapping of str to str
    arch : str
        CPU of the dependency archive; instances of another are refused.
    """

    subnets: tuple[str, ...]
    service_role: str
    instance_profile: str
    log_uri: str
    security_configuration: str | None = None
    step_role: str | None = None
    name: str = "stormlake"
    release: str = RUNTIMES[0].label
    primary: Fleet = PRIMARY
    core: Fleet = CORE
    task: Fleet | None = TASK
    scaling: Scaling = SCALING
    idle_timeout: int = 3600
    step_concurrency: int = 4
    root_gib: int = 40
    tags: Mapping[str, str] = field(default_factory=dict)
    arch: Arch = "x86_64"

    def __post_init__(self) -> None:
        runtime(self.release)
        check(bool(self.subnets) and all(self.subnets), "subnets", "expected one or more")
        check(self.log_uri.startswith("s3://"), "log_uri", f"expected s3://…, got {self.log_uri!r}")
        for name, low, high in (
            ("idle_timeout", *IDLE_LIMITS),
            ("step_concurrency", 1, 256),
            ("root_gib", *ROOT_LIMITS),
        ):
            value = getattr(self, name)
            check(low <= value <= high, name, f"expected {low} to {high}, got {value}")
        check(
            self.primary.on_demand == 1 and self.primary.spot == 0,
            "primary",
            "expected on_demand = 1 and no spot: without its primary node a cluster ends",
        )
        check(
            self.core.spot == 0,
            "core.spot",
            "expected 0: drivers live on core nodes, and spot may be taken away",
        )
        check(
            self.core.on_demand <= self.scaling.maximum_core,
            "scaling.maximum_core",
            f"is below the core fleet's {self.core.on_demand} units",
        )
        for fleet in filter(None, (self.primary, self.core, self.task)):
            for each in fleet.instances:
                found = arch_of(each.type)
                if found != self.arch:
                    raise FleetOfOtherCpu(
                        f"{each.type} has {found} processors, and the dependency archive is for "
                        f"{self.arch}; name {self.arch} instances such as "
                        f"{'m7i.2xlarge' if self.arch == 'x86_64' else 'm7g.2xlarge'}, or choose "
                        f"--arch {found}"
                    )


def run_job_flow(
    spec: ClusterSpec,
    *,
    name: str | None = None,
    steps: Sequence[Mapping[str, Any]] = (),
    keep_alive: bool = True,
) -> dict[str, Any]:
    """Parameters of RunJobFlow, which are those of Step Functions' createCluster too.

    Parameters
    ----------
    spec : ClusterSpec
    name : str, optional
        The cluster's name in place of the spec's.
    steps : sequence of StepConfig
        For a cluster that is made for them.
    keep_alive : bool
        Whether it waits for further steps, until its idle time is over.
    """
    # Where several steps run at once, EMR refuses one whose failure ends the others.
    alone = any(step["ActionOnFailure"] != "CONTINUE" for step in steps)
    limits = spec.scaling
    request: dict[str, Any] = {
        "Name": name or spec.name,
        "ReleaseLabel": spec.release,
        "LogUri": spec.log_uri,
        "Applications": [{"Name": "Spark"}],
        "ServiceRole": spec.service_role,
        "JobFlowRole": spec.instance_profile,
        "EbsRootVolumeSize": spec.root_gib,
        "StepConcurrencyLevel": 1 if alone else spec.step_concurrency,
        # Also where the cluster ends with its last step: should it lose that step, it ends idle.
        "AutoTerminationPolicy": {"IdleTimeout": spec.idle_timeout},
        "ScaleDownBehavior": "TERMINATE_AT_TASK_COMPLETION",
        "Instances": {
            "Ec2SubnetIds": list(spec.subnets),
            "InstanceFleets": _fleets(spec),
            "KeepJobFlowAliveWhenNoSteps": keep_alive,
        },
        "ManagedScalingPolicy": {
            "ComputeLimits": {
                "UnitType": "InstanceFleetUnits",
                "MinimumCapacityUnits": limits.minimum,
                "MaximumCapacityUnits": limits.maximum,
                "MaximumOnDemandCapacityUnits": limits.maximum_on_demand,
                "MaximumCoreCapacityUnits": limits.maximum_core,
            }
        },
        "Configurations": [
            {
                # Since EMR 6 a driver may land on a task node, and go when spot goes.
                "Classification": "yarn-site",
                "Properties": {
                    "yarn.node-labels.enabled": "true",
                    "yarn.node-labels.am.default-node-label-expression": "CORE",
                },
            }
        ],
        "Tags": [
            {"Key": key, "Value": value}
            for key, value in sorted({**spec.tags, MANAGED_TAG: "true"}.items())
        ],
    }
    if spec.security_configuration:
        request["SecurityConfiguration"] = spec.security_configuration
    if steps:
        request["Steps"] = [dict(step) for step in steps]
        if spec.step_role:
            request["StepExecutionRoleArn"] = spec.step_role
    return request


def _fleets(spec: ClusterSpec) -> list[dict[str, Any]]:
    kinds = (("MASTER", spec.primary), ("CORE", spec.core), ("TASK", spec.task))
    return [_fleet(kind, fleet) for kind, fleet in kinds if fleet is not None]


def _fleet(kind: str, fleet: Fleet) -> dict[str, Any]:
    launch: dict[str, Any] = {"OnDemandSpecification": {"AllocationStrategy": "lowest-price"}}
    if fleet.spot:
        launch["SpotSpecification"] = {
            "AllocationStrategy": "price-capacity-optimized",
            "TimeoutDurationMinutes": fleet.spot_timeout,
            "TimeoutAction": "SWITCH_TO_ON_DEMAND",
        }
    return {
        "Name": "primary" if kind == "MASTER" else kind.lower(),
        "InstanceFleetType": kind,
        "TargetOnDemandCapacity": fleet.on_demand,
        "TargetSpotCapacity": fleet.spot,
        "InstanceTypeConfigs": [
            # The primary fleet is one instance, whatever its size.
            {"InstanceType": each.type, "WeightedCapacity": 1 if kind == "MASTER" else each.units}
            for each in fleet.instances
        ],
        "LaunchSpecifications": launch,
    }

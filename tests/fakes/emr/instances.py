"""Instances of the stand-in's clusters: what RunJobFlow asked for, and when each was there.

Managed scaling does nothing here; a test scales with `Fleet.scale`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.emr.ids import emr_id


@dataclass
class Instance:
    """A machine; times in s since 1970."""

    type: str
    market: str
    created: float
    ready: float | None = None
    ended: float | None = None
    id: str = field(default_factory=lambda: emr_id("ci-"))
    ec2_id: str = field(default_factory=lambda: "i-0" + emr_id("", 16).lower())

    @property
    def state(self) -> str:
        if self.ended is not None:
            return "TERMINATED"
        return "PROVISIONING" if self.ready is None else "RUNNING"

    def document(self, fleet: Fleet) -> dict[str, Any]:
        """An element of ListInstances' answer."""
        owner = "InstanceFleetId" if fleet.is_fleet else "InstanceGroupId"
        return {
            "Id": self.id,
            "Ec2InstanceId": self.ec2_id,
            "Status": {
                "State": self.state,
                "Timeline": timeline(Creation=self.created, Ready=self.ready, End=self.ended),
            },
            owner: fleet.id,
            "Market": self.market,
            "InstanceType": self.type,
        }


@dataclass
class Fleet:
    """An instance fleet, or an instance group seen as one."""

    role: str
    config: Mapping[str, Any]
    is_fleet: bool
    created: float
    instances: list[Instance]
    ready: float | None = None
    ended: float | None = None
    id: str = ""

    def __post_init__(self) -> None:
        self.id = emr_id("if-" if self.is_fleet else "ig-")

    def become_ready(self, at: float) -> None:
        self.ready = at
        for instance in self.instances:
            instance.ready = at

    def end(self, at: float) -> None:
        self.ended = at
        for instance in self.instances:
            if instance.ended is None:
                instance.ended = at

    def scale(self, at: float, count: int, type: str, market: str) -> None:
        """Have `count` instances of a type and market from now on; the youngest go first."""
        alive = [
            one
            for one in self.instances
            if (one.type, one.market, one.ended) == (type, market, None)
        ]
        for instance in alive[count:]:
            instance.ended = at
        self.instances += [Instance(type, market, at, ready=at) for _ in range(count - len(alive))]

    def document(self) -> dict[str, Any]:
        """An element of ListInstanceFleets' answer."""
        state = "PROVISIONING" if self.ready is None else "RUNNING"
        return {
            "Id": self.id,
            "Name": self.config.get("Name", self.role),
            "Status": {
                "State": "TERMINATED" if self.ended is not None else state,
                "Timeline": timeline(Creation=self.created, Ready=self.ready, End=self.ended),
            },
            "InstanceFleetType": self.role,
            "TargetOnDemandCapacity": self.config.get("TargetOnDemandCapacity", 0),
            "TargetSpotCapacity": self.config.get("TargetSpotCapacity", 0),
            "ProvisionedOnDemandCapacity": self._capacity("ON_DEMAND"),
            "ProvisionedSpotCapacity": self._capacity("SPOT"),
            "InstanceTypeSpecifications": self.config.get("InstanceTypeConfigs", []),
            **{
                name: self.config[name]
                for name in ("LaunchSpecifications", "ResizeSpecifications")
                if name in self.config
            },
        }

    def _capacity(self, market: str) -> int:
        weights = {
            config["InstanceType"]: config.get("WeightedCapacity", 1)
            for config in self.config.get("InstanceTypeConfigs", [])
        }
        return sum(
            weights.get(one.type, 1)
            for one in self.instances
            if one.market == market and one.state == "RUNNING"
        )


def timeline(**times: float | None) -> dict[str, float]:
    """A Timeline of what has happened: `Creation`, `Ready`, `Start`, `End`."""
    return {f"{name}DateTime": at for name, at in times.items() if at is not None}


def provision(instances: Mapping[str, Any], at: float) -> Iterator[Fleet]:
    """Make the machines of RunJobFlow's `Instances`, in each of its three forms.

    A fleet gets the first of its types, as many as its capacities need.
    """
    for config in instances.get("InstanceFleets", []):
        made: list[Instance] = []
        for market, key in (
            ("ON_DEMAND", "TargetOnDemandCapacity"),
            ("SPOT", "TargetSpotCapacity"),
        ):
            first = next(iter(config.get("InstanceTypeConfigs", [])), None)
            if first is not None:
                weight = first.get("WeightedCapacity", 1)
                count = -(-config.get(key, 0) // weight)
                made += [Instance(first["InstanceType"], market, at) for _ in range(count)]
        yield Fleet(config["InstanceFleetType"], config, True, at, made)
    for config in instances.get("InstanceGroups", []):
        market = config.get("Market", "ON_DEMAND")
        made = [
            Instance(config["InstanceType"], market, at) for _ in range(config["InstanceCount"])
        ]
        yield Fleet(config["InstanceRole"], config, False, at, made)
    if "MasterInstanceType" in instances:
        made = [Instance(instances["MasterInstanceType"], "ON_DEMAND", at)]
        yield Fleet("MASTER", {}, False, at, made)
        count = instances.get("InstanceCount", 1) - 1
        worker = instances.get("SlaveInstanceType", instances["MasterInstanceType"])
        made = [Instance(worker, "ON_DEMAND", at) for _ in range(count)]
        yield Fleet("CORE", {}, False, at, made)

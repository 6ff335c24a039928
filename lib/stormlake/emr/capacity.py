"""How many instances work at once: a cluster between the limits of its scaling, or Serverless.

A vCPU is taken for a core of the benchmark.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stormlake.emr.clusters import ClusterSpec
from stormlake.emr.fleets import Fleet
from stormlake.errors import RefusedInput
from stormlake.running.prices import Market, Prices, ServerlessPrice

DRIVER_VCPUS: Final = 1
"""What a driver takes from the executors of a cluster."""

WORKER_VCPUS: Final = 4
WORKER_GB: Final = 16
"""A driver's and an executor's size on EMR Serverless by default (EMR Serverless User Guide, Spark
job parameters)."""

FIRST_EXECUTORS: Final = 3
"""What EMR Serverless starts with (the same page, spark.executor.instances)."""

_SIZES: Final = {"medium": 1, "large": 2, "xlarge": 4}


def vcpus(instance_type: str) -> int:
    """VCPUs of an instance type, by its size.

    Notes
    -----
    From the fourth generation on, a size of the families m, c and r has the same number in all:
    `large` two, `xlarge` four, `<n>xlarge` n times four (Amazon EC2 instance types).

    Raises
    ------
    RefusedInput
        The size tells nothing, as that of a bare-metal instance.
    """
    size = instance_type.partition(".")[2]
    several = re.fullmatch(r"(\d+)xlarge", size)
    if several:
        return _SIZES["xlarge"] * int(several[1])
    if size not in _SIZES:
        raise RefusedInput(
            f"{instance_type!r}: its size does not tell its vCPUs; an estimate takes sizes such as "
            "xlarge or 4xlarge"
        )
    return _SIZES[size]


@dataclass(frozen=True)
class Offer:
    """One way to fill a fleet: so many instances of one type."""

    instance_type: str
    count: int

    @property
    def vcpus(self) -> int:
        """All their vCPUs."""
        return self.count * vcpus(self.instance_type)


@dataclass(frozen=True)
class Group:
    """Instances of one purpose.

    Parameters
    ----------
    role : str
        `primary`, `core` or `task`.
    offers : tuple of Offer
        What the fleet may become.
    """

    role: str
    offers: tuple[Offer, ...]

    def market(self, wanted: Market) -> Market:
        """What its instances are bought as: Spot is for task nodes alone."""
        return wanted if self.role == "task" else "ON_DEMAND"

    def hour(self, prices: Prices, wanted: Market) -> tuple[float, float] | None:
        """Lowest and highest price of an hour among the types that have a price."""
        found = [
            price * offer.count
            for offer in self.offers
            if (price := prices.hour(offer.instance_type, self.market(wanted))) is not None
        ]
        return (min(found), max(found)) if found else None


@dataclass(frozen=True)
class ClusterCapacity:
    """A cluster at one size.

    Parameters
    ----------
    name : str
        `least` or `most`.
    groups : tuple of Group
    """

    name: str
    groups: tuple[Group, ...]

    @property
    def cores(self) -> int:
        """VCPUs that executors have."""
        working = [
            min(offer.vcpus for offer in group.offers)
            for group in self.groups
            if group.role != "primary"
        ]
        return max(1, sum(working) - DRIVER_VCPUS)

    @property
    def has_spot(self) -> bool:
        """Whether any of it may be Spot."""
        return any(group.role == "task" for group in self.groups)

    def hour(self, prices: Prices, market: Market) -> tuple[float, float] | None:
        """Lowest and highest price of an hour; None where a fleet has no type with a price."""
        found = [group.hour(prices, market) for group in self.groups]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        return sum(low for low, _ in known), sum(high for _, high in known)


def cluster_capacities(spec: ClusterSpec) -> tuple[ClusterCapacity, ClusterCapacity]:
    """A cluster at the least and at the most that its scaling allows.

    Notes
    -----
    The core fleet keeps its size where there is a task fleet; without one it grows to its limit.
    """
    limits = spec.scaling
    return (
        _cluster("least", spec, limits.minimum, spec.core.on_demand),
        _cluster(
            "most",
            spec,
            limits.maximum,
            spec.core.on_demand if spec.task else limits.maximum_core,
        ),
    )


def _cluster(name: str, spec: ClusterSpec, units: int, core: int) -> ClusterCapacity:
    groups = [_group("primary", spec.primary, 1), _group("core", spec.core, core)]
    if spec.task is not None and units > core:
        groups.append(_group("task", spec.task, units - core))
    return ClusterCapacity(name, tuple(groups))


def _group(role: str, fleet: Fleet, units: int) -> Group:
    # The primary fleet is one instance, whatever its size.
    return Group(
        role,
        tuple(
            Offer(each.type, 1 if role == "primary" else -(-units // each.units))
            for each in fleet.instances
        ),
    )


@dataclass(frozen=True)
class ServerlessCapacity:
    """Workers of an application, of the default size; one of them is the driver.

    Parameters
    ----------
    name : str
        `least` or `most`.
    workers : int
    """

    name: str
    workers: int

    @property
    def cores(self) -> int:
        """VCPUs that executors have."""
        return (self.workers - 1) * WORKER_VCPUS

    def hour(self, price: ServerlessPrice) -> float:
        """Price of an hour; the default storage of a worker is free."""
        each = WORKER_VCPUS * price.vcpu_hour + WORKER_GB * price.memory_gb_hour
        return self.workers * each


def serverless_capacities(
    application: Mapping[str, Any],
) -> tuple[ServerlessCapacity, ServerlessCapacity]:
    """An application with the workers it starts with, and with all that it may have.

    Parameters
    ----------
    application : mapping
        As GetApplication answers.

    Raises
    ------
    RefusedInput
        It has no maximum capacity, or none that a driver and an executor find room in.
    """
    name = application.get("applicationId", "")
    limit = application.get("maximumCapacity")
    if not limit:
        raise RefusedInput(
            f"application {name} has no maximum capacity, so that there is no dearest run to tell; "
            "set one (stormlake emr deploy does)"
        )
    workers = min(_amount(limit["cpu"]) // WORKER_VCPUS, _amount(limit["memory"]) // WORKER_GB)
    if workers < 2:
        raise RefusedInput(
            f"application {name} allows {limit['cpu']} and {limit['memory']}: too little for a "
            f"driver and an executor of {WORKER_VCPUS} vCPUs and {WORKER_GB} GB"
        )
    first = min(workers, 1 + FIRST_EXECUTORS)
    return ServerlessCapacity("least", first), ServerlessCapacity("most", workers)


def _amount(text: str) -> int:
    """The number of `128 vCPU` or `512 GB`, as the service writes them."""
    match = re.match(r"\s*(\d+)", text)
    if match is None:
        raise RefusedInput(f"{text!r}: expected an amount such as '128 vCPU' or '512 GB'")
    return int(match[1])

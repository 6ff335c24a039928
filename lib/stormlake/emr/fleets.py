"""Fleets of a cluster: which instances, how many, and between which limits they are scaled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from stormlake.emr.artifacts import Arch
from stormlake.errors import RefusedInput

TYPES_LIMIT: Final = 30
"""Instance types of a fleet that has an allocation strategy (EMR Management Guide)."""

_INSTANCE_NAME: Final = re.compile(r"(?P<family>[a-z]+)(?P<generation>\d+)(?P<more>[a-z]*)")


def arch_of(instance_type: str) -> Arch:
    """CPU architecture of an instance type, by its name.

    Notes
    -----
    Family, generation, then letters for what it has besides, of which `g` is AWS Graviton
    (Amazon EC2 User Guide, naming conventions); `a1` is the first Graviton and has no letter.

    Raises
    ------
    RefusedInput
        The text is no instance type.
    """
    series, dot, size = instance_type.partition(".")
    match = _INSTANCE_NAME.match(series)
    if not dot or not size or match is None:
        raise RefusedInput(f"type: expected one such as m7i.2xlarge, got {instance_type!r}")
    graviton = "g" in match["more"] or match.group() == "a1"
    return "arm64" if graviton else "x86_64"


def check(holds: bool, name: str, why: str) -> None:
    """Refuse a key of a cluster spec whose value cannot be used."""
    if not holds:
        raise RefusedInput(f"{name}: {why}")


@dataclass(frozen=True)
class Instance:
    """One instance type of a fleet.

    Parameters
    ----------
    type : str
        Such as `m7i.2xlarge`.
    units : int
        What one of them counts towards the fleet's capacity; we count vCPUs.
    """

    type: str
    units: int = 1

    def __post_init__(self) -> None:
        check(self.units >= 1, "units", f"expected 1 or more, got {self.units}")
        arch_of(self.type)


@dataclass(frozen=True)
class Fleet:
    """Instances of one purpose; capacities are in units.

    Parameters
    ----------
    instances : tuple of Instance
        What may be taken; the more types, the more likely there is spot capacity.
    on_demand, spot : int
        Units to begin with.
    spot_timeout : int
        Minutes to wait for spot capacity before on-demand instances are taken in its place.
    """

    instances: tuple[Instance, ...]
    on_demand: int = 0
    spot: int = 0
    spot_timeout: int = 10

    def __post_init__(self) -> None:
        names = [each.type for each in self.instances]
        check(
            1 <= len(names) <= TYPES_LIMIT,
            "instances",
            f"expected 1 to {TYPES_LIMIT} types, got {len(names)}",
        )
        twice = [a for a, b in pairwise(sorted(names)) if a == b]
        check(not twice, "instances", f"{', '.join(twice)} stands there twice")
        check(self.on_demand >= 0, "on_demand", f"expected 0 or more, got {self.on_demand}")
        check(self.spot >= 0, "spot", f"expected 0 or more, got {self.spot}")
        check(self.on_demand + self.spot > 0, "on_demand", "the fleet would have no instance")
        check(
            5 <= self.spot_timeout <= 1440,
            "spot_timeout",
            f"expected 5 to 1440 minutes, got {self.spot_timeout}",
        )


@dataclass(frozen=True)
class Scaling:
    """Limits of managed scaling, in units of core and task fleet together.

    Parameters
    ----------
    minimum, maximum : int
    maximum_on_demand : int
        Of the maximum, how many may be on demand.
    maximum_core : int
        Of the maximum, how many may be core nodes, which hold the drivers.
    """

    minimum: int
    maximum: int
    maximum_on_demand: int
    maximum_core: int

    def __post_init__(self) -> None:
        check(self.minimum >= 1, "minimum", f"expected 1 or more, got {self.minimum}")
        for name in ("maximum", "maximum_on_demand", "maximum_core"):
            value = getattr(self, name)
            check(
                self.minimum <= value <= self.maximum,
                name,
                f"expected {self.minimum} (minimum) to {self.maximum} (maximum), got {value}",
            )


PRIMARY: Final = Fleet((Instance("m7i.xlarge"), Instance("m6i.xlarge")), on_demand=1)
CORE: Final = Fleet((Instance("m7i.2xlarge", 8), Instance("m6i.2xlarge", 8)), on_demand=8)
TASK: Final = Fleet(
    tuple(
        Instance(f"{family}.{size}", units)
        for size, units in (("2xlarge", 8), ("4xlarge", 16))
        for family in ("m7i", "m6i", "r7i")
    ),
    spot=16,
)
SCALING: Final = Scaling(minimum=8, maximum=128, maximum_on_demand=128, maximum_core=16)

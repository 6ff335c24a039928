"""What issue 3 asks of the sensor path's speed, and whether it was reached."""

from __future__ import annotations

from typing import Any, Final

from benchmarks.sensor_throughput import IN_ONE, SPARK_TYPED, decoded
from benchmarks.targets import Target
from stormlake.simulate.shapes import Shape

LEAST: Final = {Shape.LINES: 0.8}
LEAST_OTHERWISE: Final = 0.3
"""Records a second and core, as a share of what `spark.read.json` does with a typed schema."""

RESIDUAL: Final = 0.1
"""How far from the line, as a share of the cost, a size may lie for the cost to be linear."""

MEMORY: Final = 1.5
"""Times the smallest run's memory that the largest one may take."""

LEAST_GROWTH: Final = 10
"""Times the smallest size that the largest one must be for a promise to be held against it."""


def targets(throughput: dict[str, Any], growth: dict[str, Any] | None) -> list[Target]:
    """Targets of the reader on every shape, then of the job."""
    rates = throughput["rates"]
    theirs = rates[SPARK_TYPED]["best"]
    found = []
    for shape in Shape:
        for what in (str(shape), *([f"{shape}, one object"] if shape in IN_ONE else [])):
            share = rates[decoded(what)]["best"] / theirs
            least = LEAST.get(shape, LEAST_OTHERWISE)
            found.append(
                Target(f"{what}: records/s and core, x Spark's reader", share, least, True)
            )
    if growth is None:
        return found
    differ = float(growth["agreement"]["differ"])
    found.append(Target("rows of unicorn_minutes that differ from DuckDB's", differ, 0.0, False))
    sizes = [int(records) for records in growth["jobs"]]
    if max(sizes) < LEAST_GROWTH * min(sizes):
        return found
    worst = max(abs(share) for share in growth["line"]["residuals"].values())
    found.append(Target("cost against records: largest residual of a line", worst, RESIDUAL, False))
    found += [
        Target(f"{kind}: peak memory, x the smallest run's", times, MEMORY, False)
        for kind, times in growth["memory"].items()
    ]
    return found

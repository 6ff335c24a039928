"""What issue 2 asks for, and whether it was reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

LEAST_VOLUMES = 20
"""The issue speaks of 20 volumes or more."""


@dataclass(frozen=True)
class Target:
    """One promise: the value must be at least, or at most, the limit."""

    what: str
    value: float
    limit: float
    at_least: bool

    @property
    def reached(self) -> bool:
        """Whether it is kept."""
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "what": self.what,
            "value": self.value,
            "limit": self.limit,
            "at": "least" if self.at_least else "most",
            "reached": self.reached,
        }


def targets(kernels: dict[str, Any], spark: dict[str, Any] | None) -> list[Target]:
    """Targets of the first volume (4 MB), which ratios are quoted for, then of all."""
    found = []
    for name, one in kernels.items():
        best = {step: t["best"] for step, t in one["steps"].items()}
        path = best["path pyart masked"] / best["path ours"]
        grid = best["grid pyart masked"] / best["grid ours"]
        found.append(Target(f"{name}: bytes -> grid, x Py-ART", path, 20, True))
        found.append(Target(f"{name}: gridding, x Py-ART", grid, 100, True))
    if spark is None:
        return found
    # A run of a handful of volumes is all start: no promise is made for it.
    pinned = [job for job in spark["pinned"].values() if job["volumes"] >= LEAST_VOLUMES]
    found += [
        Target(
            f"Spark job, {job['volumes']} volumes, core-seconds a volume",
            job["core_seconds_per_volume"],
            1.0,
            False,
        )
        for job in pinned
    ]
    found += [
        Target(
            f"Spark job, {job['volumes']} volumes, x bare loop",
            job["core_seconds_per_volume"] / spark["bare_loop"],
            2.0,
            False,
        )
        for job in pinned
    ]
    if "speed_up" in spark:
        found.append(
            Target(
                "local[2], x local[1] in wall time",
                spark["speed_up"],
                1.7,
                True,
            )
        )
    found.append(Target("radar_grid, bytes a row", spark["bytes_per_row"], 2.0, False))
    found.append(
        Target("Python worker and its decoder, peak GiB", spark["memory"] / 2**30, 1.5, False)
    )
    return found

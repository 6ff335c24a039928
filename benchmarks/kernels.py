"""CPU time of the steps of one volume in this process: interleaved rounds, best and median."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

from benchmarks import peers
from benchmarks.volumes import Sample
from stormlake.radar.decode import decode
from stormlake.radar.gridding import grid_cells
from stormlake.radar.process import process_volume
from stormlake.radar.products import column_products
from stormlake.radar.profiles import Profile

T = TypeVar("T")

AGAIN = 5
"""How often a step of some milliseconds is repeated within a round."""


class Clock:
    """Samples of CPU time (all threads of this process) by step, seconds."""

    def __init__(self) -> None:
        self.samples: dict[str, list[float]] = defaultdict(list)

    def time(self, step: str, work: Callable[[], T], repeat: int = 1) -> T:
        """Run a step and keep its CPU time."""
        for _ in range(repeat):
            started = time.process_time()
            result = work()
            self.samples[step].append(time.process_time() - started)
        return result

    def summary(self) -> dict[str, dict[str, float]]:
        """Best and median of each step."""
        return {
            step: {
                "best": min(samples),
                "median": statistics.median(samples),
                "samples": len(samples),
            }
            for step, samples in self.samples.items()
        }


def measure(sample: Sample, profile: Profile, rounds: int) -> dict[str, Any]:
    """Measure all steps of one volume, and how far both sides' grids differ.

    Returns
    -------
    dict
        `steps`: best and median CPU seconds by step; `kernel` and `path`: differences in cells
        from the same native gates, and from bytes by each side's own decoder and geometry.
    """
    clock = Clock()
    chosen = peers.chosen_cuts(sample.data, sample.name, profile)
    for _ in range(rounds):
        found = _round(clock, sample, profile, chosen)
    return {
        "bytes": len(sample.data),
        "origin": sample.origin,
        "chosen_cuts": chosen,
        "rounds": rounds,
        "steps": clock.summary(),
        **found,
    }


def measure_ours(sample: Sample, profile: Profile, rounds: int) -> dict[str, Any]:
    """Our path from bytes to rows alone; the same form as `measure`, without the peers."""
    clock = Clock()
    for _ in range(rounds):
        clock.time(
            "path ours", lambda: process_volume(sample.data, sample.name, profile), repeat=AGAIN
        )
    return {"bytes": len(sample.data), "origin": sample.origin, "steps": clock.summary()}


def _round(clock: Clock, sample: Sample, profile: Profile, chosen: list[int]) -> dict[str, Any]:
    import recast_radar

    data, name, grid = sample.data, sample.name, profile.grid
    clock.time("unpack", lambda: peers.unpack(data), AGAIN)
    clock.time("decode recast", lambda: recast_radar.read(data), AGAIN)
    clock.time("decode ours", lambda: decode(data, name), AGAIN)
    result = clock.time("path ours", lambda: process_volume(data, name, profile), AGAIN)

    radar = clock.time("decode pyart", lambda: peers.pyart_read(data, name))
    radar = clock.time("extract pyart", lambda: radar.extract_sweeps(chosen))
    gates = clock.time("quality pyart", lambda: peers.pyart_filter(radar, profile))
    clock.time("path-grid pyart masked", lambda: peers.pyart_grid(radar, grid))
    clock.time("path-grid pyart filtered", lambda: peers.pyart_grid(radar, grid, gates))

    lean = clock.time("decode pyart lean", lambda: peers.pyart_read_lean(data, name, chosen))
    lean_gates = clock.time("quality pyart lean", lambda: peers.pyart_filter(lean, profile))
    same = clock.time("grid pyart masked", lambda: peers.pyart_grid(lean, grid))
    clock.time("grid pyart filtered", lambda: peers.pyart_grid(lean, grid, lean_gates))
    ours = peers.gates_of(lean)
    cells = clock.time("grid ours", lambda: grid_cells(ours, grid), AGAIN)
    clock.time("products ours", lambda: column_products(cells, grid), AGAIN)

    last = {step: samples[-1] for step, samples in clock.samples.items()}
    before = sum(last[step] for step in ("decode pyart", "extract pyart", "quality pyart"))
    for way in ("masked", "filtered"):
        clock.samples[f"path pyart {way}"].append(before + last[f"path-grid pyart {way}"])
    clock.samples["path pyart lean"].append(
        last["decode pyart lean"] + last["quality pyart lean"] + last["grid pyart filtered"]
    )
    assert result.cells is not None
    return {
        "gates": len(ours.x),
        "kernel": asdict(peers.difference(same, cells)),
        "path": asdict(peers.difference(same, result.cells)),
    }

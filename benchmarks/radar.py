"""How fast the radar path is, against its peers, in one run: `python benchmarks/radar.py`.

Everything but the speed-up of a second core is pinned to one core; CPU time, not wall time, is
compared, in interleaved rounds, because other work on the machine disturbs both sides alike then.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

from benchmarks.one_core import ONE_THREAD, pin  # noqa: E402

SIZES = (24, 240)
"""Volumes of the Spark job: the smallest run that the issue speaks of, and a station-day."""


def main() -> int:
    """Measure, print, write JSON."""
    options = _options()
    core = pin()
    # Only now: these read how many threads they may use.
    from benchmarks import kernels, report, targets
    from benchmarks.machine import machine
    from benchmarks.volumes import samples
    from stormlake.radar.process import warm_up
    from stormlake.radar.profiles import LAKE

    options.work.mkdir(parents=True, exist_ok=True)
    load = os.getloadavg()[0]
    volumes, source = samples(options.data, options.work, options.quick)
    _say(source)
    warm_up()
    if not options.ours:
        import pyart  # noqa: F401  its import takes seconds, which belong to no step

    result: dict[str, Any] = {
        "source": source,
        "quick": options.quick,
        "pinned": (
            f"Pinned to core {core} of {len(os.sched_getaffinity(os.getppid()))} and one thread "
            f"({', '.join(ONE_THREAD)} = 1):\n"
            "all but the lines that say unpinned. CPU time of all threads, not wall time."
        ),
        "kernels": {},
        "spark": None,
    }
    rounds = 1 if options.quick else 3
    for sample in volumes:
        _say(f"{sample.name}: {'ours' if options.ours else 'Py-ART, recast, ours'}")
        one = (kernels.measure_ours if options.ours else kernels.measure)(sample, LAKE, rounds)
        result["kernels"][sample.short] = one
    if not options.no_spark:
        result["spark"] = _spark(volumes, options)
    result["machine"] = machine() | {"load_before": load, "load_after": os.getloadavg()[0]}
    found = [] if options.ours else targets.targets(result["kernels"], result["spark"])
    result["targets"] = [target.as_json() for target in found]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    if not options.ours:
        print("\n".join(report.lines(result, found)))
    _say(f"written: {options.out}")
    return 0


def _spark(volumes: list[Any], options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import targets
    from benchmarks.archive import station_day
    from benchmarks.spark_job import bare_loop, decoder_memory, run_job
    from stormlake.radar.profiles import LAKE

    sample = volumes[0]
    sizes = [4, 8] if options.quick else sorted(set(options.volumes))
    rounds = 1 if options.quick else 2
    _say(f"{sizes[-1]} copies of {sample.name} with times of their own")
    archives = {n: station_day(sample.name, sample.data, n, options.work) for n in sizes}
    runs: dict[str, list[Any]] = {}
    loops = []

    def measure(label: str, size: int, master: str, allowed: int | None) -> None:
        _say(f"Spark: {label}")
        runs.setdefault(label, []).append(run_job(archives[size], size, master, allowed))

    for _ in range(rounds):
        for size in sizes:
            loops.append(bare_loop(archives[sizes[0]], LAKE))
            measure(f"one core, {size} volumes", size, "local[1]", 1)
    several = len(os.sched_getaffinity(os.getppid())) > 1 and not options.ours
    # What a run costs before and after its volumes is serial, so a speed-up wants many of them.
    compared = sizes[-1]
    one, two = (f"unpinned, local[{k}], {compared}" for k in (1, 2))
    if several:
        for _ in range(rounds):
            measure(one, compared, "local[1]", None)
            measure(two, compared, "local[2]", None)
    best = {label: min(jobs, key=lambda job: job.core_seconds) for label, jobs in runs.items()}
    pinned = {n: best[f"one core, {n} volumes"] for n in sizes}
    largest = max(volumes, key=lambda volume: len(volume.data))
    decoder = decoder_memory(largest.data, largest.name, LAKE)
    biggest = pinned[sizes[-1]]
    usage = biggest.usage
    found: dict[str, Any] = {
        "volume": sample.name,
        "volume_bytes": len(sample.data),
        "bare_loop": min(loops),
        "jobs": {label: job.as_json() for label, job in best.items()},
        "all_runs": {label: [job.as_json() for job in jobs] for label, jobs in runs.items()},
        "pinned": {str(n): job.as_json() for n, job in pinned.items()},
        "bytes_per_row": biggest.grid_bytes / biggest.rows["radar_grid"],
        "largest": largest.name,
        "decoder": decoder,
        "peaks": usage.peak_rss,
        # Both together, though they hold a volume at different times.
        "memory": decoder + usage.peak_rss["Python workers of Spark"],
        "profile": {
            "job": f"one core, {biggest.volumes} volumes",
            "volumes": biggest.volumes,
            "core_seconds": biggest.core_seconds,
            "classes": {
                kind: (usage.at_first_task[kind], seconds - usage.at_first_task[kind])
                for kind, seconds in usage.cpu.most_common()
            },
        },
    }
    # A few volumes more are less than the noise of what a run costs anyway.
    if sizes[-1] >= sizes[0] + 20:
        small, large = pinned[sizes[0]], biggest
        found["marginal"] = (large.core_seconds - small.core_seconds) / (sizes[-1] - sizes[0])
        found["fixed"] = small.core_seconds - found["marginal"] * sizes[0]
    if several and compared >= targets.LEAST_VOLUMES:
        wall = {label: min(job.wall_seconds for job in runs[label]) for label in (one, two)}
        found["speed_up"] = wall[one] / wall[two]
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench", help="kept volumes")
    parser.add_argument("--quick", action="store_true", help="one round, few volumes; not to quote")
    parser.add_argument("--no-spark", action="store_true", help="kernels alone")
    parser.add_argument(
        "--ours",
        action="store_true",
        help="without peers, second core and tables: what benchmarks/rates.py needs",
    )
    parser.add_argument(
        "--volumes",
        type=int,
        nargs="+",
        default=SIZES,
        help="sizes of the Spark job; the first and the last give cost a run and cost a volume",
    )
    return parser.parse_args()


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""How fast the sensor path is, beside Spark's and DuckDB's: `python benchmarks/sensors.py`.

Everything is pinned to one core; CPU time, not wall time, is compared, in interleaved rounds.
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

from benchmarks.one_core import pin  # noqa: E402

SIZES = (1_000_000, 2_000_000, 5_000_000, 10_000_000)
"""Records of the job, for a line through its cost."""

COMPARED = 5_000_000
"""Records that DuckDB aggregates too."""

QUICK_SIZES = (20_000, 40_000)


def main() -> int:
    """Measure, print, write JSON."""
    options = _options()
    core = pin()
    # Only now: these read how many threads they may use.
    from benchmarks import sensor_archive, sensor_report, sensor_targets, sensor_throughput
    from benchmarks.machine import machine

    load = os.getloadavg()[0]
    options.work.mkdir(parents=True, exist_ok=True)
    # The job first: its processes are its own, while the session below stays in this one.
    growth = None if options.no_job else _growth(options)
    _say(f"archives of {options.records:,} records in {options.work}")
    sources = sensor_throughput.sources(options.work, options.records)
    _say(f"one session, {options.rounds} rounds")
    result: dict[str, Any] = {
        "quick": options.quick,
        "core": core,
        "gzip_ratio": sensor_archive.gzip_ratio(sources["lines"]),
        "throughput": sensor_throughput.measure(sources, options.records, options.rounds),
        "growth": growth,
        "machine": machine() | {"load_before": load, "load_after": os.getloadavg()[0]},
    }
    found = sensor_targets.targets(result["throughput"], result["growth"])
    result["targets"] = [target.as_json() for target in found]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(sensor_report.lines(result, found)))
    _say(f"written: {options.out}")
    return 0


def _growth(options: argparse.Namespace) -> dict[str, Any]:
    from benchmarks import sensor_archive, sensor_job

    sizes = sorted({*options.sizes, options.compared})
    _say(f"archives of {', '.join(f'{size:,}' for size in sizes)} records in {options.work}")
    archives = {size: sensor_archive.archive(options.work, size) for size in sizes}
    _say(f"the job on each, {options.job_rounds} rounds")
    return sensor_job.growth(archives, options.compared, options.job_rounds, _say)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench-sensors.json")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench" / "sensors")
    parser.add_argument("--quick", action="store_true", help="small sizes; not to quote")
    parser.add_argument("--no-job", action="store_true", help="the reader alone")
    parser.add_argument("--records", type=int, help="of every archive that the reader reads")
    parser.add_argument("--rounds", type=int, help="of the reader, after a warm-up")
    parser.add_argument("--sizes", type=int, nargs="+", help="records of the job's runs")
    parser.add_argument("--compared", type=int, help="records that DuckDB aggregates too")
    parser.add_argument("--job-rounds", type=int, default=1)
    options = parser.parse_args()
    quick = options.quick
    options.records = options.records or (20_000 if quick else 1_000_000)
    options.rounds = options.rounds or (1 if quick else 3)
    options.sizes = options.sizes or list(QUICK_SIZES if quick else SIZES)
    options.compared = options.compared or (options.sizes[0] if quick else COMPARED)
    return options


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

"""Rates of `stormlake emr estimate`, from what was measured: `python benchmarks/rates.py`.

    make bench-radar BENCH_ARGS="--ours"        # or the whole benchmark
    make bench-sensors
    make bench-listing
    python benchmarks/rates.py --radar build/bench.json --sensors build/bench-sensors.json \
        --listing build/bench-listing.json
    python benchmarks/scale.py --write

What the rates need of the results is copied to `benchmarks/measured.json`, which is kept, and
`emr/rates.toml` is made from that alone, so that anyone can make it again; docs/scale.md follows
from both.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

MEASURED = ROOT / "benchmarks" / "measured.json"
RATES = ROOT / "emr" / "rates.toml"
GIGABYTE = 1e9


def main() -> int:
    """Copy what is needed, write the rates."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--radar", type=Path, help="result of benchmarks/radar.py")
    parser.add_argument("--sensors", type=Path, help="result of benchmarks/sensors.py")
    parser.add_argument("--listing", type=Path, help="result of benchmarks/listing.py")
    options = parser.parse_args()
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    for name, path, take in (
        ("radar", options.radar, of_radar),
        ("sensors", options.sensors, of_sensors),
    ):
        if path is not None:
            result = json.loads(path.read_text(encoding="utf-8"))
            if result["quick"]:
                parser.error(f"{path} is of a quick run, whose numbers are not to quote")
            measured[name] = take(result)
    if options.listing is not None:
        result = json.loads(options.listing.read_text(encoding="utf-8"))
        kept = ("keys", "requests", "tasks", "broadcast_bytes", "stages")
        measured["listing"] = _where(result) | {name: result[name] for name in kept}
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    RATES.write_text(rates_toml(measured), encoding="utf-8")
    print(f"written: {MEASURED}, {RATES}", file=sys.stderr)
    return 0


def of_radar(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the rates need of a result of `benchmarks/radar.py`."""
    spark = result["spark"]
    return _where(result) | {
        # The same code in one process, by volume: how the cost grows with the bytes.
        "volumes": {
            name: {"bytes": one["bytes"], "core_seconds": one["steps"]["path ours"]["best"]}
            for name, one in result["kernels"].items()
        },
        "volume": spark["volume"],
        "volume_bytes": spark["volume_bytes"],
        "lake_volume": max(spark["pinned"].values(), key=lambda job: job["volumes"])["lake_volume"],
        "runs": [
            {name: job[name] for name in ("volumes", "core_seconds")}
            for job in spark["pinned"].values()
        ],
    }


def of_sensors(result: Mapping[str, Any]) -> dict[str, Any]:
    """What the rates need of a result of `benchmarks/sensors.py`."""
    throughput = result["throughput"]
    return _where(result) | {
        "record_bytes": throughput["bytes"]["lines"] / throughput["records"],
        "gzip_ratio": result["gzip_ratio"],
        "runs": [
            {name: job[name] for name in ("records", "core_seconds")}
            for job in result["growth"]["jobs"].values()
        ],
    }


def _where(result: Mapping[str, Any]) -> dict[str, Any]:
    machine = result["machine"]
    said = f"{machine['cpu']}, {machine['cores']} cores, Python {machine['python']}"
    return {"date": machine["date"], "commit": machine["commit"], "machine": said}


def rates_toml(measured: Mapping[str, Any]) -> str:
    """The rates file.

    Notes
    -----
    Of two runs over copies of one volume, the line through their costs gives what a run costs and
    what such a volume costs. Of that, what grows with the bytes is the slope of a line through
    other volumes' costs in one process; the rest is each volume's, whatever its size.
    """
    radar, sensors = measured["radar"], measured["sensors"]
    runs = radar["runs"]
    counts = [one["volumes"] for one in runs]
    each, run = np.polyfit(counts, [one["core_seconds"] for one in runs], 1)
    sizes = [one["bytes"] / GIGABYTE for one in radar["volumes"].values()]
    costs = [one["core_seconds"] for one in radar["volumes"].values()]
    gigabyte, _ = np.polyfit(sizes, costs, 1)
    volume = each - gigabyte * radar["volume_bytes"] / GIGABYTE
    records = [one["records"] / 1e6 for one in sensors["runs"]]
    seconds = np.asarray([one["core_seconds"] for one in sensors["runs"]])
    # As the benchmark's own line: by the relative error, or the largest run would decide alone.
    million, sensor_run = np.polyfit(records, seconds, 1, w=1 / seconds)
    return "\n".join(
        [
            "# Written by benchmarks/rates.py from benchmarks/measured.json. Core-seconds: CPU",
            "# time of all processes of a run on one core, the start of Spark apart.",
            "",
            "[ingest-radar]  # profile lake",
            *_origin(
                radar, f"{' and '.join(f'{n:,}' for n in counts)} copies of {radar['volume']}"
            ),
            f"run = {run:.1f}  # a run, whatever it reads",
            f"volume = {volume:.3f}  # a volume",
            f"gigabyte = {gigabyte:.1f}  # 1e9 bytes of volumes, as they are stored",
            f"lake_volume = {radar['lake_volume']:.0f}  # bytes of Parquet that a volume comes to",
            "",
            "[aggregate]",
            *_origin(sensors, "unicorn_minutes, JSON Lines"),
            f"run = {sensor_run:.1f}  # a run, whatever it reads",
            f"million_records = {million:.2f}  # a million records",
            f"record_bytes = {sensors['record_bytes']:.0f}  # bytes of a record",
            f"gzip = {sensors['gzip_ratio']:.1f}  # bytes that a byte of a gzip object holds",
            "",
        ]
    )


def _origin(measured: Mapping[str, Any], what: str) -> list[str]:
    return [
        f"date = {measured['date']}",
        *(f"{name} = {json.dumps(measured[name])}" for name in ("commit", "machine")),
        f"what = {json.dumps(what)}",
    ]


if __name__ == "__main__":
    sys.exit(main())

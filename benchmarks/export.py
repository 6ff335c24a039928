"""What an export costs beside a bare write of the same rows: `python benchmarks/export.py`.

Both read the same files of a lake and write them anew with Spark, as snappy, to a folder. The bare
one is `spark.read.parquet(...).write.parquet(...)` and nothing else; the export also puts the
columns in the order of a load, looks at every value that a warehouse could refuse, and aims at
files of one size. Two tables: numbers alone, and mostly text.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402

from benchmarks.machine import machine  # noqa: E402
from stormlake.lake.export import export_files  # noqa: E402
from stormlake.lake.partitions import FileWritten, PartitionWritten  # noqa: E402
from stormlake.lake.tables import ANOMALY_SCORES, RADAR_COLUMNS  # noqa: E402
from stormlake.lake.types import Table, arrow_fields, spark_schema  # noqa: E402
from stormlake.spark import start_session, stop_session  # noqa: E402

DAY = dt.datetime(2016, 6, 1, tzinfo=dt.UTC)
ROWS_OF_DAY = 500_000


def columns_of_radar(day: int, rows: int, random: np.random.Generator) -> dict[str, Any]:
    """Columns with echo: sorted cells, values rounded to 0.1 as the lake has them."""
    cell = np.sort(random.integers(0, 301 * 301, rows))
    start = np.datetime64(DAY.replace(tzinfo=None) + dt.timedelta(days=day), "us")
    times = start + np.arange(rows) * 250 // rows * np.timedelta64(345, "s")
    return {
        "volume_time": times,
        "iy": (cell // 301).astype("int16"),
        "ix": (cell % 301).astype("int16"),
        "composite_reflectivity": np.round(random.uniform(20, 65, rows), 1).astype("float32"),
        "echo_top_18": random.integers(1, 20, rows).astype("float32") * 1000,
        "vil": random.gamma(1, 4, rows).astype("float32"),
    }


def scores(day: int, rows: int, random: np.random.Generator) -> dict[str, Any]:
    """Scored records with names, and features as JSON."""
    start = np.datetime64(DAY.replace(tzinfo=None) + dt.timedelta(days=day), "us")
    speed = np.round(random.uniform(0, 60, rows), 2)
    score = random.gamma(2, 0.4, rows)
    return {
        "model_key": ["*"] * rows,
        "record_id": [f"{n:032x}" for n in random.integers(0, 2**63, rows)],
        "event_time": start + np.sort(random.integers(0, 86_400_000_000, rows)),
        "location": [f"farm {n}" for n in random.integers(0, 40, rows)],
        "device_id": [f"turbine-{n:05d}" for n in random.integers(0, 5000, rows)],
        "manufacturer": pa.nulls(rows, pa.string()),
        "model": pa.nulls(rows, pa.string()),
        "features": [f'{{"speed":{value}}}' for value in speed],
        "score": score,
        "anomaly": score > 3,
    }


TABLES = {
    RADAR_COLUMNS: (columns_of_radar, ("KLBB",)),
    ANOMALY_SCORES: (scores, ("wind",)),
}


def write_lake(lake: Path, table: Table, rows: int) -> list[PartitionWritten]:
    """Make days of a table until it has so many rows."""
    make, first = TABLES[table]
    random = np.random.default_rng(5)
    schema = arrow_fields(table.columns)
    written = []
    for day in range(max(1, rows // ROWS_OF_DAY)):
        values = (*first, (DAY + dt.timedelta(days=day)).date().isoformat())
        names = zip(table.partition_names, values, strict=True)
        path = "/".join([table.name, *(f"{n}={v}" for n, v in names), "part-0.zstd.parquet"])
        (lake / path).parent.mkdir(parents=True)
        count = min(rows, ROWS_OF_DAY)
        frame = pa.table(make(day, count, random)).cast(schema)
        pq.write_table(frame, lake / path, compression="zstd")
        size = (lake / path).stat().st_size
        written.append(PartitionWritten(values, (FileWritten(path, count, size),)))
    return written


def bare(spark: Any, lake: Path, table: Table, written: list[PartitionWritten], out: Path) -> None:
    """Read the files and write them, nothing else."""
    files = [f"{lake}/{file.path}" for each in written for file in each.files]
    frame = spark.read.schema(spark_schema(table)).option("basePath", f"{lake}/{table.name}")
    frame.parquet(*files).write.option("compression", "snappy").parquet(str(out))


def measure(options: argparse.Namespace, table: Table, spark: Any) -> dict[str, Any]:
    """Time both, in turns, and look at what they wrote."""
    lake = options.work / table.name
    shutil.rmtree(lake, ignore_errors=True)
    written = write_lake(lake, table, options.rows)
    rows = sum(each.rows for each in written)
    ways: dict[str, Callable[[Path], None]] = {
        "bare write": lambda out: bare(spark, lake, table, written, out),
        "export": lambda out: export_files(spark, str(lake), table, written, str(out)),
    }
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    sizes: dict[str, list[int]] = {}
    for turn in range(options.rounds + 1):
        for name, write in ways.items():
            out = options.work / "out"
            shutil.rmtree(out, ignore_errors=True)
            started = time.perf_counter()
            write(out)
            if turn:  # the first warms the JVM up
                seconds[name].append(time.perf_counter() - started)
            files = sorted(out.glob("part-*.parquet"))
            sizes[name] = [file.stat().st_size for file in files]
            assert sum(pq.read_metadata(file).num_rows for file in files) == rows
    shutil.rmtree(lake)
    best = {name: min(each) for name, each in seconds.items()}
    stored = sum(each.bytes for each in written)
    return {
        "table": table.name,
        "rows": rows,
        "lake_bytes": stored,
        "growth": sum(sizes["export"]) / stored,
        "ratio": best["export"] / best["bare write"],
        **{
            name: {
                "best": best[name],
                "median": statistics.median(seconds[name]),
                "rows_per_second": rows / best[name],
                "files": sizes[name],
            }
            for name in ways
        },
    }


def lines(found: dict[str, Any]) -> list[str]:
    """What a person reads of one table."""
    head = (
        f"{found['table']}: {found['rows']:,} rows, {found['lake_bytes'] / 2**20:.0f} MiB of zstd"
    )
    told = [head]
    for name in ("bare write", "export"):
        one = found[name]
        mib = [size / 2**20 for size in one["files"]]
        told.append(
            f"  {name:<10} {one['best']:>7.2f} s ({one['median']:.2f}) "
            f"{one['rows_per_second'] / 1e6:>6.2f} M rows/s  {len(mib)} files of "
            f"{min(mib):.0f} to {max(mib):.0f} MiB"
        )
    told.append(
        f"  export / bare = {found['ratio']:.2f} in time; export / lake = {found['growth']:.2f} "
        "in bytes"
    )
    return told


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench-export.json")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench" / "export")
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tables", nargs="+", choices=[t.name for t in TABLES])
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    spark = start_session("stormlake bench export")
    try:
        found = [
            measure(options, table, spark)
            for table in TABLES
            if not options.tables or table.name in options.tables
        ]
    finally:
        stop_session(spark)
        shutil.rmtree(options.work, ignore_errors=True)
    print(f"{machine()['cpu']}, {machine()['cores']} cores; best of {options.rounds} (median)")
    for each in found:
        print("\n".join(lines(each)))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"machine": machine(), "tables": found}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How fast records are scored, beside the bare library: `python benchmarks/scores.py`.

The peer is krcf in a plain loop over the same points in memory: score, then update, nothing else.
Two figures are ours. The step is what a task does: Arrow batches in, scores, features and states
as Arrow batches out. The command is `stormlake score` from an archive of JSON Lines to tables:
reading, checking, removing what came twice, ordering, the step, states and Parquet, and what the
JVM costs; starting Spark is not in it. Three shapes: one forest of three columns (serial by
nature), one column with a shingle of 24, and 500 keys of 1,000 records, which both cores share.
Each is measured in turn with its peer.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

import krcf  # noqa: E402
import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402

from benchmarks.machine import machine  # noqa: E402
from stormlake.lake.types import arrow_fields  # noqa: E402
from stormlake.scoring.forest import ForestOptions, seed_of_key  # noqa: E402
from stormlake.scoring.frames import SETTINGS  # noqa: E402
from stormlake.scoring.series import Plan, point_columns  # noqa: E402

START = 1_767_225_600
BATCH = int(SETTINGS["spark.sql.execution.arrow.maxRecordsPerBatch"])


@dataclass(frozen=True)
class Shape:
    """What is scored.

    Parameters
    ----------
    name : str
    keys, records, columns, shingle : int
        Keys, records of each, numbers in a point.
    cores : int
    """

    name: str
    keys: int
    records: int
    columns: int
    shingle: int
    cores: int


SHAPES = (
    Shape("one forest, 3 columns", 1, 100_000, 3, 1, 1),
    Shape("one forest, 1 column, shingle 24", 1, 60_000, 1, 24, 1),
    Shape("500 keys of 1,000 records, 1 column", 500, 1_000, 1, 1, 2),
)


def points(shape: Shape, key: int) -> list[tuple[float, ...]]:
    """Points of one key."""
    random = np.random.default_rng((7, key))
    made = random.normal(30, 6, (shape.records, shape.columns)).round(3)
    return [tuple(row) for row in made.tolist()]


def key_name(key: int) -> str:
    """What a key is called."""
    return f"key{key:04d}"


def write_archive(shape: Shape, folder: Path) -> Path:
    """The points as JSON Lines, a record of each key a second."""
    names = [f"v{n}" for n in range(shape.columns)]
    path = folder / "archive.json"
    series = [points(shape, key) for key in range(shape.keys)]
    with path.open("w") as file:
        for at in range(shape.records):
            for key in range(shape.keys):
                record = dict(zip(names, series[key][at], strict=True))
                told = {"k": key_name(key), "t": START + at, "id": f"{key}-{at}"}
                file.write(json.dumps(told | record) + "\n")
    return path


def bare(shape: Shape) -> float:
    """Core-seconds of the library in plain loops, one forest after the other."""
    options = ForestOptions(shingle=shape.shingle)
    series = [points(shape, key) for key in range(shape.keys)]
    begin = time.process_time()
    for key, rows in enumerate(series):
        seed = seed_of_key(options.seed, key_name(key)) if shape.keys > 1 else options.seed
        forest: Any = krcf.RandomCutForest(options.library_options(shape.columns, seed))  # type: ignore[arg-type]
        for row in rows:
            forest.score(row)
            forest.update(row)
    return time.process_time() - begin


def step(shape: Shape) -> float:
    """Core-seconds of a task's work on the same points, in this process."""
    schema = arrow_fields(point_columns(shape.columns))
    first_day = START // 86_400
    batches: list[pa.RecordBatch] = []
    for key in range(shape.keys):
        rows = points(shape, key)
        told: dict[str, Any] = {
            "model_key": [key_name(key)] * len(rows),
            "record_id": [f"{key}-{at}" for at in range(len(rows))],
            "event_time": [(START + at) * 1_000_000 for at in range(len(rows))],
        }
        told |= {f"value_{n}": [row[n] for row in rows] for n in range(shape.columns)}
        columns = [
            pa.array(told[f.name], f.type) if f.name in told else pa.nulls(len(rows), f.type)
            for f in schema
        ]
        whole = pa.RecordBatch.from_arrays(columns, schema=schema)
        batches += [whole.slice(at, BATCH) for at in range(0, len(rows), BATCH)]
    names = tuple(f"v{n}" for n in range(shape.columns))
    last_day = (START + shape.records) // 86_400
    options = ForestOptions(shingle=shape.shingle)
    plan = Plan(options, names, "", shape.keys > 1, True, first_day, last_day + 1)
    begin = time.process_time()
    scored = sum(batch.num_rows for batch in plan.score(batches))
    assert scored >= shape.keys * shape.records
    return time.process_time() - begin


def ours(shape: Shape, archive: Path, folder: Path) -> dict[str, Any]:
    """The summary of a run of the command."""
    lake = folder / "lake"
    shutil.rmtree(lake, ignore_errors=True)
    columns = ",".join(f"v{n}" for n in range(shape.columns))
    keyed = ("--key", "k") if shape.keys > 1 else ()
    done = subprocess.run(
        [
            *(sys.executable, "-m", "stormlake.cli", "score", "generic", "--name", "bench"),
            *("--source", str(archive), "--lake", str(lake), "--columns", columns),
            *("--time", "t", "--id", "id", *keyed, "--shingle", str(shape.shingle)),
            *("--master", f"local[{shape.cores}]", "--output", "json"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    summary: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert summary["scored"] == shape.keys * shape.records, summary
    return summary


def measure(shape: Shape, rounds: int) -> dict[str, Any]:
    """Both in turn; the best of each."""
    total = shape.keys * shape.records
    with tempfile.TemporaryDirectory(prefix="stormlake-bench-") as name:
        folder = Path(name)
        archive = write_archive(shape, folder)
        alone, steps, runs = [], [], []
        for _ in range(rounds):
            alone.append(bare(shape))
            steps.append(step(shape))
            runs.append(ours(shape, archive, folder))
        size = sum(path.stat().st_size for path in folder.glob("lake/rcf_state/**/*.parquet"))
    cores, wall = (min(run[which] for run in runs) for which in ("core_seconds", "wall_seconds"))
    best = min(alone)
    return {
        "shape": shape.name,
        "records": total,
        "bare_rate": round(total / best),
        "step_rate": round(total / min(steps)),
        "step_ratio": round(best / min(steps), 2),
        "rate_a_core": round(total / cores),
        "ratio": round(best / cores, 2),
        "wall_seconds": wall,
        "bare_seconds": round(best, 2),
        "cores_over_bare": round(cores / best, 2),
        "state_bytes_a_key": round(size / shape.keys),
        "load": os.getloadavg()[0],
    }


def lines(results: list[dict[str, Any]]) -> list[str]:
    """A table for a person."""
    heads = ("krcf alone", "step", "ratio", "command", "ratio", "wall", "wall : krcf's sum")
    widths = (12, 10, 7, 10, 7, 8, 19)
    table = [" " * 36 + "".join(f"{h:>{w}}" for h, w in zip(heads, widths, strict=True))]
    for each in results:
        table.append(
            f"{each['shape']:<36}{each['bare_rate']:>12,}{each['step_rate']:>10,}"
            f"{each['step_ratio']:>7.2f}{each['rate_a_core']:>10,}{each['ratio']:>7.2f}"
            f"{each['wall_seconds']:>7.1f}s{each['wall_seconds'] / each['bare_seconds']:>19.2f}"
        )
    return [*table, "records a second and core; ratios = krcf's core-seconds : ours"]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="where the numbers go, as JSON")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--scale", type=float, default=1.0, help="share of the records, for a quick look"
    )
    asked = parser.parse_args()
    shapes = [
        Shape(s.name, s.keys, max(300, int(s.records * asked.scale)), s.columns, s.shingle, s.cores)
        for s in SHAPES
    ]
    results = [measure(shape, asked.rounds) for shape in shapes]
    print("\n".join(lines(results)))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps({"machine": machine(), "shapes": results}, indent=1))


if __name__ == "__main__":
    main()

"""Which labelled anomalies the scores find: `python benchmarks/nab.py --nab FOLDER`.

The folder is `data` and `labels` of the Numenta Anomaly Benchmark (NAB): 28 series of a number
every five minutes, 22 of which have windows, 36 in all, in which an anomaly is labelled. Each
series is scored whole. The K highest scores are taken, each at least 101 rows from those before it
and none of the first 256, and a window is found when a taken point lies in it. Beside ours stands
what a line of pandas finds: the distance from the series' median, taken by the same rule.
"""

from __future__ import annotations

import argparse
import csv
import datetime as dt
import json
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

from benchmarks.machine import machine  # noqa: E402
from stormlake.scoring.forest import Forest, ForestOptions  # noqa: E402

APART = 101
"""Rows between two taken points, at least."""

NEVER = 256
"""Rows at the start of which none is taken, by any method: there the forests fill."""

TAKEN = (1, 2, 3, 5)
SHINGLES = (1, 4, 8, 24)
SEED = 0
DRAWS = 200
"""How often points are drawn by chance."""


@dataclass(frozen=True)
class Labelled:
    """A series of NAB.

    Parameters
    ----------
    name : str
    times : list of datetime
    values : list of float
    windows : list of (datetime, datetime)
        Both ends belong to them.
    """

    name: str
    times: list[dt.datetime]
    values: list[float]
    windows: list[tuple[dt.datetime, dt.datetime]]


@dataclass(frozen=True)
class Found:
    """What taking points of all series gave."""

    windows: int
    outside: int


def read_nab(folder: Path) -> list[Labelled]:
    """Read every series and its windows."""
    labels = json.loads((folder / "labels" / "combined_windows.json").read_text())
    found = []
    for path in sorted((folder / "data").glob("*/*.csv")):
        name = f"{path.parent.name}/{path.name}"
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        windows = [tuple(map(dt.datetime.fromisoformat, window)) for window in labels[name]]
        times = [dt.datetime.fromisoformat(row["timestamp"]) for row in rows]
        found.append(Labelled(name, times, [float(row["value"]) for row in rows], windows))  # type: ignore[arg-type]
    return found


def take(scores: Sequence[float], count: int) -> list[int]:
    """Rows of the highest scores above 0, greedily, far enough apart; of equal ones the first."""
    taken: list[int] = []
    for row in sorted(range(NEVER, len(scores)), key=lambda n: (-scores[n], n)):
        if len(taken) == count or not scores[row] > 0:
            break
        if all(abs(row - other) >= APART for other in taken):
            taken.append(row)
    return taken


def judge(series: Labelled, rows: Iterable[int]) -> Found:
    """Windows in which one of the rows lies, and rows that lie in none."""
    times = [series.times[row] for row in rows]
    inside = [[start <= time <= end for start, end in series.windows] for time in times]
    hit = [any(column) for column in zip(*inside, strict=True)] if series.windows else []
    return Found(sum(hit), sum(not any(row) for row in inside))


def total(found: Iterable[Found]) -> Found:
    """The sum over the series."""
    each = list(found)
    return Found(sum(f.windows for f in each), sum(f.outside for f in each))


def forest_scores(values: Sequence[float], shingle: int) -> list[float]:
    """Scores of a whole series by one forest."""
    forest = Forest.new(ForestOptions(shingle=shingle, seed=SEED), 1, SEED)
    return [forest.score((value,)) for value in values]


def distances(values: Sequence[float]) -> list[float]:
    """How far each value is from the series' median."""
    middle = statistics.median(values)
    return [abs(value - middle) for value in values]


def chance(series: Sequence[Labelled], count: int) -> float:
    """Windows that points found which were drawn at random by the same rule, on average."""
    import numpy as np

    random = np.random.default_rng(SEED)
    found = [
        judge(each, take(random.random(len(each.values)).tolist(), count)).windows
        for _ in range(DRAWS)
        for each in series
        if each.windows
    ]
    return sum(found) / DRAWS


def measure(series: Sequence[Labelled], shingles: Sequence[int] = SHINGLES) -> dict[str, Any]:
    """Find windows by every method, for every number of taken points."""
    methods: dict[str, list[list[float]]] = {
        f"shingle {shingle}": [forest_scores(each.values, shingle) for each in series]
        for shingle in shingles
    }
    methods["median"] = [distances(each.values) for each in series]
    rows = {}
    for count in TAKEN:
        row: dict[str, Any] = {}
        for method, scores in methods.items():
            pairs = zip(series, scores, strict=True)
            found = total(judge(each, take(score, count)) for each, score in pairs)
            row[method] = {"windows": found.windows, "outside": found.outside}
        row["chance"] = round(chance(series, count), 1)
        rows[str(count)] = row
    windows = sum(len(each.windows) for each in series)
    return {"series": len(series), "windows": windows, "seed": SEED, "taken": rows}


def lines(result: Mapping[str, Any]) -> list[str]:
    """The table as Markdown."""
    rows: Mapping[str, Mapping[str, Any]] = result["taken"]
    methods = list(next(iter(rows.values())))
    table = [
        f"{result['windows']} windows in {result['series']} series; seed {result['seed']}; "
        "windows found, in brackets taken points outside any window",
        "",
        "| alerts a series | " + " | ".join(methods) + " |",
        "| --- " * (len(methods) + 1) + "|",
    ]
    for count, row in rows.items():
        cells = [
            f"{row[method]['windows']} ({row[method]['outside']})"
            if method != "chance"
            else f"{row[method]}"
            for method in methods
        ]
        table.append(f"| {count} | " + " | ".join(cells) + " |")
    return table


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--nab", type=Path, required=True, help="folder with NAB's data and labels")
    parser.add_argument("--out", type=Path, help="where the numbers go, as JSON")
    asked = parser.parse_args()
    if not (asked.nab / "labels" / "combined_windows.json").is_file():
        parser.error(f"{asked.nab} has no labels/combined_windows.json: expected NAB's folder")
    result = measure(read_nab(asked.nab))
    print("\n".join(lines(result)))
    if asked.out:
        asked.out.parent.mkdir(parents=True, exist_ok=True)
        asked.out.write_text(json.dumps(result | {"machine": machine()}, indent=1))


if __name__ == "__main__":
    main()

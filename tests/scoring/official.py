"""Scores by the official Java library: `python -m tests.scoring.official < points.json`.

In a process of its own, because the library brings a JVM into the process that imports it.
"""

from __future__ import annotations

import json
import sys


def main() -> None:
    """Score the points of stdin with the golden options."""
    from jrcf.rcf import RandomCutForestModel

    points = json.load(sys.stdin)
    forest = RandomCutForestModel(
        dimensions=len(points[0]),
        shingle_size=1,
        num_trees=100,
        sample_size=256,
        output_after=256,
        random_seed=42,
        lam=1e-5,
    )
    scores = []
    for point in points:
        scores.append(float(forest.score(point)))
        forest.update(point)
    print(json.dumps(scores))


if __name__ == "__main__":
    main()

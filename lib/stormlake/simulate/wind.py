"""Wind speeds of three farms, with gusts that were planted and are known."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import numpy as np

from stormlake.simulate.draws import BLOCK, SECOND, Block, chance, micros, spans, written

FARMS: Final = ("Caprock Ridge", "Llano Estacado, East", "Sierra Blanca")
"""A comma belongs to a name."""

CALM: Final = 300
"""Records of a location before its first gust: a forest of 256 samples must have warmed up."""

GUST_EVERY: Final = 600
"""One gust in so many records of a location."""

_STREAM: Final = "wind"


def wind_records(records: int, seed: int, start: datetime) -> Iterator[dict[str, Any]]:
    """Readings of three farms, one a second from each, in the order of their times.

    Parameters
    ----------
    records : int
        How many; those of a smaller count are the first of a larger one.
    seed : int
    start : datetime
        Of the first reading; without a zone it is UTC.

    Yields
    ------
    dict
        `location`, `speed` (mph; normal with mean 30 and deviation 6, never negative; gusts 88 to
        105), `timestamp` (`yyyy-MM-ddTHH:mm:ss.SSSZ`).
    """
    for block in wind_blocks(records, seed, start):
        yield from block.records


def wind_blocks(records: int, seed: int, start: datetime) -> Iterator[Block]:
    """Give the readings of `wind_records` with their times and the gusts planted in them.

    A gust is told as `location`, `timestamp`, `speed` (mph) and `record`: the number of the
    location's record, from 0 in the order of event times.
    """
    begin = micros(start)
    farms = len(FARMS)
    for span in spans(records):
        random = chance(seed, _STREAM, 0, span.number)
        speed = np.round(np.maximum(random.normal(30.0, 6.0, BLOCK), 0.0), 2)
        jitter = random.integers(0, 300, BLOCK) * 1000
        number = span.first + np.arange(BLOCK)
        times = begin + number // farms * SECOND + number % farms * 333_000 + jitter
        gusts = _gusts(seed, span.first // farms, BLOCK // farms)
        for index, gust in gusts.items():
            speed[index] = gust
        columns = zip(FARMS * (BLOCK // farms), speed.tolist(), written(times, "ms"), strict=True)
        readings = [
            {"location": farm, "speed": mph, "timestamp": f"{time}Z"} for farm, mph, time in columns
        ]
        planted = [
            {
                "location": readings[index]["location"],
                "timestamp": readings[index]["timestamp"],
                "speed": gusts[index],
                "record": (span.first + index) // farms,
            }
            for index in sorted(gusts)
            if index < span.size
        ]
        yield Block(times[: span.size], readings[: span.size], planted)


def _gusts(seed: int, first: int, count: int) -> dict[int, float]:
    """Speeds (mph) of the gusts of a block, by index in it.

    Parameters
    ----------
    seed : int
    first, count : int
        Numbers of the records of each location in the block.
    """
    found = {}
    stretches = range(
        max(0, (first - CALM) // GUST_EVERY), (first + count - CALM) // GUST_EVERY + 1
    )
    for farm in range(len(FARMS)):
        for stretch in stretches:
            random = chance(seed, _STREAM, 3, farm, stretch)
            record = CALM + stretch * GUST_EVERY + int(random.integers(0, GUST_EVERY))
            speed = round(float(random.uniform(88.0, 105.0)), 2)
            if first <= record < first + count:
                found[(record - first) * len(FARMS) + farm] = speed
    return found

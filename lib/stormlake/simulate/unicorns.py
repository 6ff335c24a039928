"""Unicorns on a ride: where they are each second, how far they went, how they feel."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import numpy as np

from stormlake.simulate.draws import BLOCK, SECOND, Block, chance, micros, spans, written

UNICORNS: Final = ("Shadowfax", "Rocinante", "Bucephalus the Younger", "Fionn's Étoile")
"""One name is longer than 16 characters, one holds an apostrophe and a letter outside ASCII."""

WRAPPER: Final = "travel_data"
"""Key of the wrapper object, as the recorded ride has it."""

_STREAM: Final = "unicorns"
_HOME: Final = (35.3331, -97.2778)
"""Latitude and longitude, degrees: beside the radar KTLX, below the storm of `simulate radar`."""

_METRES_PER_DEGREE: Final = 111_194.93
"""Of latitude, on a sphere with a radius of 6371 km."""

_TURN: Final = 2 * np.pi / 600
"""A unicorn rides a round in about ten minutes: radians a second."""


def unicorn_records(records: int, seed: int, start: datetime) -> Iterator[dict[str, Any]]:
    """Readings of four unicorns, one a second from each, in the order of their times.

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
        `Distance` (m since the unicorn's last reading, 29 to 31), `HealthPoints` (141 to 176),
        `Latitude`, `Longitude` (degrees), `MagicPoints` (128 to 158), `Name`, `StatusTime`
        (`yyyy-MM-dd HH:mm:ss.SSS`, UTC). One reading in 500 has health below 100, and one in 500
        magic; 0 occurs.
    """
    for block in unicorn_blocks(records, seed, start):
        yield from block.records


def unicorn_blocks(records: int, seed: int, start: datetime) -> Iterator[Block]:
    """Give the readings of `unicorn_records` with their times."""
    begin = micros(start)
    herd = len(UNICORNS)
    shape = (BLOCK // herd, herd)
    ride = _Ride(chance(seed, _STREAM, 3), herd)
    for span in spans(records):
        random = chance(seed, _STREAM, 0, span.number)
        distance = random.uniform(29.0, 31.0, shape)
        latitude, longitude = ride.on(distance, random)
        health = _points(random, 141, 176, shape)
        magic = _points(random, 128, 158, shape)
        jitter = random.integers(0, 200, shape).ravel() * 1000
        number = span.first + np.arange(BLOCK)
        times = begin + number // herd * SECOND + number % herd * (SECOND // herd) + jitter
        columns = zip(
            distance.ravel().tolist(),
            health.ravel().tolist(),
            latitude.ravel().tolist(),
            longitude.ravel().tolist(),
            magic.ravel().tolist(),
            UNICORNS * shape[0],
            written(times, "ms"),
            strict=True,
        )
        readings = [
            {
                "Distance": metres,
                "HealthPoints": healthy,
                "Latitude": north,
                "Longitude": east,
                "MagicPoints": magical,
                "Name": name,
                "StatusTime": time.replace("T", " "),
            }
            for metres, healthy, north, east, magical, name, time in columns
        ]
        yield Block(times[: span.size], readings[: span.size])


class _Ride:
    """Where the unicorns are and which way they look.

    Parameters
    ----------
    random : Generator
        For where they begin.
    herd : int
        How many.
    """

    def __init__(self, random: np.random.Generator, herd: int) -> None:
        self.latitude = _HOME[0] + random.uniform(-0.1, 0.1, herd)
        self.longitude = _HOME[1] + random.uniform(-0.1, 0.1, herd)
        self.heading = random.uniform(0.0, 2 * np.pi, herd)

    def on(self, distance: Any, random: np.random.Generator) -> tuple[Any, Any]:
        """Ride on by distances, m, shape (seconds, herd); give latitudes and longitudes."""
        turns = _TURN + random.normal(0.0, 0.05, distance.shape)
        heading = self.heading + np.cumsum(turns, axis=0)
        north = distance * np.cos(heading) / _METRES_PER_DEGREE
        latitude = self.latitude + np.cumsum(north, axis=0)
        middle = np.radians(latitude - north / 2)
        east = distance * np.sin(heading) / (_METRES_PER_DEGREE * np.cos(middle))
        longitude = self.longitude + np.cumsum(east, axis=0)
        self.latitude, self.longitude = latitude[-1], longitude[-1]
        self.heading = heading[-1] % (2 * np.pi)
        return latitude, longitude


def _points(random: np.random.Generator, least: int, most: int, shape: tuple[int, int]) -> Any:
    """Points between two limits, one reading in 500 instead between 0 and 99."""
    usual = random.integers(least, most + 1, shape)
    low = random.random(shape) < 1 / 500
    return np.where(low, random.integers(0, 100, shape), usual)

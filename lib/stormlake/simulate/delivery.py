"""How a delivery stream leaves records: when they arrive, twice, late, and in which object.

Records reach the stream up to two seconds after their event, some minutes later where the
producer was cut off, and some a second time, since delivery is at least once. The stream
collects what reaches it in five minutes and then writes one object.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from stormlake.errors import RefusedInput
from stormlake.simulate.draws import BLOCK, SECOND, Block, chance, uuids

WINDOW: Final = 300 * SECOND
"""How long the stream collects before it writes an object, microseconds."""

LATENCY: Final = 2 * SECOND
LATE: Final = (30 * SECOND, 180 * SECOND)
AGAIN: Final = 30 * SECOND
"""Longest way to the stream; least and longest delay of a late record; longest wait before a
record comes a second time. Microseconds."""


@dataclass(frozen=True)
class Delivery:
    """What one object holds.

    Parameters
    ----------
    opened, closed : int
        When the stream began to collect and when it wrote, microseconds since 1970-01-01 UTC.
    records : list
        In the order in which they reached the stream.
    duplicates : int
        How many of them came a second time.
    late : int
        How many different records of them were held up.
    """

    opened: int
    closed: int
    records: list[Any]
    duplicates: int
    late: int


def deliver(
    blocks: Iterable[Block],
    seed: int,
    stream: str,
    duplicates: float = 0.0,
    late: float = 0.0,
    latency: int = LATENCY,
) -> Iterator[Delivery]:
    """Deliver records: one `Delivery` for each five minutes in which something reached the stream.

    Parameters
    ----------
    blocks : iterable of Block
        With ascending times.
    seed : int
    stream : str
        Whose chance it is.
    duplicates, late : float
        Share of the records that come twice, and that are held up for 30 to 180 s.
    latency : int
        Longest way to the stream, microseconds; 0 keeps the records in the order of their events.

    Returns
    -------
    iterator of Delivery
        By time. Every record is in one of them at least, and in two at most.

    Raises
    ------
    RefusedInput
        A share outside 0 to 1.
    """
    for name, share in (("duplicates", duplicates), ("late", late)):
        if not 0 <= share <= 1:
            raise RefusedInput(f"the share of {name} must lie in 0 to 1, not {share}")
    return _deliveries(blocks, seed, stream, duplicates, late, latency)


def object_name(stream: str, time: int, seed: int, *, gz: bool = False) -> str:
    """Key of an object: folders of the UTC hour of arrival, then the stream's name for it.

    Parameters
    ----------
    stream : str
    time : int
        When it was written, microseconds since 1970-01-01 UTC.
    seed : int
        Makes the UUID, with the stream and the time: a second run replaces the objects.
    gz : bool
        Whether the name ends in `.gz`.
    """
    at = moment(time)
    name = uuids(chance(seed, stream, 1, time // SECOND), 1)[0]
    ending = ".gz" if gz else ""
    return f"{at:%Y/%m/%d/%H}/{stream}-1-{at:%Y-%m-%d-%H-%M-%S}-{name}{ending}"


def moment(time: int) -> datetime:
    """Microseconds since 1970-01-01 UTC as a datetime."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time)


@dataclass
class _Open:
    """What has reached the stream in one window so far."""

    arrivals: list[int]
    records: list[Any]
    duplicates: int = 0
    late: int = 0


def _deliveries(
    blocks: Iterable[Block],
    seed: int,
    stream: str,
    duplicates: float,
    late: float,
    latency: int,
) -> Iterator[Delivery]:
    windows: dict[int, _Open] = {}
    for number, block in enumerate(blocks):
        count = len(block.records)
        random = chance(seed, stream, 2, number)
        # Whole blocks are drawn, so that a shorter run is the beginning of a longer one.
        way = random.integers(0, latency + 1, BLOCK)[:count]
        held = random.random(BLOCK)[:count] < late
        delay = random.integers(*LATE, BLOCK)[:count]
        twice = random.random(BLOCK)[:count] < duplicates
        wait = random.integers(0, AGAIN, BLOCK)[:count]
        first = block.times + way + np.where(held, delay, 0)
        again = np.flatnonzero(twice)
        which = np.concatenate([np.arange(count), again])
        arrivals = np.concatenate([first, first[again] + wait[again]])
        for place, (index, arrival) in enumerate(
            zip(which.tolist(), arrivals.tolist(), strict=True)
        ):
            window = windows.setdefault(arrival // WINDOW, _Open([], []))
            window.arrivals.append(arrival)
            window.records.append(block.records[index])
            if place >= count:
                window.duplicates += 1
            elif held[index]:
                window.late += 1
        # Nothing reaches the stream before its event: earlier windows are complete.
        now = int(block.times[-1]) // WINDOW
        yield from _closed(windows, [window for window in windows if window < now])
    yield from _closed(windows, list(windows))


def _closed(windows: dict[int, _Open], which: list[int]) -> Iterator[Delivery]:
    for number in sorted(which):
        window = windows.pop(number)
        order = np.argsort(window.arrivals, kind="stable").tolist()
        yield Delivery(
            opened=number * WINDOW,
            closed=(number + 1) * WINDOW,
            records=[window.records[n] for n in order],
            duplicates=window.duplicates,
            late=window.late,
        )

"""The event archive of the collection lesson: a UUID for a key, a time for a value."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import numpy as np

from stormlake.simulate.draws import SECOND, Block, chance, micros, spans, uuids, written

EVENT_BYTES: Final = 68
"""Bytes of every event as JSON."""

_STREAM: Final = "events"
_INTERVAL: Final = SECOND // 10


def event_records(records: int, seed: int, start: datetime) -> Iterator[dict[str, str]]:
    """Events, ten a second, in the order of their times.

    Parameters
    ----------
    records : int
        How many; those of a smaller count are the first of a larger one.
    seed : int
    start : datetime
        Of the first event; without a zone it is UTC.

    Yields
    ------
    dict
        One member: a UUID, and `test-yyyy-MM-dd HH:mm:ss`. 68 bytes as JSON.
    """
    for block in event_blocks(records, seed, start):
        yield from block.records


def event_blocks(records: int, seed: int, start: datetime) -> Iterator[Block]:
    """Give the events of `event_records` with their times."""
    begin = micros(start)
    for span in spans(records):
        times = begin + (span.first + np.arange(span.size)) * _INTERVAL
        keys = uuids(chance(seed, _STREAM, 0, span.number), span.size)
        events = [
            {key: f"test-{time[:10]} {time[11:]}"}
            for key, time in zip(keys, written(times, "s"), strict=True)
        ]
        yield Block(times, events)

"""What the record simulators share: blocks of records, streams of chance, and written times."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from stormlake.errors import RefusedInput

Micros = npt.NDArray[np.int64]
"""Times, microseconds since 1970-01-01 UTC."""

BLOCK: Final = 12_288
"""Records drawn at once; 3 farms and 4 unicorns divide it. Memory does not grow with the count."""

SECOND: Final = 1_000_000
"""Microseconds."""


@dataclass(frozen=True)
class Block:
    """Some records of a simulated producer.

    Parameters
    ----------
    times : np.ndarray
        int64, event times in microseconds since 1970-01-01 UTC, ascending within a block and from
        block to block.
    records : list
        Dicts, or lines of a log.
    planted : list of dict
        Anomalies among these records, and where they are.
    counts : dict of str to int
        How many requests by operating system; empty for what is no log.
    """

    times: Micros
    records: list[Any]
    planted: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """Records `first` to `first + size - 1` of a run, the block with this number."""

    number: int
    first: int
    size: int


def spans(records: int) -> Iterator[Span]:
    """Cut a count of records into blocks.

    Raises
    ------
    RefusedInput
        Fewer than one record.
    """
    if records < 1:
        raise RefusedInput(f"records must be 1 or more, not {records}")
    return (
        Span(first // BLOCK, first, min(BLOCK, records - first))
        for first in range(0, records, BLOCK)
    )


def chance(seed: int, stream: str, *place: int) -> np.random.Generator:
    """Random numbers for one purpose; what another purpose draws does not change them.

    Parameters
    ----------
    seed : int
        Not negative.
    stream : str
        Whose numbers they are, such as `wind`.
    *place : int
        Which of them, such as a block's number; not negative.
    """
    if seed < 0:
        raise RefusedInput(f"seed must not be negative, not {seed}")
    return np.random.default_rng([seed, *stream.encode(), 0, *place])


def micros(start: datetime) -> int:
    """Microseconds since 1970-01-01 UTC; a time without a zone is UTC.

    Raises
    ------
    RefusedInput
        Before 1970, or so late that the records could leave the calendar.
    """
    begin = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    if not 1970 <= begin.year < 9000:
        raise RefusedInput(f"start must lie in the years 1970 to 8999, not {start.isoformat()}")
    since = begin - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds


def written(times: Micros, unit: str) -> list[str]:
    """Times as ISO 8601 text without a zone.

    Parameters
    ----------
    times : np.ndarray
        int64, microseconds since 1970-01-01 UTC.
    unit : str
        `s` or `ms`: what comes last in the text. Smaller parts are cut away.
    """
    text: list[str] = np.datetime_as_string(times.astype("datetime64[us]"), unit=unit).tolist()  # type: ignore[call-overload]
    return text


def uuids(random: np.random.Generator, count: int) -> list[str]:
    """Random UUIDs (version 4) as text."""
    data = random.bytes(16 * count)
    return [str(uuid.UUID(bytes=data[16 * n : 16 * n + 16], version=4)) for n in range(count)]

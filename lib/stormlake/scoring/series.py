"""A stream of records and states, in order, to scores and new states.

A task gets rows by (model_key, event_time, record_id), a key's saved state before its records. It
holds one forest at a time, whatever the length of a series, and gives back the rows with their
scores and, for every key and date, one row with the state at the date's end.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from stormlake.lake.score_tables import RCF_STATE
from stormlake.lake.tables import ANOMALY_SCORES
from stormlake.lake.types import Column, arrow_fields
from stormlake.scoring.forest import (
    Forest,
    ForestOptions,
    ScoreNotFinite,
    StateUnreadable,
    seed_of_key,
)
from stormlake.scoring.records import value_columns
from stormlake.sensors.times import DAY

GLOBAL_KEY: Final = "global"
"""model_key of the one forest of all records."""

SAVED: Final = ("entries_seen", "state")
"""What of a saved state comes in, beside its key."""

_MADE: Final = ("features", "score", "anomaly")


def _optional(column: Column) -> Column:
    return Column(column.name, column.type, column.unit, column.description, True, column.bytes)


_CARRIED: Final = tuple(c for c in ANOMALY_SCORES.columns if c.name not in _MADE)
_STATE: Final = tuple(_optional(c) for c in RCF_STATE.columns if c.name != "model_key")
_MADE_COLUMNS: Final = tuple(
    _optional(c) for c in ANOMALY_SCORES.columns if c.name in ("features", "score")
)
_DATE: Final = ANOMALY_SCORES.partitions[-1]


def point_columns(values: int) -> tuple[Column, ...]:
    """Columns of the rows that come in: a record's, or of a saved state `model_key` and `SAVED`.

    Parameters
    ----------
    values : int
        Numbers in a point.
    """
    carried = tuple(c if c.name == "model_key" else _optional(c) for c in _CARRIED)
    given = Column("given_score", "double", "1", "The score that it carries.")
    numbers = (Column(name, "double", "", "A scored number.") for name in value_columns(values))
    return (*carried, given, *numbers, *(c for c in _STATE if c.name in SAVED))


SCORED_COLUMNS: Final = (
    *(c if c.name == "model_key" else _optional(c) for c in _CARRIED),
    *_MADE_COLUMNS,
    *_STATE,
    _DATE,
)
"""Columns of the rows that go out: a score's, or a state's; `state` tells which."""

_OUT: Final = arrow_fields(SCORED_COLUMNS)


@dataclass(frozen=True)
class Plan:
    """How series are scored; travels to the workers.

    Parameters
    ----------
    options : ForestOptions
    names : tuple of str
        What the numbers of a point are called in `features`.
    options_hash : str
        What states are marked with.
    by_key : bool
        Whether each key has a seed of its own.
    computes : bool
        Whether forests make the scores; else the records carry them.
    first_day, end_day : int
        Dates whose states are wanted, half-open, days since 1970-01-01; no record lies outside.
    """

    options: ForestOptions
    names: tuple[str, ...]
    options_hash: str
    by_key: bool
    computes: bool
    first_day: int
    end_day: int

    def score(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Score rows that come in order.

        Parameters
        ----------
        batches : iterable of pyarrow.RecordBatch
            With `point_columns`.

        Yields
        ------
        pyarrow.RecordBatch
            With `SCORED_COLUMNS`.

        Raises
        ------
        ScoreNotFinite, StateUnreadable
            They name the key.
        """
        series: _Series | None = None
        for batch in batches:
            for key, is_state, day, rows in _runs(batch):
                if series is None or series.key != key:
                    if series is not None:
                        yield from series.states_before(self.end_day)
                    series = _Series(self, key)
                if is_state:
                    series.restore(rows)
                else:
                    yield from series.states_before(day)
                    yield series.scores(rows, day)
        if series is not None:
            yield from series.states_before(self.end_day)


class _Series:
    """The series of one key."""

    def __init__(self, plan: Plan, key: str) -> None:
        self.key = key
        self._plan = plan
        self._forest: Forest | None = None
        # What it knows as bytes, and how much that is, unless it has learned since.
        self._saved: tuple[bytes, int] | None = None
        self._next_day = plan.first_day

    def restore(self, row: pa.RecordBatch) -> None:
        """Go on from a saved state, which is read once there is a record."""
        entries_seen, state = (row.column(name)[0].as_py() for name in SAVED)
        self._saved = state, entries_seen

    def scores(self, rows: pa.RecordBatch, day: int) -> pa.RecordBatch:
        """Score rows of one day."""
        plan = self._plan
        numbers = [rows.column(name).to_pylist() for name in value_columns(len(plan.names))]
        points = list(zip(*numbers, strict=True))
        if plan.computes:
            scores = self._learn(points, rows.column("record_id"))
        else:
            scores = rows.column("given_score").to_pylist()
        features = [json.dumps(dict(zip(plan.names, point, strict=True))) for point in points]
        made = {"features": features, "score": scores, "date": [day] * len(scores)}
        have = {each.name for each in _CARRIED}
        columns = [
            rows.column(each.name)
            if each.name in have
            else pa.array(made[each.name], each.type)
            if each.name in made
            else pa.nulls(len(scores), each.type)
            for each in _OUT
        ]
        return pa.RecordBatch.from_arrays(columns, schema=_OUT)

    def _learn(self, points: Sequence[tuple[float, ...]], records: pa.Array) -> list[float]:
        forest = self._opened()
        self._saved = None
        scores: list[float] = []
        try:
            scores.extend(map(forest.score, points))
        except ScoreNotFinite as error:
            told = records[len(scores)].as_py()
            raise ScoreNotFinite(f"{self.key!r}, record {told}: {error}") from None
        return scores

    def _opened(self) -> Forest:
        plan = self._plan
        if self._forest is None and self._saved is not None:
            try:
                self._forest = Forest.of_bytes(self._saved[0])
            except StateUnreadable as error:
                raise StateUnreadable(f"saved state of {self.key!r}: {error}") from None
        if self._forest is None:
            seed = seed_of_key(plan.options.seed, self.key) if plan.by_key else plan.options.seed
            self._forest = Forest.new(plan.options, len(plan.names), seed)
        return self._forest

    def states_before(self, day: int) -> Iterator[pa.RecordBatch]:
        """The states at the end of the dates before a day that have not been given yet."""
        if self._saved is None and self._forest is not None and self._next_day < day:
            self._saved = self._forest.to_bytes(), self._forest.entries_seen
        while self._saved is not None and self._next_day < day:
            made: dict[str, Any] = {
                "model_key": self.key,
                "options_hash": self._plan.options_hash,
                "state": self._saved[0],
                "entries_seen": self._saved[1],
                "date": self._next_day,
            }
            columns = [
                _one_state(made["state"])
                if each.name == "state"
                else pa.array([made.get(each.name)], each.type)
                for each in _OUT
            ]
            yield pa.RecordBatch.from_arrays(columns, schema=_OUT)
            self._next_day += 1
        self._next_day = max(self._next_day, day)


def _one_state(state: bytes) -> pa.Array:
    """An array of one value that shares its bytes: to build it costs ten times the saving."""
    ends = struct.pack("<2i", 0, len(state))
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(state)]
    return pa.Array.from_buffers(pa.binary(), 1, buffers)


def _runs(batch: pa.RecordBatch) -> Iterator[tuple[str, bool, int, pa.RecordBatch]]:
    """Cut a batch where key or day change, and at every state: (key, is a state, day, rows)."""
    keys = batch.column("model_key").to_pylist()
    times = batch.column("event_time").cast(pa.int64()).to_pylist()
    marks = [
        (key, time is None, None if time is None else time // DAY)
        for key, time in zip(keys, times, strict=True)
    ]
    start = 0
    for at in range(1, len(marks) + 1):
        if at == len(marks) or marks[at] != marks[start] or marks[start][1]:
            key, is_state, day = marks[start]
            yield key, is_state, day or 0, batch.slice(start, at - start)
            start = at

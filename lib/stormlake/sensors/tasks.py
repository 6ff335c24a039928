"""What a task does on an executor: parts of objects to batches of rows, or of rejects."""

from __future__ import annotations

import datetime as dt
import pickle
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from stormlake.counters import Counters
from stormlake.lake.sensor_tables import DETAIL_CHARACTERS
from stormlake.lake.tables import REJECTS, arrow_schema
from stormlake.sensors.outcomes import Reject
from stormlake.sensors.parts import Part
from stormlake.sensors.reader import BATCH_ROWS, Reader
from stormlake.sensors.tally import Tally
from stormlake.workers import spare_worker

if TYPE_CHECKING:
    from pyspark import Accumulator, Broadcast

Tallies = dict[int, Tally]
"""What each task counted, by its number: a task that runs twice counts once."""


@dataclass(frozen=True)
class Work:
    """The tasks of a run, as they travel.

    Parameters
    ----------
    reader : Reader
    tasks : Broadcast of list of bytes
        Pickled parts, by task number; a worker opens its own alone.
    counters : Counters
        Progress and cost.
    """

    reader: Reader
    tasks: Broadcast[list[bytes]]
    counters: Counters

    def parts(self, batches: Iterable[pa.RecordBatch]) -> Iterator[tuple[int, Sequence[Part]]]:
        """The tasks whose numbers come in batches of Spark's range."""
        for batch in batches:
            for number in batch.column("id").to_pylist():
                yield number, pickle.loads(self.tasks.value[number])


def records_task(
    batches: Iterable[pa.RecordBatch], work: Work, tallies: Accumulator[Tallies]
) -> Iterator[pa.RecordBatch]:
    """Rows of the view; what was counted goes to `tallies`."""
    spare_worker()
    with work.counters.timed():
        for number, parts in work.parts(batches):
            tally = Tally()
            for part in parts:
                for found in work.reader.read(part, tally):
                    if isinstance(found, pa.RecordBatch):
                        yield from _slices(found)
                work.counters.bytes_read.add(part.stop - part.start)
                work.counters.done.add(1)
            tallies.add({number: tally})


def rejects_task(
    batches: Iterable[pa.RecordBatch], work: Work, job: str, first_day: str
) -> Iterator[pa.RecordBatch]:
    """Rows of `rejects`.

    Parameters
    ----------
    job : str
        Name of the job.
    first_day : str
        ISO date of a reject that tells none.
    """
    spare_worker()
    schema = arrow_schema(REJECTS)
    rows: list[dict[str, Any]] = []
    with work.counters.timed():
        for _, parts in work.parts(batches):
            for part in parts:
                arrived = part.obj.arrival, part.obj.arrival_hours
                day_of = work.reader.scope.of_object(*arrived).day_of
                for found in work.reader.read(part, Tally()):
                    if isinstance(found, Reject):
                        day = day_of(found)
                        date = day.isoformat() if day else first_day
                        row = reject_row(found, part.obj.key, work.reader.kind.shows_excerpt)
                        rows.append(row | {"job": job, "date": date})
                    if len(rows) >= BATCH_ROWS:
                        yield _batch(rows, schema)
                        rows = []
    if rows:
        yield _batch(rows, schema)


def reject_row(reject: Reject, key: str, shows_excerpt: bool) -> dict[str, Any]:
    """A row of `rejects`, its job and date apart.

    Parameters
    ----------
    reject : Reject
    key : str
        Of the object.
    shows_excerpt : bool
        Whether the bytes may be shown.
    """
    shown = reject.data.decode("utf-8", "backslashreplace") if shows_excerpt else None
    return {
        "object": key,
        "byte_offset": reject.offset,
        "byte_length": reject.length,
        "record_count": reject.records,
        "reason": str(reject.reason),
        "detail": reject.detail[:DETAIL_CHARACTERS],
        "excerpt": shown,
    }


def _batch(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.RecordBatch:
    days = [dt.date.fromisoformat(row["date"]) for row in rows]
    columns = [
        pa.array(days if field.name == "date" else [row[field.name] for row in rows], field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _slices(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)

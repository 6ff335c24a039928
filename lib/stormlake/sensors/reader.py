"""One object of an archive, or a part of one, to rows of a view and rejects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from stormlake.archive.inflate import CutShort
from stormlake.archive.source import Source
from stormlake.lake.types import arrow_fields
from stormlake.sensors import fast_json
from stormlake.sensors.fields import Unusable
from stormlake.sensors.json_record import SHOWN, Decoded
from stormlake.sensors.json_stream import JsonStream
from stormlake.sensors.kinds import Kind, Row
from stormlake.sensors.line_stream import Line, LineStream
from stormlake.sensors.outcomes import Reason, Reject
from stormlake.sensors.part_bytes import PartBytes
from stormlake.sensors.parts import Part, is_last
from stormlake.sensors.scope import Fate, Scope
from stormlake.sensors.tally import Tally

BATCH_ROWS: Final = 10_000
"""Rows of a batch that goes to Spark."""

MAX_RECORD_MB: Final = 16
"""Longest record, in units of 2**20 bytes; an option overrides it."""

_Found: TypeAlias = "Decoded | Row | Reject | pa.RecordBatch"


@dataclass(frozen=True)
class Reader:
    """How objects are read; travels to the workers.

    Parameters
    ----------
    source : Source
    kind : Kind
    scope : Scope
    max_record : int
        Bytes.
    quick : bool
        Whether whole blocks may be parsed at once, which changes nothing but the speed.
    """

    source: Source
    kind: Kind
    scope: Scope
    max_record: int = MAX_RECORD_MB * 2**20
    quick: bool = True

    def read(self, part: Part, tally: Tally) -> Iterator[pa.RecordBatch | Reject]:
        """Yield the rows and rejects of a part that are this run's; count all the others too.

        Parameters
        ----------
        part : Part
        tally : Tally
            Gets what was counted.
        """
        data = PartBytes(self.source, part)
        if data.part is not None:
            yield from _Reading(self, data, data.part, tally).run()


class _Reading:
    """The state of reading one part."""

    def __init__(self, reader: Reader, data: PartBytes, part: Part, tally: Tally) -> None:
        self._reader, self._data, self._part, self._tally = reader, data, part, tally
        self._kind = reader.kind
        self._scope = reader.scope.of_object(part.obj.arrival, part.obj.arrival_hours)
        self._schema = arrow_fields(self._kind.columns)
        self._time = self._schema.get_field_index(self._kind.time_column)
        self._rows: list[Row] = []
        self._line = Line(0, b"")
        self._before = tally.read

    def run(self) -> Iterator[pa.RecordBatch | Reject]:
        """Yield the rows and rejects that are ours."""
        lines = self._kind.is_lines(self._data.first)
        for found in self._lines() if lines else self._json():
            if isinstance(found, pa.RecordBatch):
                yield from self._flush()
                yield found
                continue
            self._tally.read += found.records if isinstance(found, Reject) else 1
            judged = self._judge(found)
            if judged is not None:
                yield judged
            if len(self._rows) >= BATCH_ROWS:
                yield from self._flush()
        yield from self._flush()
        if self._part.start == 0:
            self._tally.objects += 1
            self._tally.empty += is_last(self._part) and self._tally.read == self._before
        failure = self._data.failure
        if failure is not None and not isinstance(failure, CutShort):
            self._tally.unreadable_keys[self._part.obj.key] += 1

    def _json(self) -> Iterator[_Found]:
        records = JsonStream(self._reader.max_record, self._data.offset, self._part.start > 0)
        quick = self._reader.quick and self._kind.members is not None
        for piece in self._data:
            records.add(piece)
            batch = self._quick(records) if quick else None
            if batch is not None:
                yield batch
            else:
                yield from records.decode()
        # A part that is not the last may hold the last record.
        end = records.offset + len(records.buffer)
        to_end = is_last(self._part) or end >= self._part.obj.size
        yield from self._ended(list(records.decode(final=True, to_end=to_end)), records.offset)

    def _lines(self) -> Iterator[_Found]:
        lines = LineStream(self._reader.max_record, self._data.offset)
        parser = self._kind.lines()
        ending: list[_Found | None] = []
        for piece in self._data:
            for line in lines.add(piece):
                if isinstance(line, Reject):
                    yield line
                    continue
                self._line = line
                found = parser.line(line.data, line.offset)
                if found is not None:
                    yield found
        rest = lines.rest()
        if isinstance(rest, Reject) or rest is None:
            ending.append(rest)
        elif self._data.failure is None:
            self._line = rest
            ending.append(parser.line(rest.data, rest.offset))
        else:
            cut = Reject(Reason.TRUNCATED, "", rest.offset, len(rest.data), data=rest.data[:SHOWN])
            ending.append(cut)
        yield from parser.finish()
        self._tally.comments += parser.comments
        yield from self._ended([found for found in ending if found is not None], lines.offset)

    def _ended(self, last: list[_Found], end: int) -> Iterator[_Found]:
        """The last outputs; bytes that ended early are one reject, with the record they cut."""
        failure = self._data.failure
        if failure is None:
            yield from last
            return
        reason = Reason.TRUNCATED if isinstance(failure, CutShort) else Reason.UNREADABLE
        tail = last[-1] if last else None
        if isinstance(tail, Reject) and (tail.offset or 0) + (tail.length or 0) >= end:
            yield from last[:-1]
            yield Reject(reason, failure.detail, tail.offset, tail.length, data=tail.data)
        else:
            yield from last
            yield Reject(reason, failure.detail, end, 0)

    def _quick(self, records: JsonStream) -> pa.RecordBatch | None:
        """Rows of the whole records in the buffer, taken off it; None to go the careful way."""
        if not records.at_record() or len(records.buffer) > self._reader.max_record:
            return None
        cut = fast_json.last_boundary(records.buffer)
        block = self._kind.prepare(records.buffer[:cut]) if cut else None
        if block is None or self._kind.members is None:
            return None
        table = fast_json.parse_records(block, self._kind.members, records.in_array)
        batch = self._kind.quick(table) if table is not None and table.num_rows else None
        ours = self._of_scope(batch) if batch is not None else None
        if batch is not None and ours is not None:
            self._tally.read += batch.num_rows
            records.take(cut)
        return ours

    def _of_scope(self, batch: pa.RecordBatch) -> pa.RecordBatch | None:
        """The rows that are kept, the others counted; None where one is to be rejected."""
        times = batch.column(self._time).cast(pa.int64())
        bounds = pc.min_max(times).as_py()
        fates = {self._scope.fate(bounds["min"]), self._scope.fate(bounds["max"])}
        if fates == {Fate.KEPT}:  # both limits are intervals
            self._tally.accepted += batch.num_rows
            return batch
        each = [self._scope.fate(time) for time in times.to_pylist()]
        if Fate.OUTSIDE in each:
            return None
        kept = batch.filter(pa.array([fate is Fate.KEPT for fate in each]))
        self._tally.accepted += kept.num_rows
        self._tally.left += batch.num_rows - kept.num_rows
        return kept

    def _judge(self, found: Decoded | Row | Reject) -> Reject | None:
        """Keep a good row, count all, give back a reject that is ours to write."""
        decoded = found if isinstance(found, Decoded) else None
        if decoded is not None:
            found = self._row(decoded)
        if isinstance(found, tuple):
            fate = self._scope.fate(found[self._time])
            if fate is not Fate.OUTSIDE:
                self._tally.accepted += fate is Fate.KEPT
                self._tally.left += fate is Fate.LEFT
                if fate is Fate.KEPT:
                    self._rows.append(found)
                return None
            found = self._outside(decoded, found[self._time])
        assert isinstance(found, Reject)
        if not self._scope.is_ours(found):
            self._tally.left += found.records
            return None
        day = self._scope.day_of(found)
        self._tally.rejected += found.records
        self._tally.reasons[found.reason] += found.records
        self._tally.reject_days[day.isoformat() if day else None] += 1
        return found

    def _row(self, decoded: Decoded) -> Row | Reject:
        try:
            return self._kind.row_at(decoded.value, self._tally.read - 1 - self._before)
        except Unusable as why:
            micros = self._kind.event_micros(decoded.value)
            place = decoded.offset, decoded.length
            return Reject(why.reason, why.detail, *place, 1, micros, decoded.data[:SHOWN])

    def _outside(self, decoded: Decoded | None, micros: int) -> Reject:
        arrival = self._part.obj.arrival
        assert arrival is not None
        told = f"{arrival:%Y-%m-%dT%H}" if self._part.obj.arrival_hours == 1 else arrival.date()
        detail = f"arrived {told}; run its date with more --early or --late"
        place = (
            (decoded.offset, decoded.length)
            if decoded
            else (self._line.offset, len(self._line.data))
        )
        data = decoded.data[:SHOWN] if decoded else b""
        return Reject(Reason.OUTSIDE_WINDOW, detail, *place, 1, micros, data)

    def _flush(self) -> Iterator[pa.RecordBatch]:
        if self._rows:
            columns = zip(zip(*self._rows, strict=True), self._schema, strict=True)
            arrays = [pa.array(values, field.type) for values, field in columns]
            self._rows = []
            yield pa.RecordBatch.from_arrays(arrays, schema=self._schema)

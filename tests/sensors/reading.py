"""Reading bytes by the archive reader without Spark, and archives to read."""

from __future__ import annotations

import datetime as dt
import gzip
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa

from stormlake.archive.arrivals import StoredObject
from stormlake.archive.source import Source
from stormlake.sensors.kinds import Kind
from stormlake.sensors.outcomes import Reject
from stormlake.sensors.parts import Part
from stormlake.sensors.reader import Reader
from stormlake.sensors.scope import Scope
from stormlake.sensors.tally import Tally

EVERYTHING = Scope()
MEGABYTE = 2**20


@dataclass(frozen=True)
class Read:
    """What reading gave: rows in the order of the view's columns, rejects, and the counts."""

    rows: list[tuple[Any, ...]]
    rejects: list[Reject]
    tally: Tally

    @property
    def adds_up(self) -> bool:
        """Whether the counts are those of what was given."""
        tally = self.tally
        told = sum(reject.records for reject in self.rejects)
        return (tally.accepted, tally.rejected) == (len(self.rows), told) and (
            tally.read == tally.accepted + tally.rejected + tally.left
            and tally.rejected == tally.reasons.total()
            and tally.reject_days.total() == len(self.rejects)
        )


def read_bytes(
    folder: Path,
    data: bytes,
    kind: Kind,
    *,
    scope: Scope = EVERYTHING,
    arrival: dt.datetime | None = None,
    quick: bool = True,
    max_record: int = 16 * MEGABYTE,
    cuts: Sequence[int] = (),
) -> Read:
    """Read an object of these bytes, as one part or as the ranges between the cuts."""
    (folder / "archive").write_bytes(data)
    obj = StoredObject("archive", len(data), arrival, None)
    inner = sorted({cut for cut in cuts if 0 < cut < len(data)})
    parts = [Part(obj, start, stop) for start, stop in pairwise([0, *inner, len(data)])]
    return read_parts(Reader(Source(str(folder)), kind, scope, max_record, quick), parts)


def read_parts(reader: Reader, parts: Sequence[Part]) -> Read:
    """Read some parts, one after the other."""
    rows: list[tuple[Any, ...]] = []
    rejects: list[Reject] = []
    tally = Tally()
    for part in parts:
        each = Tally()
        for found in reader.read(part, each):
            if isinstance(found, pa.RecordBatch):
                assert found.schema.names == [column.name for column in reader.kind.columns]
                rows += zip(*(column.to_pylist() for column in found.columns), strict=True)
            else:
                rejects.append(found)
        tally.add(each)
    return Read(rows, rejects, tally)


def _lines(end: str, between: str = "") -> Callable[[list[Any]], str]:
    return lambda records: "".join(json.dumps(record) + end + between for record in records)


def _pretty(between: str) -> Callable[[list[Any]], str]:
    return lambda records: between.join(json.dumps(record, indent=2) for record in records)


SHAPES: dict[str, Callable[[list[Any]], str]] = {
    "lines": _lines("\n"),
    "lines without the last newline": lambda records: "\n".join(map(json.dumps, records)),
    "CRLF lines": _lines("\r\n"),
    "blank lines": _lines("\n", " \n\n"),
    "CRLF blank lines": _lines("\r\n", "\r\n"),
    "concatenated": _lines(""),
    "not escaped": lambda records: "".join(json.dumps(r, ensure_ascii=False) for r in records),
    "pretty": _pretty(""),
    "pretty lines": _pretty("\n"),
    "array": json.dumps,
    "tight array": lambda records: json.dumps(records, separators=(",", ":")),
    "pretty array": lambda records: json.dumps(records, indent=4),
    "wrapped": lambda records: json.dumps({"travel_data": records}),
    "pretty wrapped": lambda records: json.dumps({"travel_data": records}, indent=1) + "\n",
    "two arrays": lambda records: json.dumps(records[:2]) + "\n" + json.dumps(records[2:]),
    "two wrappers": lambda records: "".join(
        json.dumps({"data": some}) for some in (records[:2], records[2:])
    ),
}
"""Every form in which records may lie."""


def packed(data: bytes, members: int = 1) -> bytes:
    """The bytes as gzip, in some members."""
    step = max(1, -(-len(data) // members))
    parts = [data[at : at + step] for at in range(0, max(1, len(data)), step)]
    return b"".join(gzip.compress(part, mtime=0) for part in parts)

"""Kinds of records: from a decoded record to a row of its view.

A kind has a careful way, one record at a time with a reason for each that is of no use, and may
have a quick one for a whole table at once. The quick one gives up (None) at anything that the
careful one would not simply take, so both always agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

import pyarrow as pa

from stormlake.lake.types import Column
from stormlake.sensors.json_record import Decoded
from stormlake.sensors.outcomes import Reject

Row = tuple[Any, ...]
"""Values in the order of the view's columns; times as microseconds, days as days since 1970."""


class LineParser(Protocol):
    """Reads the lines of one object."""

    comments: int
    """Lines so far that are no records and no rejects."""

    def line(self, raw: bytes, offset: int) -> Decoded | Row | Reject | None:
        """Read one line; None when it holds no record."""

    def finish(self) -> list[Reject]:
        """Tell what can only be said at the object's end."""


class Dedupe(Enum):
    """What makes two records the same."""

    ALL_COLUMNS = "all columns"
    REQUEST_ID = "the request id, where there is one"
    RECORD_ID = "record_id; of several the least row"


@dataclass(frozen=True)
class Kind:
    """What a record view holds, and how it is read; small and picklable.

    Parameters
    ----------
    zone : ZoneInfo or None
        Of times that name none; None is UTC.
    """

    zone: ZoneInfo | None = None

    view: ClassVar[str]
    columns: ClassVar[tuple[Column, ...]]
    time_column: ClassVar[str]
    dedupe: ClassVar[Dedupe] = Dedupe.ALL_COLUMNS
    shows_excerpt: ClassVar[bool] = True
    """Whether a reject may show the record's bytes; never where they tell of a person."""
    splits: ClassVar[bool] = True
    """Whether a large object may be read by several tasks."""
    members: ClassVar[pa.Schema | None] = None
    """Members that the quick way wants; None where there is none."""

    def is_lines(self, head: bytes) -> bool:
        """Whether an object is lines rather than JSON.

        Parameters
        ----------
        head : bytes
            Its beginning, without the blanks before it: `part_bytes.HEAD` bytes, or all there are.
        """
        return False

    def lines(self) -> LineParser:
        """A parser for one object of lines."""
        raise NotImplementedError

    def row(self, record: dict[str, Any]) -> Row:
        """The row of a JSON record.

        Raises
        ------
        Unusable
            With the reason why there is none.
        """
        raise NotImplementedError

    def row_at(self, record: dict[str, Any], number: int) -> Row:
        """The row of a JSON record of which it matters where it stands.

        Parameters
        ----------
        record : dict
        number : int
            How many records stand before it in its object, useless ones included; of a kind that
            splits, in its part.
        """
        return self.row(record)

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """Event time of a record that gave no row, None where that is not known either."""
        raise NotImplementedError

    def prepare(self, block: bytes) -> bytes | None:
        """Rewrite a block so that its members have the names in `members`; None to give up."""
        return block

    def quick(self, table: pa.Table) -> pa.RecordBatch | None:
        """Rows of a parsed table, all of them good; None to give up."""
        raise NotImplementedError

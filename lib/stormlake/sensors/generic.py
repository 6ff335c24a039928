"""Records of any archive: numbers by the names of their members, with a key, a time and an id.

An archive is JSON in any form that the reader takes, or CSV lines: with a header, or with names
given for lines that have none.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from stormlake.lake.sensor_tables import NAME_BYTES
from stormlake.lake.types import Column
from stormlake.sensors import fields
from stormlake.sensors.fields import Unusable
from stormlake.sensors.json_record import Decoded
from stormlake.sensors.kinds import Dedupe, Kind, Row
from stormlake.sensors.outcomes import Reason, Reject

NUMBER_DIGITS: Final = 12
"""Digits of a record's number, where records have no id; as text they sort like numbers."""

NO_TIME: Final = 0
"""Event time of records that have none: 1970-01-01T00:00:00Z."""

_NOT_FINITE: Final = frozenset({"nan", "inf", "infinity"})


@dataclass(frozen=True)
class GenericRecords(Kind):
    """Records of which some members are numbers to be scored.

    Parameters
    ----------
    values : tuple of str
        Members that are numbers.
    key, time, id : str or None
        Members that tell whose a record is, when it was made, and which it is. Without an id it is
        its number in the object, from 0 in 12 digits; without a time it is `NO_TIME`.
    is_csv : bool
        Whether the archive is CSV rather than JSON.
    header : tuple of str
        Names of the fields of CSV lines; empty: each object's first line tells them.
    """

    values: tuple[str, ...] = ()
    key: str | None = None
    time: str | None = None
    id: str | None = None
    is_csv: bool = False
    header: tuple[str, ...] = ()

    view: ClassVar[str] = "generic_records"
    time_column: ClassVar[str] = "event_time"
    dedupe: ClassVar[Dedupe] = Dedupe.RECORD_ID

    @property
    def splits(self) -> bool:  # type: ignore[override]
        """Whether several tasks may read one object: not where records are numbered, or have a
        header.
        """
        return self.id is not None and not self.is_csv

    @property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        """record_id, event_time, key, and a column for each number."""
        return (
            Column("record_id", "string", "", "Its id, or its number.", False, NAME_BYTES),
            Column("event_time", "timestamp", "", "Its time.", nullable=False),
            Column("key", "string", "", "Whose it is; NULL where nobody asked.", True, NAME_BYTES),
            *(Column(name, "double", "", "A number.", nullable=False) for name in self.values),
        )

    def is_lines(self, head: bytes) -> bool:
        """Whether it is CSV, which is told, not found out: a number alone is both."""
        return self.is_csv

    def lines(self) -> CsvRecords:
        """A parser for one object of CSV."""
        return CsvRecords(self.header)

    def row_at(self, record: dict[str, Any], number: int) -> Row:
        """The row of a record with its number in the object."""
        if self.id is None:
            identity = f"{number:0{NUMBER_DIGITS}d}"
        else:
            identity = fields.label(fields.required(record, self.id), self.id)
        time = self._time(record)
        key = None
        if self.key is not None:
            key = fields.label(fields.required(record, self.key), self.key)
        numbers = (fields.number(fields.required(record, name), name) for name in self.values)
        return identity, time, key, *numbers

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """The time, where it is one."""
        try:
            return self._time(record)
        except Unusable:
            return None

    def _time(self, record: dict[str, Any]) -> int:
        if self.time is None:
            return NO_TIME
        return fields.instant(fields.required(record, self.time), self.time, self.zone)


class CsvRecords:
    """Lines of CSV as the records they stand for: texts by the names of the fields.

    Parameters
    ----------
    header : sequence of str
        Names; empty: the first line that is not blank tells them.
    """

    def __init__(self, header: tuple[str, ...]) -> None:
        self.comments = 0
        self._names = header

    def line(self, raw: bytes, offset: int) -> Decoded | Reject | None:
        """Read one line; None for the header or a blank line."""
        try:
            text = raw.decode("utf-8").rstrip("\r")
        except UnicodeDecodeError:
            return _reject(Reason.BAD_UTF8, "not UTF-8; expected CSV in UTF-8", raw, offset)
        if not text.strip():
            return None
        try:
            found = next(csv.reader([text], strict=True))
        except csv.Error as error:
            detail = f"{error}; expected one CSV record a line, quotes in a field doubled"
            return _reject(Reason.MALFORMED, detail, raw, offset)
        if not self._names:
            self._names = tuple(name.strip() for name in found)
            self.comments += 1
            return None
        if len(found) != len(self._names):
            detail = f"{len(found)} fields; expected {len(self._names)}: {','.join(self._names)}"
            return _reject(Reason.FIELD_COUNT, detail, raw, offset)
        record = dict(zip(self._names, map(_value, found), strict=True))
        return Decoded(record, offset, len(raw), raw)

    def finish(self) -> list[Reject]:
        """Nothing is left to say."""
        return []


def _value(text: str) -> str | float | None:
    """A field's text; NULL where there is none; what Python alone takes for a number as one."""
    plain = text.strip()
    if plain.lstrip("+-").lower() in _NOT_FINITE:
        return float(plain)
    return plain or None


def _reject(reason: Reason, detail: str, raw: bytes, offset: int) -> Reject:
    return Reject(reason, detail, offset, len(raw), data=raw)

"""Wind farms: one speed of one location a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from stormlake.lake.types import Column
from stormlake.sensors import fields
from stormlake.sensors.fields import Unusable
from stormlake.sensors.json_record import Decoded
from stormlake.sensors.kinds import Kind, Row
from stormlake.sensors.outcomes import Reason, Reject
from stormlake.sensors.views import WIND_RECORDS
from stormlake.sensors.wind_csv import parse_wind_csv

DEFAULT_WIDTH: Final = 60
"""Seconds of a window."""

TIME_MEMBERS: Final = ("timestamp", "event_time", "time")
SPEED_MEMBERS: Final = ("speed", "wind_speed")
"""Names that producers use; of several the first counts."""

_BETWEEN: Final = b" \t\r\n,"


@dataclass(frozen=True)
class WindRecords(Kind):
    """Readings, with the tumbling window that each lies in.

    Parameters
    ----------
    width : int
        Seconds of a window; divides a day, so that no window belongs to two dates.
    """

    width: int = DEFAULT_WIDTH

    view: ClassVar[str] = "wind_records"
    columns: ClassVar[tuple[Column, ...]] = WIND_RECORDS
    time_column: ClassVar[str] = "event_time"

    def is_lines(self, head: bytes) -> bool:
        """Whether it is CSV: one stray byte before JSON does not make lines of it."""
        if not head or head.lstrip(_BETWEEN)[:1] in (b"{", b"["):
            return False
        return b"{" not in head or _begins_as_csv(head)

    def lines(self) -> CsvLines:
        """A parser for one object of CSV."""
        return CsvLines()

    def row(self, record: dict[str, Any]) -> Row:
        """The row of a reading."""
        location = fields.text(fields.required(record, "location"), "location")
        speed = fields.number(fields.required(record, *SPEED_MEMBERS), "speed")
        time = self._time(record)
        score = fields.optional_number(record, "score")
        width = self.width * 1_000_000
        start = time // width * width
        return fields.record_id(record), location, speed, time, score, start, start + width

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """The time, where it is one."""
        try:
            return self._time(record)
        except Unusable:
            return None

    def _time(self, record: dict[str, Any]) -> int:
        for member in TIME_MEMBERS:
            if record.get(member) is not None:
                return fields.instant(record[member], member, self.zone)
        raise Unusable(Reason.BAD_TIME, f"no {', '.join(TIME_MEMBERS)}")


class CsvLines:
    """Lines `"<location>",<speed>[,<time>]`, as the records they stand for."""

    def __init__(self) -> None:
        self.comments = 0

    def line(self, raw: bytes, offset: int) -> Decoded | Reject | None:
        """Read one line; None for a header or a blank line."""
        found = parse_wind_csv(raw, offset)
        if isinstance(found, dict):
            return Decoded(found, offset, len(raw), raw)
        if found is None and raw.strip():
            self.comments += 1
        return found

    def finish(self) -> list[Reject]:
        """Nothing is left to say."""
        return []


def _begins_as_csv(head: bytes) -> bool:
    """Whether the first line is a record or a header of CSV."""
    line = head.partition(b"\n")[0]
    # A location in another encoding is that line's fault; it says nothing about the form.
    found = parse_wind_csv(line.decode("utf-8", "replace").encode(), 0)
    if not isinstance(found, dict):
        return found is None
    # A line of JSON may have as many commas; a text or a brace stands behind the first of them.
    return not any(mark in str(found["speed"]) for mark in '{["')

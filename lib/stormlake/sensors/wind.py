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

_LINES: Final = 20
"""Lines that are looked at to tell CSV; the first may be damaged."""

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
    """Whether one of the first lines is a record of CSV, or the first is its header."""
    for number, line in enumerate(head.split(b"\n")[:_LINES]):
        # A location in another encoding is that line's fault; it says nothing about the form.
        found = parse_wind_csv(line.decode("utf-8", "replace").encode(), 0)
        if isinstance(found, dict):
            # A line of JSON may have as many commas; a text or a brace stands behind the first.
            speed = found["speed"]
            if isinstance(speed, int | float) or (
                number == 0 and not any(mark in str(speed) for mark in '{["')
            ):
                return True
        elif found is None and line.strip() and number == 0:
            return True
    return False

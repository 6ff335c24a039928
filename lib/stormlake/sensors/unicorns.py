"""Wild Rydes: telemetry of unicorns, as single readings or already one row a minute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

import pyarrow as pa
import pyarrow.compute as pc

from stormlake.lake.tables import UNICORN_MINUTES
from stormlake.lake.types import Column, arrow_fields
from stormlake.sensors import fields
from stormlake.sensors.fields import Unusable
from stormlake.sensors.kinds import Kind, Row
from stormlake.sensors.outcomes import Reason
from stormlake.sensors.times import DAY, quick_times
from stormlake.sensors.views import UNICORN_RECORDS

_WRITTEN: Final = len("2026-05-01 21:00:00.123")
_MINUTE: Final = 60_000_000


@dataclass(frozen=True)
class UnicornRecords(Kind):
    """Single readings, about one a second."""

    view: ClassVar[str] = "unicorn_records"
    columns: ClassVar[tuple[Column, ...]] = UNICORN_RECORDS
    time_column: ClassVar[str] = "status_time"
    members: ClassVar[pa.Schema] = pa.schema(
        [
            ("Name", pa.string()),
            ("StatusTime", pa.string()),
            ("Latitude", pa.float64()),
            ("Longitude", pa.float64()),
            ("Distance", pa.float64()),
            ("HealthPoints", pa.int32()),
            ("MagicPoints", pa.int32()),
        ]
    )

    def row(self, record: dict[str, Any]) -> Row:
        """The row of a reading."""
        name = fields.text(fields.required(record, "Name"), "Name")
        time = fields.time(fields.required(record, "StatusTime"), "StatusTime", self.zone)
        latitude, longitude, distance = (
            fields.number(fields.required(record, member), member)
            for member in ("Latitude", "Longitude", "Distance")
        )
        if distance < 0:
            raise Unusable(Reason.NEGATIVE, "Distance is negative")
        health = fields.optional_int(record, "HealthPoints")
        magic = fields.optional_int(record, "MagicPoints")
        return name, time, latitude, longitude, distance, health, magic

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """StatusTime, where it is one."""
        try:
            return fields.time(fields.required(record, "StatusTime"), "StatusTime", self.zone)
        except Unusable:
            return None

    def quick(self, table: pa.Table) -> pa.RecordBatch | None:
        """Rows of a parsed table."""
        arrays = {name: table.column(name).combine_chunks() for name in table.column_names}
        if any(arrays[name].null_count for name in self.members.names[:5]):
            return None
        times = quick_times(arrays["StatusTime"], _WRITTEN, self.zone)
        # Arrow makes an integer of 400 digits infinite; 0.0 is added because of -0.0.
        *places, distance = numbers = [
            pc.add(arrays[name], 0.0) for name in self.members.names[2:5]
        ]
        finite = all(pc.all(pc.is_finite(values)).as_py() for values in numbers)
        if times is None or not finite or pc.min(distance).as_py() < 0:
            return None
        points = [arrays["HealthPoints"], arrays["MagicPoints"]]
        columns = [arrays["Name"], times, *places, distance, *points]
        return pa.RecordBatch.from_arrays(columns, schema=arrow_fields(self.columns))


@dataclass(frozen=True)
class UnicornMinutes(Kind):
    """Readings that were aggregated before: rows of `unicorn_minutes` as they are."""

    view: ClassVar[str] = UNICORN_MINUTES.name
    columns: ClassVar[tuple[Column, ...]] = UNICORN_MINUTES.all_columns
    time_column: ClassVar[str] = "window_start"

    def row(self, record: dict[str, Any]) -> Row:
        """The row of a minute."""
        # A single reading has no such member, and a minute no place: neither passes for the other.
        name = fields.text(fields.required(record, "Name"), "Name")
        start = fields.time(fields.required(record, "StatusTime"), "StatusTime", self.zone)
        if start % _MINUTE:
            raise Unusable(Reason.BAD_TIME, "StatusTime: expected a whole minute")
        distance = fields.number(fields.required(record, "Distance"), "Distance")
        if distance < 0:
            raise Unusable(Reason.NEGATIVE, "Distance is negative")
        points = []
        for member in ("MinMagicPoints", "MaxMagicPoints", "MinHealthPoints", "MaxHealthPoints"):
            fields.required(record, member)
            points.append(fields.optional_int(record, member))
        return start // DAY, name, start, start + _MINUTE, distance, *points, None

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """StatusTime, where it is one."""
        return UnicornRecords(self.zone).event_micros(record)

"""Vital signs from medical devices: de-identified before anything else looks at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from stormlake.lake.types import Column
from stormlake.sensors import fields
from stormlake.sensors.fields import Unusable
from stormlake.sensors.kinds import Kind, Row
from stormlake.sensors.views import VITAL_RECORDS

IDENTIFYING: Final = ("name", "dob")
"""Members that are dropped in the reader: no log, hash, reject or table ever sees them."""


@dataclass(frozen=True)
class VitalRecords(Kind):
    """Readings of a device on a patient."""

    view: ClassVar[str] = "vital_records"
    columns: ClassVar[tuple[Column, ...]] = VITAL_RECORDS
    time_column: ClassVar[str] = "event_time"
    shows_excerpt: ClassVar[bool] = False

    def row(self, record: dict[str, Any]) -> Row:
        """The row of a reading, without the person."""
        record = {name: value for name, value in record.items() if name not in IDENTIFYING}
        time = fields.time(fields.required(record, "timestamp"), "timestamp", self.zone)
        device = fields.text(fields.required(record, "device_id"), "device_id")
        patient = fields.optional_text(record, "patient_id")
        temp = fields.optional_number(record, "temp")
        oxygen = fields.optional_number(record, "oxygen_percent")
        pulse, systolic, diastolic = (
            fields.number(fields.required(record, member), member)
            for member in ("pulse", "systolic", "diastolic")
        )
        identity = fields.record_id(record)
        return identity, time, device, patient, temp, pulse, oxygen, systolic, diastolic

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """The time, where it is one."""
        try:
            return fields.time(fields.required(record, "timestamp"), "timestamp", self.zone)
        except Unusable:
            return None

"""The views that the .sql files read: every column with its type, unit and meaning, once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stormlake.lake.sensor_tables import NAME_BYTES
from stormlake.lake.types import Column


def _text(name: str, description: str, nullable: bool = True, size: int = NAME_BYTES) -> Column:
    return Column(name, "string", "", description, nullable, size)


def _required(name: str, kind: str, unit: str, description: str) -> Column:
    return Column(name, kind, unit, description, nullable=False)  # type: ignore[arg-type]


RECORD_ID: Final = _text(
    "record_id",
    "SHA-256 of the record as canonical JSON, lower-case hex; equal records have equal ids.",
    nullable=False,
    size=64,
)
_EVENT_TIME: Final = _required("event_time", "timestamp", "", "Time of the event.")

UNICORN_RECORDS: Final = (
    _text("name", "Name of the unicorn, never cut.", nullable=False),
    _required("status_time", "timestamp", "", "Time of the reading by the producer's clock."),
    _required("latitude", "double", "degrees_north", "Latitude."),
    _required("longitude", "double", "degrees_east", "Longitude."),
    _required("distance", "double", "m", "Distance since the previous reading, at least 0."),
    Column("health_points", "int", "1", "Health points; 0 is a value."),
    Column("magic_points", "int", "1", "Magic points; 0 is a value."),
)

WIND_RECORDS: Final = (
    RECORD_ID,
    _text("location", "Wind farm.", nullable=False),
    _required("speed", "double", "mile h-1", "Wind speed."),
    _EVENT_TIME,
    Column("score", "double", "1", "Anomaly score that the record itself carried."),
    _required("window_start", "timestamp", "", "Start of the event's window, inclusive."),
    _required("window_end", "timestamp", "", "End of the event's window, exclusive."),
)

VITAL_RECORDS: Final = (
    RECORD_ID,
    _EVENT_TIME,
    _text("device_id", "Device, e.g. device0000.", nullable=False),
    _text("patient_id", "Pseudonym of the patient."),
    Column("temp", "double", "degF", "Body temperature."),
    _required("pulse", "double", "min-1", "Pulse."),
    Column("oxygen_percent", "double", "%", "Oxygen saturation."),
    _required("systolic", "double", "mm[Hg]", "Systolic blood pressure."),
    _required("diastolic", "double", "mm[Hg]", "Diastolic blood pressure."),
)

EVENT_RECORDS: Final = (
    _text("event_id", "Key of the record's one member, a UUID.", nullable=False),
    _EVENT_TIME,
    _text("prefix", "What stands before the time, `test`.", nullable=False),
)

REQUEST_RECORDS: Final = (
    _required("date", "date", "", "UTC day of the request."),
    _text("time", "UTC time of the request, as logged, e.g. `20:52:01`.", size=32),
    _required("event_time", "timestamp", "", "UTC time of the request."),
    _text("location", "Edge location.", size=32),
    Column("bytes", "long", "byte", "Bytes sent to the client."),
    _text("request_ip", "Client address; never written to a table.", size=64),
    _text("method", "HTTP method.", size=32),
    _text("host", "Host."),
    _text("uri", "Path.", size=8192),
    Column("status", "int", "1", "HTTP status."),
    _text("referrer", "Referrer.", size=8192),
    _text("os", "First token in the user agent's parenthesis."),
    _text("os_family", "iOS, Android, macOS, Windows, ChromeOS, Linux or Other.", size=16),
    _text("browser", "Browser, by the tutorial's regular expression."),
    _text("browser_version", "Its version.", size=8192),
    _text("request_id", "Opaque id of the request, where the format has one."),
)

RECORD_VIEWS: Final[Mapping[str, tuple[Column, ...]]] = {
    "unicorn_records": UNICORN_RECORDS,
    "wind_records": WIND_RECORDS,
    "vital_records": VITAL_RECORDS,
    "event_records": EVENT_RECORDS,
    "request_records": REQUEST_RECORDS,
}
"""Columns of every view, by its name."""

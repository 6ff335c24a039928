"""Why a record could not be used, and what is told about it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Reason codes of `rejects`."""

    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    BAD_UTF8 = "bad_utf8"
    NOT_FINITE = "not_finite"
    MISSING_FIELD = "missing_field"
    BAD_TYPE = "bad_type"
    BAD_TIME = "bad_time"
    NEGATIVE = "negative"
    OUTSIDE_WINDOW = "outside_window"
    UNKNOWN_DEVICE = "unknown_device"
    FIELD_COUNT = "field_count"
    NO_MATCH = "no_match"
    UNSUPPORTED_FORMAT = "unsupported_format"
    NO_FIELDS_HEADER = "no_fields_header"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Reject:
    """A record, a stretch of bytes or an object that gave no row.

    Parameters
    ----------
    reason : Reason
    detail : str
        What was found and what was expected; never a value of a device's record.
    offset : int or None
        First byte in the decompressed object; None where the place is not known.
    length : int or None
        Bytes.
    records : int
        How many records it stands for.
    event_micros : int or None
        Event time, microseconds since 1970-01-01 UTC, where the record told a good one.
    data : bytes
        The bytes, or their beginning; the writer decides whether an excerpt may be shown. Not
        part of what makes two rejects equal.
    """

    reason: Reason
    detail: str
    offset: int | None = None
    length: int | None = None
    records: int = 1
    event_micros: int | None = None
    data: bytes = field(default=b"", compare=False)

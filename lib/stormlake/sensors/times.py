"""Times of records: texts and numbers to microseconds since 1970-01-01 UTC."""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Final
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

DAY_SECONDS: Final = 86_400
"""UTC as computers count it has no leap seconds."""

DAY: Final = DAY_SECONDS * 1_000_000
"""Microseconds of a day."""

FIRST_DAY: Final = dt.date(1900, 1, 1)
END_DAY: Final = dt.date(9999, 1, 1)
"""Events lie from the first to before the end: Spark 3.5 writes no older times to Parquet, and
those bound to a query are shifted by the Julian calendar; a query's end is a day after its last."""

MILLISECONDS_ABOVE: Final = 1e11
"""A larger number is epoch milliseconds: as seconds it would be the year 5138."""

_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_LONGEST: Final = 100
_EPOCH_DAY: Final = dt.date(1970, 1, 1).toordinal()
_FIRST: Final = (FIRST_DAY.toordinal() - _EPOCH_DAY) * DAY
_LAST: Final = (END_DAY.toordinal() - _EPOCH_DAY) * DAY - 1
_OUTSIDE: Final = f"outside the years {FIRST_DAY.year} to {END_DAY.year - 1}"
_LAST_BY_ARROW: Final = 2_145_916_800_000_000
"""2038-01-01: behind it Arrow knows no summer time, and no time of a zone is read by it."""


class BadTime(ValueError):
    """A value is no time; the message says why, without the value."""


def parse_time(text: str, zone: ZoneInfo | None = None) -> int:
    """Read a time such as `2026-05-01 21:00:00.123`.

    Parameters
    ----------
    text : str
        Date and time with a blank or `T` between, up to nine digits of a fraction (cut to
        microseconds), perhaps `Z` or an offset.
    zone : ZoneInfo or None
        Of a time that names none; None is UTC.

    Returns
    -------
    int
        Microseconds since 1970-01-01 UTC.

    Raises
    ------
    BadTime
        Another form, a day that no calendar has, a time that the zone's clocks skipped, or one
        before `FIRST_DAY` or from `END_DAY` on.
    """
    found = _TIME.fullmatch(text)
    if found is None:
        raise BadTime("expected yyyy-MM-dd HH:mm:ss[.SSS]")
    *clock, fraction, offset = found.groups()
    year, month, day, hour, minute, second = map(int, clock)
    micros = int(fraction[:6].ljust(6, "0")) if fraction else 0
    try:
        local = dt.datetime(year, month, day, hour, minute, second)
    except ValueError as error:
        raise BadTime(str(error)) from None
    seconds = (local.toordinal() - _EPOCH_DAY) * DAY_SECONDS + hour * 3_600 + minute * 60 + second
    if offset is None and zone is not None:
        seconds -= _offset(local, zone)
    elif offset not in (None, "Z"):
        seconds -= _seconds(offset)
    return _checked(seconds * 1_000_000 + micros)


def parse_instant(value: object, zone: ZoneInfo | None = None) -> int:
    """Read epoch seconds, epoch milliseconds (above 1e11) or a text, ISO 8601 or a number.

    Raises
    ------
    BadTime
        As `parse_time`, and for a value of another type.
    """
    if isinstance(value, str):
        if _NUMBER.fullmatch(value) is None:
            return parse_time(value, zone)
        # Python refuses to make an integer of thousands of digits; it would be no time anyway.
        whole = len(value) < _LONGEST and re.search("[.eE]", value) is None
        value = int(value) if whole else float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadTime("expected a time as a text or a number")
    if isinstance(value, float) and not math.isfinite(value * 1_000):
        raise BadTime("the number is not finite")
    scale = 1_000 if abs(value) > MILLISECONDS_ABOVE else 1_000_000
    return _checked(round(value * scale))


def quick_times(texts: pa.Array, size: int, zone: ZoneInfo | None) -> pa.Array | None:
    """Many times at once, as `parse_time` reads each.

    Parameters
    ----------
    texts : pyarrow.Array
        Of text.
    size : int
        Bytes that each must have.
    zone : ZoneInfo or None
        As in `parse_time`.

    Returns
    -------
    pyarrow.Array or None
        timestamp(us, UTC); None when one has another size or form.
    """
    if pc.min_max(pc.binary_length(texts)).as_py() != {"min": size, "max": size}:
        return None
    utc = pa.timestamp("us", tz="UTC")
    try:
        local = pc.cast(texts, pa.timestamp("us"))
        # Raises for the hour that comes twice a year and for the one that never comes.
        times = pc.cast(local if zone is None else pc.assume_timezone(local, zone.key), utc)
    except pa.ArrowException:
        return None
    bounds = pc.min_max(times.cast(pa.int64())).as_py()
    last = _LAST if zone is None else _LAST_BY_ARROW
    return times if bounds["min"] >= _FIRST and bounds["max"] <= last else None


def day_micros(day: dt.date) -> int:
    """Midnight UTC of a day."""
    return (day.toordinal() - _EPOCH_DAY) * DAY


def day_of(micros: int) -> dt.date:
    """UTC day of a time."""
    return dt.date.fromordinal(micros // DAY + _EPOCH_DAY)


def _offset(local: dt.datetime, zone: ZoneInfo) -> int:
    """Seconds that a zone is ahead of UTC; of a time that comes twice, at the first."""
    offset = local.replace(tzinfo=zone).utcoffset()
    assert offset is not None
    try:
        back = (local - offset).replace(tzinfo=dt.UTC).astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise BadTime(_OUTSIDE) from None
    if back != local:
        raise BadTime(f"the clocks of {zone.key} skipped this time")
    return int(offset.total_seconds())


def _seconds(offset: str) -> int:
    hours, minutes = int(offset[1:3]), int(offset[-2:])
    if hours > 23 or minutes > 59:
        raise BadTime("an offset of more than a day")
    return (hours * 3600 + minutes * 60) * (-1 if offset[0] == "-" else 1)


def _checked(micros: int) -> int:
    if not _FIRST <= micros <= _LAST:
        raise BadTime(_OUTSIDE)
    return micros

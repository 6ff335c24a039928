"""The values in a log line: times and numbers as exact integers."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

from stormlake.sensors.times import DAY_SECONDS, END_DAY, FIRST_DAY

MICROS: Final = 1_000_000
ZERO_WIDTH_SPACE: Final = "\u200b"
"""Stands in names and values of real logs, and means nothing."""

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_END_SECOND: Final = (END_DAY.toordinal() - _EPOCH_DAY) * DAY_SECONDS
_DATE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])")
_EPOCH: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]*))?")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")


@lru_cache(maxsize=4096)
def day_number(text: str) -> int | None:
    """Days from 1970-01-01 to a date `yyyy-MM-dd`; None for another form or no such day.

    Nor is there one before `FIRST_DAY` or from `END_DAY` on.
    """
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    return day.toordinal() - _EPOCH_DAY if FIRST_DAY <= day < END_DAY else None


def second_of_day(text: str) -> int | None:
    """Seconds from midnight to a time `HH:mm:ss`; None for another form or no such time."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def epoch_micros(text: str) -> int | None:
    """Microseconds from epoch seconds with a fraction, as `1607374321.541`.

    Integers only, because a float would give 540999 here and there; digits after the sixth are cut
    off. None for another form or a time from `END_DAY` on.
    """
    found = _EPOCH.fullmatch(text)
    if found is None or int(found[1]) >= _END_SECOND:
        return None
    return int(found[1]) * MICROS + int((found[2] or "")[:6].ljust(6, "0"))


def clock_text(second: int) -> str:
    """Write a second of the day as `HH:mm:ss`."""
    return f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"


def whole_number(text: str, bits: int) -> int | None:
    """Read a whole number that fits a signed integer of so many bits; None for anything else."""
    if _WHOLE.fullmatch(text) is None:
        return None
    number = int(text)
    limit = 1 << (bits - 1)
    return number if -limit <= number < limit else None

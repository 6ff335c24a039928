"""The values in a log line: times and numbers as exact integers."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache
from typing import Final

DAY_SECONDS: Final = 86_400
MICROS: Final = 1_000_000

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_LAST_SECOND: Final = (date.max.toordinal() + 1 - _EPOCH_DAY) * DAY_SECONDS - 1  # of the year 9999
# From the year 1000: what Spark is told as the first date of a run without days.
_DATE: Final = re.compile(r"([1-9][0-9]{3})-([0-9]{2})-([0-9]{2})")
_TIME: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9]):([0-5][0-9])")
_EPOCH: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]*))?")
_WHOLE: Final = re.compile(r"[+-]?[0-9]{1,19}")


@lru_cache(maxsize=4096)
def day_number(text: str) -> int | None:
    """Days from 1970-01-01 to a date `yyyy-MM-dd`; None for another form or no such day."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[2]), int(found[3])).toordinal() - _EPOCH_DAY
    except ValueError:
        return None


def second_of_day(text: str) -> int | None:
    """Seconds from midnight to a time `HH:mm:ss`; None for another form or no such time."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3])


def epoch_micros(text: str) -> int | None:
    """Microseconds from epoch seconds with a fraction, as `1607374321.541`.

    Integers only, because a float would give 540999 here and there; digits after the sixth are cut
    off. None for another form or a time after the year 9999.
    """
    found = _EPOCH.fullmatch(text)
    if found is None or int(found[1]) > _LAST_SECOND:
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

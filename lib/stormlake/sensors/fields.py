"""Members of a JSON record as values of columns, or the reason why not."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from stormlake.sensors.outcomes import Reason
from stormlake.sensors.times import BadTime, parse_instant, parse_time

_NUMBER: Final = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_INT32: Final = range(-(2**31), 2**31)


class Unusable(Exception):
    """A record gives no row.

    Parameters
    ----------
    reason : Reason
    detail : str
        Names the member and what was expected, never the value: it may be a person's.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


def required(record: Mapping[str, Any], *names: str) -> Any:
    """Value of the first of these members that is there and not null.

    Raises
    ------
    Unusable
        `missing_field` when there is none.
    """
    for name in names:
        value = record.get(name)
        if value is not None:
            return value
    raise Unusable(Reason.MISSING_FIELD, f"no {' or '.join(names)}")


def text(value: Any, name: str) -> str:
    """A text as it is."""
    if not isinstance(value, str):
        raise Unusable(Reason.BAD_TYPE, f"{name} is not a text")
    return value


def optional_text(record: Mapping[str, Any], name: str) -> str | None:
    """A text, None when it is null or absent."""
    value = record.get(name)
    return None if value is None else text(value, name)


def number(value: Any, name: str) -> float:
    """A finite double; a number written as text is one.

    Raises
    ------
    Unusable
        `bad_type`, or `not_finite` for a number that no double holds.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable(Reason.BAD_TYPE, f"{name} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        told = "not a number (NaN)" if math.isnan(result) else "larger than a double can be"
        raise Unusable(Reason.NOT_FINITE, f"{name} is {told}")
    return result + 0.0  # -0.0 and 0.0 are one distance


def label(value: Any, name: str) -> str:
    """A text, or a whole number as its digits: what tells one thing from another."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return text(value, name)


def optional_number(record: Mapping[str, Any], name: str) -> float | None:
    """A finite double, None when it is null or absent."""
    value = record.get(name)
    return None if value is None else number(value, name)


def optional_int(record: Mapping[str, Any], name: str) -> int | None:
    """A whole number of 32 bits, None when it is null or absent."""
    value = record.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        value = number(value, name)
    if value != int(value) or int(value) not in _INT32:
        raise Unusable(Reason.BAD_TYPE, f"{name} is not a whole number of 32 bits")
    return int(value)


def time(value: Any, name: str, zone: ZoneInfo | None) -> int:
    """Microseconds since 1970 UTC of a time written as text."""
    try:
        return parse_time(text(value, name), zone)
    except BadTime as error:
        raise Unusable(Reason.BAD_TIME, f"{name}: {error}") from None


def instant(value: Any, name: str, zone: ZoneInfo | None) -> int:
    """Microseconds since 1970 UTC of a time written as text or as a number."""
    try:
        return parse_instant(value, zone)
    except BadTime as error:
        raise Unusable(Reason.BAD_TIME, f"{name}: {error}") from None


def record_id(record: Mapping[str, Any]) -> str:
    """SHA-256 of a record as canonical JSON: equal records have equal ids.

    Parameters
    ----------
    record : mapping
        After de-identification.

    Returns
    -------
    str
        64 lower-case hex digits.

    Raises
    ------
    Unusable
        `malformed` when it is nested too deeply.

    Notes
    -----
    UTF-8, keys sorted, `,` and `:` without blanks, nothing escaped that need not be.
    """
    try:
        canonical = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except RecursionError:  # it needs a little more room than reading the record did
        raise Unusable(Reason.MALFORMED, "nested too deeply") from None
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()

"""Rows of `request_records` from the fields of a CloudFront log line, one function per format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stormlake.sensors.hive_tutorial import match_line
from stormlake.sensors.log_fields import (
    MICROS,
    clock_text,
    day_number,
    epoch_micros,
    second_of_day,
    whole_number,
)
from stormlake.sensors.outcomes import Reason
from stormlake.sensors.times import DAY_SECONDS
from stormlake.sensors.user_agents import (
    Agent,
    read_agent,
    read_legacy_agent,
    read_token,
)

RequestRow = tuple[int | str | None, ...]
"""One request in the column order of `REQUEST_RECORDS`: `date` in days and `event_time` in
microseconds since 1970-01-01 UTC."""

LEGACY_FIELDS: Final = (
    "date",
    "time",
    "x-edge-location",
    "sc-bytes",
    "c-ip",
    "cs-method",
    "cs-host",
    "cs-uri-stem",
    "sc-status",
    "cs-referer",
    "cs-user-agent",
)
"""The legacy format has no header; these are its fields by the names of the W3C format."""

_LEGACY_PLACES: Final = {name: place for place, name in enumerate(LEGACY_FIELDS)}
_Values = Sequence[str | None]


class UnusableLine(Exception):
    """A line that gives no row. Its detail never holds a value: it might be a client's address.

    Parameters
    ----------
    reason : Reason
    detail : str
    event_micros : int or None
        Time of the request, microseconds since 1970-01-01 UTC, where it was a good one.
    """

    def __init__(self, reason: Reason, detail: str, event_micros: int | None = None) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail
        self.event_micros = event_micros


class Header:
    """Names of the fields of the rows that follow.

    Parameters
    ----------
    names : sequence of str
        As the log writes them.

    Attributes
    ----------
    width : int
        Number of fields.
    places : mapping
        Place by plain name: `cs(User-Agent)` of W3C logs is `cs-user-agent`, as in real-time logs.
    rtmp : bool
        The log is one of media streaming.
    real_time, has_time : bool
        Whether a row's time is `timestamp`; whether it has a time at all.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.width = len(names)
        self.places: dict[str, int] = {}
        for place, name in enumerate(names):
            plain = name.strip().lower().replace("(", "-").replace(")", "")
            self.places.setdefault(plain, place)
        self.rtmp = "x-event" in self.places
        by_clock = "date" in self.places and "time" in self.places
        self.real_time = self.places.get("timestamp") == 0 or (
            "timestamp" in self.places and not by_clock
        )
        self.has_time = by_clock or self.real_time


def tutorial_row(line: str) -> RequestRow:
    """Give the row that the tutorial's table shows.

    What is no number is NULL there. So is an os that runs on beyond its parenthesis: the fields
    behind it hold addresses, and os is written. A row whose date or time is none raises
    `bad_time`: it has no place in a table of dates.
    """
    groups = match_line(line)
    if groups is None:
        raise UnusableLine(Reason.NO_MATCH, "the tutorial's regular expression does not match")
    micros = _clock_micros(groups[0], groups[1])
    token, browser, version = groups[len(LEGACY_FIELDS) - 1 :]
    agent = Agent(*read_token(token), browser, version)
    numbers = whole_number(groups[3], 32), whole_number(groups[8], 32)
    return _in_order(micros, groups, _LEGACY_PLACES, numbers, agent)


def legacy_row(fields: Sequence[str]) -> RequestRow:
    """Give the row of a line of the legacy format, already known to have its number of fields."""
    # What the expression demands of each field. Matched as a whole, it would let a blank inside
    # one field shift all the others.
    *plain, logged = fields
    agent = read_legacy_agent(logged)
    if agent is None or not all(field and " " not in field for field in plain):
        raise UnusableLine(
            Reason.NO_MATCH,
            "the legacy format's regular expression does not match; expected ten fields without"
            " spaces and a user agent as `Mozilla/5.0%20(os;…)%20browser/version`",
        )
    micros = _clock_micros(fields[0], fields[1])
    numbers = _numbers(fields, _LEGACY_PLACES, micros)
    return _in_order(micros, fields, _LEGACY_PLACES, numbers, agent)


def named_row(fields: Sequence[str], header: Header) -> RequestRow:
    """Give the row of a line whose fields a header names; `-` is NULL."""
    if len(fields) != header.width:
        raise UnusableLine(
            Reason.FIELD_COUNT,
            f"{len(fields)} TAB-separated fields; expected {header.width}, as the header names",
        )
    if not header.has_time:
        raise UnusableLine(
            Reason.MISSING_FIELD,
            "the header names no time of the request; expected date and time, or timestamp",
        )
    values = [None if field == "-" else field for field in fields]
    micros = _named_micros(values, header)
    agent = read_agent(_value(values, header.places, "cs-user-agent"))
    numbers = _numbers(values, header.places, micros)
    return _in_order(micros, values, header.places, numbers, agent)


def _value(values: _Values, places: Mapping[str, int], name: str) -> str | None:
    place = places.get(name)
    return None if place is None else values[place]


def _named_micros(values: _Values, header: Header) -> int:
    if not header.real_time:
        date, time = (_value(values, header.places, name) for name in ("date", "time"))
        return _clock_micros(date or "", time or "")
    micros = epoch_micros(_value(values, header.places, "timestamp") or "")
    if micros is None:
        raise UnusableLine(
            Reason.BAD_TIME, "timestamp: expected seconds since 1970, as 1607374321.541"
        )
    return micros


def _clock_micros(date: str, time: str) -> int:
    days = day_number(date)
    if days is None:
        raise UnusableLine(Reason.BAD_TIME, "date: expected a day of the calendar, yyyy-MM-dd")
    second = second_of_day(time)
    if second is None:
        raise UnusableLine(Reason.BAD_TIME, "time: expected a time of day, HH:mm:ss")
    return (days * DAY_SECONDS + second) * MICROS


def _numbers(
    values: _Values, places: Mapping[str, int], micros: int
) -> tuple[int | None, int | None]:
    """Bytes and status; NULL only where the log says so."""
    return (
        _number(values, places, "sc-bytes", 64, micros),
        _number(values, places, "sc-status", 32, micros),
    )


def _number(
    values: _Values, places: Mapping[str, int], name: str, bits: int, micros: int
) -> int | None:
    text = _value(values, places, name)
    if text is None:
        return None
    number = whole_number(text, bits)
    if number is None:
        raise UnusableLine(
            Reason.BAD_TYPE, f"{name}: expected a whole number of {bits} bits", micros
        )
    if number < 0:
        raise UnusableLine(Reason.NEGATIVE, f"{name}: expected a number of at least 0", micros)
    return number


def _in_order(
    micros: int,
    values: _Values,
    places: Mapping[str, int],
    numbers: tuple[int | None, int | None],
    agent: Agent,
) -> RequestRow:
    """Put the values into the column order of `REQUEST_RECORDS`."""
    days, second = divmod(micros // MICROS, DAY_SECONDS)
    return (
        days,
        clock_text(second),
        micros,
        _value(values, places, "x-edge-location"),
        numbers[0],
        _value(values, places, "c-ip"),
        _value(values, places, "cs-method"),
        _value(values, places, "cs-host"),
        _value(values, places, "cs-uri-stem"),
        numbers[1],
        _value(values, places, "cs-referer"),
        agent.os,
        agent.os_family,
        agent.browser,
        agent.browser_version,
        _value(values, places, "x-edge-request-id"),
    )

"""Values of a query's parameters: read, checked, and written as literals."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Final

from stormlake.errors import RefusedInput

_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_NUMBER: Final = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
TYPES: Final[Mapping[str, str]] = {
    "timestamp": "2019-06-25T12:30:00, UTC unless it names a zone",
    "date": "2019-06-25",
    "string": "Shadowfax",
    "int": "100",
    "double": "0.5",
}
"""Types of parameters, each with what a value looks like."""

Value = datetime | date | str | int | float


def parse_parameter(kind: str, text: str) -> Value:
    """Read a value from the command line.

    Parameters
    ----------
    kind : str
        A type of `SqlFile.parameters`.
    text : str
        As the user wrote it. A time without a zone is UTC.

    Raises
    ------
    RefusedInput
        The text is no value of the type.
    """
    try:
        if kind == "timestamp":
            time = datetime.fromisoformat(text)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        if kind == "date":
            return date.fromisoformat(text)
        if kind == "int" and _INTEGER.fullmatch(text):
            return int(text)
        if kind == "double" and _NUMBER.fullmatch(text):
            return float(text)
        if kind == "string":
            return text
    except (ValueError, OverflowError):
        pass
    raise RefusedInput(f"{text!r} is no {kind}; a value looks like {TYPES[kind]}")


def check_value(kind: str, value: object, here: str) -> Value:
    """Give a value as the type wants it: a time in UTC, a number as float for a double.

    Parameters
    ----------
    kind : str
        A type of `TYPES`.
    value : object
    here : str
        What the message begins with, e.g. `wind_max: the parameter :start`.

    Raises
    ------
    RefusedInput
        The value is of another type, is no finite number, or is a time without a zone, which Spark
        would shift by the zone of the machine.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise RefusedInput(
                f"{here} is a time without a zone, {value}; Spark would shift it by the zone of "
                "the machine: give it one, such as UTC"
            )
        if kind == "timestamp":
            return value.astimezone(UTC)
    elif isinstance(value, date):
        if kind == "date":
            return value
    elif isinstance(value, str):
        if kind == "string":
            return value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if kind == "int" and isinstance(value, int) and -(2**63) <= value < 2**63:
            return value
        if kind == "double" and math.isfinite(value):
            return float(value)
    raise RefusedInput(
        f"{here} must be a {kind}, such as {TYPES[kind]}; it is {type(value).__name__} {value!r}"
    )


def literal(value: Value) -> str:
    """Write a value in Athena's SQL.

    Parameters
    ----------
    value : datetime, date, str, int or float
        A datetime has a zone.

    Returns
    -------
    str
        `TIMESTAMP '2019-06-25 12:30:00'` (UTC), `DATE '2019-06-25'`, `'it''s'`, `100` or `5.0E-1`.

    Raises
    ------
    RefusedInput
        A time without a zone, a number that is not finite, or a value of another type.

    Notes
    -----
    Hive and Spark read a backslash in a text as an escape, Athena does not.
    """
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise RefusedInput(f"the time {value} has no zone; give it one")
        plain = value.astimezone(UTC).replace(tzinfo=None)
        return f"TIMESTAMP '{plain.isoformat(' ')}'"
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if isinstance(value, float) and math.isfinite(value):
        # With an exponent it is a double; without, Athena takes it for a decimal.
        return f"{value!r}" if "e" in f"{value!r}" else f"{value!r}e0"
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise RefusedInput(f"{value!r} has no literal in SQL")

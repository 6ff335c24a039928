"""Wind records as CSV lines, `"<location>",<speed>[,<time>]`, turned into the JSON record."""

from __future__ import annotations

import csv
import re
from typing import Final

from stormlake.sensors.outcomes import Reason, Reject

_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,18}")
_DECIMAL: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_NAMES: Final = ("location", "speed", "timestamp")
_SPEED_NAMES: Final = ("speed", "wind_speed")


def parse_wind_csv(raw: bytes, offset: int) -> dict[str, object] | Reject | None:
    """Read one CSV line into the record that a JSON archive would hold.

    Parameters
    ----------
    raw : bytes
        A line without its newline; a CR at its end is dropped. Without a byte-order mark:
        `PartBytes` takes it off the object.
    offset : int
        Its first byte in the object.

    Returns
    -------
    dict, Reject or None
        `location` (text), `speed` and, where it is given, `timestamp`: a number where the text is
        one, else the text, so that the checks of the JSON record say what is wrong with it. None
        for a blank line and a header line.
    """
    try:
        text = raw.decode("utf-8").rstrip("\r")
    except UnicodeDecodeError:
        return _reject(Reason.BAD_UTF8, "not UTF-8; expected a CSV line in UTF-8", raw, offset)
    if not text or text.isspace():
        return None
    try:
        fields = next(csv.reader([text], strict=True))
    except csv.Error:
        detail = (
            'expected "location",speed[,time] with balanced quotes, a quote within them doubled,'
            f" and no field above {csv.field_size_limit():,} characters"
        )
        return _reject(Reason.MALFORMED, detail, raw, offset)
    if len(fields) not in (2, 3):
        detail = f"{len(fields)} fields; expected location,speed or location,speed,time"
        return _reject(Reason.FIELD_COUNT, detail, raw, offset)
    names = [field.strip().lower() for field in fields]
    if names[0] == "location" and names[1] in _SPEED_NAMES:
        return None
    location, *others = fields
    return dict(zip(_NAMES, (location, *map(_number_or_text, others)), strict=False))


def _number_or_text(text: str) -> int | float | str:
    plain = text.strip()
    if _INTEGER.fullmatch(plain):
        return int(plain)
    if _DECIMAL.fullmatch(plain):
        return float(plain)
    return plain


def _reject(reason: Reason, detail: str, raw: bytes, offset: int) -> Reject:
    return Reject(reason, detail, offset, len(raw), data=raw)

"""One JSON object at a place of a text: its members, or why there is none."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any, Final

from stormlake.lake.sensor_tables import EXCERPT_BYTES
from stormlake.sensors.json_text import Places, has_surrogate
from stormlake.sensors.outcomes import Reason, Reject

SHOWN: Final = EXCERPT_BYTES
"""Bytes of a bad record that are kept for its excerpt."""

_LONGEST_TOKEN: Final = 12
"""Characters of the longest token that is no text: an escaped pair of surrogates."""

_CUT_TOKENS: Final = frozenset(
    token[:length]
    for token in (
        "true",
        "false",
        "null",
        "NaN",
        "Infinity",
        "-Infinity",
        ".",
        "e+",
        "e-",
        "E+",
        "E-",
    )
    for length in range(len(token) + 1)
)
"""What is left where the end of the input cuts a token that is no text."""

_CUT_ESCAPE: Final = re.compile(r"\\u[0-9a-fA-F]{0,4}\Z")

_LONGEST_INTEGER: Final = 400
"""Digits; more than any double has."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One JSON object: its members, and its place in the stream, bytes."""

    value: dict[str, Any]
    offset: int
    length: int
    data: bytes


class RecordDecoder:
    """Decodes records of at most `max_record` bytes.

    Parameters
    ----------
    max_record : int
        A longer record is `too_large`.
    """

    def __init__(self, max_record: int) -> None:
        self._max = max_record
        self._constant: str | None = None
        self._json = json.JSONDecoder(parse_constant=self._meet_constant, parse_int=_integer)

    def decode(
        self, places: Places, at: int, final: bool, to_end: bool
    ) -> tuple[Decoded | Reject, int] | Reject | None:
        """Decode the record that begins at a character.

        Parameters
        ----------
        places : Places
            The text.
        at : int
        final, to_end : bool
            Whether no more text will come; whether the object ends with it.

        Returns
        -------
        (Decoded or Reject, int), Reject or None
            The record, or what is wrong with one that is whole, and the character behind it; a
            reject without its length when nobody knows where the record ends; None when more
            text could make it a record.
        """
        why: tuple[Reason, str] | None
        text = places.text
        try:
            if text[at] != "{":
                raise ValueError("expected an object")
            self._constant = None
            value, end = self._json.raw_decode(text, at)
        except json.JSONDecodeError as error:
            why = self._why(error, places, at, final, to_end)
        except RecursionError:
            why = Reason.MALFORMED, "nested too deeply"
        except ValueError as error:
            why = Reason.MALFORMED, str(error)
        else:
            offset, data = places.of(at), places.data(at, end)
            if len(data) <= self._max:
                strange = self._strange(text, at, end, value, places.ascii)
                if strange is None:
                    return Decoded(value, offset, len(data), data), end
                return Reject(*strange, offset, len(data), data=data[:SHOWN]), end
            why = too_large(self._max)
        if why is None:
            return None
        offset = places.of(at)
        beginning = text[at : at + SHOWN].encode("utf-8", "surrogateescape")[:SHOWN]
        if why[0] is Reason.TRUNCATED:
            return Reject(*why, offset, places.of(len(text)) - offset, data=beginning), len(text)
        return Reject(*why, offset, data=beginning)

    def has_other_members(self, text: str) -> bool:
        """Whether a text begins with a whole object of more than one member."""
        try:
            return len(self._json.raw_decode(text)[0]) > 1
        except (ValueError, RecursionError):
            return False

    def _why(
        self, error: json.JSONDecodeError, places: Places, at: int, final: bool, to_end: bool
    ) -> tuple[Reason, str] | None:
        """Why no record is here; None when more bytes could make it one."""
        text = places.text
        in_text = error.msg.startswith("Unterminated string")
        # As far as it is good for sure: so the answer is the same however much was read.
        reach = max(error.pos, len(text) - _LONGEST_TOKEN) if in_text else error.pos
        if places.of(reach) - places.of(at) > self._max:
            return too_large(self._max)
        if not in_text and error.pos < len(text) - _LONGEST_TOKEN:
            return Reason.MALFORMED, error.msg
        if not final:
            return None
        in_escape = error.msg.startswith("Invalid \\u") and _CUT_ESCAPE.search(text)
        if to_end and (in_text or in_escape or text[error.pos :] in _CUT_TOKENS):
            return Reason.TRUNCATED, f"the input ends inside a record: {error.msg}"
        return Reason.MALFORMED, error.msg

    def _strange(
        self, text: str, at: int, end: int, value: Any, is_ascii: bool
    ) -> tuple[Reason, str] | None:
        """What Python's decoder takes for JSON and is none."""
        if self._constant is not None:
            return Reason.NOT_FINITE, f"{self._constant} is not JSON"
        if has_surrogate(text, at, end, value, is_ascii):
            return Reason.BAD_UTF8, "a text is not UTF-8"
        return None

    def _meet_constant(self, name: str) -> None:
        self._constant = name


def too_large(limit: int) -> tuple[Reason, str]:
    """Reason and detail of a record of more than `limit` bytes."""
    return Reason.TOO_LARGE, f"longer than {limit} bytes; --max-record-mb allows more"


def _integer(digits: str) -> int | float:
    """A number without a fraction; one that no double holds is infinite, as 1e999 is."""
    if len(digits) > _LONGEST_INTEGER:
        return -math.inf if digits.startswith("-") else math.inf
    return int(digits)

"""Records out of bytes: JSON objects as they lie, whatever stands between them.

One loop takes JSON Lines, glued and pretty-printed objects, arrays, and wrapper objects that hold
an array, also mixed in one object: at every place where a value may begin it looks at what is
there. This decoder decides what a record is; `fast_json` may only be quicker.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from stormlake.sensors.outcomes import Reason, Reject

SHOWN: Final = 200
"""Bytes of a bad record that are kept for its excerpt."""

BOM: Final = b"\xef\xbb\xbf"
"""UTF-8's byte-order mark; it may begin an object and belongs to no record."""

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_BETWEEN: Final = re.compile(r"[ \t\r\n,]*")
_WRAPPER: Final = re.compile(
    r'\{[ \t\r\n]*"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*\[(?=[ \t\r\n]*[{\]])'
)
"""The head of an object whose first member holds an array of objects."""

_RESUME: Final = re.compile(r"(?:\}|\n)(?=\{)")
_RESUME_IN_ARRAY: Final = re.compile(r"(?:\}|\n)(?=\{)|\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_LOOK_BACK: Final = 1024
"""Characters before a piece's end that are searched again: a place to resume may lie across."""

_STRUCTURE: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]|"', re.DOTALL)
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_LONGEST_TOKEN: Final = 12
"""Characters of the longest token that is no text: an escaped pair of surrogates."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """One JSON object: its members, and its place in the stream, bytes."""

    value: dict[str, Any]
    offset: int
    length: int
    data: bytes


class JsonStream:
    """Cuts a growing buffer into records and rejects.

    Parameters
    ----------
    max_record : int
        Bytes; a longer record is `too_large`.
    offset : int
        Place of the first byte in its object.
    to_end : bool
        Whether the object ends where the bytes do; else another record follows them.

    Notes
    -----
    `add` what comes and `decode` it; what is not whole stays in the buffer, which never holds more
    than one record and one piece. Between records a quicker reader may look at `buffer` and `take`
    whole records off its front.
    """

    def __init__(self, max_record: int, offset: int = 0, to_end: bool = True) -> None:
        self._to_end = to_end
        self.buffer = b""
        self.offset = offset
        self.in_array = False
        self._max = max_record
        self._wrapped = self._closing = False
        # The bad record that is being skipped: why, and where it began.
        self._bad: Reject | None = None
        self._constant: str | None = None
        self._decoder = json.JSONDecoder(parse_constant=self._meet_constant)

    def add(self, piece: bytes) -> None:
        """Append what came next."""
        self.buffer = self.buffer + piece if self.buffer else piece

    def take(self, count: int) -> None:
        """Drop bytes off the front of the buffer."""
        self.buffer = self.buffer[count:]
        self.offset += count

    def at_record(self) -> bool:
        """Whether a record begins the buffer; steps into an array that begins there first."""
        if self._bad is not None or self._closing:
            return False
        if not self.in_array:
            head = self.buffer[:_LOOK_BACK].decode("utf-8", "surrogateescape")
            end = self._open(head, _skip(_BETWEEN, head, 0))
            if end is not None:
                self.take(len(head[:end].encode("utf-8", "surrogateescape")))
        return self.buffer[:_LOOK_BACK].lstrip(b" \t\r\n,").startswith(b"{")

    def decode(self, final: bool = False) -> Iterator[Decoded | Reject]:
        """Yield what the buffer holds whole; with `final` also what is wrong with the rest."""
        places = _Places(self.buffer, self.offset)
        text = places.text
        at = 0
        while True:
            if self._bad is not None:
                resume = (_RESUME_IN_ARRAY if self.in_array else _RESUME).search(text, at)
                if resume is None:
                    at = len(text) if final else max(at, len(text) - _LOOK_BACK)
                    break
                at = resume.end()
                yield self._skipped(places.of(at), resumed=True)
            at = _skip(_BLANK if self._closing else _BETWEEN, text, at)
            if at == len(text):
                break
            moved = self._step_over_brackets(text, at)
            if moved is not None:
                at = moved
                continue
            found = self._value(text, at, final, places)
            if found is None:
                break
            if isinstance(found, Reject):
                self._bad = found
                at += 1
                continue
            value, at = found
            yield value
        self.take(places.of(at) - self.offset)
        if final:
            yield from self._ending()

    def _step_over_brackets(self, text: str, at: int) -> int | None:
        """Place behind a bracket that opens or closes an array; None when a value begins here."""
        if self._closing:
            self._closing = False
            if text[at] == "}":
                return at + 1
        if self.in_array:
            if text[at] != "]":
                return None
            self.in_array, self._closing = False, self._wrapped
            return at + 1
        return self._open(text, at)

    def _open(self, text: str, at: int) -> int | None:
        wrapper = _WRAPPER.match(text, at)
        if wrapper is None and text[at : at + 1] != "[":
            return None
        self.in_array, self._wrapped = True, wrapper is not None
        return wrapper.end() if wrapper else at + 1

    def _value(
        self, text: str, at: int, final: bool, places: _Places
    ) -> tuple[Decoded | Reject, int] | Reject | None:
        """The record at a place and where it ends; why it is none; None when more must come."""

        why: tuple[Reason, str] | None
        try:
            if text[at] != "{":
                raise ValueError("expected an object")
            self._constant = None
            value, end = self._decoder.raw_decode(text, at)
        except json.JSONDecodeError as error:
            why = self._why(error, text, at, final, places)
        except RecursionError:
            why = Reason.MALFORMED, "nested too deeply"
        except ValueError as error:  # also: an integer of thousands of digits
            why = Reason.MALFORMED, str(error)
        else:
            offset = places.of(at)
            length = places.of(end) - offset
            if length <= self._max:
                begin = offset - self.offset
                data = self.buffer[begin : begin + length]
                strange = self._strange(text, at, end, value, places.ascii)
                if strange is None:
                    return Decoded(value, offset, length, data), end
                return Reject(*strange, offset, length, data=data[:SHOWN]), end
            why = too_large(self._max)
        if why is None:
            return None
        beginning = text[at : at + SHOWN].encode("utf-8", "surrogateescape")[:SHOWN]
        return Reject(*why, offset=places.of(at), data=beginning)

    def _why(
        self, error: json.JSONDecodeError, text: str, at: int, final: bool, places: _Places
    ) -> tuple[Reason, str] | None:
        """Why no record is here; None when more bytes could make it one."""
        if not _may_go_on(error, text):
            return Reason.MALFORMED, error.msg
        if places.of(len(text)) - places.of(at) > self._max:
            return too_large(self._max)
        if not final:
            return None
        if _closed(text, at) or not self._to_end:
            return Reason.MALFORMED, error.msg
        return Reason.TRUNCATED, f"the input ends inside a record: {error.msg}"

    def _strange(
        self, text: str, at: int, end: int, value: Any, is_ascii: bool
    ) -> tuple[Reason, str] | None:
        """What Python's decoder takes for JSON and is none."""
        if self._constant is not None:
            return Reason.NOT_FINITE, f"{self._constant} is not JSON"
        if _has_surrogate(text, at, end, value, is_ascii):
            return Reason.BAD_UTF8, "a text is not UTF-8"
        return None

    def _skipped(self, end: int, resumed: bool) -> Reject:
        """The reject of the bad record, which reaches to `end`."""
        bad, self._bad = self._bad, None
        assert bad is not None and bad.offset is not None
        reason, detail = bad.reason, bad.detail
        if resumed and reason is Reason.TRUNCATED:
            reason = Reason.MALFORMED
        return Reject(reason, detail, bad.offset, end - bad.offset, data=bad.data)

    def _ending(self) -> Iterator[Reject]:
        """What is left to say when the input has ended and nothing is in the buffer."""
        unclosed = self.in_array or self._closing
        self.in_array = self._closing = False
        if self._bad is not None:
            yield self._skipped(self.offset, resumed=False)
        elif unclosed:
            yield Reject(Reason.TRUNCATED, "the input ends inside an array", self.offset, 0)

    def _meet_constant(self, name: str) -> None:
        self._constant = name


def too_large(limit: int) -> tuple[Reason, str]:
    """Reason and detail of a record of more than `limit` bytes."""
    return Reason.TOO_LARGE, f"longer than {limit} bytes; --max-record-mb allows more"


def begins_with_record(head: bytes) -> bool:
    """Whether an object that begins like this is records one after another, in no array."""
    text = head.removeprefix(BOM)[:_LOOK_BACK].decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
    return text.startswith("{") and _WRAPPER.match(text) is None


class _Places:
    """A buffer as text, and the byte offsets of its characters."""

    def __init__(self, buffer: bytes, base: int) -> None:
        self.ascii = buffer.isascii()
        self.text = buffer.decode("ascii" if self.ascii else "utf-8", "surrogateescape")
        self._base = self._byte = base
        self._char = 0

    def of(self, char: int) -> int:
        """Offset in the object, bytes."""
        if self.ascii:
            return self._base + char
        if char < self._char:
            self._char, self._byte = 0, self._base
        between = self.text[self._char : char]
        self._byte += len(between.encode("utf-8", "surrogateescape"))
        self._char = char
        return self._byte


def _skip(blank: re.Pattern[str], text: str, at: int) -> int:
    found = blank.match(text, at)
    return found.end() if found else at


def _may_go_on(error: json.JSONDecodeError, text: str) -> bool:
    """Whether more bytes could make this a record."""
    if error.msg.startswith("Unterminated string"):
        return True
    return error.pos >= len(text) - _LONGEST_TOKEN


def _closed(text: str, at: int) -> bool:
    """Whether the brackets of the object that begins here are all closed."""
    depth = 0
    for token in _STRUCTURE.finditer(text, at):
        if token[0] == '"':
            return False
        if token[0] in "{[":
            depth += 1
        elif token[0] in "}]":
            depth -= 1
            if depth == 0:
                return True
    return False


def _has_surrogate(text: str, at: int, end: int, value: Any, is_ascii: bool) -> bool:
    """Whether a text of the record is not Unicode: raw bytes, or half of a pair in escapes."""
    if not is_ascii and _SURROGATES.search(text, at, end):
        return True
    if text.find("\\ud", at, end) < 0 and text.find("\\uD", at, end) < 0:
        return False
    return _SURROGATES.search(json.dumps(value, ensure_ascii=False)) is not None

"""Records out of bytes: JSON objects as they lie, whatever stands between them.

One loop takes JSON Lines, glued and pretty-printed objects, arrays, and wrapper objects that hold
an array, also mixed in one object: at every place where a value may begin it looks at what is
there. This decoder decides what a record is; `fast_json` may only be quicker.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from stormlake.sensors.json_record import SHOWN, Decoded, RecordDecoder
from stormlake.sensors.json_text import Places
from stormlake.sensors.outcomes import Reason, Reject

BOM: Final = b"\xef\xbb\xbf"
"""UTF-8's byte-order mark; it may begin an object and belongs to no record."""

_BLANK: Final = re.compile(r"[ \t\r\n]*")
_BETWEEN: Final = re.compile(r"[ \t\r\n,]*")
_WRAPPER: Final = re.compile(
    r'\{[ \t\r\n]*+"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"[ \t\r\n]*+:'
    r"[ \t\r\n]*+\["
    r"(?=[ \t\r\n]*+(?:\{|\][ \t\r\n]*+\}))"
)
"""The head of an object whose first member holds an array of objects."""

_WRAPPER_SIZE: Final = 2**16
"""Characters in which an object that begins so may turn out to be a record with other members."""

_RESUME: Final = re.compile(r"(?:\}|\n)(?=\{)")
_RESUME_IN_ARRAY: Final = re.compile(r"(?:\}|\n)(?=\{)|\}[ \t\r\n]{0,500}+,[ \t\r\n]{0,500}+(?=\{)")
_LOOK_BACK: Final = 1024
"""Characters before a piece's end that are searched again: a place to resume may lie across."""

_STEP: Final = 2**16
"""Bytes that are decoded at once: every error counts the lines before it."""

_CUT: Final = re.compile(r"\}\r?\n\Z")
_CUT_SIZE: Final = 3
"""Before a record, where a task may begin: see `parts`."""


class JsonStream:
    """Cuts a growing buffer into records and rejects.

    Parameters
    ----------
    max_record : int
        Bytes; a longer record is `too_large`.
    offset : int
        Place of the first byte in its object.
    behind_cut : bool
        Whether another task reads the records before the first byte.

    Notes
    -----
    `add` what comes and `decode` it; what is not whole stays in the buffer, which never holds more
    than one record and one piece. Between records a quicker reader may look at `buffer` and `take`
    whole records off its front.
    """

    def __init__(self, max_record: int, offset: int = 0, behind_cut: bool = False) -> None:
        self.buffer = b""
        self.offset = offset
        # Whether it may be cut: known with the first value, and then no array lies across a cut.
        self._may_be_cut = True if behind_cut else None
        self._before = b""
        self.in_array = False
        self._decoder = RecordDecoder(max_record)
        self._wrapped = self._closing = False
        # The bad record that is being skipped: why, and where it began.
        self._bad: Reject | None = None

    def add(self, piece: bytes) -> None:
        """Append what came next."""
        self.buffer = self.buffer + piece if self.buffer else piece

    def take(self, count: int) -> None:
        """Drop whole records off the front of the buffer."""
        self._know_form(not self.in_array)
        self._drop(count)

    def _drop(self, count: int) -> None:
        self._before = (self._before + self.buffer[max(0, count - _CUT_SIZE) : count])[-_CUT_SIZE:]
        self.buffer = self.buffer[count:]
        self.offset += count

    def at_record(self) -> bool:
        """Whether a record begins the buffer; steps into an array that begins there first."""
        if self._bad is not None or self._closing or (self.in_array and self._may_be_cut):
            return False
        if not self.in_array:
            head = self.buffer[: 2 * _WRAPPER_SIZE].decode("utf-8", "surrogateescape")
            at = _skip(_BETWEEN, head, 0)
            end = self._open(head, at, False)
            if end is None or end == at:
                return end == at and head.startswith("{", at)
            self._drop(len(head[:end].encode("utf-8", "surrogateescape")))
        return self.buffer[:_LOOK_BACK].lstrip(b" \t\r\n,").startswith(b"{")

    def decode(self, final: bool = False, to_end: bool = True) -> Iterator[Decoded | Reject]:
        """Yield what the buffer holds whole.

        Parameters
        ----------
        final : bool
            Whether no more will come: then also what is wrong with the rest.
        to_end : bool
            With `final`: whether the object ends here; else another task's record follows.
        """
        data, self.buffer = self.buffer, b""
        done, step = 0, _STEP
        while done < len(data):
            begin = self.offset
            self.buffer += data[done : done + step]
            done += step
            yield from self._decode(final and done >= len(data), to_end)
            # A record that is longer is decoded anew with twice as much, not again and again.
            step = 2 * step if self.offset == begin else _STEP
        if final:
            yield from self._ending()

    def _decode(self, final: bool, to_end: bool) -> Iterator[Decoded | Reject]:
        places = Places(self.buffer, self.offset)
        text = places.text
        at = 0
        self._see_more_of_bad()
        while True:
            if self._bad is not None:
                resume = (_RESUME_IN_ARRAY if self.in_array else _RESUME).search(text, at)
                if resume is None:
                    at = len(text) if final else max(at, len(text) - _LOOK_BACK)
                    break
                at = resume.end()
                yield self._skipped(places.of(at))
                self.in_array = self.in_array and not self._at_cut(text, at)
            at = _skip(_BLANK if self._closing else _BETWEEN, text, at)
            if at == len(text):
                break
            if self.in_array and self._at_cut(text, at):
                yield self._unclosed(places.of(at))
            moved = self._step_over_brackets(text, at, final)
            if moved is None:
                break
            if moved > at:
                at = moved
                continue
            found = self._decoder.decode(places, at, final, to_end)
            if found is None:
                break
            self._know_form(text[at] == "{" and not self.in_array)
            if isinstance(found, Reject):
                self._bad = found
                at += 1
                continue
            value, at = found
            if isinstance(value, Reject) and value.reason is Reason.TRUNCATED:
                self.in_array = self._closing = False  # told with the record
            yield value
        self._drop(places.of(at) - self.offset)

    def _know_form(self, may_be_cut: bool) -> None:
        """Remember how the object begins, the first time."""
        if self._may_be_cut is None:
            self._may_be_cut = may_be_cut

    def _at_cut(self, text: str, at: int) -> bool:
        """Whether a record begins here on a new line behind another one, and tasks may too."""
        if not (self._may_be_cut and text.startswith("{", at)):
            return False
        before = text[max(0, at - _CUT_SIZE) : at]
        if len(before) < _CUT_SIZE:
            before = self._before.decode("latin-1") + before
        return _CUT.search(before) is not None

    def _step_over_brackets(self, text: str, at: int, final: bool) -> int | None:
        """Place behind a bracket that opens or closes an array, or the same place; None: wait."""
        if self._closing:
            self._closing = False
            if text[at] == "}":
                return at + 1
        if self.in_array:
            if text[at] != "]":
                return at
            self.in_array, self._closing = False, self._wrapped
            return at + 1
        return self._open(text, at, final)

    def _open(self, text: str, at: int, final: bool) -> int | None:
        """Place inside the array or wrapper that begins here, or the same place; None: wait."""
        wrapper = _WRAPPER.match(text, at)
        if wrapper is not None:
            # A cut text may end in half a character, which is up to three surrogates.
            if not final and len(text) - at < _WRAPPER_SIZE + 3:
                return None
            if self._decoder.has_other_members(text[at : at + _WRAPPER_SIZE]):
                wrapper = None
        opens = wrapper is not None or text.startswith("[", at)
        if not opens:
            return at
        self._know_form(False)
        self.in_array, self._wrapped = True, wrapper is not None
        return wrapper.end() if wrapper else at + 1

    def _skipped(self, end: int) -> Reject:
        """The reject of the bad record, which reaches to `end`."""
        bad, self._bad = self._bad, None
        assert bad is not None and bad.offset is not None
        length = end - bad.offset
        return Reject(bad.reason, bad.detail, bad.offset, length, data=bad.data[:length])

    def _see_more_of_bad(self) -> None:
        """Complete the excerpt of a bad record that began at the end of the last bytes."""
        bad = self._bad
        if bad is not None and bad.offset is not None and len(bad.data) < SHOWN:
            known = bad.data[: self.offset - bad.offset]
            self._bad = replace(bad, data=(known + self.buffer)[:SHOWN])

    def _unclosed(self, offset: int) -> Reject:
        self.in_array = self._closing = False
        return Reject(Reason.TRUNCATED, "the input ends inside an array", offset, 0)

    def _ending(self) -> Iterator[Reject]:
        """What is left to say when the input has ended and nothing is in the buffer."""
        unclosed = self.in_array or self._closing
        if self._bad is not None:
            yield self._skipped(self.offset)
        elif unclosed:
            yield self._unclosed(self.offset)


def begins_with_record(head: bytes) -> bool:
    """Whether an object that begins like this is records one after another, in no array."""
    text = head.removeprefix(BOM)[:_LOOK_BACK].decode("utf-8", "surrogateescape").lstrip(" \t\r\n")
    return text.startswith("{") and _WRAPPER.match(text) is None


def _skip(blank: re.Pattern[str], text: str, at: int) -> int:
    found = blank.match(text, at)
    return found.end() if found else at

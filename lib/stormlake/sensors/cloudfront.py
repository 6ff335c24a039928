"""CloudFront logs: legacy, W3C, real-time; RTMP is recognised and refused.

The format is never guessed from a count of fields alone: a `#Fields:` line rules over what
follows it, and a log without one must be the legacy format of 11 TAB-separated fields. Names of
fields are those of the Amazon CloudFront Developer Guide, "Standard logging" and "Use real-time
access logs".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stormlake.errors import RefusedInput
from stormlake.sensors.cloudfront_rows import (
    LEGACY_FIELDS,
    Header,
    RequestRow,
    UnusableLine,
    legacy_row,
    named_row,
    tutorial_row,
)
from stormlake.sensors.log_fields import ZERO_WIDTH_SPACE
from stormlake.sensors.outcomes import Reason, Reject

LINE_BYTES: Final = 256 * 1024
"""Longest line: several times what CloudFront's limits on URLs and headers allow."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """How to read logs.

    Parameters
    ----------
    strict_regex : bool
        Bit-true to the tutorial's RegexSerDe: the regular expression alone decides on every line,
        header lines are comments, and a number that is none is NULL.
    fields : tuple of str
        Names of the fields of a log that has no header, as a real-time stream delivers it.

    Raises
    ------
    RefusedInput
        Both are given, or the fields hold no time.
    """

    strict_regex: bool = False
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.fields:
            return
        if self.strict_regex:
            raise RefusedInput(
                "--strict-regex reads a line by the tutorial's regular expression alone, --fields"
                " by names: give one of the two"
            )
        if not Header(self.fields).has_time:
            raise RefusedInput(
                f"--fields {','.join(self.fields)[:100]}: no time among them; name `timestamp`, or"
                " `date` and `time`, and all other fields in the order of the log"
            )


@dataclass(slots=True)
class _Span:
    """Lines of RTMP, told of together."""

    start: int
    end: int
    lines: int


class LogFile:
    """Reader of one log object, line by line: it knows the header that rules.

    Parameters
    ----------
    options : LogOptions

    Attributes
    ----------
    comments : int
        Lines so far that begin with `#`, header lines among them.
    """

    def __init__(self, options: LogOptions) -> None:
        self.comments = 0
        self._strict = options.strict_regex
        self._header = Header(options.fields) if options.fields else None
        self._rtmp: _Span | None = None

    def line(self, raw: bytes, offset: int) -> RequestRow | Reject | None:
        """Read one line.

        Parameters
        ----------
        raw : bytes
            Without its newline; a CR at its end is dropped.
        offset : int
            Its first byte in the decompressed object.

        Returns
        -------
        tuple, Reject or None
            A row in the column order of `REQUEST_RECORDS`; why there is none; or None for a blank
            line, a comment, a header line and a line that `finish` tells of.
        """
        try:
            text, valid = raw.decode("utf-8"), True
        except UnicodeDecodeError:
            text, valid = raw.decode("utf-8", "replace"), False
        text = text.rstrip("\r")
        if not self._strict and ZERO_WIDTH_SPACE in text:
            text = text.replace(ZERO_WIDTH_SPACE, "")
        if not text or text.isspace():
            return None
        if text.startswith("#"):
            self.comments += 1
            self._read_comment(text)
            return None
        if self._header is not None and self._header.rtmp:
            self._count_rtmp(offset, offset + len(raw))
            return None
        try:
            if not valid:
                raise UnusableLine(Reason.BAD_UTF8, "not UTF-8; expected a log line in UTF-8")
            return self._row(text, len(raw))
        except UnusableLine as why:
            return Reject(why.reason, why.detail, offset, len(raw), event_micros=why.event_micros)

    def finish(self) -> list[Reject]:
        """Tell what can only be said at the object's end.

        Returns
        -------
        list of Reject
            One for all lines under an RTMP header, if there are any.
        """
        if self._rtmp is None:
            return []
        span, self._rtmp = self._rtmp, None
        return [
            Reject(
                Reason.UNSUPPORTED_FORMAT,
                "RTMP log (its header names x-event); expected a web log or a real-time log",
                span.start,
                span.end - span.start,
                span.lines,
            )
        ]

    def _read_comment(self, text: str) -> None:
        word, colon, names = text.partition(":")
        if not self._strict and colon and word.lower() == "#fields":
            self._header = Header(names.split()) if names.split() else None

    def _count_rtmp(self, start: int, end: int) -> None:
        if self._rtmp is None:
            self._rtmp = _Span(start, end, 0)
        self._rtmp.end = end
        self._rtmp.lines += 1

    def _row(self, text: str, size: int) -> RequestRow:
        if size > LINE_BYTES:
            raise UnusableLine(Reason.TOO_LARGE, f"a line of {size} bytes; at most {LINE_BYTES}")
        if self._strict:
            return tutorial_row(text)
        fields = text.split("\t")
        if self._header is not None:
            return named_row(fields, self._header)
        if len(fields) != len(LEGACY_FIELDS):
            raise UnusableLine(
                Reason.NO_FIELDS_HEADER,
                f"{len(fields)} TAB-separated fields and no #Fields line before them; expected a"
                f" header, --fields, or the {len(LEGACY_FIELDS)} fields of the legacy format",
            )
        return legacy_row(fields)

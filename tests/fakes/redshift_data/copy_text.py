"""COPY from delimited text, with the codes of the page "Load error reference".

Rules, with the page of the Amazon Redshift Database Developer Guide that states each:

* An empty CHAR or VARCHAR field is an empty text, NULL with EMPTYASNULL; any other empty field is
  NULL ("Data conversion parameters", EMPTYASNULL).
* CHAR takes single-byte characters only: 1220 ("Multibyte character load errors"); a VARCHAR that
  is too long in bytes: 1204; a CHAR or VARCHAR is never cut (TRUNCATECOLUMNS is not given).
* Too many fields: 1202; too few: 1214; a delimiter at the end of the line is allowed.
* ESCAPE: a backslash makes the next character part of the field, a newline too.
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from tests.fakes.redshift_data.copy_manifest import DataFile
from tests.fakes.redshift_data.copy_options import Copy
from tests.fakes.redshift_data.ddl import ColumnType
from tests.fakes.redshift_data.errors import CopyRefused, Refused, WarehouseError

TRUE = {"true", "t", "yes", "y", "1"}
FALSE = {"false", "f", "no", "n", "0"}
"""Any case ("Boolean type")."""
_RANGES = {"smallint": 15, "integer": 31, "bigint": 63}
_FORMATS = {
    "YYYY": "%Y",
    "MM": "%m",
    "DD": "%d",
    "HH24": "%H",
    "HH": "%H",
    "MI": "%M",
    "SS": "%S",
    "MON": "%b",
}
"""Of the page "DATEFORMAT and TIMEFORMAT strings", those that the stand-in knows."""


def rows_of(file: DataFile, columns: list[ColumnType], copy: Copy) -> Iterator[tuple[Any, ...]]:
    """Give the file's rows as values of the table's types.

    Raises
    ------
    CopyRefused
        With line, column, code and value.
    """
    body = file.body
    if "gzip" in copy:
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError) as error:
            raise WarehouseError(f"ERROR: {file.url} is not gzip: {error}") from error
    skipped = int(copy.options.get("ignoreheader", 0))
    for number, fields in _lines(body, copy):
        if number > skipped:
            yield _Line(file, number, fields, copy).values(columns)


def _lines(body: bytes, copy: Copy) -> Iterator[tuple[int, list[tuple[bytes, bool]]]]:
    """Cut a text into lines and fields; a field says whether it was escaped.

    An escaped field is never the NULL text ("ESCAPE").
    """
    delimiter = copy.options.get("delimiter", "|").encode()
    escape = "escape" in copy
    special = re.compile(b"[\n\\\\" + re.escape(delimiter) + b"]")
    number, first = 1, 1
    field, escaped = bytearray(), False
    fields: list[tuple[bytes, bool]] = []
    at, begun = 0, False
    while at < len(body):
        byte = body[at : at + 1]
        begun = True
        if escape and byte == b"\\" and at + 1 < len(body):
            number += body[at + 1 : at + 2] == b"\n"
            field += body[at + 1 : at + 2]
            escaped = True
            at += 2
            continue
        if byte == delimiter:
            fields.append((bytes(field), escaped))
            field, escaped = bytearray(), False
        elif byte == b"\n":
            if field.endswith(b"\r"):
                del field[-1:]
            fields.append((bytes(field), escaped))
            yield first, fields
            fields, field, escaped, begun = [], bytearray(), False, False
            number += 1
            first = number
        else:
            # As far as the next byte that means something, at once.
            found = special.search(body, at + 1)
            end = len(body) if found is None else found.start()
            field += body[at:end]
            at = end
            continue
        at += 1
    if begun:
        fields.append((bytes(field), escaped))
        yield first, fields


class _Line:
    def __init__(
        self, file: DataFile, number: int, fields: list[tuple[bytes, bool]], copy: Copy
    ) -> None:
        self.file, self.number, self.fields, self.copy = file, number, fields, copy

    def values(self, columns: list[ColumnType]) -> tuple[Any, ...]:
        fields = self.fields
        if len(fields) == len(columns) + 1 and fields[-1] == (b"", False):
            fields = fields[:-1]
        if len(fields) > len(columns):
            raise self._refused(columns[-1], b"", 1202, "Extra column(s) found")
        if len(fields) < len(columns):
            raise self._refused(columns[len(fields)], b"", 1214, "Delimiter not found")
        return tuple(self._value(c, f) for c, f in zip(columns, fields, strict=True))

    def _value(self, column: ColumnType, field: tuple[bytes, bool]) -> Any:
        raw, escaped = field
        text = self._decoded(column, raw)
        null = self.copy.options.get("null", "\\N")
        is_text = column.type in ("varchar", "char")
        if not escaped and (
            text == null or (text == "" and (not is_text or "emptyasnull" in self.copy))
        ):
            if column.required:
                raise self._refused(column, raw, 1213, "Missing data for not-null field")
            return None
        return self._text(column, text) if is_text else self._converted(column, text, raw)

    def _decoded(self, column: ColumnType, raw: bytes) -> str:
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            if "acceptinvchars" in self.copy:
                # One replacement for each byte ("ACCEPTINVCHARS").
                return raw.decode(errors="surrogateescape").translate(
                    dict.fromkeys(range(56448, 56576), self.copy.options["acceptinvchars"])
                )
            raise self._refused(
                column,
                raw,
                1224,
                f"String contains invalid or unsupported UTF8 codepoints: {error}",
            ) from error

    def _text(self, column: ColumnType, text: str) -> str:
        assert column.length is not None
        raw = text.encode()
        if column.type == "char":
            if not text.isascii():
                raise self._refused(column, raw, 1220, "Multibyte character not supported for CHAR")
            text = text.rstrip(" ")
        elif "trimblanks" in self.copy:
            text = text.rstrip(" ")
        if len(text.encode()) > column.length:
            raise self._refused(column, raw, 1204, "String length exceeds DDL length")
        return text

    def _converted(self, column: ColumnType, text: str, raw: bytes) -> Any:
        text = text.strip()
        kind = column.type
        if kind in _RANGES:
            digits = text[1:] if text[:1] in ("-", "+") else text
            if not digits.isascii() or not digits.isdigit():
                raise self._refused(column, raw, 1207, f"Invalid digit, Value '{text[:1]}'")
            number = int(text)
            if not -(2 ** _RANGES[kind]) <= number < 2 ** _RANGES[kind]:
                raise self._refused(column, raw, 1216, "Numeric data overflow")
            return number
        if kind in ("real", "double precision"):
            try:
                return float(text)
            except ValueError as error:
                raise self._refused(column, raw, 1207, f"Invalid digit: {text}") from error
        if kind == "boolean":
            if text.lower() not in TRUE | FALSE:
                raise self._refused(column, raw, 1210, "Invalid boolean data")
            return text.lower() in TRUE
        code, word = (1205, "date") if kind == "date" else (1206, "timestamp")
        try:
            return self._time(kind, text)
        except ValueError as error:
            raise self._refused(
                column, raw, code, f"Invalid {word} format - length must be 10 or more"
            ) from error

    def _time(self, kind: str, text: str) -> date | datetime:
        asked = self.copy.options.get("dateformat" if kind == "date" else "timeformat")
        if asked in ("epochsecs", "epochmillisecs") and kind == "timestamp":
            seconds = float(text) / (1000 if asked == "epochmillisecs" else 1)
            return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)
        if asked in (None, "auto"):
            return date.fromisoformat(text) if kind == "date" else datetime.fromisoformat(text)
        form = asked
        for vendor, ours in _FORMATS.items():
            form = form.replace(vendor, ours)
        found = datetime.strptime(text, form)
        return found.date() if kind == "date" else found

    def _refused(self, column: ColumnType, raw: bytes, code: int, reason: str) -> CopyRefused:
        line = self.copy.options.get("delimiter", "|").join(
            field.decode(errors="replace") for field, _ in self.fields
        )
        return CopyRefused(
            Refused(
                file=self.file.url,
                line=self.number,
                column=column.name,
                type=column.type,
                length=str(column.length or ""),
                position=0,
                value=raw.decode(errors="replace"),
                code=code,
                reason=reason,
                raw_line=line,
            )
        )

"""Whole records by Arrow's JSON parser, for bytes in which nothing is unusual.

It takes glued, pretty-printed and listed objects as it takes JSON Lines, at the speed of C++. But
it stops at the first surprise without saying where, accepts NaN, does not look at UTF-8, and dies
(a null pointer, pyarrow 26) on a `null` between records. So it gets only bytes that are looked
through before, and whatever it does not take is read again by `json_stream`, which decides.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.json

_SEPARATED: Final = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*\{")
_STRANGE: Final = re.compile(rb"\}[ \t\r\n]*[^ \t\r\n{]")
"""Something else than a record behind a closing brace: nested objects, brackets, `null`."""

_DEPTH: Final = 200
"""Arrays in arrays that are borne; Arrow bears any number, Python's decoder about a thousand."""

_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)

_TRIES: Final = 8


def last_boundary(buffer: bytes) -> int:
    """Where the last record of the buffer begins, if one ends before it; else 0.

    A guess, since a text may hold the same characters: then the parser does not take the bytes.
    """
    at = len(buffer)
    for _ in range(_TRIES):
        at = buffer.rfind(b"{", 0, at)
        if at <= 0:
            return 0
        if buffer[max(0, at - 1024) : at].rstrip(b" \t\r\n,").endswith(b"}"):
            return at
    return 0


def parse_records(block: bytes, schema: pa.Schema, in_array: bool) -> pa.Table | None:
    """Parse whole records.

    Parameters
    ----------
    block : bytes
        Begins where a record may begin, and ends behind a record.
    schema : pyarrow.Schema
        The members that are wanted; others are passed over. One that a record lacks is null.
    in_array : bool
        Whether commas stand between the records.

    Returns
    -------
    pyarrow.Table or None
        None for everything that the careful reader has to look at.
    """
    block = block.strip(b" \t\r\n,")
    if not block.startswith(b"{"):
        return None
    if in_array:
        # A line feed in the place of the comma: inside a text it is an error, and so is noticed.
        block = block.replace(b"},{", b"}\n{")
        if _SEPARATED.search(block):
            block = _SEPARATED.sub(b"}\n{", block)
    if b"NaN" in block or b"Inf" in block or _STRANGE.search(block) or _is_deep(block):
        return None
    if not block.isascii():
        try:
            block.decode("utf-8")
        except UnicodeDecodeError:
            return None
    try:
        return pyarrow.json.read_json(
            pa.BufferReader(block),
            read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(block) + 1),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="ignore"
            ),
        )
    except (pa.ArrowException, OverflowError):
        return None


def _is_deep(block: bytes) -> bool:
    """Whether arrays lie in each other deeper than Python's decoder may follow."""
    if block.count(b"[") <= _DEPTH:
        return False
    bare = np.frombuffer(_TEXT.sub(b"", block), np.uint8)
    steps = (bare == ord("[")).astype(np.int32) - (bare == ord("]"))
    return bool(steps.cumsum().max() > _DEPTH)

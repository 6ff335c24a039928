"""A buffer of JSON as text: places of its characters as bytes, and whether it is Unicode."""

from __future__ import annotations

import json
import re
from typing import Any, Final

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


class Places:
    """A buffer as text, and the byte offsets of its characters.

    Parameters
    ----------
    buffer : bytes
        Perhaps not UTF-8: what is not becomes surrogates.
    base : int
        Offset of its first byte in the object.
    """

    def __init__(self, buffer: bytes, base: int) -> None:
        self.ascii = buffer.isascii()
        self.text = buffer.decode("ascii" if self.ascii else "utf-8", "surrogateescape")
        self._buffer = buffer
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

    def data(self, begin: int, end: int) -> bytes:
        """The bytes of some characters."""
        start = self.of(begin) - self._base
        return self._buffer[start : self.of(end) - self._base]


def has_surrogate(text: str, at: int, end: int, value: Any, is_ascii: bool) -> bool:
    """Whether a text of the record is not Unicode: raw bytes, or half of a pair in escapes."""
    if not is_ascii and _SURROGATES.search(text, at, end):
        return True
    if text.find("\\ud", at, end) < 0 and text.find("\\uD", at, end) < 0:
        return False
    return _SURROGATES.search(json.dumps(value, ensure_ascii=False)) is not None

"""Saved states with one form for equal forests.

The library keeps some counts in hash maps and writes them in the order of the map, which a random
seed of the process decides: where points repeat, two equal forests give different bytes, and one
forest gives others after it was saved and restored. Here the entries of these maps are put in the
order of their keys; nothing else is touched, and the library reads the result as its own.

MessagePack: https://github.com/msgpack/msgpack/blob/master/spec.md
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_MAPS: Final = (
    "hash_mass_leaves",
    "hash_reference_counts",
    "hash_attribute_counts",
    "hash_label_counts",
)
"""Members whose values are maps from whole numbers to whole numbers."""


def _text(name: str) -> bytes:
    """A short text in MessagePack."""
    size = len(name)
    head = bytes([0xA0 | size]) if size < 32 else bytes([0xD9, size])
    return head + name.encode()


_NAMES: Final = tuple(_text(name) for name in _MAPS)

_INTEGER_BYTES: Final = {0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_SIGNED: Final = range(0xD0, 0xD4)


def in_order(state: bytes) -> bytes:
    """Put the entries of the state's hash maps in the order of their keys.

    Parameters
    ----------
    state : bytes
        As the library writes it.

    Returns
    -------
    bytes
        As many, with the same meaning.

    Raises
    ------
    ValueError
        A map holds something else than whole numbers: another version of the library.
    """
    pieces = []
    done = 0
    for place in sorted(_places(state)):
        count, at = _map_head(state, place)
        entries = []
        pieces.append(state[done:at])
        for _ in range(count):
            key, middle = _integer(state, at)
            _, end = _integer(state, middle)
            entries.append((key, state[at:end]))
            at = end
        pieces += [entry for _, entry in sorted(entries)]
        done = at
    return b"".join([*pieces, state[done:]])


def _places(state: bytes) -> Iterator[int]:
    """Where the maps begin."""
    for name in _NAMES:
        at = state.find(name)
        while at >= 0:
            yield at + len(name)
            at = state.find(name, at + len(name))


def _map_head(state: bytes, at: int) -> tuple[int, int]:
    """How many entries a map has, and where the first begins."""
    mark = state[at]
    if 0x80 <= mark <= 0x8F:
        return mark & 0x0F, at + 1
    if mark in (0xDE, 0xDF):
        size = 2 if mark == 0xDE else 4
        return int.from_bytes(state[at + 1 : at + 1 + size], "big"), at + 1 + size
    raise ValueError(f"byte {mark:#04x} at {at} begins no map of MessagePack")


def _integer(state: bytes, at: int) -> tuple[int, int]:
    """A whole number, and where the next value begins."""
    mark = state[at]
    if mark <= 0x7F:
        return mark, at + 1
    if mark >= 0xE0:
        return mark - 0x100, at + 1
    size = _INTEGER_BYTES.get(mark)
    if size is None:
        raise ValueError(f"byte {mark:#04x} at {at} begins no whole number of MessagePack")
    data = state[at + 1 : at + 1 + size]
    return int.from_bytes(data, "big", signed=mark in _SIGNED), at + 1 + size

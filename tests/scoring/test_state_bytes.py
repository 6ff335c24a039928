"""States in one form: what is sorted, and that nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.scoring.state_bytes import in_order


def packed(value: int) -> bytes:
    """A whole number in MessagePack's shortest form, by its specification."""
    if 0 <= value < 128:
        return bytes([value])
    if -32 <= value < 0:
        return bytes([value + 256])
    kinds = [(0xCC, 1), (0xCD, 2), (0xCE, 4), (0xCF, 8)] if value > 0 else []
    kinds = kinds or [(0xD0, 1), (0xD1, 2), (0xD2, 4), (0xD3, 8)]
    for mark, size in kinds:
        try:
            return bytes([mark]) + value.to_bytes(size, "big", signed=value < 0)
        except OverflowError:
            continue
    raise AssertionError(value)


def head(count: int) -> bytes:
    if count < 16:
        return bytes([0x80 | count])
    return (
        b"\xde" + count.to_bytes(2, "big") if count < 65_536 else b"\xdf" + count.to_bytes(4, "big")
    )


NAME = b"\xb0hash_mass_leaves"
NUMBERS = st.integers(-(2**63), 2**64 - 1)


@given(st.dictionaries(NUMBERS, NUMBERS, max_size=40), st.binary(max_size=20), st.randoms())
def test_entries_come_by_their_keys_and_all_else_stays(
    entries: dict[int, int], around: bytes, random: object
) -> None:
    def written(order: list[int]) -> bytes:
        return b"".join(packed(key) + packed(entries[key]) for key in order)

    shuffled = list(entries)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    frame = around + NAME + head(len(entries))
    assert in_order(frame + written(shuffled) + around) == (
        frame + written(sorted(entries)) + around
    )


def test_a_map_of_something_else_is_refused() -> None:
    with pytest.raises(ValueError, match="begins no whole number"):
        in_order(NAME + b"\x81\x01\xa1x")
    with pytest.raises(ValueError, match="begins no map"):
        in_order(NAME + b"\x90")

from __future__ import annotations

import gzip
import io
import random
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.archive.inflate import LARGEST_PIECE, CutShort, Damaged, InflateFailed, inflated
from stormlake.archive.objects import FetchFailed

RECORDS = b"".join(b'{"Name":"Shadowfax","Distance":%d.%d}\n' % (n % 310, n) for n in range(9000))
PACKED = gzip.compress(RECORDS)
LOOKAHEAD = 2  # bytes that isal may withhold before a cut
NAMED = 0x08


def collect(pieces: Iterator[bytes] | list[bytes]) -> tuple[bytes, InflateFailed | None]:
    """What came, and how it ended."""
    given_out = []
    try:
        for piece in inflated(pieces):
            assert 0 < len(piece) <= LARGEST_PIECE
            given_out.append(piece)
    except InflateFailed as failure:
        return b"".join(given_out), failure
    return b"".join(given_out), None


def split(data: bytes, cuts: list[int]) -> list[bytes]:
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    return [data[a:b] for a, b in zip([0, *ends], ends, strict=False)]


payloads = st.one_of(
    st.binary(max_size=300),
    st.integers(0, len(RECORDS)).map(lambda n: RECORDS[:n]),
    st.integers(0, 400_000).map(bytes),
)
places = st.lists(st.integers(0, 60_000), max_size=12)


@settings(max_examples=60, deadline=None)
@given(members=st.lists(payloads, min_size=1, max_size=4), cuts=places, padding=st.integers(0, 600))
def test_members_in_a_row_are_one_stream_however_it_is_split(
    members: list[bytes], cuts: list[int], padding: int
) -> None:
    data = b"".join(
        gzip.compress(member, random.Random(len(member)).randrange(10)) for member in members
    )
    assert collect(split(data + bytes(padding), cuts)) == (b"".join(members), None)


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(2, len(PACKED) - 1), cuts=places)
def test_a_cut_anywhere_gives_what_came_before_it(cut: int, cuts: list[int]) -> None:
    came, failure = collect(split(PACKED[:cut], cuts))
    expected = zlib.decompressobj(wbits=31).decompress(PACKED[:cut])
    assert isinstance(failure, CutShort)
    assert RECORDS.startswith(came)
    assert len(expected) - LOOKAHEAD <= len(came) <= len(expected)
    assert f"after {len(came)} inflated bytes" in failure.detail


@settings(max_examples=60, deadline=None)
@given(
    data=st.one_of(st.binary(max_size=200), st.just(RECORDS)).filter(
        lambda data: data[:2] != b"\x1f\x8b"
    ),
    cuts=places,
)
def test_what_is_not_gzip_passes_unchanged(data: bytes, cuts: list[int]) -> None:
    assert collect(split(data, cuts)) == (data, None)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(2, len(PACKED) - 1), bit=st.integers(0, 7), cuts=places)
def test_no_flipped_bit_passes_for_good(place: int, bit: int, cuts: list[int]) -> None:
    data = bytearray(PACKED)
    data[place] ^= 1 << bit
    came, failure = collect(split(bytes(data), cuts))
    # the mark "text", time and system of the header are under no checksum
    assert failure is not None or (place in range(3, 10) and came == RECORDS)


def test_bytes_one_by_one_give_the_same() -> None:
    data = gzip.compress(RECORDS[:5000]) + gzip.compress(RECORDS[5000:9000]) + bytes(3)
    assert collect([bytes([byte]) for byte in data]) == (RECORDS[:9000], None)
    assert collect([b"\x1f", b"", b"{"]) == (b"\x1f{", None)
    assert collect([b"\x1f"]) == (b"\x1f", None)
    assert collect([]) == (b"", None)


def test_one_member_cut_after_another_gives_all_of_the_first() -> None:
    second = gzip.compress(b"second")
    for cut in (1, 2, 3, 9, 10, len(second) - 8, len(second) - 1):
        came, failure = collect([PACKED + second[:cut]])
        assert isinstance(failure, CutShort), cut
        assert came[: len(RECORDS)] == RECORDS
        assert b"second".startswith(came[len(RECORDS) :])


@pytest.mark.parametrize("place", [-8, -5, -4, -1], ids=["crc", "crc end", "size", "size end"])
def test_a_wrong_checksum_or_size_is_damage_after_all_bytes_were_given(place: int) -> None:
    data = bytearray(PACKED)
    data[place] ^= 1
    came, failure = collect([bytes(data), gzip.compress(b"never looked at")])
    assert came == RECORDS
    assert isinstance(failure, Damaged)
    assert f"does not fit its {len(RECORDS)} bytes" in failure.detail


@pytest.mark.parametrize(
    "rubbish", [b"x", b'{"dob": "1970"}', b"\x1f\x8c" + bytes(20), b"\0\0rubbish", b"\x1f\x8b\x07"]
)
def test_rubbish_after_a_member_is_damage_and_is_not_shown(rubbish: bytes) -> None:
    came, failure = collect([PACKED, rubbish])
    assert came == RECORDS
    assert isinstance(failure, Damaged)
    assert failure.detail == (
        f"after {len(RECORDS)} inflated bytes comes something that is no gzip member"
    )


def test_a_bad_block_is_damage_and_all_but_the_last_step_before_it_is_given() -> None:
    noise = random.Random(1).randbytes(50_000)  # stored, so that bytes can be found again
    inside = zlib.compressobj(wbits=-15)
    block = inside.compress(noise) + inside.flush(zlib.Z_FULL_FLUSH)
    came, failure = collect([b"\x1f\x8b\x08" + bytes(7) + block + b"\xff" * 100])
    assert isinstance(failure, Damaged)
    assert noise.startswith(came)
    assert len(came) >= len(noise) - 4096
    assert f"damaged after {len(came)} inflated bytes" in failure.detail


def test_headers_with_every_field_are_skipped() -> None:
    plain = gzip.compress(b"records", mtime=0)
    extra, name, comment, checksum = b"\x03\x00abc", b"name\0", b"comment\0", b"\x00\x00"
    flags = bytes([0x01 | 0x02 | 0x04 | NAMED | 0x10])
    full = plain[:3] + flags + plain[4:10] + extra + name + comment + checksum + plain[10:]
    assert collect([full, plain]) == (b"recordsrecords", None)
    written = io.BytesIO()
    with gzip.GzipFile("named.json", "wb", fileobj=written) as file:
        file.write(b"records")
    assert written.getvalue()[3] & NAMED
    assert collect([written.getvalue()]) == (b"records", None)


def test_a_name_that_never_ends_and_an_unknown_flag_are_damage() -> None:
    endless = b"\x1f\x8b\x08" + bytes([NAMED]) + bytes(6) + b"n" * 70_000
    for data in (endless, b"\x1f\x8b\x08\x20" + bytes(20)):
        came, failure = collect([data])
        assert came == b""
        assert isinstance(failure, Damaged)


def test_a_bomb_comes_in_bounded_pieces_and_as_little_is_read_as_is_used() -> None:
    read = 0

    def bomb() -> Iterator[bytes]:
        nonlocal read
        packer = zlib.compressobj(wbits=31)
        for _ in range(1000):  # GiB for GiB, should anybody ask
            read += 1
            yield packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)

    stream = inflated(bomb())
    for _ in range(10):
        assert 2**20 <= len(next(stream)) <= LARGEST_PIECE
    assert read <= 12


def test_what_reading_the_pieces_raises_comes_after_what_was_read() -> None:
    def broken() -> Iterator[bytes]:
        yield PACKED[:-8]
        raise FetchFailed("gone")

    came = []
    with pytest.raises(FetchFailed, match="gone"):
        for piece in inflated(broken()):
            came.append(piece)
    assert b"".join(came) == RECORDS


def test_failures_say_what_is_wrong_by_their_detail() -> None:
    assert issubclass(CutShort, InflateFailed) and issubclass(Damaged, InflateFailed)
    assert CutShort("why").detail == "why"

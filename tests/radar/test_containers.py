"""Unwrapping, magic, second headers, LDM records and chunks."""

from __future__ import annotations

import bz2
import datetime as dt
import gzip
import io
import tarfile

import pytest

from stormlake.radar import containers
from stormlake.radar.outcomes import Reason, VolumeRejected
from tests.data import wheel_file
from tests.radar import level2

HEADER = b"AR2V0006.736" + bytes(8) + b"KLBB"
VOLUME = HEADER + bytes(12) + bytes(range(256)) * 40


def reason(data: bytes) -> Reason:
    with pytest.raises(VolumeRejected) as rejected:
        containers.read_header(containers.unwrap(data))
    return rejected.value.reason


def test_what_is_not_wrapped_stays_as_it_is() -> None:
    assert containers.unwrap(VOLUME) is VOLUME


def test_all_members_of_a_gzip_file_are_unwrapped() -> None:
    members = gzip.compress(VOLUME[:100]) + gzip.compress(VOLUME[100:])
    assert containers.unwrap(members) == VOLUME


def test_padding_after_the_last_gzip_member_is_no_part_of_the_volume() -> None:
    assert containers.unwrap(gzip.compress(VOLUME) + bytes(512)) == VOLUME


def test_bzip2_of_the_whole_file_is_unwrapped_also_inside_gzip() -> None:
    assert containers.unwrap(bz2.compress(VOLUME)) == VOLUME
    assert containers.unwrap(gzip.compress(bz2.compress(VOLUME))) == VOLUME


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_container_that_is_cut_short_is_rejected_wherever_it_is_cut(pack) -> None:
    packed = pack(VOLUME)
    for length in (3, 11, len(packed) // 2, len(packed) - 1):
        assert reason(packed[:length]) == Reason.TRUNCATED_CONTAINER, length


def test_a_second_gzip_member_that_is_cut_short_is_rejected() -> None:
    assert reason(gzip.compress(VOLUME) + gzip.compress(VOLUME)[:-9]) == Reason.TRUNCATED_CONTAINER


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_container_with_a_wrong_checksum_is_a_decode_error(pack) -> None:
    packed = pack(VOLUME)
    assert reason(level2.with_byte_inverted(packed, len(packed) - 6)) == Reason.DECODE_ERROR


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress])
def test_a_container_that_unwraps_to_more_than_the_limit_is_refused(
    pack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "MAX_UNWRAPPED", 1000)
    assert containers.unwrap(pack(bytes(999))) == bytes(999)
    with pytest.raises(VolumeRejected, match="more than 1000 bytes"):
        containers.unwrap(pack(bytes(1001)))
    with pytest.raises(VolumeRejected, match="more than 1000 bytes"):
        containers.unwrap(pack(bytes(600)) + pack(bytes(600)))


def test_nothing_at_all_is_an_empty_object() -> None:
    assert reason(b"") == Reason.EMPTY_OBJECT
    assert reason(gzip.compress(b"")) == Reason.EMPTY_OBJECT


def test_unix_compress_is_unsupported() -> None:
    assert reason(b"\x1f\x9d\x90" + bytes(50)) == Reason.UNSUPPORTED_COMPRESSION


def make_tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("KLBB20160601_150025_V06"))
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"AR2V",
        HEADER[:23],
        b"AR2V0x06.736" + bytes(40),
        b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
        b"<!DOCTYPE html><html></html>",
        make_tar(),
        bytes(1000),
    ],
    ids=["4 bytes", "short header", "odd version", "xml", "html", "tar", "zeros"],
)
def test_what_does_not_begin_as_a_volume_is_not_level2(data: bytes) -> None:
    assert reason(data) == Reason.NOT_LEVEL2
    assert reason(gzip.compress(data)) == Reason.NOT_LEVEL2


def test_the_header_tells_the_version_and_the_station() -> None:
    assert containers.read_header(VOLUME) == containers.VolumeHeader(6, "KLBB")
    assert containers.read_header(b"AR2V0008.185" + bytes(8) + b"TORD").version == 8


def test_the_header_tells_the_day_where_it_makes_sense() -> None:
    # 2016-06-01 is 16,953 days after 1970-01-01, which is day 1.
    dated = b"AR2V0006.736" + (16_954).to_bytes(4, "big") + bytes(4) + b"KLBB"
    assert containers.read_header(dated).date == dt.date(2016, 6, 1)
    assert containers.read_header(VOLUME).date is None
    noise = b"AR2V0006.736" + b"\xff" * 8 + b"KLBB"
    assert containers.read_header(noise).date is None


def test_a_blank_station_is_no_station() -> None:
    archive2 = b"ARCHIVE2.001" + bytes(8) + b"    "
    assert containers.read_header(archive2) == containers.VolumeHeader(0, None)
    assert containers.read_header(archive2[:20] + bytes(4)).station is None


@pytest.mark.parametrize("second", [b"AR2V0001.577", b"AR2V0008.000", b"ARCHIVE2.001"])
def test_a_second_volume_header_is_found_wherever_it_stands(second: bytes) -> None:
    assert containers.find_second_header(VOLUME) is None
    assert containers.find_second_header(VOLUME + second) == len(VOLUME)
    assert containers.find_second_header(HEADER + second + VOLUME) == 24
    assert containers.find_second_header(VOLUME + b"A" + second) == len(VOLUME) + 1


def test_text_that_only_looks_like_a_header_is_none() -> None:
    for text in (b"AR2V0006", b"AR2V0006.", b"AR2V0006.7x6", b"AR2V0016.736", b"ARCHIVE2.txt"):
        assert containers.find_second_header(VOLUME + text + bytes(20)) is None


def test_real_volumes_hold_one_header_each() -> None:
    for name in ("example_nexrad_archive_msg1.bz2", "example_nexrad_archive_msg31.bz2"):
        data = containers.unwrap(wheel_file(name).read_bytes())
        assert containers.find_second_header(data) is None


def test_ldm_records_are_the_bzip2_streams_one_by_one() -> None:
    data = wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()
    records = list(containers.ldm_records(data))
    assert containers.holds_ldm_records(data)
    assert [record[:3] for record in records] == [b"BZh"] * len(records)
    # The first record is the metadata: 134 segments of 2,432 bytes (ICD 2620010, 7.3.5).
    assert len(bz2.decompress(records[0])) == 134 * 2432
    assert sum(map(len, records)) + 4 * len(records) + 24 == len(data)


def test_the_last_record_of_a_truncated_volume_is_short() -> None:
    data = wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()
    whole, cut = list(containers.ldm_records(data)), list(containers.ldm_records(data[:-10]))
    assert [len(record) for record in cut[:-1]] == [len(record) for record in whole[:-1]]
    assert len(cut[-1]) == len(whole[-1]) - 10

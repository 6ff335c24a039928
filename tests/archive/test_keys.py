from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stormlake.archive.keys import (
    ArchiveKey,
    Skip,
    is_station,
    parse_chunk_name,
    parse_key,
    parse_name,
    station_day_of_folders,
    station_day_prefix,
)
from stormlake.radar.outcomes import Reason

ANY_TEXT = st.text() | st.from_regex(r"\A[A-Z0-9]{4}\d{8}_\d{6}(_V\d\d)?(\.gz)?\n?\Z")
ARCHIVE_KEYS = st.builds(
    ArchiveKey,
    station=st.from_regex(r"\A[A-Z0-9]{4}\Z"),
    key_time=st.datetimes(timezones=st.just(dt.UTC)).map(lambda time: time.replace(microsecond=0)),
    suffix=st.sampled_from(
        ["", ".gz", ".bz2", ".Z", "_V03.gz", "_V04.gz", "_V06.gz", "_V06", "_V08"]
    ),
)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            "2016/06/01/KLBB/KLBB20160601_150025_V06",
            ArchiveKey("KLBB", utc(2016, 6, 1, 15, 0, 25), "_V06"),
        ),
        (
            "1995/04/13/KLOT/KLOT19950413_132143.gz",
            ArchiveKey("KLOT", utc(1995, 4, 13, 13, 21, 43), ".gz"),
        ),
        (
            "1997/05/03/KTLX/KTLX19970503_000000.Z",
            ArchiveKey("KTLX", utc(1997, 5, 3), ".Z"),
        ),
        (
            "2014/01/01/KTLX/KTLX20140101_000624_V06.gz",
            ArchiveKey("KTLX", utc(2014, 1, 1, 0, 6, 24), "_V06.gz"),
        ),
        (
            "2026/08/11/TORD/TORD20260811_225858_V08",
            ArchiveKey("TORD", utc(2026, 8, 11, 22, 58, 58), "_V08"),
        ),
        (
            "2003/01/01/KLOT/KLOT20030101_000921.bz2",
            ArchiveKey("KLOT", utc(2003, 1, 1, 0, 9, 21), ".bz2"),
        ),
        (
            "2020/02/29/KLBB/KLBB20200229_235959",
            ArchiveKey("KLBB", utc(2020, 2, 29, 23, 59, 59), ""),
        ),
    ],
)
def test_a_key_of_every_era_gives_station_time_and_suffix(key: str, expected: ArchiveKey) -> None:
    assert parse_key(key) == expected
    assert parse_name(key.rpartition("/")[2]) == expected


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        ("2016/06/01/KLBB/KLBB20160601_150025_V06_MDM", Reason.METADATA_ONLY),
        ("2016/06/01/KLBB/whatever_MDM", Reason.METADATA_ONLY),
        ("2010/01/01/KLBB/NWS_NEXRAD_NXL2DPBL_20100101000000_20100101005959.tar", Reason.NXL2_TAR),
        ("2010/01/01/KLBB/NWS_NEXRAD_NXL2LG_KLBB", Reason.NXL2_TAR),
        ("2010/01/01/KLBB/old.tar", Reason.NXL2_TAR),
        ("2016/06/01/KLBB/", Reason.FOLDER),
        ("", Reason.UNKNOWN_KEY),
        ("index.html", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/KLBB20160601_150025_V6", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/KLBB20160601_150025_V06.zip", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/KLBB20160601_150025_V06\n", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/klbb20160601_150025_V06", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/KLBB２０１６0601_150025_V06", Reason.UNKNOWN_KEY),  # noqa: RUF001
        # folders and name disagree: station, day
        ("2016/06/01/KLBB/KSRX20160601_150025_V06", Reason.UNKNOWN_KEY),
        ("2016/06/02/KLBB/KLBB20160601_150025_V06", Reason.UNKNOWN_KEY),
        # not anchored at the start, not at that depth
        ("copy/2016/06/01/KLBB/KLBB20160601_150025_V06", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/x/KLBB20160601_150025_V06", Reason.UNKNOWN_KEY),
        # no such day or time of day
        ("2016/06/31/KLBB/KLBB20160631_150025_V06", Reason.UNKNOWN_KEY),
        ("2016/13/10/KLBB/KLBB20161310_000000_V06", Reason.UNKNOWN_KEY),
        ("2019/02/29/KLBB/KLBB20190229_000000_V06", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/KLBB20160601_240000_V06", Reason.UNKNOWN_KEY),
        ("2016/06/01/KLBB/KLBB20160601_235960_V06", Reason.UNKNOWN_KEY),
        ("0000/01/01/KLBB/KLBB00000101_000000_V06", Reason.UNKNOWN_KEY),
    ],
)
def test_a_key_that_is_no_volume_says_why(key: str, reason: Reason) -> None:
    parsed = parse_key(key)
    assert isinstance(parsed, Skip)
    assert parsed.reason is reason


def test_only_an_empty_entry_that_ends_in_a_slash_is_a_folder() -> None:
    assert parse_key("2016/06/01/KLBB/", size=0) == Skip(Reason.FOLDER)
    assert parse_key("2016/06/01/KLBB/", size=7) == Skip(Reason.UNKNOWN_KEY)


def test_a_metadata_object_keeps_the_station_and_date_of_its_volume() -> None:
    assert parse_name("KLBB20160601_150025_V06_MDM") == Skip(
        Reason.METADATA_ONLY, "KLBB", dt.date(2016, 6, 1)
    )


@given(ARCHIVE_KEYS)
@example(ArchiveKey("KLBB", utc(991, 1, 1), "_V06"))
def test_a_key_that_we_write_is_the_key_that_we_read(key: ArchiveKey) -> None:
    assert parse_key(key.key) == key
    assert parse_name(key.name) == key
    folders = key.key.split("/")[:-1]
    assert station_day_of_folders(folders) == (key.station, key.key_time.date())


@given(ANY_TEXT, st.integers(min_value=0))
def test_any_text_is_either_a_key_that_writes_itself_or_a_reason(text: str, size: int) -> None:
    for parsed, back in (
        (parse_key(text, size), lambda key: key.key),
        (parse_name(text), lambda key: key.name),
    ):
        if isinstance(parsed, ArchiveKey):
            assert back(parsed) == text
        else:
            assert parsed.reason in {
                Reason.METADATA_ONLY,
                Reason.NXL2_TAR,
                Reason.FOLDER,
                Reason.UNKNOWN_KEY,
            }
    parse_chunk_name(text)
    station_day_of_folders(text.split("/"))


def test_a_chunk_name_gives_time_number_and_kind() -> None:
    chunk = parse_chunk_name("20260811-225858-049-E")
    assert chunk is not None
    assert (chunk.key_time, chunk.number, chunk.kind) == (utc(2026, 8, 11, 22, 58, 58), 49, "E")


@pytest.mark.parametrize(
    "name",
    [
        "20260811-225858-049-X",
        "20260811-225858-49-E",
        "20260811-225858-049-E.gz",
        "20260832-225858-049-E",
    ],
)
def test_other_names_are_no_chunks(name: str) -> None:
    assert parse_chunk_name(name) is None


def test_the_innermost_station_day_folders_count() -> None:
    parts = ["2015", "01", "02", "KSRX", "2016", "06", "01", "KLBB", "more"]
    assert station_day_of_folders(parts) == ("KLBB", dt.date(2016, 6, 1))
    assert station_day_of_folders(["2016", "06", "31", "KLBB"]) is None
    assert station_day_of_folders(["06", "01", "KLBB"]) is None


def test_a_station_day_prefix_ends_in_a_slash() -> None:
    assert station_day_prefix("KLBB", dt.date(2016, 6, 1)) == "2016/06/01/KLBB/"


@pytest.mark.parametrize(
    ("text", "possible"), [("KLBB", True), ("klbb", False), ("KLB", False), ("K/BB", False)]
)
def test_a_station_is_four_capitals_or_digits(text: str, possible: bool) -> None:
    assert is_station(text) is possible

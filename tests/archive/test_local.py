from __future__ import annotations

import bz2
import datetime as dt
import gzip
import hashlib
import os
import pickle
from pathlib import Path

import pytest

from stormlake.archive.keys import ArchiveKey
from stormlake.archive.local import looks_like_volume
from stormlake.archive.objects import LARGEST_OBJECT, ArchiveObject, FetchFailed
from stormlake.archive.source import Source, open_fetcher, open_source
from stormlake.errors import RefusedInput
from stormlake.radar.outcomes import Reason
from tests.data import shared, wheel_file

HEADER = b"AR2V0006.001" + bytes(8) + b"KLBB"
DAY = dt.date(2016, 6, 1)
KLBB = ArchiveKey("KLBB", dt.datetime(2016, 6, 1, 15, 0, 25, tzinfo=dt.UTC), "_V06")


def write(path: Path, data: bytes = HEADER) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def listed(root: Path, *options: object) -> list[ArchiveObject]:
    return list(open_source(str(root)).list_objects(*options))  # type: ignore[arg-type]


def fetch(root: Path, obj: ArchiveObject) -> bytes:
    return open_fetcher(open_source(str(root))).fetch(obj)


def test_the_shared_folder_lists_every_volume_and_the_chunks_as_one() -> None:
    root = shared("nexrad")
    objects = listed(root)
    assert [obj.skip for obj in objects] == [None] * 29
    by_folder = {obj.key.partition("/")[0]: 0 for obj in objects}
    for obj in objects:
        by_folder[obj.key.partition("/")[0]] += 1
    assert by_folder == {
        "chunks_TORD_20260811_225858": 1,
        "damaged": 5,
        "mosaic_NE_20100911": 4,
        "sequence_KBGM_20050821": 3,
        "sequence_KBGM_20050822": 5,
        "volumes": 11,
    }
    klbb = next(obj for obj in objects if "KLBB" in obj.key)
    assert klbb == ArchiveObject(
        "volumes/KLBB20160601_150025_V06", 3_982_637, "KLBB", DAY, KLBB.key_time
    )
    data = fetch(root, klbb)
    assert hashlib.sha256(data).hexdigest() == (
        "b5b8639605a0c88be1ed1f1941333304e559fcf31f8ca3c98aac1520c9896914"  # PROVENANCE.md
    )


def test_a_folder_of_chunks_is_the_volume_it_was_cut_from() -> None:
    root = shared("nexrad")
    chunks = next(obj for obj in listed(root) if obj.parts)
    assert chunks.key == "chunks_TORD_20260811_225858/"
    assert len(chunks.parts) == 49
    assert (chunks.station, chunks.date) == (None, dt.date(2026, 8, 11))
    assert chunks.key_time == dt.datetime(2026, 8, 11, 22, 58, 58, tzinfo=dt.UTC)
    whole = shared("nexrad", "volumes", "TORD20260811_225858_V08").read_bytes()
    assert chunks.size == len(whole)
    assert fetch(root, chunks) == whole


def test_a_folder_of_chunks_can_be_the_source_itself() -> None:
    root = shared("nexrad", "chunks_TORD_20260811_225858")
    (chunks,) = listed(root)
    assert chunks.key == "./"
    assert len(fetch(root, chunks)) == 1_267_183


def test_the_wheel_folder_gives_its_volumes_and_says_what_the_rest_is() -> None:
    root = wheel_file("example_nexrad_archive_msg1.bz2").parent
    objects = listed(root)
    assert [obj.key for obj in objects if obj.skip is None] == [
        "example_nexrad_archive_msg1.bz2",
        "example_nexrad_archive_msg31.bz2",
        "example_nexrad_archive_msg31_compressed.ar2v",
    ]
    volumes = [obj for obj in objects if obj.skip is None]
    assert {(obj.station, obj.date, obj.key_time) for obj in volumes} == {(None, None, None)}
    # Level 3 products, CfRadial, Sigmet and scripts lie beside them
    assert {obj.skip for obj in objects} == {None, Reason.UNKNOWN_KEY}
    assert "example_nexrad_level3_msg19" in {obj.key for obj in objects}


def test_archive_layout_flat_files_and_chunks_may_be_mixed(tmp_path: Path) -> None:
    write(tmp_path / KLBB.key)
    write(tmp_path / "KSRX20200805_154019_V06")
    write(tmp_path / "2026" / "08" / "11" / "TORD" / "7" / "20260811-225858-002-I", b"two")
    write(tmp_path / "2026" / "08" / "11" / "TORD" / "7" / "20260811-225858-010-E", b"ten")
    write(tmp_path / "2026" / "08" / "11" / "TORD" / "7" / "20260811-225858-001-S", b"one")
    objects = listed(tmp_path)
    assert [(obj.key, obj.station, obj.date) for obj in objects] == [
        (KLBB.key, "KLBB", DAY),
        ("2026/08/11/TORD/7/", "TORD", dt.date(2026, 8, 11)),
        ("KSRX20200805_154019_V06", "KSRX", dt.date(2020, 8, 5)),
    ]
    assert fetch(tmp_path, objects[1]) == b"onetwoten"


def test_the_name_counts_before_the_folders(tmp_path: Path) -> None:
    write(tmp_path / "2020" / "01" / "01" / "KSRX" / KLBB.name)
    (obj,) = listed(tmp_path)
    assert (obj.station, obj.date) == ("KLBB", DAY)


def test_folders_name_station_and_date_of_a_file_whose_name_does_not(tmp_path: Path) -> None:
    write(tmp_path / "2016" / "06" / "01" / "KLBB" / "some.ar2v")
    expected = ("KLBB", DAY, None, None)
    for root in (tmp_path, tmp_path / "2016" / "06" / "01" / "KLBB"):
        (obj,) = listed(root)
        assert (obj.station, obj.date, obj.key_time, obj.skip) == expected


def test_what_is_no_volume_has_its_row_and_reason(tmp_path: Path) -> None:
    write(tmp_path / "KLBB20160601_150025_V06_MDM")
    write(tmp_path / "NWS_NEXRAD_NXL2DPBL_20100101000000_20100101005959.tar")
    write(tmp_path / "index.html", b"<html>")
    write(tmp_path / "empty", b"")
    write(tmp_path / "KLBB20160601_151000_V06", b"")  # a volume by name: decoding says more
    assert {obj.key: (obj.skip, obj.station) for obj in listed(tmp_path)} == {
        "KLBB20160601_150025_V06_MDM": (Reason.METADATA_ONLY, "KLBB"),
        "NWS_NEXRAD_NXL2DPBL_20100101000000_20100101005959.tar": (Reason.NXL2_TAR, None),
        "index.html": (Reason.UNKNOWN_KEY, None),
        "empty": (Reason.UNKNOWN_KEY, None),
        "KLBB20160601_151000_V06": (None, "KLBB"),
    }


def test_names_that_begin_with_underscore_or_dot_are_not_input(tmp_path: Path) -> None:
    for name in ("_SUCCESS", ".hidden", "_tmp/a.ar2v", ".git/a.ar2v", f"_{KLBB.name}"):
        write(tmp_path / name)
    assert listed(tmp_path) == []


def test_the_window_is_half_open_and_asks_the_name(tmp_path: Path) -> None:
    for name in (
        "KLBB20160531_235959_V06",
        "KLBB20160601_000000_V06",
        "KLBB20160601_235959_V06",
        "KLBB20160602_000000_V06",
        "nameless.ar2v",
    ):
        write(tmp_path / name)
    objects = listed(tmp_path, ["KLBB"], DAY, DAY + dt.timedelta(days=1))
    assert [obj.key for obj in objects] == [
        "KLBB20160601_000000_V06",
        "KLBB20160601_235959_V06",
        "nameless.ar2v",  # its header decides later
    ]
    assert len(listed(tmp_path, (), DAY, None)) == 4
    assert len(listed(tmp_path, (), None, DAY)) == 2


def test_stations_choose_among_those_that_names_say(tmp_path: Path) -> None:
    for name in (KLBB.name, "KSRX20200805_154019_V06", "nameless.ar2v"):
        write(tmp_path / name)
    assert [obj.key for obj in listed(tmp_path, ["KSRX"])] == [
        "KSRX20200805_154019_V06",
        "nameless.ar2v",
    ]


def test_a_missing_folder_and_a_file_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"nowhere' does not exist"):
        open_source(str(tmp_path / "nowhere")).list_objects()
    file = write(tmp_path / "file")
    with pytest.raises(RefusedInput, match=r"file' is not a folder"):
        open_source(str(file)).list_objects()


def test_a_folder_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "inside" / KLBB.name)
    scandir = os.scandir

    def refuse(path: str) -> object:  # tests may run as root, whom no permission stops
        if str(path).endswith("inside"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(RefusedInput, match=r"inside' cannot be listed: Permission denied"):
        listed(tmp_path)


def test_links_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    write(tmp_path / "data" / "day" / KLBB.name)
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "day" / "back").symlink_to(tmp_path / "data")
    (root / "self").symlink_to(root)
    (obj,) = listed(root)
    assert obj.key == f"linked/day/{KLBB.name}"
    assert fetch(root, obj) == HEADER


def test_a_broken_link_is_an_object_that_cannot_be_fetched(tmp_path: Path) -> None:
    (tmp_path / KLBB.name).symlink_to(tmp_path / "gone")
    (tmp_path / "nameless").symlink_to(tmp_path / "gone")
    for obj in listed(tmp_path):
        assert (obj.size, obj.skip) == (0, None)
        with pytest.raises(FetchFailed, match="No such file"):
            fetch(tmp_path, obj)


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / KLBB.name)
    os.mkfifo(tmp_path / "nameless")
    assert [obj.skip for obj in listed(tmp_path)] == [Reason.UNKNOWN_KEY] * 2


def test_a_file_that_vanishes_after_listing_fails_with_its_path(tmp_path: Path) -> None:
    path = write(tmp_path / KLBB.name)
    chunk = write(tmp_path / "chunks" / "20260811-225858-001-S")
    chunks, volume = sorted(listed(tmp_path), key=lambda obj: not obj.parts)
    path.unlink()
    chunk.unlink()
    with pytest.raises(FetchFailed, match=KLBB.name):
        fetch(tmp_path, volume)
    with pytest.raises(FetchFailed, match="20260811-225858-001-S"):
        fetch(tmp_path, chunks)


def test_a_file_too_large_for_a_volume_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / KLBB.name).open("wb") as file:
        file.truncate(LARGEST_OBJECT + 1)  # sparse
    (obj,) = listed(tmp_path)
    with pytest.raises(FetchFailed, match=f"has {LARGEST_OBJECT + 1} bytes"):
        fetch(tmp_path, obj)


def test_a_name_that_is_not_unicode_is_skipped_with_a_key_that_tables_can_hold(
    tmp_path: Path,
) -> None:
    name = os.fsencode(tmp_path) + b"/caf\xe9.ar2v"
    try:
        with open(name, "wb") as file:  # noqa: PTH123
            file.write(HEADER)
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    (obj,) = listed(tmp_path)
    assert (obj.key, obj.skip) == (r"caf\xe9.ar2v", Reason.UNKNOWN_KEY)
    assert obj.key.encode("utf-8")


@pytest.mark.parametrize(
    "wrap",
    [bytes, gzip.compress, bz2.compress, lambda data: gzip.compress(bz2.compress(data))],
    ids=["bare", "gzip", "bz2", "both"],
)
def test_a_volume_is_recognised_through_its_wrapping(wrap: object) -> None:
    for header in (HEADER, b"ARCHIVE2.001" + bytes(12)):
        assert looks_like_volume(wrap(header + bytes(100)))  # type: ignore[operator]
        assert not looks_like_volume(wrap(b"<html>" + header))  # type: ignore[operator]


def test_damaged_and_foreign_beginnings_are_no_volumes() -> None:
    for head in (
        b"",
        b"AR2V",
        b"\x1f\x8b",
        gzip.compress(HEADER)[:12],
        b"\x1f\x8b" + b"garbage" * 9,
        b"BZh9garbage",
        b"\x1f\x9d\x90",
    ):
        assert not looks_like_volume(head)


def test_a_real_bz2_volume_is_recognised_by_what_listing_reads_of_it() -> None:
    assert looks_like_volume(wheel_file("example_nexrad_archive_msg31.bz2").read_bytes()[: 2**20])


def test_sources_and_fetchers_travel_to_workers(tmp_path: Path) -> None:
    write(tmp_path / KLBB.name)
    source: Source = pickle.loads(pickle.dumps(open_source(str(tmp_path))))
    (obj,) = pickle.loads(pickle.dumps(list(source.list_objects())))
    assert pickle.loads(pickle.dumps(open_fetcher(source))).fetch(obj) == HEADER


def test_a_relative_folder_is_made_absolute_for_workers_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "in" / KLBB.name)
    monkeypatch.chdir(tmp_path)
    source = open_source("in")
    monkeypatch.chdir("/")
    assert [obj.key for obj in source.list_objects()] == [KLBB.name]


@pytest.mark.parametrize(
    "uri", ["", "https://example.org/x", "s3://", "s3:///prefix", "gs://bucket"]
)
def test_what_is_neither_bucket_nor_folder_is_refused(uri: str) -> None:
    with pytest.raises(RefusedInput, match="s3://BUCKET"):
        open_source(uri)


def test_bad_stations_and_windows_are_refused(tmp_path: Path) -> None:
    source = open_source(str(tmp_path))
    with pytest.raises(RefusedInput, match="'klbb' is not four capital letters"):
        source.list_objects(["klbb"])
    with pytest.raises(RefusedInput, match="not before"):
        source.list_objects((), DAY, DAY)

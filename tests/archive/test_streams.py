from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.archive import streams
from stormlake.archive.arrivals import StoredObject, list_arrivals
from stormlake.archive.objects import FetchFailed
from stormlake.archive.s3 import Patience
from stormlake.archive.source import Source, open_source
from stormlake.archive.streams import pieces, read_at
from tests.fakes.faults import Answer, Cut, FaultProxy, Reset, Rule, slow_down
from tests.fakes.s3 import S3Server

DATA = random.Random(3).randbytes(10_000)
KEY = "2026/05/01/12/été +%20.json"  # names that have to be escaped in an address
BUCKET = "streams"
HASTE = Patience(attempts=2, body_attempts=2)


def no_wait(_: float) -> None:
    """Stands for time.sleep."""


@pytest.fixture
def folder(tmp_path: Path) -> Source:
    (tmp_path / KEY).parent.mkdir(parents=True)
    (tmp_path / KEY).write_bytes(DATA)
    return open_source(str(tmp_path))


@pytest.fixture
def bucket(server: S3Server, proxy: FaultProxy) -> Source:
    server.seed(BUCKET, {f"in/{KEY}": DATA})
    return open_source(f"s3://{BUCKET}/in", endpoint_url=proxy.endpoint_url, patience=HASTE)


@pytest.fixture(params=["folder", "bucket"])
def archive(request: pytest.FixtureRequest) -> Source:
    source: Source = request.getfixturevalue(request.param)
    return source


def only(source: Source) -> StoredObject:
    (obj,) = list_arrivals(source)
    return obj


def file_at(source: Source) -> Path:
    return Path(source.uri, KEY)


def gets(proxy: FaultProxy) -> list[str]:
    """Ranges that objects were asked for with."""
    return [request.headers["range"] for request in proxy.requests if "range" in request.headers]


def test_any_part_of_an_object_can_be_read_and_is_short_only_at_its_end(archive: Source) -> None:
    obj = only(archive)
    assert read_at(archive, obj, 0, 10_000) == DATA
    assert read_at(archive, obj, 0, 1) == DATA[:1]
    assert read_at(archive, obj, 9_990, 100) == DATA[9_990:]
    assert read_at(archive, obj, 4_000, 17) == DATA[4_000:4_017]
    for offset, size in ((10_000, 5), (20_000, 5), (0, 0)):
        assert read_at(archive, obj, offset, size) == b""


def test_an_object_comes_in_pieces_of_the_size_asked_for(archive: Source) -> None:
    obj = only(archive)
    for start in (0, 1, 4_096, 9_999):
        found = list(pieces(archive, obj, start, piece_size=4_096))
        assert b"".join(found) == DATA[start:]
        assert {len(piece) for piece in found[:-1]} <= {4_096}
        assert 0 < len(found[-1]) <= 4_096
    assert list(pieces(archive, obj)) == [DATA]
    assert list(pieces(archive, obj, start=10_000)) == []


@settings(max_examples=50, deadline=None)
@given(size=st.integers(0, 300), start=st.integers(0, 310), piece_size=st.integers(1, 310))
def test_pieces_make_up_the_object_whatever_their_size(
    tmp_path_factory: pytest.TempPathFactory, size: int, start: int, piece_size: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "object"
    path.write_bytes(DATA[:size])
    source = open_source(str(path))
    found = list(pieces(source, only(source), start, piece_size))
    assert b"".join(found) == DATA[start:size]
    assert all(found)


def test_a_source_that_is_one_object_is_read(archive: Source) -> None:
    source = open_source(f"{archive.uri}/{KEY}", endpoint_url=archive.endpoint_url)
    obj = only(source)
    assert obj.key == KEY.rpartition("/")[2]
    assert read_at(source, obj, 1, 3) == DATA[1:4]
    assert b"".join(pieces(source, obj, 0, 3_000)) == DATA


def test_an_empty_object_has_no_pieces(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    source = open_source(str(tmp_path))
    assert list(pieces(source, only(source))) == []


# objects that change


def test_a_file_that_changed_since_listing_fails(folder: Source) -> None:
    obj = only(folder)
    file_at(folder).write_bytes(DATA + b"more")
    expected = r"été.*changed since it was listed: 10000 bytes then, 10004 now"
    with pytest.raises(FetchFailed, match=expected):
        read_at(folder, obj, 0, 10)
    file_at(folder).write_bytes(DATA)  # the size of before, at another time
    os.utime(file_at(folder), ns=(0, 1))
    with pytest.raises(FetchFailed, match="changed since it was listed"):
        list(pieces(folder, obj))


def test_a_file_that_changes_between_two_pieces_fails_before_the_second(folder: Source) -> None:
    stream = pieces(folder, only(folder), piece_size=4_000)
    assert next(stream) == DATA[:4_000]
    with file_at(folder).open("ab") as file:
        file.write(b"!")
    with pytest.raises(FetchFailed, match="changed since it was listed"):
        next(stream)


def test_a_file_that_is_gone_or_never_was_there_fails_with_its_path(folder: Source) -> None:
    obj = only(folder)
    file_at(folder).unlink()
    file_at(folder).symlink_to("nowhere")
    broken = only(folder)
    assert (broken.size, broken.etag) == (0, None)
    for gone in (obj, broken):
        with pytest.raises(FetchFailed, match=r"12/été.*No such file"):
            list(pieces(folder, gone))
        with pytest.raises(FetchFailed, match=r"12/été.*No such file"):
            read_at(folder, gone, 0, 10)


def test_an_object_that_changed_or_is_gone_fails_by_its_name(
    bucket: Source, server: S3Server
) -> None:
    obj = only(bucket)
    server.client().put_object(Bucket=BUCKET, Key=f"in/{KEY}", Body=DATA[::-1])
    with pytest.raises(FetchFailed, match=rf"s3://{BUCKET}/in/2026.*changed since it was listed"):
        read_at(bucket, obj, 0, 10)
    server.client().delete_object(Bucket=BUCKET, Key=f"in/{KEY}")
    with pytest.raises(FetchFailed, match=r"gone since it was listed.*NoSuchKey"):
        list(pieces(bucket, obj))


def test_an_object_that_became_shorter_fails_without_an_etag_too(
    bucket: Source, server: S3Server
) -> None:
    obj = replace(only(bucket), etag=None)
    server.client().put_object(Bucket=BUCKET, Key=f"in/{KEY}", Body=b"short")
    with pytest.raises(FetchFailed, match="5 bytes came for the 10 at byte 0; it changed"):
        read_at(bucket, obj, 0, 10)
    with pytest.raises(FetchFailed, match="became shorter since it was listed"):
        read_at(bucket, obj, 100, 10)


def test_a_server_that_takes_no_ranges_does_not_fill_the_memory(
    bucket: Source, proxy: FaultProxy
) -> None:
    obj = only(bucket)
    proxy.inject(Rule(Answer(200, DATA), header=("range", "bytes")))
    with pytest.raises(FetchFailed, match=r"10000 bytes came for the 10 .*takes no ranges"):
        read_at(bucket, obj, 0, 10)


# a server and its faults


@pytest.mark.parametrize("reset", [False, True])
def test_only_the_piece_that_broke_off_is_asked_for_again(
    bucket: Source, proxy: FaultProxy, reset: bool
) -> None:
    obj = only(bucket)
    proxy.inject(Rule(Cut(100, reset), header=("range", "bytes=4000-")))
    waits: list[float] = []
    assert b"".join(pieces(bucket, obj, 0, 4_000, waits.append)) == DATA
    asked = ["bytes=0-3999", *["bytes=4000-7999"] * 2, "bytes=8000-9999"]
    assert gets(proxy) == asked
    assert len(waits) == 1
    assert 0 <= waits[0] <= 1


def test_a_body_that_is_always_cut_fails_after_bounded_attempts(
    bucket: Source, proxy: FaultProxy
) -> None:
    obj = only(bucket)
    proxy.inject(Rule(Cut(3), header=("range", "bytes"), skip=1, times=None))
    stream = pieces(bucket, obj, 0, 4_000, no_wait)
    assert next(stream) == DATA[:4_000]
    with pytest.raises(FetchFailed, match=r"broke off 2 times.*3 bytes read"):
        next(stream)
    assert len(gets(proxy)) == 1 + HASTE.body_attempts


def test_throttling_and_resets_are_waited_out(bucket: Source, proxy: FaultProxy) -> None:
    obj = only(bucket)
    proxy.inject(
        Rule(slow_down(), header=("range", "=0-")), Rule(Reset(), header=("range", "=8000-"))
    )
    assert b"".join(pieces(bucket, obj, 0, 4_000, no_wait)) == DATA
    assert proxy.faults == 2


def test_every_read_names_the_version_that_was_listed(bucket: Source, proxy: FaultProxy) -> None:
    obj = only(bucket)
    list(pieces(bucket, obj, 0, 4_000))
    reads = [request for request in proxy.requests if "range" in request.headers]
    assert [request.headers["if-match"] for request in reads] == [obj.etag] * 3
    assert all("authorization" in request.headers for request in reads)


# memory


class Ranges:
    """Answers reads of a large object, and knows how many were begun."""

    def __init__(self) -> None:
        self.begun = 0
        self.second = threading.Event()

    def read(self, _source: Source, _obj: StoredObject, _at: int, size: int, _: object) -> bytes:
        self.begun += 1
        if self.begun == 2:
            self.second.set()
        return bytes(size)


def test_one_piece_is_fetched_ahead_and_never_two(monkeypatch: pytest.MonkeyPatch) -> None:
    ranges = Ranges()
    monkeypatch.setattr(streams, "read_at", ranges.read)
    huge = StoredObject("huge", 2**40, None, '"e"')
    stream: Iterator[bytes] = pieces(open_source("s3://bucket"), huge, piece_size=2**10)
    for taken in range(1, 50):
        next(stream)
        assert ranges.second.wait(timeout=20)
        assert ranges.begun <= taken + 1
    stream.close()  # type: ignore[attr-defined]
    assert ranges.begun <= 50


def test_an_object_of_one_piece_starts_no_thread(bucket: Source) -> None:
    obj = only(bucket)
    before = threading.active_count()
    stream = pieces(bucket, obj)
    assert next(stream) == DATA
    assert threading.active_count() == before

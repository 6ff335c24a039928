from __future__ import annotations

import datetime as dt
import os
import pickle
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stormlake.archive import arrivals, s3
from stormlake.archive.arrivals import StoredObject, list_arrivals
from stormlake.archive.s3 import Patience
from stormlake.archive.source import Source, open_source
from stormlake.errors import RefusedInput, ServiceUnreachable
from tests.fakes.faults import FaultProxy, Reset, Rule, internal_error, s3_error, slow_down
from tests.fakes.s3 import S3Server

BUCKET = "deliveries"


def hour(year: int, month: int, day: int, at: int = 0) -> dt.datetime:
    return dt.datetime(year, month, day, at, tzinfo=dt.UTC)


START, END = hour(2026, 4, 30, 23), hour(2026, 5, 2, 6)  # of 2026-05-01, an hour early, six late

IN_A_DAY = {
    "2026/04/30/in-the-first-day": hour(2026, 4, 30),
    "2026/05/01/24/no-such-hour": hour(2026, 5, 1),
    "2026/05/01/copy/2025/01/01/12/in-a-day-all-the-same": hour(2026, 5, 1),
    "2026/05/01/in-a-day": hour(2026, 5, 1),
    "2026/05/02/in-the-last-day": hour(2026, 5, 2),
    "fleet/2026/05/01/deep/in-a-day": hour(2026, 5, 1),
}
INSIDE = {
    "2026/04/30/23/first.gz": START,
    "2026/05/01/00/rides-1-2026-05-01-00-00-00-1a": hour(2026, 5, 1),
    "2026/05/01/00/deeper/a": hour(2026, 5, 1),
    "2026/05/01/12/noon.json": hour(2026, 5, 1, 12),
    "2026/05/02/05/last": hour(2026, 5, 2, 5),
    "fleet/unicorns/2026/05/01/07/deep": hour(2026, 5, 1, 7),
    **IN_A_DAY,
}
NO_ARRIVAL = [
    "2025/05/in-another-month",
    "2025/notes.txt",
    "2026/05/in-a-month",
    "2026/05/misc/12/in-a-month",
    "2026/13/45/99/no-such-date",
    "2026/in-a-year",
    "26/05/01/12/short",
    "devices/0042/05/01/12/number",
    "events.json",
    "events/a",
    "events/été.json",
]
OUTSIDE = [
    "2025/05/01/12/a-year-before",
    "2026/04/29/23/a-day-before",
    "2026/04/29/in-the-day-before",
    "2026/04/30/22/an-hour-before",
    "2026/05/02/06/the-end",
    "2026/05/03/copy/2026/05/01/12/in-the-day-after",
    "2026/06/01/12/a-month-after",
    "2027/01/01/00/a-year-after",
    "fleet/unicorns/2025/05/01/07/deep",
]
NOT_INPUT = [
    ".hidden",
    "_planted.json",
    "_tmp/2026/05/01/12/a",
    "2026/05/01/12/_SUCCESS",
    "2026/05/01/12/.part/a",
    "2026/05/01/_tmp/a",
    "events/_spark_metadata/0",
]
ALL = [*INSIDE, *NO_ARRIVAL, *OUTSIDE, *NOT_INPUT]


def write(root: Path, keys: list[str]) -> Path:
    for key in keys:
        (root / key).parent.mkdir(parents=True, exist_ok=True)
        (root / key).write_bytes(key.encode())
    return root


def as_s3_orders(keys: list[str] | dict[str, Any]) -> list[str]:
    return sorted(keys, key=str.encode)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return open_source(str(write(tmp_path_factory.mktemp("archive"), ALL)))


@pytest.fixture(scope="module")
def bucket(server: S3Server) -> Source:
    placeholders = ["2026/", "2026/05/01/12/", "events/"]
    objects = {key: key.encode() for key in ALL} | dict.fromkeys(placeholders, b"")
    server.seed(BUCKET, objects | {f"below/{key}": data for key, data in objects.items()})
    server.seed(BUCKET, {"single/2026/05/01/12/one.gz": b"12345", "single/2026/both": b"object"})
    server.seed(BUCKET, {"single/2026/both/inside": b"x", "single/2026/both-sides": b"x"})
    return open_source(f"s3://{BUCKET}/below", endpoint_url=server.endpoint_url)


@pytest.fixture(params=["folder", "bucket"])
def archive(request: pytest.FixtureRequest) -> Source:
    source: Source = request.getfixturevalue(request.param)
    return source


def test_a_window_takes_its_hours_and_days_and_all_without_an_arrival(archive: Source) -> None:
    found = list(list_arrivals(archive, START, END))
    assert {obj.key: obj.arrival for obj in found} == INSIDE | dict.fromkeys(NO_ARRIVAL)
    assert [obj.key for obj in found] == as_s3_orders([*INSIDE, *NO_ARRIVAL])
    assert all(obj.size == len(obj.key.encode()) for obj in found)
    assert not any(obj.is_source for obj in found)
    assert all(obj.etag for obj in found)


def test_without_a_window_all_input_is_listed_in_one_order(archive: Source) -> None:
    found = list(list_arrivals(archive))
    assert [obj.key for obj in found] == as_s3_orders([*INSIDE, *NO_ARRIVAL, *OUTSIDE])
    hours = {obj.key: obj.arrival for obj in found}
    assert hours["2027/01/01/00/a-year-after"] == hour(2027, 1, 1)
    assert hours["2026/05/03/copy/2026/05/01/12/in-the-day-after"] == hour(2026, 5, 3)
    assert hours["2025/notes.txt"] is None


def test_a_window_may_lack_one_end(archive: Source) -> None:
    before = {obj.key for obj in list_arrivals(archive, None, hour(2026, 1, 1))}
    assert before - set(NO_ARRIVAL) == {
        "2025/05/01/12/a-year-before",
        "fleet/unicorns/2025/05/01/07/deep",
    }
    after = {obj.key for obj in list_arrivals(archive, hour(2026, 6, 1, 12), None)}
    assert after >= {"2026/06/01/12/a-month-after", "2027/01/01/00/a-year-after"}
    assert not after & set(INSIDE)
    assert after > set(NO_ARRIVAL)


def test_an_object_in_a_day_without_an_hour_arrived_in_one_of_its_hours(archive: Source) -> None:
    for found in (list_arrivals(archive, START, END), list_arrivals(archive)):
        hours = {obj.key: obj.arrival_hours for obj in found}
        assert {key for key in INSIDE if hours[key] == 24} == set(IN_A_DAY)
        assert {hours[key] for key in [*INSIDE, *NO_ARRIVAL] if key not in IN_A_DAY} == {1}


@pytest.mark.parametrize(
    ("start", "end", "listed"),
    [
        (hour(2019, 6, 29, 22), hour(2019, 6, 30), False),
        (hour(2019, 6, 30, 23), hour(2019, 7, 1), True),
        (hour(2019, 6, 29, 23), hour(2019, 6, 30, 1), True),
        (hour(2019, 7, 1), hour(2019, 7, 2), False),
    ],
)
def test_a_day_is_listed_when_one_of_its_hours_is_in_the_window(
    tmp_path: Path, start: dt.datetime, end: dt.datetime, listed: bool
) -> None:
    write(tmp_path, ["2019/06/30/late.json"])
    for source, key in (
        ("", "2019/06/30/late.json"),
        ("2019/06", "30/late.json"),
        ("2019/06/30", "late.json"),
        ("2019/06/30/late.json", "late.json"),
    ):
        found = list(list_arrivals(open_source(str(tmp_path / source)), start, end))
        assert [(obj.key, obj.arrival, obj.arrival_hours) for obj in found] == (
            [(key, hour(2019, 6, 30), 24)] if listed else []
        )


def test_the_order_is_that_of_s3_where_a_dot_comes_before_a_slash(tmp_path: Path) -> None:
    write(tmp_path, ["a/x", "a.json", "a-b", "a0", "ab"])
    keys = [obj.key for obj in list_arrivals(open_source(str(tmp_path)))]
    assert keys == ["a-b", "a.json", "a/x", "a0", "ab"]


@pytest.mark.parametrize(
    ("inside", "expected"),
    [
        ("2026/05/01/12", {"noon.json": hour(2026, 5, 1, 12)}),
        ("2026/05/01/00/deeper", {"a": hour(2026, 5, 1)}),
        (
            "2026/05/02",
            {"05/last": hour(2026, 5, 2, 5), "in-the-last-day": hour(2026, 5, 2)},
        ),
        ("2026/04", {"30/23/first.gz": START, "30/in-the-first-day": hour(2026, 4, 30)}),
    ],
)
def test_the_folders_of_the_source_count(
    archive: Source, inside: str, expected: dict[str, dt.datetime]
) -> None:
    source = open_source(f"{archive.uri}/{inside}", endpoint_url=archive.endpoint_url)
    found = {obj.key: obj.arrival for obj in list_arrivals(source, START, END)}
    assert found == expected


def test_the_keys_folders_count_before_those_of_the_source(tmp_path: Path) -> None:
    root = write(tmp_path / "2020/01/01/03/copy", ["2026/05/01/12/a", "2026/b", "c"])
    found = {obj.key: obj.arrival for obj in list_arrivals(open_source(str(root)))}
    assert found["2026/05/01/12/a"] == hour(2026, 5, 1, 12)
    assert found["c"] == hour(2020, 1, 1, 3)
    inside = [obj.key for obj in list_arrivals(open_source(str(root)), START, END)]
    assert inside == ["2026/05/01/12/a"]


def test_a_key_may_name_another_time_than_the_day_of_its_source(tmp_path: Path) -> None:
    keys = ["03/a", "2026/05/01/12/b", "2026/05/02/c", "24/d", "2026/e"]
    root = write(tmp_path / "1999/01/01/12/30/2020/01/01", keys)
    found = {
        obj.key: (obj.arrival, obj.arrival_hours) for obj in list_arrivals(open_source(str(root)))
    }
    assert found == {
        "03/a": (hour(2020, 1, 1, 3), 1),
        "2026/05/01/12/b": (hour(2026, 5, 1, 12), 1),
        "2026/05/02/c": (hour(2026, 5, 2), 24),
        "24/d": (hour(2020, 1, 1), 24),
        "2026/e": (hour(2020, 1, 1), 24),
    }
    inside = [obj.key for obj in list_arrivals(open_source(str(root)), START, END)]
    assert inside == ["2026/05/01/12/b", "2026/05/02/c"]


def test_one_file_can_be_the_source(tmp_path: Path, bucket: Source) -> None:
    write(tmp_path, ["2026/05/01/12/one.gz"])
    local = open_source(str(tmp_path / "2026/05/01/12/one.gz"))
    stored = open_source(
        f"s3://{BUCKET}/single/2026/05/01/12/one.gz", endpoint_url=bucket.endpoint_url
    )
    for source in (local, stored):
        (obj,) = list_arrivals(source, START, END)
        assert (obj.key, obj.arrival, obj.is_source) == ("one.gz", hour(2026, 5, 1, 12), True)
        assert list(list_arrivals(source, END, None)) == []


def test_an_object_that_is_also_a_folder_is_read_as_a_folder(bucket: Source) -> None:
    source = open_source(f"s3://{BUCKET}/single/2026/both", endpoint_url=bucket.endpoint_url)
    assert [(obj.key, obj.is_source) for obj in list_arrivals(source)] == [("inside", False)]


def test_a_prefix_without_objects_is_empty(bucket: Source) -> None:
    # `both-side` begins the name of an object and is none itself
    for prefix in ("nothing", "single/2026/both-side"):
        source = open_source(f"s3://{BUCKET}/{prefix}", endpoint_url=bucket.endpoint_url)
        assert list(list_arrivals(source, START, END)) == []


def test_an_etag_tells_one_version_from_another(tmp_path: Path, bucket: Source) -> None:
    write(tmp_path, ["a"])
    os.utime(tmp_path / "a", ns=(5, 1_700_000_000_123_456_789))
    (obj,) = list_arrivals(open_source(str(tmp_path)))
    assert obj == StoredObject("a", 1, None, "1-1700000000123456789")
    first = next(list_arrivals(bucket, START, END))
    assert re.fullmatch(r'"[0-9a-f]{32}"', first.etag or "")
    assert pickle.loads(pickle.dumps(first)) == first


# pruning


class Listing:
    """A client that lists keys as S3 does, a few on a page, and counts what it is asked."""

    class meta:  # noqa: N801
        endpoint_url = "simulated"

    def __init__(self, keys: Iterator[str] | list[str], page: int = 1000) -> None:
        self.keys = keys
        self.page = page
        self.asked: list[str] = []

    def get_paginator(self, _: str) -> Listing:
        return self

    def paginate(
        self,
        *,
        Prefix: str,  # noqa: N803
        Delimiter: str = "",  # noqa: N803
        **_: Any,
    ) -> Iterator[dict[str, Any]]:
        entries: dict[str, bool] = {}
        for key in self.keys:
            if key.startswith(Prefix):
                inside, slash, _rest = key[len(Prefix) :].partition(Delimiter or "\0")
                entries[Prefix + inside + slash] = bool(slash)
            if len(entries) == self.page:
                yield self._page(Prefix + Delimiter, entries)
                entries = {}
        yield self._page(Prefix + Delimiter, entries)

    def _page(self, asked: str, entries: dict[str, bool]) -> dict[str, Any]:
        self.asked.append(asked)
        return {
            "Contents": [{"Key": k, "Size": 1, "ETag": '"e"'} for k, d in entries.items() if not d],
            "CommonPrefixes": [{"Prefix": k} for k, d in entries.items() if d],
        }


def stub(monkeypatch: pytest.MonkeyPatch, client: Listing) -> Source:
    monkeypatch.setattr(arrivals, "client_of", lambda _: client)
    monkeypatch.setattr(arrivals, "probe_bucket", lambda _: None)
    return open_source("s3://bucket")


def test_a_day_without_an_hour_of_the_window_is_never_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begin = hour(2025, 12, 1)
    hours = (begin + dt.timedelta(hours=n) for n in range(24 * 220))
    client = Listing([f"{at:%Y/%m/%d/%H}/object" for at in hours])
    found = list(list_arrivals(stub(monkeypatch, client), START, END))
    assert len(found) == 1 + 24 + 6
    assert client.asked == [
        "/",  # the years
        "2025//",  # an object may lie in a year or a month
        "2025/12//",
        "2026//",
        "2026/01//",
        "2026/02//",
        "2026/03//",
        "2026/04//",
        "2026/04/30/",  # a day is listed flat
        "2026/05//",
        "2026/05/01/",
        "2026/05/02/",
        "2026/06//",
        "2026/07//",
    ]


def test_without_a_window_one_flat_listing_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Listing([f"{y}/05/01/12/{n}" for y in range(2016, 2026) for n in range(300)])
    assert len(list(list_arrivals(stub(monkeypatch, client)))) == 3000
    assert client.asked == [""] * 4


def test_the_last_day_of_a_month_and_of_a_year_is_not_pruned(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    days = [(2024, 2, 29), (2025, 2, 28), (2026, 4, 30), (2026, 12, 31)]
    client = Listing([f"{y}/{m:02d}/{d:02d}/23/last" for y, m, d in days])
    source = stub(monkeypatch, client)
    for day in days:
        last = hour(*day, 23)
        (obj,) = list_arrivals(source, last, last + dt.timedelta(hours=1))
        assert obj.arrival == last
        assert list(list_arrivals(source, last + dt.timedelta(hours=1), hour(2030, 1, 1))) == list(
            list_arrivals(source, last + dt.timedelta(minutes=1), hour(2030, 1, 1))
        )


def test_folders_of_other_days_are_not_opened_on_a_disk_either(
    folder: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    scandir = os.scandir

    def counted(path: str) -> object:
        opened.append(Path(path).relative_to(folder.uri).as_posix())
        return scandir(path)

    monkeypatch.setattr(os, "scandir", counted)
    list(list_arrivals(folder, START, END))
    assert not [path for path in opened if path.startswith(("_", ".h"))]
    assert not {"2025/05/01", "2027/01/01", "2026/06/01", "2026/05/03"} & set(opened)
    assert "events/_spark_metadata" not in opened
    assert not {"2026/04/29", "2026/04/30/22", "2026/05/02/06", "2026/05/01/_tmp"} & set(opened)
    assert {"2026/04/30/23", "2026/05/01/12", "2026/13/45/99", "2025/05"} < set(opened)


def test_the_next_page_is_asked_for_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Listing([f"2026/05/01/12/{n:07d}" for n in range(2500)])
    stream = list_arrivals(stub(monkeypatch, client))
    for taken in range(2500):
        assert len(client.asked) == -(-taken // 1000)
        next(stream)
    assert next(stream, None) is None


def test_folders_may_nest_deeper_than_python_recurses(monkeypatch: pytest.MonkeyPatch) -> None:
    key = "f/" * 511 + "x"  # S3 takes 1,024 bytes
    client = Listing([f"//{key[:-2]}"])
    (obj,) = list_arrivals(stub(monkeypatch, client), START, END)
    assert obj.key == f"//{key[:-2]}"


# a real server and its faults


def test_pages_of_a_real_server_are_merged_in_order(
    server: S3Server, proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = ["f0", "f0/a", "f1", "f1/a", "f1/b", "f2", "f2.gz", "f2/a", "f3/a"]
    server.seed("paged", dict.fromkeys(keys, b""))
    list_pages = s3.list_pages
    monkeypatch.setattr(
        s3, "list_pages", lambda *args, **options: list_pages(*args, **options, page_size=3)
    )
    source = open_source("s3://paged", endpoint_url=proxy.endpoint_url)
    assert [obj.key for obj in list_arrivals(source, START, END)] == as_s3_orders(keys)
    targets = [request.target for request in proxy.requests]
    assert sum("continuation-token" in target for target in targets) == 2  # 8 names at the top


def test_throttling_and_resets_do_not_lose_a_key(bucket: Source, proxy: FaultProxy) -> None:
    proxy.inject(Rule(slow_down(), skip=1), Rule(internal_error(), skip=2), Rule(Reset(), skip=3))
    source = open_source(bucket.uri, endpoint_url=proxy.endpoint_url)
    assert len(list(list_arrivals(source, START, END))) == len(INSIDE) + len(NO_ARRIVAL)
    assert proxy.faults == 3


def test_a_bucket_that_is_missing_or_refused_is_told_in_the_call(proxy: FaultProxy) -> None:
    source = open_source("s3://no-such-bucket/x", endpoint_url=proxy.endpoint_url)
    with pytest.raises(RefusedInput, match=r"'no-such-bucket'.*check --source"):
        list_arrivals(source)
    proxy.inject(Rule(s3_error(403, "AccessDenied"), times=None))
    with pytest.raises(RefusedInput, match="AccessDenied"):
        list_arrivals(source)
    assert all("authorization" in request.headers for request in proxy.requests)


def test_throttling_without_end_is_a_service_out_of_reach(
    bucket: Source, proxy: FaultProxy
) -> None:
    proxy.inject(Rule(slow_down(), skip=1, times=None))  # the probe passes
    hasty = Patience(attempts=1)
    source = open_source(bucket.uri, endpoint_url=proxy.endpoint_url, patience=hasty)
    with pytest.raises(ServiceUnreachable, match="SlowDown"):
        list(list_arrivals(source))


# what lies on disks


def test_a_missing_source_and_one_that_is_neither_file_nor_folder_are_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(RefusedInput, match=r"nowhere'.*No such file.*of a sensor archive"):
        list_arrivals(open_source(str(tmp_path / "nowhere")))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RefusedInput, match=r"pipe' is neither .*sensor archive"):
        list_arrivals(open_source(str(tmp_path / "pipe")))


def test_a_folder_that_cannot_be_read_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ["inside/a"])
    scandir = os.scandir

    def refuse(path: str) -> object:  # tests may run as root, whom no permission stops
        if str(path).endswith("inside"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(RefusedInput, match=r"inside' cannot be listed: Permission denied"):
        list(list_arrivals(open_source(str(tmp_path))))


def test_links_are_followed_but_not_round_in_circles(tmp_path: Path) -> None:
    write(tmp_path / "data", ["2026/05/01/12/a"])
    root = tmp_path / "root"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "data")
    (tmp_path / "data/2026/back").symlink_to(tmp_path / "data")
    (root / "self").symlink_to(root)
    (root / "knot").symlink_to(root / "knot")
    found = list(list_arrivals(open_source(str(root)), START, END))
    assert [(obj.key, obj.etag is None) for obj in found] == [
        ("knot", True),  # leads nowhere: reading it fails and says so
        ("linked/2026/05/01/12/a", False),
    ]


def test_pipes_and_sockets_are_no_input_and_are_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    write(tmp_path, ["a"])
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # a socket's path has to be short
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind("socket")
        assert [obj.key for obj in list_arrivals(open_source(str(tmp_path)))] == ["a"]
    assert "pipe is a pipe, socket or device" in caplog.text
    assert "socket is a pipe, socket or device" in caplog.text


def test_a_name_that_is_not_unicode_has_a_key_that_tables_can_hold(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.json")).write_bytes(b"{}")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    (obj,) = list_arrivals(open_source(str(tmp_path)))
    assert obj.key == r"caf\xe9.json"

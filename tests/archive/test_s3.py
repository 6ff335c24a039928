from __future__ import annotations

import datetime as dt
import multiprocessing
import pickle
import re
import socket
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from stormlake.archive import s3
from stormlake.archive.objects import LARGEST_OBJECT, ArchiveObject, FetchFailed
from stormlake.archive.plan import plan_tasks
from stormlake.archive.prefetch import prefetch
from stormlake.archive.s3 import DEFAULT_SOURCE, Patience
from stormlake.archive.s3_read import read_object
from stormlake.archive.source import S3Fetcher, Source, open_fetcher, open_source
from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable
from stormlake.radar.outcomes import Reason
from tests.data import wheel_file
from tests.fakes.faults import (
    Answer,
    Cut,
    Delay,
    FaultProxy,
    Reset,
    Rule,
    internal_error,
    slow_down,
)
from tests.fakes.s3 import S3Server

PUBLIC = DEFAULT_SOURCE.removeprefix("s3://")
DAY = dt.date(2016, 6, 1)
NEXT = DAY + dt.timedelta(days=1)
FOLDER = "2016/06/01/KLBB/"
VOLUMES = [f"{FOLDER}KLBB20160601_{n // 60:02d}{n % 60:02d}00_V06" for n in range(1200)]
SKIPPED = {
    FOLDER: Reason.FOLDER,
    f"{FOLDER}KLBB20160601_150025_V06_MDM": Reason.METADATA_ONLY,
    f"{FOLDER}NWS_NEXRAD_NXL2DPBL_20160601150000_20160601155959.tar": Reason.NXL2_TAR,
    f"{FOLDER}KLBB20160602_000000_V06": Reason.UNKNOWN_KEY,  # another day's
    f"{FOLDER}notes.txt": Reason.UNKNOWN_KEY,
}
ELSEWHERE = [
    "2016/05/31/KLBB/KLBB20160531_235959_V06",
    "2016/06/02/KLBB/KLBB20160602_000000_V06",
    "2016/06/01/KSRX/KSRX20160601_000000_V06",
    "2016/06/01/KLBBX/KLBB20160601_000000_V06",
]
HASTE = Patience(attempts=2, body_attempts=2, connect_timeout=2, read_timeout=5)


@pytest.fixture(scope="session")
def archive(server: S3Server) -> S3Server:
    others = {key: b"" if key.endswith("/") else b"x" for key in [*SKIPPED, *ELSEWHERE]}
    server.seed(PUBLIC, {**dict.fromkeys(VOLUMES, b"volume"), **others}, public=True)
    volume = wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    key = "2003/01/01/KLOT/KLOT20030101_000921.bz2"
    server.seed("private", {key: volume, f"some/prefix/{key}": volume})
    return server


@pytest.fixture
def faulty(archive: S3Server, proxy: FaultProxy) -> FaultProxy:
    return proxy


def public(proxy: FaultProxy, patience: Patience = s3.PATIENT) -> Source:
    return open_source(endpoint_url=proxy.endpoint_url, patience=patience)


def day_of(source: Source) -> list[ArchiveObject]:
    return list(source.list_objects(["KLBB"], DAY, NEXT))


def volume(key: str = VOLUMES[0], size: int = 6) -> ArchiveObject:
    return ArchiveObject(key, size, "KLBB", DAY)


# listing


def test_a_day_of_1200_volumes_is_listed_page_by_page_and_nothing_beside_it(
    faulty: FaultProxy,
) -> None:
    objects = day_of(public(faulty))
    assert [obj.key for obj in objects] == sorted([*VOLUMES, *SKIPPED])
    assert {obj.key: obj.skip for obj in objects if obj.skip} == SKIPPED
    assert {(obj.station, obj.date) for obj in objects} == {("KLBB", DAY)}
    last = next(obj for obj in objects if obj.key == VOLUMES[-1])
    assert last.key_time == dt.datetime(2016, 6, 1, 19, 59, tzinfo=dt.UTC)
    assert last.size == len(b"volume")
    targets = [request.target for request in faulty.requests]
    assert all("prefix=2016%2F06%2F01%2FKLBB%2F&" in f"{target}&" for target in targets[1:])
    assert sum("continuation-token" in target for target in targets) == 1  # 1000 and 205


def test_listing_streams_and_asks_for_the_next_page_only_when_it_is_needed(
    faulty: FaultProxy,
) -> None:
    client = s3.make_client(
        s3.make_session("us-east-1", None), endpoint_url=faulty.endpoint_url, unsigned=True
    )
    stream = s3.list_station_days(
        client, bucket=PUBLIC, prefix="", stations=["KLBB"], start=DAY, end=NEXT, page_size=100
    )
    for _ in range(100):
        next(stream)
    assert len(faulty.requests) == 1
    assert len(list(stream)) == 1105
    assert len(faulty.requests) == 13


def test_several_stations_and_days_come_in_order(faulty: FaultProxy) -> None:
    objects = list(public(faulty).list_objects(["KSRX", "KLBB"], DAY - dt.timedelta(days=1), NEXT))
    assert objects[0].key == ELSEWHERE[0]
    assert objects[-1].key == ELSEWHERE[2]
    assert len(objects) == 1205 + 2


def test_a_station_day_without_objects_is_empty(faulty: FaultProxy) -> None:
    assert list(public(faulty).list_objects(["KTLX"], DAY, NEXT)) == []


def test_a_source_may_lie_under_a_prefix_and_keys_do_not_show_it(faulty: FaultProxy) -> None:
    for uri in ("s3://private/some/prefix", "s3://private/some/prefix/", "s3://private"):
        source = open_source(uri, endpoint_url=faulty.endpoint_url)
        day = dt.date(2003, 1, 1)
        (obj,) = source.list_objects(["KLOT"], day, day + dt.timedelta(days=1))
        assert obj.key == "2003/01/01/KLOT/KLOT20030101_000921.bz2"
        expected = wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
        assert open_fetcher(source).fetch(obj) == expected


def test_throttling_and_internal_errors_do_not_lose_a_key(faulty: FaultProxy) -> None:
    client = s3.make_client(
        s3.make_session("us-east-1", None), endpoint_url=faulty.endpoint_url, unsigned=True
    )
    faulty.inject(
        Rule(slow_down(), every=5, times=2),
        Rule(internal_error(), skip=2, every=5, times=2),
        Rule(Reset(), skip=5),
    )
    objects = list(
        s3.list_station_days(
            client, bucket=PUBLIC, prefix="", stations=["KLBB"], start=DAY, end=NEXT, page_size=200
        )
    )
    assert [obj.key for obj in objects] == sorted([*VOLUMES, *SKIPPED])
    assert faulty.faults == 5


def test_throttling_without_end_is_a_service_out_of_reach(faulty: FaultProxy) -> None:
    faulty.inject(Rule(slow_down(), skip=1, times=None))
    with pytest.raises(ServiceUnreachable, match="SlowDown") as caught:
        day_of(public(faulty, HASTE))
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert len(faulty.requests) == 1 + HASTE.attempts


def test_a_closed_port_is_told_within_seconds() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{free.getsockname()[1]}"
    begun = time.monotonic()
    with pytest.raises(ServiceUnreachable, match=re.escape(endpoint)) as caught:
        open_source(endpoint_url=endpoint).list_objects(["KLBB"], DAY, NEXT)
    assert caught.value.exit_code is ExitCode.UNREACHABLE
    # four attempts, waits of random() * (1 + 2 + 4) s between them
    assert time.monotonic() - begun < 12


def test_a_web_page_instead_of_s3_is_a_service_out_of_reach(faulty: FaultProxy) -> None:
    faulty.inject(Rule(Answer(200, b"<html><p>Log in to this network", {}), times=None))
    with pytest.raises(ServiceUnreachable, match=re.escape(faulty.endpoint_url)):
        day_of(public(faulty, HASTE))


def test_a_bucket_that_does_not_exist_is_refused_with_what_to_check(faulty: FaultProxy) -> None:
    source = open_source("s3://no-such-bucket", endpoint_url=faulty.endpoint_url)
    with pytest.raises(RefusedInput, match=r"'no-such-bucket'.*NoSuchBucket.*check --source"):
        source.list_objects(["KLBB"], DAY, NEXT)


@pytest.mark.parametrize("code", ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"])
def test_a_refused_listing_is_refused_input(faulty: FaultProxy, code: str) -> None:
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()
    faulty.inject(Rule(Answer(403, body), times=None))
    with pytest.raises(RefusedInput, match=rf"{code}.*--aws-profile"):
        day_of(public(faulty))
    assert len(faulty.requests) == 1  # and not asked again


def test_missing_credentials_profile_and_endpoint_are_refused(
    faulty: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    private = open_source("s3://private", endpoint_url=faulty.endpoint_url)
    with pytest.raises(RefusedInput, match="credentials"):
        private.list_objects(["KLOT"], DAY, NEXT)
    with pytest.raises(RefusedInput, match="nobody"):
        open_source("s3://private", aws_profile="nobody").list_objects(["KLOT"], DAY, NEXT)
    with pytest.raises(RefusedInput, match="nonsense"):
        open_source("s3://private", endpoint_url="nonsense").list_objects(["KLOT"], DAY, NEXT)
    assert faulty.requests == []


def test_a_bucket_needs_stations_and_both_ends_of_the_window() -> None:
    source = open_source()
    for options in ([(), DAY, NEXT], [["KLBB"], None, NEXT], [["KLBB"], DAY, None]):
        with pytest.raises(RefusedInput, match="needs --station, --start and --end"):
            source.list_objects(*options)  # type: ignore[arg-type]


# signing


def test_the_public_archive_is_read_without_a_signature(faulty: FaultProxy) -> None:
    source = public(faulty)
    assert (source.uri, source.unsigned, source.region) == (DEFAULT_SOURCE, True, "us-east-1")
    data = open_fetcher(source).fetch(day_of(source)[1])
    assert data == b"volume"
    assert {"list-type" in request.target for request in faulty.requests} == {True, False}
    assert not any("authorization" in request.headers for request in faulty.requests)


def test_any_other_bucket_is_read_with_a_signature(faulty: FaultProxy) -> None:
    source = open_source("s3://private", endpoint_url=faulty.endpoint_url, region="eu-west-1")
    assert not source.unsigned
    (obj,) = source.list_objects(["KLOT"], dt.date(2003, 1, 1), dt.date(2003, 1, 2))
    open_fetcher(source).fetch(obj)
    assert len(faulty.requests) == 3
    for request in faulty.requests:
        assert re.match(
            r"AWS4-HMAC-SHA256 Credential=testing/\d{8}/eu-west-1/s3/",
            request.headers["authorization"],
        )


# fetching


@pytest.mark.parametrize("reset", [False, True])
def test_a_body_cut_in_mid_stream_is_read_again(faulty: FaultProxy, reset: bool) -> None:
    faulty.inject(Rule(Cut(1000, reset), times=2))
    waits: list[float] = []
    source = open_source("s3://private", endpoint_url=faulty.endpoint_url)
    obj = volume("2003/01/01/KLOT/KLOT20030101_000921.bz2")
    data = S3Fetcher(source, waits.append).fetch(obj)
    assert data == wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    assert [request.status for request in faulty.requests] == [200, 200, 200]
    assert len(waits) == 2
    assert 0 <= waits[0] <= 1
    assert 0 <= waits[1] <= 2


def test_a_body_that_is_always_cut_fails_after_bounded_attempts(faulty: FaultProxy) -> None:
    faulty.inject(Rule(Cut(3), times=None))
    waits: list[float] = []
    with pytest.raises(FetchFailed, match=rf"{VOLUMES[0]} broke off 5 times.*3 bytes read, 3 more"):
        S3Fetcher(public(faulty), waits.append).fetch(volume())
    assert len(faulty.requests) == 5
    assert len(waits) == 4


def test_a_body_that_stalls_is_read_again(faulty: FaultProxy) -> None:
    faulty.inject(Rule(Delay(2.0)))
    source = public(faulty, replace(HASTE, read_timeout=0.5))
    assert S3Fetcher(source, lambda _: None).fetch(volume()) == b"volume"
    assert len(faulty.requests) == 2


def test_throttling_errors_and_resets_before_the_body_are_waited_out(faulty: FaultProxy) -> None:
    faulty.inject(Rule(slow_down()), Rule(internal_error()), Rule(Reset()))
    assert open_fetcher(public(faulty)).fetch(volume()) == b"volume"
    assert faulty.faults == 3


def test_an_object_that_is_gone_fails_at_once_with_its_name(faulty: FaultProxy) -> None:
    with pytest.raises(FetchFailed, match=rf"s3://{PUBLIC}/{FOLDER}gone.*NoSuchKey") as caught:
        open_fetcher(public(faulty)).fetch(volume(f"{FOLDER}gone"))
    assert len(faulty.requests) == 1
    assert pickle.loads(pickle.dumps(caught.value)).detail == caught.value.detail


def test_an_object_that_may_not_be_read_fails_with_what_s3_said(faulty: FaultProxy) -> None:
    body = b"<Error><Code>InvalidObjectState</Code><Message>in Glacier</Message></Error>"
    faulty.inject(Rule(Answer(403, body)))
    with pytest.raises(FetchFailed, match=r"InvalidObjectState.*in Glacier"):
        open_fetcher(public(faulty)).fetch(volume())


def test_a_server_out_of_reach_fails_the_object_and_not_the_task(faulty: FaultProxy) -> None:
    faulty.inject(Rule(Reset(), times=None))
    with pytest.raises(FetchFailed, match=VOLUMES[0]):
        open_fetcher(public(faulty, HASTE)).fetch(volume())


def test_an_object_too_large_for_a_volume_is_not_read() -> None:
    class Huge:
        def get_object(self, **_: str) -> dict[str, Any]:
            return {"ContentLength": LARGEST_OBJECT + 1}

    with pytest.raises(FetchFailed, match=f"has {LARGEST_OBJECT + 1} bytes"):
        read_object(Huge(), "bucket", "key")


def test_fetching_ahead_keeps_order_through_faults(faulty: FaultProxy) -> None:
    faulty.inject(Rule(Cut(2), method="GET", every=4, times=3), Rule(slow_down(), skip=3))
    objects = [volume(key) for key in [*VOLUMES[:10], f"{FOLDER}gone", *VOLUMES[10:12]]]
    got = list(prefetch(S3Fetcher(public(faulty), lambda _: None), objects))
    assert [obj for obj, _ in got] == objects
    assert isinstance(got[10][1], FetchFailed)
    assert [data for _, data in got if data == b"volume"] == [b"volume"] * 12


# travelling


def fetch_elsewhere(fetcher: S3Fetcher, obj: ArchiveObject) -> bytes:
    return fetcher.fetch(obj)


def test_a_used_fetcher_still_travels_to_another_process(faulty: FaultProxy) -> None:
    fetcher = S3Fetcher(public(faulty))
    assert fetcher.fetch(volume()) == b"volume"
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(fetch_elsewhere, fetcher, volume()).result(timeout=60) == b"volume"


def test_a_process_makes_one_client_for_equal_sources(
    faulty: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    make_client = s3.make_client

    def counted(*args: Any, **options: Any) -> Any:
        made.append(options["endpoint_url"])
        return make_client(*args, **options)

    monkeypatch.setattr(s3, "make_client", counted)
    source = public(faulty)
    for fetcher in (open_fetcher(source), open_fetcher(pickle.loads(pickle.dumps(source)))):
        fetcher.fetch(volume())
    assert made == [faulty.endpoint_url]


def test_importing_the_archive_imports_no_aws() -> None:
    code = (
        "import sys, stormlake.archive.source as source; source.open_source(); "
        "sys.exit(any(name in sys.modules for name in ('boto3', 'botocore', 'pyspark')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# memory


class ManyKeys:
    """Lists 100,000 keys of 100 station-days as pages of 1,000, as S3 would."""

    class meta:  # noqa: N801
        endpoint_url = "simulated"

    def get_paginator(self, _: str) -> ManyKeys:
        return self

    def paginate(self, *, Prefix: str, **_: Any) -> Iterator[dict[str, Any]]:  # noqa: N803
        year, month, day, station, _rest = Prefix.split("/")
        name = f"{Prefix}{station}{year}{month}{day}"
        yield {
            "Contents": [
                {
                    "Key": f"{name}_{n // 60:02d}{n % 60:02d}00_V06",
                    "Size": 4_000_000,
                    "ETag": '"d41d8cd98f00b204e9800998ecf8427e"',
                }
                for n in range(1000)
            ]
        }


def many_keys() -> Iterator[ArchiveObject]:
    return s3.list_station_days(
        ManyKeys(),
        bucket=PUBLIC,
        prefix="",
        stations=["KLBB"],
        start=DAY,
        end=DAY + dt.timedelta(days=100),
    )


def test_100_000_keys_stream_in_the_memory_of_a_page() -> None:
    tracemalloc.start()
    try:
        assert sum(1 for _ in many_keys()) == 100_000
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()


def test_100_000_keys_are_planned_in_less_than_200_mb() -> None:
    tracemalloc.start()
    try:
        tasks = plan_tasks(many_keys())
        assert tracemalloc.get_traced_memory()[1] < 200e6
    finally:
        tracemalloc.stop()
    assert sum(len(task.objects) for task in tasks) == 100_000
    assert len(tasks) == 100 * 120  # 4 GB a day in tasks of at most 32 MiB


@pytest.mark.parametrize(("given", "expected"), [(None, "eu-north-1"), ("us-west-2", "us-west-2")])
def test_the_region_of_lambda_and_emr_is_taken_where_boto3_finds_none(
    monkeypatch: pytest.MonkeyPatch, given: str | None, expected: str
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_REGION", "eu-north-1")
    assert s3.make_session(given, None).region_name == expected
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert s3.make_session(None, None).region_name == "ap-south-1"

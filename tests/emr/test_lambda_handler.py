"""The event handler against a real S3 protocol server, and beside the batch job."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from stormlake.errors import RefusedInput
from stormlake.lake.sources import shipped_file
from stormlake.lake.store import LocalStore, S3Store
from stormlake.lake.stream import Stream, file_stem
from stormlake.radar.profiles import load_profile
from stormlake.radar.stations import builtin_stations
from tests.data import wheel_file
from tests.fakes.events import by_sns, by_sqs, by_sqs_of_sns, s3_event
from tests.fakes.faults import Cut, FaultProxy, Rule, s3_error, slow_down
from tests.fakes.s3 import CREDENTIALS, S3Server, s3_server
from tests.integration.archives import archive_key, small_volumes, write_archive
from tests.integration.runs import JobServer, lake_table, test_environment, volumes

BUCKET = "weather-archive"
PREFIX = "raw data+1/"
KATX = archive_key("KATX20130717_195021_V06")
KLOT = archive_key("KLOT20030101_000921.bz2")
DAMAGED = archive_key("KLOT20030101_001500.bz2")
METADATA = archive_key("KATX20130717_195021_V06_MDM")


def wheel_volumes() -> dict[str, bytes]:
    """Real volumes of the arm-pyart wheel under names of the archive, and what is none."""
    klot = wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    return {
        KATX: wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes(),
        KLOT: klot,
        DAMAGED: klot[: len(klot) // 2],
        METADATA: b"metadata",
    }


@pytest.fixture(scope="module")
def function() -> ModuleType:
    """The file as an account gets it."""
    spec = importlib.util.spec_from_file_location(
        "lambda_handler", str(shipped_file("emr", "lambda_handler.py"))
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as server:
        server.seed(BUCKET, {PREFIX + key: data for key, data in wheel_volumes().items()})
        server.client().create_bucket(Bucket="lake")
        yield server


@pytest.fixture(scope="module")
def one_proxy(server: S3Server) -> Iterator[FaultProxy]:
    with FaultProxy(server.endpoint_url) as proxy:
        yield proxy


@pytest.fixture
def proxy(one_proxy: FaultProxy) -> FaultProxy:
    """One address for all tests, as a process keeps its client of the archive."""
    one_proxy.clear()
    return one_proxy


@pytest.fixture
def lake(
    server: S3Server,
    proxy: FaultProxy,
    coarse: Path,
    function: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[S3Store]:
    """A lake for one test, and the function's environment that names it."""
    prefix = uuid.uuid4().hex
    environment = {
        **CREDENTIALS,
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": proxy.endpoint_url,
        "STORMLAKE_LAKE": f"s3://lake/{prefix}",
        "STORMLAKE_SOURCE": f"s3://{BUCKET}/{PREFIX}",
        "STORMLAKE_PROFILE": str(coarse),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    function.stream_of_environment.cache_clear()
    yield S3Store(server.client(), "lake", prefix)
    function.stream_of_environment.cache_clear()


def event(*keys: str) -> dict[str, Any]:
    return s3_event(BUCKET, {PREFIX + key: 1 for key in keys})


def files(lake: S3Store, table: str) -> list[str]:
    """Names of a table's files, without their ending."""
    found = [entry.path for entry in lake.list(f"stream/{table}/")]
    return sorted(path.rpartition("/")[2].removesuffix(".parquet") for path in found)


@pytest.mark.parametrize("envelope", [dict, by_sns], ids=["S3", "SNS"])
def test_every_record_of_an_event_is_handled_and_keys_have_blanks_and_plus_signs(
    function, lake, envelope
) -> None:
    answer = function.handler(envelope(event(KATX, KLOT, DAMAGED, METADATA)), None)
    assert answer == {"ok": 1, "partial": 1, "rejected": 1, "skipped": 1}
    keys = (KATX, KLOT, DAMAGED, METADATA)
    assert files(lake, "radar_volumes") == sorted(file_stem(key) for key in keys)
    assert set(files(lake, "radar_grid")) == {file_stem(KATX), file_stem(KLOT)}
    assert len(files(lake, "radar_geometry")) == 2


@pytest.mark.parametrize("queue", [by_sqs, by_sqs_of_sns], ids=["SQS", "SNS in SQS"])
def test_of_a_queues_messages_only_those_that_failed_are_delivered_again(
    function, lake, proxy, queue
) -> None:
    proxy.inject(Rule(slow_down(), method="GET", path="KLOT20030101_000921", times=None))
    answer = function.handler(queue(event(KATX), event(KLOT), event(DAMAGED)), None)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m1"}]}
    assert files(lake, "radar_volumes") == sorted(map(file_stem, (KATX, DAMAGED)))

    proxy.clear()
    assert function.handler(queue(event(KLOT)), None) == {"batchItemFailures": []}
    assert files(lake, "radar_volumes") == sorted(map(file_stem, (KATX, KLOT, DAMAGED)))


def test_any_other_event_fails_as_a_whole_and_its_retry_writes_the_same_again(
    function, lake, proxy
) -> None:
    proxy.inject(Rule(slow_down(), method="GET", path="KATX20130717", times=None))
    with pytest.raises(function.NotHandled, match=r"raw data\+1/2013/07/17/KATX/.*SlowDown"):
        function.handler(event(KATX, KLOT), None)
    assert files(lake, "radar_volumes") == [file_stem(KLOT)]
    before = {entry.path: lake.read(entry.path).data for entry in lake.list("stream/")}

    proxy.clear()
    assert function.handler(event(KATX, KLOT), None) == {"ok": 1, "partial": 1}
    after = {entry.path: lake.read(entry.path).data for entry in lake.list("stream/")}
    assert {path: after[path] for path in before} == before
    assert files(lake, "radar_volumes") == sorted(map(file_stem, (KATX, KLOT)))


def test_a_lake_that_lets_nobody_write_fails_and_a_cut_body_is_read_again(
    function, lake, proxy
) -> None:
    proxy.inject(
        Rule(Cut(after=10_000), method="GET", path="KATX20130717", times=1),
        Rule(s3_error(403, "AccessDenied"), method="PUT", path="radar_columns", times=None),
    )
    with pytest.raises(function.NotHandled, match=r"StoreRefused.*AccessDenied"):
        function.handler(event(KATX), None)
    assert files(lake, "radar_volumes") == [], "the row promises what stands"
    proxy.clear()
    assert function.handler(event(KATX), None) == {"partial": 1}


def test_an_object_that_is_gone_is_a_row_not_an_endless_retry(function, lake) -> None:
    gone = archive_key("KATX20130717_235959_V06")
    assert function.handler(by_sqs(event(gone)), None) == {"batchItemFailures": []}
    assert files(lake, "radar_volumes") == [file_stem(gone)]


def test_what_no_retry_mends_goes_the_way_to_the_dead_letters(function, lake) -> None:
    answer = function.handler(by_sqs("{not JSON", event(METADATA), s3_event("other", {"k": 1})))
    assert answer == {"batchItemFailures": [{"itemIdentifier": "m0"}, {"itemIdentifier": "m2"}]}
    with pytest.raises(function.NotHandled, match="no notification of S3"):
        function.handler({"key1": "value1"}, None)
    assert files(lake, "radar_volumes") == [file_stem(METADATA)]


def test_the_services_own_tests_and_removals_do_nothing(function, lake) -> None:
    test = {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": BUCKET}
    assert function.handler(test, None) == {}
    assert function.handler(by_sqs(test), None) == {"batchItemFailures": []}
    assert function.handler(s3_event(BUCKET, {KATX: 1}, name="ObjectRemoved:Delete")) == {}
    assert function.handler(s3_event(BUCKET, {"index.html": 1}), None) == {"ignored": 1}
    assert list(lake.list("")) == []


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "STORMLAKE_LAKE is not set"),
        ({"STORMLAKE_LAKE": "s3://l", "STORMLAKE_SOURCE": "/tmp"}, "'/tmp' is not s3://"),
        ({"STORMLAKE_LAKE": "s3://l", "STORMLAKE_PROFILE": "lakes"}, "no profile 'lakes'"),
        ({"STORMLAKE_LAKE": "s3://l", "STORMLAKE_STATION_FILE": "/no.csv"}, "/no.csv"),
        ({"STORMLAKE_LAKE": "gs://lake"}, "not 'gs://lake'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(function, settings, says: str) -> None:
    with pytest.raises(RefusedInput, match=says):
        function.open_stream(settings)


def test_without_settings_the_public_archive_is_read_unsigned_into_profile_lake(
    function, tmp_path: Path
) -> None:
    stream = function.open_stream({"STORMLAKE_LAKE": str(tmp_path)})
    assert stream.source.uri == "s3://unidata-nexrad-level2" and stream.source.unsigned
    assert stream.profile == load_profile("lake")


_BLOCKER = """\
import sys

FOREIGN = {
    "pyspark", "py4j", "pyart", "xradar", "scipy", "matplotlib", "netCDF4",
    "h5py", "cartopy", "pyproj", "s3fs", "fsspec", "aiobotocore", "psutil", "click", "requests",
}

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in FOREIGN:
            raise ModuleNotFoundError(f"{name} is not in the image")

sys.meta_path.insert(0, Blocker())
"""


def test_spark_and_the_chain_of_pyart_are_not_needed(lake, coarse: Path, tmp_path: Path) -> None:
    """In a process, and a decoder's, that have neither; from import to written rows."""
    (tmp_path / "sitecustomize.py").write_text(_BLOCKER)
    script = (
        "import importlib.util, json, sys\n"
        "spec = importlib.util.spec_from_file_location('function', sys.argv[1])\n"
        "module = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\n"
        "assert not {'boto3', 'botocore', 'recast_radar'} & set(sys.modules), 'made lazily'\n"
        "print(json.dumps(module.handler(json.loads(sys.argv[2]), None)))\n"
    )
    wanted = ("AWS_", "STORMLAKE_")
    environment = test_environment({"PYTHONPATH": str(tmp_path)}) | {
        name: value for name, value in os.environ.items() if name.startswith(wanted)
    }
    done = subprocess.run(
        [
            *(sys.executable, "-c", script),
            *(str(shipped_file("emr", "lambda_handler.py")), json.dumps(event(KATX, KLOT))),
        ],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"ok": 1, "partial": 1}
    assert set(files(lake, "radar_grid")) == {file_stem(KATX), file_stem(KLOT)}


class Folder:
    """The bucket of a test's events as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def fetch(self, obj: Any) -> bytes:
        return (self.root / obj.key).read_bytes()


@pytest.mark.spark
@pytest.mark.one_runtime
def test_the_rows_are_those_of_the_batch_job_which_takes_over_after_its_record(
    function, job: JobServer, coarse: Path, tmp_path: Path
) -> None:
    klot = wheel_volumes()[KLOT]
    objects = {**wheel_volumes(), **small_volumes()}
    second = archive_key("KLOT20030101_000930.bz2")  # the same volume under a later name
    objects |= {second: klot, archive_key("ZZZZ20030101_000921.bz2"): klot}
    source = write_archive(tmp_path / "archive", objects)
    late = archive_key("KATX20130717_230000.bz2")  # uploaded after the archive was listed
    lake = tmp_path / "lake"
    archive = function.open_source(f"s3://{BUCKET}")
    stream = Stream(
        archive, Folder(source), LocalStore(lake), load_profile(coarse), builtin_stations()
    )
    answer = function.handle(
        by_sqs(*(s3_event(BUCKET, {key: len(data)}) for key, data in objects.items())), stream.take
    )
    assert answer == {"batchItemFailures": []}
    tables = ("radar_volumes", "radar_grid", "radar_columns", "radar_geometry")
    streamed = {name: lake_table(lake / "stream", name) for name in tables}
    assert volumes(lake / "stream")[second]["reason"] == "duplicate_volume"
    replace(stream, fetcher=_Always(klot)).take(function.Upload(BUCKET, late, 1))
    before = sorted(entry.path for entry in stream.store.list("stream/"))

    batch = (
        *("--source", source, "--lake", lake, "--profile", coarse, "--master", "local[2]"),
        *("--max-reject-share", "0.5", "--output", "json"),
    )
    # A run whose record cannot be written has written all tables, and is no run.
    (lake / "_stormlake").mkdir(exist_ok=True)
    (lake / "_stormlake" / "runs").write_text("a file where the records should go")
    assert job(*batch).code != 0
    assert lake_table(lake, "radar_volumes").num_rows == len(objects)
    assert sorted(entry.path for entry in stream.store.list("stream/")) == before

    (lake / "_stormlake" / "runs").unlink()
    summary = job(*batch).expect(0).summary
    assert summary["volumes"] == {"ok": 7, "partial": 1, "rejected": 2, "skipped": 2}
    for name in tables:
        assert lake_table(lake, name) == streamed[name], name
    assert set(volumes(lake / "stream")) == {late}
    left = [entry.path for entry in stream.store.list("stream/")]
    assert all("radar_geometry" in path or file_stem(late) in path for path in left)
    assert lake_table(lake / "stream", "radar_grid").num_rows == 31


class _Always:
    """A bucket that has one object."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def fetch(self, obj: Any) -> bytes:
        return self.data

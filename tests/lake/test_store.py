from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from stormlake.errors import ExitCode, ServiceUnreachable
from stormlake.lake.store import (
    AlreadyExists,
    Changed,
    Entry,
    LocalStore,
    S3Store,
    Store,
    Stored,
    StoreRefused,
    open_store,
)
from tests.fakes.faults import FaultProxy, LoseResponse, Rule, internal_error, s3_error
from tests.fakes.s3 import S3Server


def test_what_was_created_is_read_back_with_its_etag(store: Store) -> None:
    etag = store.create("_stormlake/runs/job/a.json", b"\x00one\n")
    stored = store.read("_stormlake/runs/job/a.json")
    assert stored is not None
    assert (stored.data, stored.etag) == (b"\x00one\n", etag)


def test_an_object_that_is_not_there_reads_as_none(store: Store) -> None:
    assert store.read("nothing/here.json") is None


def test_create_refuses_a_taken_path_and_leaves_the_first_object(store: Store) -> None:
    store.create("a/b.json", b"first")
    for data in (b"second", b"first"):
        with pytest.raises(AlreadyExists, match=r"a/b\.json"):
            store.create("a/b.json", data)
    assert store.read("a/b.json").data == b"first"


def test_replace_takes_the_version_that_was_read_and_no_other(store: Store) -> None:
    old = store.create("a.json", b"one")
    new = store.replace("a.json", b"two", old)
    with pytest.raises(Changed):
        store.replace("a.json", b"three", old)
    assert store.read("a.json").data == b"two"
    store.replace("a.json", b"three", new)
    assert store.read("a.json").data == b"three"


def test_replace_of_an_object_that_is_gone_raises_changed(store: Store) -> None:
    etag = store.create("a.json", b"one")
    store.delete("a.json")
    with pytest.raises(Changed):
        store.replace("a.json", b"two", etag)
    assert store.read("a.json") is None


def test_delete_with_an_etag_takes_that_version_only(store: Store) -> None:
    old = store.create("a.json", b"one")
    new = store.replace("a.json", b"two", old)
    with pytest.raises(Changed):
        store.delete("a.json", old)
    assert store.read("a.json").data == b"two"
    store.delete("a.json", new)
    assert store.read("a.json") is None


def test_delete_without_an_etag_of_nothing_is_no_error(store: Store) -> None:
    store.create("there.json", b"1")
    store.delete("never/was.json")
    assert [entry.path for entry in store.list("")] == ["there.json"]


def test_a_listing_holds_the_paths_below_a_prefix_in_order_and_nothing_else(store: Store) -> None:
    for path in ("runs/b/2.json", "runs/b/1.json", "runs/a/9.json", "runsaway.json"):
        etag = store.create(path, path.encode())
    store.replace("runsaway.json", b"x", etag)  # leaves the folder store's guard behind
    assert list(store.list("runs/")) == [
        Entry("runs/a/9.json", 13),
        Entry("runs/b/1.json", 13),
        Entry("runs/b/2.json", 13),
    ]
    assert [entry.path for entry in store.list("runs/b/1")] == ["runs/b/1.json"]
    assert list(store.list("none/")) == []
    assert [entry.path for entry in store.list("")][-1] == "runsaway.json"


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../up", "a/../../up", "a//b", "./a"])
def test_a_path_outside_the_store_is_refused(store: Store, path: str) -> None:
    with pytest.raises(ValueError, match="not a path inside a store"):
        store.create(path, b"")


def test_of_many_threads_that_create_one_path_exactly_one_wins(store: Store) -> None:
    start = threading.Barrier(8)

    def attempt(number: int) -> bool:
        start.wait()
        try:
            store.create("race.json", b"%d" % number)
        except AlreadyExists:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(8)))
    assert won.count(True) == 1
    assert store.read("race.json").data == b"%d" % won.index(True)


def test_counting_by_replace_loses_no_step_between_threads(store: Store) -> None:
    store.create("count.json", b"0")

    def add_five(_: int) -> None:
        done = 0
        while done < 5:
            there = store.read("count.json")
            try:
                store.replace("count.json", b"%d" % (int(there.data) + 1), there.etag)
                done += 1
            except Changed:
                continue

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_five, range(4)))
    assert store.read("count.json").data == b"20"


COUNT = """
import sys
from pathlib import Path
from stormlake.lake.store import Changed, LocalStore
store, done = LocalStore(Path(sys.argv[1])), 0
while done < 50:
    there = store.read("count.json")
    try:
        store.replace("count.json", b"%d" % (int(there.data) + 1), there.etag)
        done += 1
    except Changed:
        pass
"""


def test_counting_by_replace_loses_no_step_between_processes(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.create("count.json", b"0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNT, tmp_path]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0]
    assert store.read("count.json").data == b"100"


def test_a_reader_of_a_folder_never_sees_half_an_object(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    etag = store.create("big.json", json.dumps(["0"] * 50_000).encode())
    stop = threading.Event()

    def write() -> None:
        version, number = etag, 0
        while not stop.is_set():
            number += 1
            data = json.dumps([str(number % 10)] * 50_000).encode()
            version = store.replace("big.json", data, version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200):
            values = json.loads(store.read("big.json").data)
            assert len(values) == 50_000
            assert len(set(values)) == 1
    finally:
        stop.set()
        writer.join()
    assert not list(tmp_path.glob(".*.tmp"))


@pytest.mark.skipif(os.geteuid() != 0, reason="a folder in /proc refuses root too; others differ")
def test_a_folder_that_cannot_be_made_is_refused_with_its_path() -> None:
    with pytest.raises(StoreRefused, match="cannot write in /dev/null"):
        LocalStore(Path("/dev/null")).create("a.json", b"")


def test_a_put_whose_answer_was_lost_counts_as_ours_when_botocore_repeats_it(s3: S3Server) -> None:
    with FaultProxy(s3.endpoint_url) as proxy:
        store = S3Store(s3.client(proxy.endpoint_url), "lake", "lost")
        proxy.inject(Rule(LoseResponse(), method="PUT", times=1))
        etag = store.create("a.json", b"one")
        proxy.inject(Rule(LoseResponse(), method="PUT", times=1))
        store.replace("a.json", b"two", etag)
        statuses = [request.status for request in proxy.requests if request.method == "PUT"]
    # Each put was sent twice: the first took effect, the second met it.
    assert statuses.count(412) == 2
    assert S3Store(s3.client(), "lake", "lost").read("a.json").data == b"two"


def test_a_put_that_meets_another_is_tried_again_and_is_not_taken_for_the_other(
    s3: S3Server,
) -> None:
    conflict = s3_error(409, "ConditionalRequestConflict")
    with FaultProxy(s3.endpoint_url) as proxy:
        store = S3Store(s3.client(proxy.endpoint_url), "lake", "conflict")
        proxy.inject(Rule(conflict, method="PUT", times=2))
        etag = store.create("a.json", b"one")
        assert store.read("a.json") == Stored(b"one", etag)
        with pytest.raises(AlreadyExists):
            store.create("a.json", b"two")
        proxy.inject(Rule(conflict, method="PUT", times=None))
        with pytest.raises(ServiceUnreachable, match=r"conflict/b\.json.*another write"):
            store.create("b.json", b"never")


def test_s3_that_answers_500_to_every_try_is_unreachable_with_exit_code_5(s3: S3Server) -> None:
    from botocore.config import Config

    with FaultProxy(s3.endpoint_url) as proxy:
        proxy.inject(Rule(internal_error(), times=None))
        client = boto3.session.Session("testing", "testing", region_name="us-east-1").client(
            "s3",
            endpoint_url=proxy.endpoint_url,
            config=Config(retries={"total_max_attempts": 2, "mode": "standard"}),
        )
        with pytest.raises(ServiceUnreachable, match=r"s3://lake/x/a\.json") as caught:
            S3Store(client, "lake", "x").read("a.json")
    assert caught.value.exit_code is ExitCode.UNREACHABLE


def test_without_credentials_a_bucket_is_refused_and_not_called_out_of_reach(
    s3: S3Server, nobody: Any
) -> None:
    store = open_store("s3://lake/x", session=nobody, endpoint_url=s3.endpoint_url)
    with pytest.raises(StoreRefused, match=r"s3://lake/x/a: there are no AWS credentials"):
        store.create("a", b"")


def test_a_bucket_that_does_not_exist_is_refused_by_name(s3: S3Server) -> None:
    store = S3Store(s3.client(), "no-such-lake", "x")
    for act in (lambda: store.create("a", b""), lambda: store.read("a")):
        with pytest.raises(StoreRefused, match="s3://no-such-lake/x/a: there is no such bucket"):
            act()


def test_open_store_takes_a_path_a_file_uri_and_s3(tmp_path: Path, s3: S3Server) -> None:
    folder = tmp_path / "my lake"
    open_store(str(folder)).create("a", b"1")
    assert open_store(folder.as_uri()).read("a").data == b"1"

    session = boto3.session.Session("testing", "testing", region_name="us-east-1")
    for uri in ("s3://lake/open/here", "s3a://lake/open/here/"):
        opened = open_store(uri, session, s3.endpoint_url)
        if uri.startswith("s3:"):
            opened.create("a", b"2")
        assert opened.read("a").data == b"2"
    assert s3.client().get_object(Bucket="lake", Key="open/here/a")["Body"].read() == b"2"


def test_open_store_refuses_what_it_does_not_know() -> None:
    with pytest.raises(StoreRefused, match="not 'gs://lake'"):
        open_store("gs://lake")

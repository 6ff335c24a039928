"""Exits: what a run leaves that has no record."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from stormlake.errors import RefusedInput
from stormlake.lake.exits import RunExit, read_exit, write_exit
from stormlake.lake.runs import read_records
from stormlake.lake.store import Store

STARTED = datetime(2026, 8, 11, 22, 58, 58, 123456, tzinfo=UTC)


def test_an_exit_tells_code_and_message_and_a_later_attempt_overwrites_it(store: Store) -> None:
    for code in (1, 5):
        write_exit(store, "ingest-radar", "r-1", RunExit(code, "no S3"), started=STARTED)

    lines = json.loads(store.read("_stormlake/exits/ingest-radar/r-1.json").data)
    assert (lines["exit_code"], lines["message"]) == (5, "no S3")
    assert lines["started"] == "2026-08-11T22:58:58.123456Z"
    assert "where" not in lines
    assert read_exit(store, "ingest-radar", "r-1") == RunExit(5, "no S3")
    assert read_records(store) == []


def test_an_exit_of_an_unforeseen_error_keeps_its_file_and_line(store: Store) -> None:
    left = RunExit(1, "KeyError: 'cells'", "stormlake/lake/write.py, line 12, in write_partitions")
    write_exit(store, "ingest-radar", "r-1", left, started=STARTED)

    assert read_exit(store, "ingest-radar", "r-1") == left
    assert read_exit(store, "ingest-radar", "r-2") is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"exit_code": "x", "message": ""}'])
def test_an_object_that_is_no_exit_is_refused_by_name(store: Store, data: bytes) -> None:
    store.create("_stormlake/exits/ingest-radar/r-1.json", data)

    with pytest.raises(RefusedInput, match=r"r-1\.json is not the exit of a run"):
        read_exit(store, "ingest-radar", "r-1")

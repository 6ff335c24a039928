"""Loads into a real workgroup: what the stand-in shows by the vendor's documents, shown by it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormlake.lake.checksums import ROW
from stormlake.lake.quoting import qualified, quote_identifier
from stormlake.lake.runs import read_records
from stormlake.lake.store import LocalStore
from stormlake.lake.tables import ALERTS, REQUESTS_BY_OS, TABLES
from stormlake.lake.types import Table
from stormlake.running.job import Lake
from stormlake.warehouse.checksums import checksum_queries
from stormlake.warehouse.ledger import read_ledger
from stormlake.warehouse.loading import LoadFailed, OlderRun, load
from stormlake.warehouse.manifest import Manifest, ManifestFile, manifest_text
from stormlake.warehouse.statements import How
from stormlake.warehouse.verifying import compare, loaded_partitions
from tests.acceptance_aws.conftest import Workgroup, client
from tests.warehouse.lakes import leave
from tests.warehouse.prepared import STARTED, alert_rows, os_rows, parquet, row_of, scope_of
from tests.warehouse.test_checksums import EVERY_TYPE, VALUES, of_lake

Row = dict[str, Any]
HOSTILE = 'users"; drop table x'


def how(workgroup: Workgroup, **others: Any) -> How:
    return How(workgroup.iam_role, **others)


def manifest_of(workgroup: Workgroup, table: Table, rows: Sequence[Row], name: str) -> Manifest:
    """Put an export's files, two of them, and their manifest."""
    entries = []
    for number in range(2 if len(rows) > 1 else len(rows)):
        some = list(rows[number::2]) if len(rows) > 1 else list(rows)
        body = parquet(table, some)
        url = workgroup.put(f"unload/{name}/part-{number}.parquet", body)
        entries.append(ManifestFile(url, len(body), len(some)))
    url = workgroup.put(f"unload/{name}/manifest.json", manifest_text(entries))
    return Manifest(url, name, tuple(entries))


def bring(
    workgroup: Workgroup, table: Table, rows: Sequence[Row], run_id: str, **others: Any
) -> str:
    scope = scope_of(table, rows, run_id=run_id, **others)
    manifest = manifest_of(workgroup, table, rows, run_id)
    return load(workgroup.api, scope, manifest, how(workgroup)).outcome


def column(workgroup: Workgroup, table: Table, name: str) -> list[Any]:
    source = qualified(workgroup.target.schema, table.name)
    found = workgroup.api.query(f"SELECT {quote_identifier(name)} AS v FROM {source}")
    return sorted(row["v"] for row in found)


def test_a_load_is_done_once_and_stands_in_the_ledger(workgroup: Workgroup) -> None:
    workgroup.create(REQUESTS_BY_OS)
    rows = os_rows("2026-04-01", 5, 7)
    assert bring(workgroup, REQUESTS_BY_OS, rows, "one") == "loaded"
    assert bring(workgroup, REQUESTS_BY_OS, rows, "one") == "already_loaded"
    assert column(workgroup, REQUESTS_BY_OS, "requests") == [5, 7]
    (entry,) = read_ledger(workgroup.api)
    assert (entry.run_id, entry.scope, entry.row_count) == ("one", '{"date":"2026-04-01"}', 2)


def test_fewer_rows_and_none_replace_those_that_were_there(workgroup: Workgroup) -> None:
    workgroup.create(REQUESTS_BY_OS)
    bring(workgroup, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7), "one")
    later = {"started": STARTED + timedelta(hours=1)}
    bring(workgroup, REQUESTS_BY_OS, os_rows("2026-04-01", 9), "two", **later)
    assert column(workgroup, REQUESTS_BY_OS, "requests") == [9]
    later = {"started": STARTED + timedelta(hours=2)}
    bring(workgroup, REQUESTS_BY_OS, [], "three", empty=[("2026-04-01",)], **later)
    assert column(workgroup, REQUESTS_BY_OS, "requests") == []


def test_an_older_run_is_refused(workgroup: Workgroup) -> None:
    workgroup.create(REQUESTS_BY_OS)
    bring(workgroup, REQUESTS_BY_OS, os_rows("2026-04-01", 5), "new")
    with pytest.raises(OlderRun):
        before = STARTED - timedelta(hours=1)
        bring(workgroup, REQUESTS_BY_OS, os_rows("2026-04-01", 6), "old", started=before)
    assert column(workgroup, REQUESTS_BY_OS, "requests") == [5]


@pytest.mark.parametrize("strategy", ["merge", "delete_insert"])
def test_alerts_are_merged_by_their_id(strategy: str, workgroup: Workgroup) -> None:
    workgroup.create(ALERTS)
    for run_id, rows in (
        ("one", alert_rows("2026-05-01", a="first", b="stays")),
        ("two", alert_rows("2026-05-01", a="second", c="new")),
    ):
        started = STARTED + timedelta(hours=int(run_id == "two"))
        scope = scope_of(ALERTS, rows, run_id=run_id, started=started)
        manifest = manifest_of(workgroup, ALERTS, rows, run_id)
        load(workgroup.api, scope, manifest, how(workgroup, merge_strategy=strategy))
    assert column(workgroup, ALERTS, "message") == ["new", "second", "stays"]


def test_one_text_that_is_a_byte_too_long_and_nothing_is_loaded(workgroup: Workgroup) -> None:
    workgroup.create(REQUESTS_BY_OS)
    (size,) = (c.bytes for c in REQUESTS_BY_OS.columns if c.name == "os")
    assert size is not None
    rows = os_rows("2026-04-01", 5, 7)
    rows[1]["os"] = "ü" + "x" * (size - 1)
    with pytest.raises(LoadFailed, match=r"os|1204"):
        bring(workgroup, REQUESTS_BY_OS, rows, "long")
    assert column(workgroup, REQUESTS_BY_OS, "requests") == []
    assert read_ledger(workgroup.api) == []


def test_two_loads_at_once_are_one(workgroup: Workgroup) -> None:
    workgroup.create(REQUESTS_BY_OS)
    rows = os_rows("2026-04-01", *range(1, 9))
    manifest = manifest_of(workgroup, REQUESTS_BY_OS, rows, "m")
    outcomes: list[str] = []

    def once() -> None:
        api = client(workgroup.aws(), workgroup.target)
        scope = scope_of(REQUESTS_BY_OS, rows)
        outcomes.append(load(api, scope, manifest, how(workgroup)).outcome)

    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["already_loaded", "loaded"]
    assert column(workgroup, REQUESTS_BY_OS, "requests") == list(range(1, 9))


def test_the_checksums_of_every_type_are_the_lakes(workgroup: Workgroup) -> None:
    table = EVERY_TYPE
    plain: list[Row] = [
        dict.fromkeys(VALUES),
        {
            "a_short": -(2**15),
            "an_int": 2**31 - 1,
            "a_long": -(2**63),
            "a_float": 0.5,
            "a_double": 0.1,
            "a_text": "ü|\\\n\t'\"; 😀",
            "a_char": "  a",
            "a_boolean": True,
            "a_date": date(2026, 5, 1),
            "a_time": datetime(2026, 5, 1, 12, 0, 0, 123456, tzinfo=UTC),
        },
        {
            "a_short": 0,
            "an_int": 0,
            "a_long": 0,
            "a_float": -(2.0**-20),
            "a_double": 1e-30,
            "a_text": "",
            "a_char": "",
            "a_boolean": False,
            "a_date": date(1, 1, 1),
            "a_time": datetime(1, 1, 1, tzinfo=UTC),
        },
        dict.fromkeys(VALUES)
        | {
            "a_double": -1.7976931348623157e308,
            "a_date": date(9999, 12, 31),
            "a_time": datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        },
    ]
    workgroup.create(table)
    rows = [row | {"date": date(2026, 5, 1)} for row in plain]
    assert bring(workgroup, table, rows, "one") == "loaded"
    ((_, sql),) = checksum_queries(table, workgroup.target.schema, [("2026-05-01",)])
    (found,) = workgroup.api.query(sql)
    expected = of_lake(table, plain)
    for n, each in enumerate(table.columns):
        there = int(found[f"count_{n}"]), int(found[f"total_{n}"])
        assert there == (expected[each.name].count, expected[each.name].total), each.name
    assert int(found["row_total"]) == expected[ROW].total


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_table_is_made_loaded_and_the_same(
    table: Table, workgroup: Workgroup, tmp_path: Path
) -> None:
    workgroup.create(table)
    rows = [row_of(table)]
    leave(tmp_path, table, rows)
    bring(workgroup, table, rows, "run-1")
    store = LocalStore(tmp_path)
    loaded = loaded_partitions(table, read_ledger(workgroup.api, table.name), None, None)
    found = compare(workgroup.api, Lake(str(tmp_path), store), read_records(store), table, loaded)
    assert (found.partitions, found.lake_rows, found.differences) == (1, 1, [])


def test_a_hostile_name_is_only_a_name(workgroup: Workgroup) -> None:
    schema = quote_identifier(workgroup.target.schema)
    workgroup.run(f"CREATE TABLE {schema}.x (a INTEGER)")
    table = replace(EVERY_TYPE, name=HOSTILE)
    workgroup.create(table)
    rows = [dict.fromkeys(VALUES) | {"a_text": HOSTILE, "date": date(2026, 5, 1)}]
    assert bring(workgroup, table, rows, "'; drop table x; --") == "loaded"
    assert column(workgroup, table, "a_text") == [HOSTILE]
    workgroup.api.query(f"SELECT a FROM {schema}.x")  # it is still there

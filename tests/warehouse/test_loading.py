"""What a load leaves in the table and in the ledger, and what it tells when it does not go."""

from __future__ import annotations

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable
from stormlake.lake.tables import ALERTS, REQUESTS_BY_OS
from stormlake.lake.types import arrow_fields
from stormlake.warehouse.ledger import LEDGER, LedgerNotRead, read_ledger
from stormlake.warehouse.loading import (
    LoadCancelled,
    LoadedInPart,
    LoadFailed,
    OlderRun,
    load,
    pending,
)
from stormlake.warehouse.manifest import Manifest, ManifestFile, manifest_text
from tests.fakes.redshift_data.server import RedshiftStandIn, hold, serialization_error
from tests.warehouse.prepared import (
    STARTED,
    alert_rows,
    as_loaded,
    how,
    manifest_of,
    os_rows,
    parquet,
    quick,
    row_of,
    scope_of,
)


def bring(
    stand_in: RedshiftStandIn,
    rows: list[dict[str, Any]],
    run_id: str = "run-1",
    hours: int = 0,
    empty: list[tuple[str, ...]] | None = None,
) -> Any:
    """Load rows of `requests_by_os` as the run of this id, which started `hours` later."""
    scope = scope_of(
        REQUESTS_BY_OS,
        rows,
        run_id=run_id,
        started=STARTED + timedelta(hours=hours),
        empty=empty or [],
    )
    manifest = manifest_of(stand_in, REQUESTS_BY_OS, rows, run_id)
    return load(quick(stand_in), scope, manifest, how(stand_in), sleep=lambda _: None)


def ledger(stand_in: RedshiftStandIn) -> list[tuple[str, str, int]]:
    return [(row["run_id"], row["scope"], row["row_count"]) for row in stand_in.rows(LEDGER)]


@pytest.fixture
def requests(warehouse: RedshiftStandIn) -> RedshiftStandIn:
    warehouse.create(REQUESTS_BY_OS)
    return warehouse


def test_a_load_brings_the_rows_and_one_entry_for_each_partition(requests: RedshiftStandIn) -> None:
    rows = [*os_rows("2026-04-01", 5, 7), *os_rows("2026-04-02", 9)]
    loaded = bring(requests, rows)
    assert (loaded.outcome, loaded.rows, loaded.in_table) == ("loaded", 3, 3)
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows)
    assert ledger(requests) == [
        ("run-1", '{"date":"2026-04-01"}', 2),
        ("run-1", '{"date":"2026-04-02"}', 1),
    ]


def test_the_same_load_again_changes_nothing_and_says_so(requests: RedshiftStandIn) -> None:
    rows = os_rows("2026-04-01", 5, 7)
    bring(requests, rows)
    before = requests.rows(LEDGER)
    assert bring(requests, rows).outcome == "already_loaded"
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows)
    assert requests.rows(LEDGER) == before


def test_partitions_that_are_loaded_are_not_pending(requests: RedshiftStandIn) -> None:
    rows = os_rows("2026-04-01", 5)
    api = quick(requests)
    bring(requests, rows)
    both = scope_of(REQUESTS_BY_OS, rows, empty=[("2026-04-02",)])
    rest = pending(api, both)
    assert rest is not None and [each.values for each in rest.partitions] == [("2026-04-02",)]
    assert pending(api, scope_of(REQUESTS_BY_OS, rows)) is None


def test_a_later_run_with_fewer_rows_leaves_exactly_those(requests: RedshiftStandIn) -> None:
    bring(requests, [*os_rows("2026-04-01", 5, 7, 8), *os_rows("2026-04-02", 1)])
    fewer = os_rows("2026-04-01", 6)
    bring(requests, fewer, "run-2", hours=1)
    kept = os_rows("2026-04-02", 1)
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, [*fewer, *kept])


def test_a_partition_that_became_empty_is_emptied(requests: RedshiftStandIn) -> None:
    bring(requests, [*os_rows("2026-04-01", 5), *os_rows("2026-04-02", 1)])
    loaded = bring(requests, [], "run-2", hours=1, empty=[("2026-04-01",)])
    assert (loaded.outcome, loaded.rows, loaded.in_table) == ("loaded", 0, 0)
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, os_rows("2026-04-02", 1))
    assert not [sql for sql in requests.service.batches[-1].subs if sql.sql.startswith("COPY")]


def test_an_older_run_after_a_newer_one_is_refused(requests: RedshiftStandIn) -> None:
    newer = os_rows("2026-04-01", 6)
    bring(requests, newer, "run-2", hours=1)
    with pytest.raises(OlderRun, match=r"run-1.*started later") as refused:
        bring(requests, os_rows("2026-04-01", 5, 7))
    assert refused.value.exit_code == ExitCode.REFUSED
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, newer)
    assert [run for run, _, _ in ledger(requests)] == ["run-2"]


def test_a_newer_run_that_is_loaded_in_between_wins(requests: RedshiftStandIn) -> None:
    newer = os_rows("2026-04-01", 6)
    # The older load is under way and not yet at the lock.
    requests.before(0, lambda _: bring(requests, newer, "run-2", hours=1))
    with pytest.raises(OlderRun):
        bring(requests, os_rows("2026-04-01", 5, 7))
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, newer)


def test_other_partitions_of_an_older_run_may_still_come(requests: RedshiftStandIn) -> None:
    bring(requests, os_rows("2026-04-01", 6), "run-2", hours=1)
    assert bring(requests, os_rows("2026-04-02", 5)).outcome == "loaded"


def test_a_scope_loaded_in_part_by_another_is_said(requests: RedshiftStandIn) -> None:
    first, both = os_rows("2026-04-01", 5), [*os_rows("2026-04-01", 5), *os_rows("2026-04-02", 1)]
    requests.before(0, lambda _: bring(requests, first))
    with pytest.raises(LoadedInPart, match="1 of the 2 partitions"):
        bring(requests, both)
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, first)


@pytest.mark.parametrize("strategy", ["merge", "delete_insert"])
def test_alerts_are_merged_by_their_id(warehouse: RedshiftStandIn, strategy: str) -> None:
    warehouse.create(ALERTS)
    first = alert_rows("2026-04-01", a="one", b="two")
    again = alert_rows("2026-04-01", b="TWO", c="three")
    for run, rows in (("run-1", first), ("run-2", again)):
        scope = scope_of(ALERTS, rows, run_id=run)
        manifest = manifest_of(warehouse, ALERTS, rows, run)
        load(quick(warehouse), scope, manifest, how(warehouse, merge_strategy=strategy))
    expected = alert_rows("2026-04-01", a="one", b="TWO", c="three")
    assert warehouse.rows(ALERTS) == as_loaded(ALERTS, expected)


@pytest.mark.parametrize("strategy", ["merge", "delete_insert"])
@pytest.mark.parametrize("there", [True, False])
def test_two_rows_of_one_key_stop_at_the_guard(
    warehouse: RedshiftStandIn, strategy: str, there: bool
) -> None:
    warehouse.create(ALERTS)
    api = quick(warehouse)
    before = alert_rows("2026-04-01", a="one") if there else []
    if there:
        manifest = manifest_of(warehouse, ALERTS, before, "run-1")
        load(api, scope_of(ALERTS, before), manifest, how(warehouse))
    twice = alert_rows("2026-04-01", a="x") + alert_rows("2026-04-01", a="y")
    manifest = manifest_of(warehouse, ALERTS, twice, "run-2")
    with pytest.raises(LoadFailed, match=r"\(guard_keys\)"):
        load(
            api,
            scope_of(ALERTS, twice, run_id="run-2"),
            manifest,
            how(warehouse, merge_strategy=strategy),
        )
    assert warehouse.rows(ALERTS) == as_loaded(ALERTS, before)


def test_a_row_outside_the_scope_stops_at_the_guard(requests: RedshiftStandIn) -> None:
    stray = [*os_rows("2026-04-01", 5), *os_rows("2026-04-03", 1)]
    manifest = manifest_of(requests, REQUESTS_BY_OS, stray, "run-1")
    scope = scope_of(REQUESTS_BY_OS, os_rows("2026-04-01", 5, 1))
    with pytest.raises(LoadFailed, match=r"\(guard_scope\)"):
        load(quick(requests), scope, manifest, how(requests))
    assert requests.rows(REQUESTS_BY_OS) == []


def test_a_file_with_other_rows_than_its_manifest_says_stops_at_the_guard(
    requests: RedshiftStandIn,
) -> None:
    rows = os_rows("2026-04-01", 5, 7)
    body = parquet(REQUESTS_BY_OS, rows)
    files = (ManifestFile(requests.put("unload/part.parquet", body), len(body), 3),)
    manifest = Manifest(requests.put("unload/m.json", manifest_text(files)), "e", files)
    with pytest.raises(LoadFailed, match=r"\(guard_rows\)"):
        load(quick(requests), scope_of(REQUESTS_BY_OS, rows), manifest, how(requests))
    assert requests.rows(REQUESTS_BY_OS) == []


def test_one_bad_value_in_the_last_file_and_nothing_is_loaded(requests: RedshiftStandIn) -> None:
    good = os_rows("2026-04-01", 5)
    # 342 characters of 3 bytes each are two more than the column's 1,024.
    bad = [row_of(REQUESTS_BY_OS, os="€" * 342, date=good[0]["date"])]
    files = []
    for at, rows in enumerate((good, bad)):
        body = parquet(REQUESTS_BY_OS, rows)
        files.append(ManifestFile(requests.put(f"unload/{at}.parquet", body), len(body), 1))
    manifest = Manifest(requests.put("unload/m.json", manifest_text(files)), "e", tuple(files))
    scope = scope_of(REQUESTS_BY_OS, good + bad)
    with pytest.raises(LoadFailed) as failed:
        load(quick(requests), scope, manifest, how(requests))
    said = str(failed.value)
    assert f"s3://{requests.bucket}/unload/1.parquet, line 1, column os" in said
    assert "(error 1204)" in said
    assert failed.value.exit_code == ExitCode.FAILED
    assert requests.rows(REQUESTS_BY_OS) == [] and ledger(requests) == []


def test_on_a_cluster_the_refused_value_is_told_too(requests: RedshiftStandIn) -> None:
    bad = [row_of(REQUESTS_BY_OS, os="y" * 1025)]
    manifest = manifest_of(requests, REQUESTS_BY_OS, bad, "run-1", files=1)
    api = quick(requests)
    api.target = requests.cluster
    with pytest.raises(LoadFailed, match=r"value 'y{10}"):
        load(api, scope_of(REQUESTS_BY_OS, bad), manifest, how(requests))


def test_load_errors_that_come_a_little_later_are_waited_for(
    requests: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = [row_of(REQUESTS_BY_OS, os="y" * 1025)]
    manifest = manifest_of(requests, REQUESTS_BY_OS, bad, "run-1", files=1)
    api = quick(requests)
    asked: list[str] = []
    query = api.query

    def later(sql: str) -> list[dict[str, Any]]:
        asked.append(sql)
        of_errors = [each for each in asked if "load_error" in each]
        return [] if "load_error" in sql and len(of_errors) < 3 else query(sql)

    monkeypatch.setattr(api, "query", later)
    with pytest.raises(LoadFailed, match="error 1204"):
        load(api, scope_of(REQUESTS_BY_OS, bad), manifest, how(requests))


def test_an_error_that_only_the_statement_tells_is_shown_whole(requests: RedshiftStandIn) -> None:
    rows = os_rows("2026-04-01", 5)
    swapped = pa.schema(list(arrow_fields(REQUESTS_BY_OS.load_columns))[::-1])
    body = parquet(REQUESTS_BY_OS, rows, swapped)
    files = (ManifestFile(requests.put("unload/part.parquet", body), len(body), 1),)
    manifest = Manifest(requests.put("unload/m.json", manifest_text(files)), "e", files)
    with pytest.raises(LoadFailed, match=r"incompatible Parquet schema for column 'os'"):
        load(quick(requests), scope_of(REQUESTS_BY_OS, rows), manifest, how(requests))


def test_a_serialization_error_is_tried_again(requests: RedshiftStandIn) -> None:
    for _ in range(3):
        requests.before("INSERT", serialization_error)
    rows = os_rows("2026-04-01", 5)
    assert bring(requests, rows).outcome == "loaded"
    assert len(requests.service.batches) == 2
    assert requests.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows)


def test_serialization_errors_without_end_are_told(requests: RedshiftStandIn) -> None:
    scope = scope_of(REQUESTS_BY_OS, os_rows("2026-04-01", 5))
    manifest = manifest_of(requests, REQUESTS_BY_OS, os_rows("2026-04-01", 5), "run-1")

    def again(_: float) -> None:
        requests.before(0, serialization_error)

    again(0)
    with pytest.raises((LoadFailed, RefusedInput), match="1023"):
        load(quick(requests), scope, manifest, how(requests), sleep=again)
    assert len(requests.service.batches) == 4  # the first and three more


def test_a_number_of_rows_is_no_serialization_error(requests: RedshiftStandIn) -> None:
    rows = os_rows("2026-04-01", 5)
    body = parquet(REQUESTS_BY_OS, rows)
    files = (ManifestFile(requests.put("unload/part.parquet", body), len(body), 1023),)
    manifest = Manifest(requests.put("unload/m.json", manifest_text(files)), "e", files)
    with pytest.raises(LoadFailed, match="expected 1023 rows"):
        load(quick(requests), scope_of(REQUESTS_BY_OS, rows), manifest, how(requests))
    assert len(requests.service.batches) == 1


def test_time_out_cancels_and_says_that_nothing_was_loaded(requests: RedshiftStandIn) -> None:
    requests.before("COPY", hold)
    rows = os_rows("2026-04-01", 5)
    manifest = manifest_of(requests, REQUESTS_BY_OS, rows, "run-1")
    with pytest.raises(LoadCancelled, match="nothing was loaded") as cancelled:
        load(quick(requests, timeout=0.3), scope_of(REQUESTS_BY_OS, rows), manifest, how(requests))
    assert cancelled.value.exit_code == ExitCode.CANCELLED
    assert requests.rows(REQUESTS_BY_OS) == []
    assert bring(requests, rows).outcome == "loaded"


def test_ctrl_c_cancels_the_batch_and_says_what_holds(
    requests: RedshiftStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    rows = os_rows("2026-04-01", 5)
    manifest = manifest_of(requests, REQUESTS_BY_OS, rows, "run-1")
    api = quick(requests)
    at_copy = threading.Event()

    def wait(state: Any) -> None:
        at_copy.set()
        hold(state)

    def interrupted(_: float) -> None:
        if at_copy.wait(10) and not interrupting.is_set():
            interrupting.set()
            raise KeyboardInterrupt

    interrupting = threading.Event()
    requests.before("COPY", wait)
    api._sleep = interrupted
    with pytest.raises(KeyboardInterrupt):
        load(api, scope_of(REQUESTS_BY_OS, rows), manifest, how(requests))
    assert "requests_by_os of run run-1 is not loaded" in caplog.text
    assert requests.service.batches[0].status == "ABORTED"


@pytest.mark.parametrize("missing", ["table", "ledger"])
def test_what_is_missing_in_the_warehouse_is_named(
    warehouse: RedshiftStandIn, missing: str
) -> None:
    if missing == "table":
        warehouse.create()
    with pytest.raises(RefusedInput, match="stormlake ddl --engine redshift"):
        bring(warehouse, os_rows("2026-04-01", 5))


@pytest.mark.parametrize("at", [0, 'CREATE TEMP TABLE "stormlake_stage"'])
def test_a_server_that_dies_is_a_failed_load_and_no_refused_input(
    requests: RedshiftStandIn, at: int | str
) -> None:
    requests.before(at, requests.kill_backend)
    with pytest.raises(LoadFailed) as failed:
        bring(requests, os_rows("2026-04-01", 5))
    assert failed.value.exit_code == ExitCode.FAILED
    assert "terminating connection" in str(failed.value)


def test_a_ledger_that_another_holds_for_too_long_is_not_said_to_be_missing(
    requests: RedshiftStandIn,
) -> None:
    released = threading.Event()
    reached = threading.Event()

    def wait(state: Any) -> None:
        reached.set()
        hold(state, released)

    requests.before("COPY", wait)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(bring, requests, os_rows("2026-04-01", 5))
        assert reached.wait(10)
        with pytest.raises(LedgerNotRead, match="another load may hold its lock") as stopped:
            read_ledger(quick(requests, timeout=0.2))
        released.set()
        assert first.result(timeout=60).outcome == "loaded"
    assert stopped.value.exit_code == ExitCode.CANCELLED


def test_a_ledger_that_is_not_there_is_refused_before_anything_is_sent(
    warehouse: RedshiftStandIn,
) -> None:
    with pytest.raises(RefusedInput, match="ledger"):
        read_ledger(quick(warehouse), "requests_by_os")


def test_a_warehouse_that_does_not_answer_is_unreachable(requests: RedshiftStandIn) -> None:
    scope = scope_of(REQUESTS_BY_OS, os_rows("2026-04-01", 5))
    manifest = manifest_of(requests, REQUESTS_BY_OS, os_rows("2026-04-01", 5), "run-1")
    aws = requests.aws()
    aws.endpoint_url = "http://127.0.0.1:9"
    api = quick(requests)
    api.aws = aws
    with pytest.raises(ServiceUnreachable, match="load again") as unreachable:
        load(api, scope, manifest, how(requests))
    assert unreachable.value.exit_code == ExitCode.UNREACHABLE


def test_swapped_columns_of_one_type_load_swapped_which_is_why_the_export_checks_names(
    warehouse: RedshiftStandIn,
) -> None:
    warehouse.create(ALERTS)
    rows = alert_rows("2026-04-01", a="text")
    fields = list(arrow_fields(ALERTS.load_columns))
    fields[0], fields[1] = fields[1], fields[0]  # alert_id and rule
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema(fields)), out)
    body = out.getvalue()
    files = (ManifestFile(warehouse.put("unload/part.parquet", body), len(body), 1),)
    manifest = Manifest(warehouse.put("unload/m.json", manifest_text(files)), "e", files)
    load(quick(warehouse), scope_of(ALERTS, rows), manifest, how(warehouse))
    (loaded,) = warehouse.rows(ALERTS)
    assert (loaded["alert_id"], loaded["rule"]) == ("x", "a")

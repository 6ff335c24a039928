"""A load is cut off at every place there is; run again, the table equals the lake, once.

The client "dies" by an exception that nothing catches, at each of its calls: before it is sent, or
after it was carried out and before the answer. The warehouse's side dies by a killed server process
before each statement of the batch and before the commit.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from stormlake.errors import StormlakeError
from stormlake.lake.tables import ALERTS, REQUESTS_BY_OS
from stormlake.lake.types import Table
from stormlake.warehouse.data_api import DataApi
from stormlake.warehouse.ledger import LEDGER
from stormlake.warehouse.loading import load, pending
from stormlake.warehouse.manifest import Manifest
from stormlake.warehouse.scope import LoadScope
from stormlake.warehouse.statements import load_statements
from tests.fakes.faults import LoseResponse, Reset, Rule
from tests.fakes.redshift_data.server import (
    RedshiftStandIn,
    hold,
    internal_error,
    throttling,
    too_many_statements,
)
from tests.warehouse.prepared import (
    alert_rows,
    as_loaded,
    how,
    manifest_of,
    os_rows,
    quick,
    row_of,
    scope_of,
)

ROWS = {
    REQUESTS_BY_OS: [*os_rows("2026-04-01", 5, 7), *os_rows("2026-04-02", 9)],
    ALERTS: [*alert_rows("2026-04-01", a="one", b="two"), *alert_rows("2026-04-02", c="three")],
}


class Killed(BaseException):
    """The client is gone: nothing is cleaned up."""


class Prepared:
    """One export, and the load of it as often as a test wants."""

    def __init__(self, stand_in: RedshiftStandIn, table: Table) -> None:
        self.stand_in, self.table, self.rows = stand_in, table, ROWS[table]
        stand_in.create(table)
        # What was there before, of an older run and of other partitions, must be right too.
        old = [row_of(table, date=self.rows[0]["date"], **_key(table, "old"))]
        kept = [row_of(table, date=os_rows("2026-03-01", 1)[0]["date"], **_key(table, "kept"))]
        self._load(scope_of(table, old + kept, run_id="run-0"), old + kept)
        self.expected = [*self.rows, *kept, *(old if table.warehouse.mode == "merge" else [])]
        self.before = stand_in.rows(table)
        self.scope: LoadScope = scope_of(table, self.rows)
        self.manifest: Manifest = manifest_of(stand_in, table, self.rows, "run-1")

    def load(self, api: DataApi | None = None) -> Any:
        """What `stormlake warehouse load` does once the export is there."""
        api = api or quick(self.stand_in)
        if pending(api, self.scope) is None:
            return None
        return load(api, self.scope, self.manifest, how(self.stand_in), sleep=lambda _: None)

    def reset(self) -> None:
        """Forget the run's load: each kill meets the table as it was before."""
        name = f'"stormlake"."{self.table.name}"'
        self.stand_in.admin(f"DELETE FROM {name}")
        self.stand_in.admin('DELETE FROM "stormlake"."load_ledger" WHERE "run_id" = \'run-1\'')
        for row in self.before:
            values = ", ".join("NULL" if v is None else f"'{v}'" for v in row.values())
            self.stand_in.admin(f"INSERT INTO {name} VALUES ({values})")

    def check(self) -> None:
        """The table equals the lake, with one entry for each partition, and no stage is left."""
        self.stand_in.service.wait()
        assert self.stand_in.rows(self.table) == as_loaded(self.table, self.expected)
        mine = [row["scope"] for row in self.stand_in.rows(LEDGER) if row["run_id"] == "run-1"]
        assert sorted(mine) == sorted(self.scope.keys)
        left = self.stand_in.admin(
            "SELECT relname FROM pg_class WHERE relname LIKE 'stormlake\\\\_s%'"
        )
        assert left == []

    def _load(self, scope: LoadScope, rows: list[dict[str, Any]]) -> None:
        manifest = manifest_of(self.stand_in, self.table, rows, scope.run_id)
        load(quick(self.stand_in), scope, manifest, how(self.stand_in))


def _key(table: Table, name: str) -> dict[str, Any]:
    return {"alert_id": name, "source": "wind"} if table is ALERTS else {"os": name}


@pytest.fixture(params=list(ROWS), ids=lambda table: table.name)
def prepared(warehouse: RedshiftStandIn, request: pytest.FixtureRequest) -> Prepared:
    return Prepared(warehouse, request.param)


def mortal(
    stand_in: RedshiftStandIn,
    call: int,
    *,
    before: bool,
    end: type[BaseException] = Killed,
) -> tuple[DataApi, list[str]]:
    """A client that dies at its call of this number; also the calls it has made."""
    api = quick(stand_in)
    make = api.aws.make
    made: list[str] = []

    def counted(request: Any, **options: Any) -> Any:
        made.append(request.operation)
        if before and len(made) == call + 1:
            raise end
        answer = make(request, **options)
        if not before and len(made) == call + 1:
            raise end
        return answer

    api.aws.make = counted  # type: ignore[method-assign]
    return api, made


@pytest.mark.parametrize("before", [True, False], ids=["before it is sent", "before its answer"])
def test_a_client_that_dies_at_any_call_leaves_a_load_that_can_be_run_again(
    prepared: Prepared, before: bool
) -> None:
    call = 0
    while True:
        api, made = mortal(prepared.stand_in, call, before=before)
        try:
            prepared.load(api)
        except Killed:
            prepared.load()
            prepared.check()
            prepared.reset()
            call += 1
            continue
        break
    # How often it looks differs from run to run; the last round met no death.
    assert "BatchExecuteStatement" in made and call >= len(set(made)) + 2


@pytest.mark.parametrize("before", [True, False], ids=["before it is sent", "before its answer"])
def test_after_ctrl_c_at_any_call_what_is_said_of_the_ledger_is_true_and_stays_so(
    prepared: Prepared, before: bool, caplog: pytest.LogCaptureFixture
) -> None:
    call = proven = 0
    while True:
        stand_in, scope = prepared.stand_in, prepared.scope
        api, made = mortal(stand_in, call, before=before, end=KeyboardInterrupt)
        # A few looks are enough: each is a call at which it is interrupted.
        api._sleep = lambda _: time.sleep(0.05)
        caplog.clear()
        # It is not at the ledger's lock yet: a ledger read too early would not say what comes.
        stand_in.before(0, lambda state: state.cancelled.wait(0.15))
        try:
            load(api, scope, prepared.manifest, how(stand_in))
        except KeyboardInterrupt:
            stand_in.service.wait()
            loaded = pending(quick(stand_in), scope) is None
            said = f"run run-1 is {'' if loaded else 'not '}loaded"
            # A command that ran before in this process lets more be logged, all of it below.
            warned = [each for each in caplog.records if each.levelno >= logging.WARNING]
            if "may still be running" in caplog.text:
                # On a busy machine the statement outlives the few looks, and that is said first.
                assert len(warned) == 2, made
            else:
                assert [each.message.endswith(said) for each in warned] == [True], made
                proven += 1
            prepared.load()
            prepared.check()
            prepared.reset()
            call += 1
            continue
        break
    assert made[0] == "BatchExecuteStatement" and call >= 3 and proven >= 2


def test_a_server_that_dies_before_any_statement_leaves_a_load_that_can_be_run_again(
    prepared: Prepared,
) -> None:
    statements = load_statements(
        prepared.scope, prepared.manifest, "stormlake", how(prepared.stand_in), "x"
    )
    for index in range(len(statements) + 1):
        prepared.stand_in.before(index, prepared.stand_in.kill_backend)
        with pytest.raises(StormlakeError):
            prepared.load()
        assert prepared.stand_in.rows(prepared.table) == prepared.before, (
            f"before statement {index}"
        )
        prepared.load()
        prepared.check()
        prepared.reset()
    assert len(statements) >= 11


def test_a_client_that_dies_while_any_statement_runs_may_be_followed_at_once_by_another(
    prepared: Prepared,
) -> None:
    statements = load_statements(
        prepared.scope, prepared.manifest, "stormlake", how(prepared.stand_in), "x"
    )
    for index in range(len(statements) + 1):
        released = threading.Event()
        prepared.stand_in.before(index, lambda state, event=released: hold(state, event))
        api = quick(prepared.stand_in)

        def dies(_: float) -> None:
            raise Killed

        api._sleep = dies
        with pytest.raises(Killed):
            prepared.load(api)
        with ThreadPoolExecutor(1) as pool:
            # The first still runs, and may hold the lock, when the second begins.
            second = pool.submit(prepared.load)
            threading.Timer(0.05, released.set).start()
            second.result(timeout=60)
        prepared.check()
        prepared.reset()


def test_a_submit_whose_answer_is_lost_is_carried_out_once(prepared: Prepared) -> None:
    submit = ("x-amz-target", "BatchExecuteStatement$")
    prepared.stand_in.inject(Rule(LoseResponse(), header=submit, times=3))
    assert prepared.load().outcome == "loaded"
    assert len(prepared.stand_in.service.batches) == 2  # the older run's, and this one's
    prepared.check()


def test_two_loads_of_one_run_at_once_load_it_once(prepared: Prepared) -> None:
    with ThreadPoolExecutor(4) as pool:
        outcomes = [
            each.result(timeout=60) for each in [pool.submit(prepared.load) for _ in range(4)]
        ]
    assert sum(each is not None and each.outcome == "loaded" for each in outcomes) == 1
    prepared.check()


@pytest.mark.parametrize(
    "fault", [throttling(), internal_error(), too_many_statements(), Reset()], ids=str
)
def test_any_call_may_fail_twice_and_the_load_goes_on(prepared: Prepared, fault: Any) -> None:
    for operation in ("ExecuteStatement", "BatchExecuteStatement", "GetStatementResult"):
        header = ("x-amz-target", rf"\.{operation}$")
        prepared.stand_in.inject(Rule(fault, header=header, times=1))
    prepared.stand_in.inject(Rule(fault, header=("x-amz-target", "DescribeStatement$"), times=1))
    assert prepared.load().outcome == "loaded"
    prepared.check()

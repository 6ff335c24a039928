"""A query that nobody waits for any more is stopped, and what became of it is said."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from stormlake.athena.execution import Athena
from stormlake.athena.outcomes import Interrupted, QueryRuns
from stormlake.errors import ExitCode
from stormlake.running.aws import ApiCall
from stormlake.running.options import Terminated
from tests.athena.conftest import Lake, command
from tests.fakes.athena.server import DATABASE, WORKGROUP, AthenaStandIn, Query
from tests.fakes.faults import Answer, Fault, LoseResponse, Reset, Rule

BY_NOBODY = "-- Purpose     One.\n-- Parameters  none\n-- Engines     Athena.\nSELECT 1 AS one\n"
ONE = "SELECT 1 AS one"


def injected(status: int, code: str) -> Answer:
    kind = {"Content-Type": "application/x-amz-json-1.1"}
    return Answer(status, f'{{"__type": "{code}", "Message": "later"}}'.encode(), kind)


@pytest.fixture
def file(tmp_path: Path, registered: Lake) -> str:
    (tmp_path / "one.sql").write_text(BY_NOBODY)
    return str(tmp_path / "one.sql")


@pytest.fixture
def endless(stand_in: AthenaStandIn, registered: Lake) -> threading.Event:
    """The next query runs until it is stopped; set once it runs."""
    running = threading.Event()

    def wait(query: Query) -> None:
        running.set()
        query.stopped.wait(60)

    stand_in.next_query(wait)
    return running


@pytest.fixture
def deaf(stand_in: AthenaStandIn, registered: Lake) -> None:
    """The next query runs on for ten seconds, whatever it is told."""
    stand_in.next_query(lambda query: time.sleep(10))


def last(stand_in: AthenaStandIn) -> Query:
    return list(stand_in.queries.values())[-1]


def test_a_query_whose_time_is_up_is_stopped(
    stand_in: AthenaStandIn, endless: threading.Event, file: str
) -> None:
    result = command("query", file, "--timeout", "1")
    assert result.exit_code == ExitCode.CANCELLED
    assert f"not ended after 1 s; query {last(stand_in).id} was stopped; 0 bytes" in result.stderr
    assert "give a longer --timeout" in result.stderr


def test_a_query_that_does_not_stop_is_not_said_to_have_stopped(
    stand_in: AthenaStandIn, deaf: None, athena: Athena
) -> None:
    athena.timeout = 0.05
    with pytest.raises(QueryRuns, match="was told to stop and may still run; `aws athena") as told:
        athena.run(ONE)
    assert told.value.exit_code == ExitCode.STILL_RUNNING


@pytest.mark.parametrize(
    ("interrupt", "code"),
    [(KeyboardInterrupt, ExitCode.INTERRUPTED), (Terminated, ExitCode.CANCELLED)],
)
@pytest.mark.parametrize("moment", ["submit", "wait"])
def test_an_interrupt_stops_the_query_even_before_its_id_has_come(
    stand_in: AthenaStandIn,
    endless: threading.Event,
    athena: Athena,
    interrupt: type[BaseException],
    code: ExitCode,
    moment: str,
) -> None:
    pressed: list[bool] = []
    before = len(stand_in.queries)
    ask, sleep = athena._ask, time.sleep

    def asked(call: ApiCall, *, once: bool = False) -> dict:
        answer = ask(call, once=once)
        if moment == "submit" and not pressed:
            pressed.append(True)
            raise interrupt
        return answer

    def slept(seconds: float) -> None:
        sleep(seconds)
        if moment == "wait" and not pressed and endless.wait(10):
            pressed.append(True)
            raise interrupt

    athena._ask, athena._sleep = asked, slept  # type: ignore[method-assign]
    with pytest.raises(Interrupted, match=r"interrupted; query .* was stopped; 0 bytes") as told:
        athena.run(ONE)
    assert told.value.exit_code == code
    assert len(stand_in.queries) == before + 1
    assert last(stand_in).stopped.is_set()


def test_a_second_interrupt_does_not_wait_for_the_stop(
    stand_in: AthenaStandIn, deaf: None, athena: Athena
) -> None:
    def slept(seconds: float) -> None:
        raise KeyboardInterrupt

    athena._sleep = slept
    with pytest.raises(Interrupted, match="was told to stop and may still run"):
        athena.run(ONE)


def test_a_real_ctrl_c_stops_the_query_and_exits_130(
    stand_in: AthenaStandIn, endless: threading.Event, file: str
) -> None:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "stormlake.cli", "athena", "query", file),
            *("--workgroup", WORKGROUP, "--database", DATABASE),
        ],
        env=os.environ | stand_in.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert endless.wait(60)
    # Until the answer with the id has come; the moment before is another test's.
    while not any("GetQueryExecution" in str(each.headers) for each in stand_in.requests):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == ExitCode.INTERRUPTED, errors
    assert errors.strip() == (
        f"stormlake: Interrupted: interrupted; query {last(stand_in).id} was stopped; 0 bytes were "
        "scanned"
    )


@pytest.mark.parametrize(
    "fault",
    [
        injected(400, "TooManyRequestsException"),
        injected(500, "InternalServerException"),
        Reset(),
        LoseResponse(),
    ],
    ids=["throttled", "broken", "reset", "lost"],
)
@pytest.mark.parametrize(
    "operation", ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"]
)
def test_a_fault_on_the_way_starts_no_second_query(
    stand_in: AthenaStandIn,
    file: str,
    monkeypatch: pytest.MonkeyPatch,
    operation: str,
    fault: Fault,
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    before = len(stand_in.queries)
    stand_in.inject(Rule(fault, header=("x-amz-target", f"{operation}$"), times=2))
    result = command("query", file, "--csv")
    assert result.exit_code == 0, result.output
    assert result.stdout == "one\n1\n"
    assert stand_in.faults == 2
    assert len(stand_in.queries) == before + 1


def test_a_query_of_which_nothing_is_heard_any_more_is_said_to_run(
    stand_in: AthenaStandIn, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    stand_in.inject(Rule(Reset(), header=("x-amz-target", "GetQueryExecution$"), times=None))
    result = command("query", file)
    assert result.exit_code == ExitCode.UNREACHABLE
    assert f"query {last(stand_in).id} may still run" in result.stderr


def test_looks_grow_from_half_a_second_to_ten(
    stand_in: AthenaStandIn, endless: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormlake.athena.execution._FIRST_LOOK", 0.5)
    now, slept = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds
        time.sleep(0.001)

    patient = Athena(stand_in.aws(), stand_in.place, timeout=40, sleep=sleep, clock=lambda: now[0])
    with pytest.raises(Exception, match="not ended after 40 s"):
        patient.run(ONE)
    assert slept[:8] == [0.5, 1, 2, 4, 8, 10, 10, 4.5]


@pytest.mark.parametrize("target", ["AWSGlue", "AmazonAthena"])
def test_who_has_no_rights_is_refused(stand_in: AthenaStandIn, lake: Lake, target: str) -> None:
    denied = injected(400, "AccessDeniedException")
    stand_in.inject(Rule(denied, header=("x-amz-target", target), times=None))
    result = command("register", "wind_max", "--lake", stand_in.lake)
    assert result.exit_code == ExitCode.REFUSED
    assert "AccessDeniedException" in result.stderr and "--database" in result.stderr

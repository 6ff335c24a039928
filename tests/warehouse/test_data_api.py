"""The client of the Data API against a service that a script plays: no network, no database."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable
from stormlake.running.aws import AnswerLost, ApiCall, CallFailed
from stormlake.warehouse.data_api import DataApi, NotEnded, StatementFailed
from stormlake.warehouse.statements import Statement
from stormlake.warehouse.target import Target

BATCH = (Statement("first", "SELECT 1"), Statement("second", "SELECT 2"))
SENT = {"Id": "q"}
DONE = {"Id": "q", "Status": "FINISHED"}
RUNNING = {"Id": "q", "Status": "STARTED"}
ABORTED = {"Id": "q", "Status": "ABORTED", "Error": "Query cancelled on user's request"}
STOPPED = {"Status": True}


class Script:
    """Answers calls one by one as told; an error among the answers is raised."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.calls: list[ApiCall] = []

    def make(self, call: ApiCall, *, once: bool = False) -> Any:
        self.calls.append(call)
        # The last answer holds from then on.
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, str):
            raise CallFailed(call, answer, "as the script says")
        if isinstance(answer, type):
            raise answer("as the script says")
        return answer

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]


class Time:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def client(
    *answers: Any, timeout: float = 3600, sleep: Callable[[float], object] | None = None
) -> tuple[DataApi, Script, Time]:
    script, time = Script(*answers), Time()
    target = Target("dev", workgroup="lake")
    api = DataApi(
        script,  # type: ignore[arg-type]
        target,
        timeout=timeout,
        sleep=sleep or time.sleep,
        clock=lambda: time.now,
    )
    return api, script, time


def test_a_submit_without_an_answer_is_sent_again_with_the_same_token() -> None:
    api, script, time = client(AnswerLost, AnswerLost, SENT, DONE)
    assert api.run(BATCH, "token").id == "q"
    assert script.operations == ["BatchExecuteStatement"] * 3 + ["DescribeStatement"]
    assert {call.parameters["ClientToken"] for call in script.calls[:3]} == {"token"}
    assert time.pauses == [0.5, 1.0]


def test_after_six_submits_without_an_answer_the_warehouse_is_unreachable() -> None:
    api, script, _ = client(AnswerLost)
    with pytest.raises(ServiceUnreachable):
        api.run(BATCH, "token")
    assert script.operations == ["BatchExecuteStatement"] * 6


@pytest.mark.parametrize("code", ["ActiveStatementsExceededException", "ThrottlingException"])
def test_a_busy_warehouse_is_asked_again_later_and_later(code: str) -> None:
    api, _, time = client(*[code] * 8, SENT, DONE)
    api.run(BATCH, "token")
    assert time.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_warehouse_that_stays_busy_is_given_up_when_the_time_is_up() -> None:
    api, _, time = client("ActiveStatementsExceededException", timeout=10)
    with pytest.raises(ServiceUnreachable, match="busy"):
        api.run(BATCH, "token")
    assert time.now <= 10


def test_a_statement_is_looked_at_after_half_a_second_and_then_up_to_every_30() -> None:
    api, _, time = client(SENT, *[RUNNING] * 8, DONE)
    api.run(BATCH, "token")
    assert time.pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_statement_that_runs_is_not_given_up_because_a_look_has_no_answer() -> None:
    api, script, _ = client(SENT, RUNNING, AnswerLost, AnswerLost, "ThrottlingException", DONE)
    assert api.run(BATCH, "token").id == "q"
    assert script.operations == ["BatchExecuteStatement"] + ["DescribeStatement"] * 5


def test_when_the_time_is_up_the_statement_is_cancelled_and_its_end_told() -> None:
    api, script, _ = client(SENT, RUNNING, RUNNING, STOPPED, RUNNING, ABORTED, timeout=0.4)
    with pytest.raises(StatementFailed) as failed:
        api.run(BATCH, "token")
    assert failed.value.status == "ABORTED"
    assert script.operations[3:] == ["CancelStatement", "DescribeStatement", "DescribeStatement"]


def test_what_ended_in_the_moment_of_its_cancelling_is_done() -> None:
    api, script, _ = client(SENT, RUNNING, RUNNING, "ValidationException", DONE, timeout=0.4)
    assert api.run(BATCH, "token").id == "q"
    assert script.operations[3:] == ["CancelStatement", "DescribeStatement"]


def test_what_does_not_stop_is_said_to_run_on() -> None:
    api, _, _ = client(SENT, RUNNING, RUNNING, STOPPED, RUNNING, timeout=0.4)
    with pytest.raises(NotEnded, match="statement q of lake/dev") as error:
        api.run(BATCH, "token")
    assert error.value.exit_code == ExitCode.STILL_RUNNING


def interrupted_once() -> Callable[[float], None]:
    """A sleep that the first Ctrl-C ends."""
    pressed = [True]

    def sleep(_: float) -> None:
        if pressed and pressed.pop():
            raise KeyboardInterrupt

    return sleep


def test_ctrl_c_while_waiting_cancels_and_sees_the_end_of_it() -> None:
    # Who reads the ledger next must not read it before the transaction has ended.
    api, script, _ = client(SENT, RUNNING, STOPPED, RUNNING, ABORTED, sleep=interrupted_once())
    with pytest.raises(KeyboardInterrupt):
        api.run(BATCH, "token")
    looks = ["DescribeStatement", "DescribeStatement"]
    assert script.operations[2:] == ["CancelStatement", *looks]


def test_ctrl_c_before_the_answer_to_a_submit_finds_the_statement_by_its_token() -> None:
    api, script, _ = client(AnswerLost, SENT, STOPPED, ABORTED, sleep=interrupted_once())
    with pytest.raises(KeyboardInterrupt):
        api.run(BATCH, "token")
    submits, rest = script.calls[:2], script.operations[2:]
    assert submits[0] == submits[1] and submits[0].operation == "BatchExecuteStatement"
    assert rest == ["CancelStatement", "DescribeStatement"]


def test_ctrl_c_while_the_warehouse_is_busy_sends_nothing_more() -> None:
    api, script, _ = client("ActiveStatementsExceededException", sleep=interrupted_once())
    with pytest.raises(KeyboardInterrupt):
        api.run(BATCH, "token")
    assert script.operations == ["BatchExecuteStatement"]


def test_what_may_run_on_after_ctrl_c_is_said(caplog: pytest.LogCaptureFixture) -> None:
    api, _, _ = client(SENT, RUNNING, STOPPED, RUNNING, sleep=interrupted_once())
    with pytest.raises(KeyboardInterrupt):
        api.run(BATCH, "token")
    assert "may still be running: statement q of lake/dev" in caplog.text


def test_which_statement_failed_is_known_by_its_place_whatever_is_said() -> None:
    subs = [
        {"Id": "q:1", "Status": "FINISHED"},
        {"Id": "q:2", "Status": "FAILED", "Error": "first: statement 1", "RedshiftQueryId": 77},
    ]
    ended = {"Id": "q", "Status": "FAILED", "Error": "Query #1 failed", "SubStatements": subs}
    api, _, _ = client(SENT, ended)
    with pytest.raises(StatementFailed) as failed:
        api.run(BATCH, "token")
    found = failed.value
    assert (found.name, found.index, found.query_id) == ("second", 1, 77)
    assert found.error == "first: statement 1"


def test_a_commit_that_failed_is_no_statements_fault() -> None:
    subs = [{"Id": f"q:{n}", "Status": "FINISHED"} for n in (1, 2)]
    ended = {"Id": "q", "Status": "FAILED", "Error": "1023 Detail: ...", "SubStatements": subs}
    api, _, _ = client(SENT, ended)
    with pytest.raises(StatementFailed, match="1023") as failed:
        api.run(BATCH, "token")
    assert failed.value.index == -1


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_a_call_that_the_service_does_not_take_is_refused_with_what_to_check(code: str) -> None:
    api, _, _ = client(code)
    with pytest.raises(RefusedInput, match="check --workgroup or --cluster"):
        api.run(BATCH, "token")


def test_more_statements_than_a_batch_may_have_are_not_sent() -> None:
    api, script, _ = client(SENT, DONE)
    api.run([BATCH[0]] * 40, "token")
    with pytest.raises(ValueError, match="1 to 40 statements, not 41"):
        api.run([BATCH[0]] * 41, "token")
    assert script.operations == ["BatchExecuteStatement", "DescribeStatement"]


def test_a_result_is_read_page_by_page_and_null_is_none() -> None:
    columns = [{"name": "a"}, {"name": "b"}]
    first = [{"longValue": 0}, {"isNull": True}]
    second = [{"stringValue": ""}, {"booleanValue": False}]
    pages = [
        {"ColumnMetadata": columns, "Records": [first], "NextToken": "more"},
        {"ColumnMetadata": columns, "Records": [second]},
    ]
    api, script, _ = client(SENT, DONE | {"HasResultSet": True}, *pages)
    assert api.query("SELECT a, b") == [{"a": 0, "b": None}, {"a": "", "b": False}]
    assert script.calls[-1].parameters == {"Id": "q", "NextToken": "more"}

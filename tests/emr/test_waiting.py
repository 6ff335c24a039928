"""The wait: how often it looks, what ends it, what it tells; with an injected clock."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, repeat

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from stormlake.emr.looks import Look
from stormlake.emr.refs import ServerlessRef, StepRef
from stormlake.emr.states import JOB_RUN_FINAL, JOB_RUN_UNDER_WAY, STEP_FINAL, STEP_UNDER_WAY
from stormlake.emr.waiting import CannotLook, Pauses, StillRunning, Waiting
from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable
from stormlake.running.aws import AnswerLost, ApiCall, CallFailed
from stormlake.running.progress import Seen

STEP = StepRef("j-2AXXXXXXGAPLF", "s-1XXXXXXXXXXA")
RUN = ServerlessRef("00f1abc", "00f2def")
CALL = ApiCall("emr", "DescribeStep", {})
RUNNING = Look(STEP, "RUNNING", cluster_state="RUNNING")
COMPLETED = Look(STEP, "COMPLETED", cluster_state="WAITING")


@dataclass
class Time:
    """A clock that only sleeping moves."""

    now: float = 0.0
    slept: list[float] = field(default_factory=list)

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds
        self.slept.append(seconds)


Lines = Callable[[], list[str]]


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Lines:
    """What has been logged so far."""
    # A command that ran in this process before keeps the log to itself.
    monkeypatch.setattr(logging.getLogger("stormlake"), "propagate", True)
    caplog.set_level(logging.INFO, "stormlake")
    return lambda: [record.getMessage() for record in caplog.records]


Answer = Look | Exception | KeyboardInterrupt


def waiting(time: Time, answers: Iterator[Answer], **given: object) -> Waiting:
    def look() -> Look:
        answer = next(answers)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    ref = given.pop("ref", STEP)
    pauses = given.pop("pauses", Pauses(chance=lambda: 0.999))
    return Waiting(
        ref, look, clock=time.clock, sleep=time.sleep, pauses=pauses, timeout=None, **given
    )


def throttled() -> AnswerLost:
    """As `Aws.make` raises it: behind it stands an answer."""
    error = AnswerLost("emr DescribeStep: ThrottlingException: Rate exceeded")
    error.__cause__ = ClientError({"Error": {"Code": "ThrottlingException"}}, "DescribeStep")
    return error


def silence() -> AnswerLost:
    error = AnswerLost("no answer from https://elasticmapreduce.eu-west-1.amazonaws.com")
    error.__cause__ = OSError("timed out")
    return error


def until(time: Time, end: float, answer: Callable[[], Answer]) -> Iterator[Answer]:
    """One answer until a time, and then COMPLETED."""
    while time.now < end:
        yield answer()
    yield COMPLETED


def test_the_wait_outlives_31_minutes() -> None:
    # boto3's own waiter gives up after 60 looks of 30 s.
    time = Time()

    seen = waiting(time, until(time, 31 * 60, lambda: RUNNING)).until_ended()

    assert seen is COMPLETED
    assert 31 * 60 <= time.now < 32 * 60


def test_the_wait_outlives_a_week() -> None:
    time = Time()

    assert waiting(time, until(time, 7 * 86400, lambda: RUNNING)).until_ended() is COMPLETED


def test_looks_come_every_5_seconds_growing_by_half_up_to_a_minute() -> None:
    time = Time()
    pauses = Pauses(chance=lambda: 1.0)

    waiting(time, chain(repeat(RUNNING, 10), [COMPLETED]), pauses=pauses).until_ended()

    assert time.slept == pytest.approx(
        [5, 7.5, 11.25, 16.875, 25.3125, 37.96875, 56.953125, 60, 60, 60]
    )


def test_an_hour_costs_some_130_looks_and_not_one_every_2_seconds() -> None:
    time = Time()

    waiting(time, until(time, 3600, lambda: RUNNING), pauses=Pauses()).until_ended()

    # Full jitter: half a minute on average. 3,600 s / 30 s, and what the first minutes add.
    assert 80 < len(time.slept) < 180
    late = time.slept[10:]
    assert max(time.slept) <= 60 and sum(late) / len(late) > 20


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1, exclude_max=True)), max_size=60))
def test_a_pause_is_never_shorter_than_a_second_nor_longer_than_five_minutes(
    looks: list[tuple[bool, float]],
) -> None:
    chances = iter([chance for _, chance in looks])
    pauses = Pauses(chance=lambda: next(chances))

    for good, _ in looks:
        pause = pauses.after_answer() if good else pauses.after_trouble()
        assert 1 <= pause <= (60 if good else 300)


@pytest.mark.parametrize("trouble", [throttled, silence])
def test_trouble_lengthens_the_pause_and_does_not_end_the_wait(
    trouble: Callable[[], AnswerLost],
) -> None:
    time = Time()
    pauses = Pauses(chance=lambda: 1.0)
    answers = chain([RUNNING], [trouble() for _ in range(5)], [RUNNING, COMPLETED])

    seen = waiting(time, answers, pauses=pauses).until_ended()

    assert seen is COMPLETED
    # 5 after the first answer; then twice what would have come, doubling to five minutes; then
    # as if nothing had been.
    assert time.slept == [5, 15, 30, 60, 120, 240, 7.5]


def test_a_day_of_throttling_does_not_end_the_wait() -> None:
    time = Time()

    assert waiting(time, until(time, 86400, throttled)).until_ended() is COMPLETED


def test_half_an_hour_without_any_answer_is_exit_5_and_says_how_to_go_on() -> None:
    time = Time()

    with pytest.raises(ServiceUnreachable) as caught:
        waiting(time, chain([RUNNING], repeat(silence()))).until_ended()

    assert caught.value.exit_code is ExitCode.UNREACHABLE
    assert 1800 <= time.now < 1800 + 300 + 5
    assert f"stormlake emr wait {STEP}" in str(caught.value)


def test_silences_of_29_minutes_between_answers_do_not_end_the_wait() -> None:
    time = Time()

    def answers() -> Iterator[Answer]:
        for _ in range(3):
            end = time.now + 24 * 60  # and one pause of at most five minutes
            while time.now < end:
                yield silence()
            yield RUNNING
        yield COMPLETED

    assert waiting(time, answers()).until_ended() is COMPLETED


@pytest.mark.parametrize("state", sorted(STEP_FINAL))
def test_a_final_state_of_a_step_ends_the_wait_at_once(state: str) -> None:
    time = Time()
    final = Look(STEP, state, cluster_state="RUNNING")

    assert waiting(time, iter([final])).until_ended() is final
    assert time.slept == []


@pytest.mark.parametrize("state", sorted(STEP_UNDER_WAY))
def test_what_is_being_cancelled_is_waited_for_like_all_that_runs(state: str) -> None:
    time = Time()
    cancelled = Look(STEP, "CANCELLED", cluster_state="RUNNING")
    going = Look(STEP, state, cluster_state="RUNNING")

    assert waiting(time, chain(repeat(going, 3), [cancelled])).until_ended() is cancelled
    assert len(time.slept) == 3


@pytest.mark.parametrize("state", sorted(JOB_RUN_UNDER_WAY))
def test_cancelling_is_not_taken_for_final(state: str) -> None:
    time = Time()
    answers = chain(repeat(Look(RUN, state), 3), [Look(RUN, "CANCELLED")])

    assert waiting(time, answers, ref=RUN).until_ended().state == "CANCELLED"
    assert len(time.slept) == 3


@pytest.mark.parametrize("state", sorted(JOB_RUN_FINAL))
def test_a_final_state_of_a_job_run_ends_the_wait(state: str) -> None:
    assert waiting(Time(), iter([Look(RUN, state)]), ref=RUN).until_ended().state == state


@pytest.mark.parametrize("step", sorted(STEP_UNDER_WAY))
@pytest.mark.parametrize("cluster", ["TERMINATED", "TERMINATED_WITH_ERRORS"])
def test_a_step_that_never_ends_on_a_cluster_that_has_ended_is_lost(
    cluster: str, step: str
) -> None:
    dead = Look(STEP, step, cluster_state=cluster, cluster_reason="BOOTSTRAP_FAILURE: exit 1")

    seen = waiting(Time(), iter([dead])).until_ended()

    assert seen.lost
    assert str(seen) == f"{STEP} {step}, cluster {cluster} (BOOTSTRAP_FAILURE: exit 1)"


def test_a_step_on_a_cluster_that_is_ending_is_waited_for() -> None:
    time = Time()
    ending = Look(STEP, "RUNNING", cluster_state="TERMINATING")

    assert waiting(time, iter([ending, COMPLETED])).until_ended() is COMPLETED


def test_a_timeout_is_exit_4_at_its_second_and_says_that_the_job_runs_on() -> None:
    time = Time()
    wait = waiting(time, repeat(RUNNING))
    wait.timeout = 90

    with pytest.raises(StillRunning) as caught:
        wait.until_ended()

    assert time.now == pytest.approx(90)
    assert caught.value.exit_code is ExitCode.STILL_RUNNING
    assert str(caught.value) == (
        f"{STEP} RUNNING, cluster RUNNING after 1.5 minutes; it runs on: stormlake emr wait {STEP} "
        f"follows it again, stormlake emr cancel {STEP} ends it"
    )


def test_a_step_that_ends_during_the_last_pause_has_ended_in_time() -> None:
    time = Time()
    wait = waiting(time, iter([RUNNING, COMPLETED]))
    wait.timeout = 3

    assert wait.until_ended() is COMPLETED


def test_an_id_that_the_service_does_not_know_is_refused() -> None:
    unknown = CallFailed(CALL, "InvalidRequestException", "Cluster id 'j-2AXXXXXXGAPLF' is not")

    with pytest.raises(RefusedInput, match="check the ref and --region"):
        waiting(Time(), iter([unknown])).until_ended()


@pytest.mark.parametrize(
    "error", [CallFailed(CALL, "ExpiredTokenException", "expired"), RefusedInput("no credentials")]
)
def test_credentials_that_end_meanwhile_are_no_failure_of_the_job(error: Exception) -> None:
    with pytest.raises(CannotLook, match="is not touched by that") as caught:
        waiting(Time(), iter([RUNNING, error])).until_ended()

    assert caught.value.exit_code is ExitCode.UNREACHABLE


def test_a_line_tells_every_change_and_every_five_minutes_how_far_the_job_is(
    lines: Lines,
) -> None:
    time = Time()
    pending = Look(STEP, "PENDING", cluster_state="STARTING")
    booting = Look(STEP, "PENDING", cluster_state="BOOTSTRAPPING")

    def answers() -> Iterator[Answer]:
        yield from (pending, pending, booting)
        while time.now < 800:
            yield RUNNING
        yield COMPLETED

    told = Seen("volumes", 17, 1250, datetime(2026, 5, 1, 21, 4, 10, tzinfo=UTC))
    waiting(time, answers(), progress=lambda seen: told).until_ended()

    told_lines = lines()
    assert told_lines[:3] == [
        f"{STEP} PENDING, cluster STARTING",
        f"{STEP} PENDING, cluster BOOTSTRAPPING",
        f"{STEP} RUNNING, cluster RUNNING, 17 of 1,250 volumes at 21:04:10 UTC",
    ]
    # Once at its start, and after 5 and 10 minutes.
    assert told_lines[3:] == [told_lines[2]] * 2 + [f"{STEP} COMPLETED, cluster WAITING"]


def test_an_outage_is_told_once_and_then_every_five_minutes(lines: Lines) -> None:
    time = Time()

    waiting(time, chain([RUNNING], until(time, 700, throttled))).until_ended()

    warned = [line for line in lines() if "waiting on" in line]
    assert 2 <= len(warned) <= 3
    assert warned[0] == "emr DescribeStep: ThrottlingException: Rate exceeded; waiting on"


def test_an_interrupt_is_answered_and_the_wait_goes_on() -> None:
    time, interrupts = Time(), []
    answers = iter([RUNNING, KeyboardInterrupt(), COMPLETED])

    seen = waiting(time, answers, interrupted=interrupts.append).until_ended()

    assert seen is COMPLETED
    assert len(interrupts) == 1


def test_an_interrupt_while_sleeping_is_answered_too() -> None:
    time, interrupts = Time(), []

    def sleep(seconds: float) -> None:
        if not interrupts:
            raise KeyboardInterrupt
        time.sleep(seconds)

    wait = waiting(time, iter([RUNNING, RUNNING, COMPLETED]), interrupted=interrupts.append)
    wait.sleep = sleep

    assert wait.until_ended() is COMPLETED
    assert len(interrupts) == 1

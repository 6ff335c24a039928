"""Ctrl-C while a job is followed: a process of its own, with and without a terminal."""

from __future__ import annotations

import math
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from stormlake.emr.interrupts import QUESTION, Detached, Interrupts
from stormlake.emr.looks import look
from stormlake.emr.refs import Ref
from stormlake.errors import ExitCode, RefusedInput
from stormlake.running.aws import Aws
from stormlake.running.options import Terminated
from tests.emr.followed import a_job_run, a_step, emr, ref_of
from tests.fakes.emr import FakeAws, Script
from tests.integration.runs import ROOT, test_environment

PATIENCE = 120.0
CTRL_C = b"\x03"


def state(aws: Aws, ref: Ref) -> str:
    return look(aws, ref).state


@pytest.fixture
def running(fake: FakeAws, bucket: str) -> Ref:
    """A step that runs until it is cancelled."""
    fake.scripts.expect(Script(seconds=math.inf))
    return a_step(fake, bucket)


class Terminal:
    """A command with a terminal of its own, as a person has it."""

    def __init__(self, master: int, process: subprocess.Popen[bytes]) -> None:
        self._master = master
        self.process = process
        self.said = ""

    def until(self, text: str, times: int = 1) -> None:
        """Read until it has said something so many times."""
        end = time.monotonic() + PATIENCE
        while self.said.count(text) < times:
            assert time.monotonic() < end, self.said
            if select.select([self._master], [], [], 0.1)[0]:
                self.said += self._read()
            else:
                assert self.process.poll() is None, self.said

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._master, keys)

    def end(self) -> int:
        """Wait for its end and give its exit code."""
        end = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < end, self.said
            if select.select([self._master], [], [], 0.1)[0]:
                self.said += self._read()
        while select.select([self._master], [], [], 0)[0] and (text := self._read()):
            self.said += text
        return int(self.process.returncode)

    def _read(self) -> str:
        try:
            return os.read(self._master, 4096).decode(errors="replace")
        except OSError:  # the other end is closed: EIO
            return ""


@contextmanager
def on_a_terminal(fake: FakeAws, *arguments: object) -> Iterator[Terminal]:
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", CONTROLLING, *map(str, arguments)],
        cwd=ROOT,
        env=test_environment(fake.environment),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    try:
        yield Terminal(master, process)
    finally:
        process.kill()
        process.wait()
        os.close(master)


CONTROLLING = """\
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # Ctrl-C on it is a signal to this process
from stormlake.cli import main
main(sys.argv[1:], prog_name="stormlake")
"""


def test_ctrl_c_on_a_terminal_asks_and_the_answers_wait_and_cancel_are_carried_out(
    fake: FakeAws, aws: Aws, running: Ref
) -> None:
    with on_a_terminal(fake, "emr", "wait", running) as terminal:
        terminal.until("RUNNING")
        terminal.type(CTRL_C)
        terminal.until(QUESTION)
        assert f"{running} runs. {QUESTION}" in terminal.said
        terminal.type(b"w\n")
        # It waits on, and asks again.
        time.sleep(0.5)
        assert state(aws, running) == "RUNNING"
        terminal.type(CTRL_C)
        terminal.until(QUESTION, times=2)
        terminal.type(b"c\n")
        code = terminal.end()

    assert code == ExitCode.CANCELLED, terminal.said
    assert state(aws, running) == "CANCELLED"
    assert "Traceback" not in terminal.said


def test_the_answer_detach_leaves_the_job_alone(fake: FakeAws, aws: Aws, running: Ref) -> None:
    with on_a_terminal(fake, "emr", "wait", running) as terminal:
        terminal.until("RUNNING")
        terminal.type(CTRL_C)
        terminal.until(QUESTION)
        terminal.type(b"d\n")
        code = terminal.end()

    assert code == ExitCode.INTERRUPTED
    assert state(aws, running) == "RUNNING"
    told = " ".join(terminal.said.split())
    assert f"detached from {running}, which runs on: stormlake emr wait {running}" in told
    assert "Traceback" not in terminal.said


def test_a_second_ctrl_c_at_the_question_detaches(fake: FakeAws, aws: Aws, running: Ref) -> None:
    with on_a_terminal(fake, "emr", "wait", running) as terminal:
        terminal.until("RUNNING")
        terminal.type(CTRL_C)
        terminal.until(QUESTION)
        # Between the question and the read that waits for its answer a signal only sets a flag: on
        # a busy machine it may meet that moment, and a person presses again.
        terminal.type(CTRL_C)
        try:
            terminal.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            terminal.type(CTRL_C)
        code = terminal.end()

    assert code == ExitCode.INTERRUPTED
    assert state(aws, running) == "RUNNING"
    assert "Traceback" not in terminal.said


@pytest.mark.parametrize(
    ("options", "number", "code", "left"),
    [
        ((), signal.SIGINT, ExitCode.INTERRUPTED, "RUNNING"),
        ((), signal.SIGTERM, ExitCode.INTERRUPTED, "RUNNING"),
        (("--on-interrupt", "cancel"), signal.SIGINT, ExitCode.CANCELLED, "CANCELLED"),
        (("--on-interrupt", "cancel"), signal.SIGTERM, ExitCode.CANCELLED, "CANCELLED"),
    ],
)
def test_without_a_terminal_a_signal_does_what_was_chosen_before(
    fake: FakeAws,
    aws: Aws,
    running: Ref,
    options: tuple[str, ...],
    number: signal.Signals,
    code: ExitCode,
    left: str,
) -> None:
    returned, out, said = signalled(fake, number, "wait", str(running), *options)

    assert returned == code, said
    assert state(aws, running) == left
    assert "Traceback" not in said
    assert ("CANCELLED" in out) == (left == "CANCELLED")


def signalled(fake: FakeAws, number: signal.Signals, *arguments: str) -> tuple[int, str, str]:
    """Run `stormlake emr …` without a terminal, and send a signal after its first line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "stormlake.cli", "emr", *arguments],
        cwd=ROOT,
        env=test_environment(fake.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        first = process.stderr.readline()
        assert "RUNNING" in first
        process.send_signal(number)
        out, said = process.communicate(timeout=PATIENCE)
    return process.returncode, out, said


def test_ctrl_c_ends_the_showing_of_logs_and_not_the_job(
    fake: FakeAws, aws: Aws, running: Ref
) -> None:
    code, _, said = signalled(fake, signal.SIGINT, "logs", str(running), "--follow")

    assert code == ExitCode.INTERRUPTED
    assert said.splitlines()[-1] == f"stormlake: interrupted; {running} is not touched"
    assert state(aws, running) == "RUNNING"


def test_to_ask_where_there_is_no_terminal_is_refused() -> None:
    done = emr("wait", ref_of("cluster"), "--on-interrupt", "ask", "--region", "eu-west-1")

    assert done.exit_code == ExitCode.REFUSED
    assert "--on-interrupt ask needs a terminal" in done.stderr


def test_a_job_run_is_cancelled_too(fake: FakeAws, aws: Aws, bucket: str) -> None:
    fake.scripts.expect(Script(seconds=math.inf))
    ref = a_job_run(fake, bucket)

    Interrupts(aws, ref, "cancel")(KeyboardInterrupt())

    assert state(aws, ref) == "CANCELLED"


def test_what_has_ended_in_that_moment_is_left_to_the_wait(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    ref = a_step(fake, bucket)

    Interrupts(aws, ref, "cancel")(KeyboardInterrupt())

    assert state(aws, ref) == "COMPLETED"


def test_sigterm_never_asks(aws: Aws, running: Ref, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    interrupts = Interrupts(aws, running, "ask")

    with pytest.raises(Detached):
        interrupts(Terminated())


def test_a_choice_is_checked_before_anybody_waits(aws: Aws, running: Ref) -> None:
    with pytest.raises(RefusedInput):
        Interrupts(aws, running, "ask")

"""What carries out a step of the stand-in: a script of the test's here, Spark in `spark.py`.

    fake.scripts.expect(Script(exit_code=1, seconds=40, drivers=[{"stdout": traceback}]))
    fake.scripts.expect(Script(until=event), name="stormlake/sensors/")

Scripts are used up in the order given; a step without one ends well at once.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

TERMINATED = 143
"""Exit code of a process that SIGTERM ended (128 + 15)."""

KILLED = 137
"""Exit code of a process that SIGKILL ended (128 + 9)."""


@dataclass(frozen=True)
class Work:
    """What a step or job run is to do.

    Parameters
    ----------
    name : str
        The step's or job run's.
    arguments : sequence of str
        `spark-submit` and all that follows, as its process gets them.
    started : float
        When (s since 1970).
    """

    name: str
    arguments: Sequence[str]
    started: float

    @property
    def cluster_mode(self) -> bool:
        """Whether the driver runs in a YARN container, not in the step's own process."""
        modes = [
            argument.partition("=")[2] or following
            for argument, following in zip(self.arguments, [*self.arguments[1:], ""], strict=True)
            if argument.partition("=")[0] == "--deploy-mode"
        ]
        return modes[-1:] == ["cluster"]


class Task(Protocol):
    """Something that runs."""

    def ended(self, now: float) -> float | None:
        """When it ended or will end, by the clock; None while nobody knows."""

    @property
    def exit_code(self) -> int:
        """Its exit code, once it ended."""

    def stop(self, now: float, *, kill: bool) -> None:
        """SIGTERM, or SIGKILL to it and all below it."""

    def logs(self, now: float) -> Mapping[str, str]:
        """What the step's own process has written until now."""

    def drivers(self, now: float) -> Sequence[Mapping[str, str]]:
        """What each attempt of the driver has written until now."""

    @property
    def failure(self) -> Mapping[str, str] | None:
        """FailureDetails that the service finds, where it finds some."""


class Runner(Protocol):
    """Starts tasks.

    Attributes
    ----------
    environment : mapping of str to str
        What a step's process inherits, as instances know their region and credentials; `FakeAws`
        sets it.
    """

    environment: Mapping[str, str]

    def start(self, work: Work) -> Task:
        """Begin."""

    def close(self) -> None:
        """End all that runs."""


Lines = str | Sequence[tuple[float, str]]
"""A log: all of it from the start, or pieces with the seconds after the start that they appear."""


@dataclass(frozen=True)
class Script:
    """How a step goes.

    Parameters
    ----------
    exit_code : int
    seconds : float
        How long it runs by the stand-in's clock; `math.inf` until it is cancelled.
    until : threading.Event, optional
        It does not end before a test sets this.
    logs : mapping
        What the step's own process writes: `controller`, `syslog`, `stdout`, `stderr`.
    drivers : sequence of mapping
        `stdout` and `stderr` of each attempt of the driver in cluster mode; none if
        `spark-submit` never got as far as YARN.
    failure : mapping, optional
        FailureDetails: Reason, Message, LogFile.
    interrupt_seconds : float
        How long it lives on after SIGTERM; `math.inf` if it does not heed it.
    effect : callable, optional
        Called with the work as it starts.
    """

    exit_code: int = 0
    seconds: float = 0.0
    until: threading.Event | None = None
    logs: Mapping[str, Lines] = field(default_factory=dict)
    drivers: Sequence[Mapping[str, Lines]] = ({},)
    failure: Mapping[str, str] | None = None
    interrupt_seconds: float = 0.0
    effect: Callable[[Work], None] | None = None


class ScriptedTask:
    """A step that goes as its script says."""

    def __init__(self, work: Work, script: Script) -> None:
        self._work = work
        self._script = script
        self._stopped: tuple[float, int] | None = None

    def ended(self, now: float) -> float | None:
        end = self._work.started + self._script.seconds
        if self._script.until is not None:
            end = max(end, now) if self._script.until.is_set() else math.inf
        if self._stopped is not None:
            end = min(end, self._stopped[0])
        return None if math.isinf(end) else end

    @property
    def exit_code(self) -> int:
        return self._script.exit_code if self._stopped is None else self._stopped[1]

    def stop(self, now: float, *, kill: bool) -> None:
        if kill:
            self._stopped = (now, KILLED)
        elif self._stopped is None and not math.isinf(self._script.interrupt_seconds):
            self._stopped = (now + self._script.interrupt_seconds, TERMINATED)

    def logs(self, now: float) -> Mapping[str, str]:
        return self._texts(self._script.logs, now)

    def drivers(self, now: float) -> Sequence[Mapping[str, str]]:
        return [self._texts(texts, now) for texts in self._script.drivers]

    @property
    def failure(self) -> Mapping[str, str] | None:
        return self._script.failure

    def _texts(self, texts: Mapping[str, Lines], now: float) -> Mapping[str, str]:
        passed = now - self._work.started
        return {
            name: lines
            if isinstance(lines, str)
            else "".join(text for seconds, text in lines if seconds <= passed)
            for name, lines in texts.items()
        }


class ScriptedRunner:
    """Runs nothing: each step goes as a test said.

    Parameters
    ----------
    works : list of Work
        All that was started, in order.
    """

    def __init__(self) -> None:
        self._scripts: list[tuple[str, Script]] = []
        self.works: list[Work] = []
        self.environment: Mapping[str, str] = {}

    def expect(self, script: Script, name: str = "") -> None:
        """Say how the next step goes whose name matches the regular expression `name`."""
        self._scripts.append((name, script))

    def start(self, work: Work) -> ScriptedTask:
        self.works.append(work)
        chosen = Script()
        for index, (name, script) in enumerate(self._scripts):
            if re.search(name, work.name):
                del self._scripts[index]
                chosen = script
                break
        if chosen.effect is not None:
            chosen.effect(work)
        return ScriptedTask(work, chosen)

    def close(self) -> None:
        self._scripts.clear()


def command_runner(arguments: Sequence[str]) -> list[str]:
    """Arguments that arrive behind command-runner.jar: empty ones are dropped, `}}` is deleted.

    Observed defects of EMR's command-runner.jar, not documented by the vendor.
    """
    return [argument.replace("}}", "") for argument in arguments if argument]

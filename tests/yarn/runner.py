"""Runs the steps of the stand-in for EMR on a real YARN, with their arguments as they are."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.fakes.emr.runners import KILLED, Work
from tests.integration.cluster import spark_home
from tests.yarn.cluster import Yarn


class YarnRunner:
    """Runs `spark-submit` against YARN.

    Parameters
    ----------
    yarn : Yarn

    Attributes
    ----------
    environment : mapping of str to str
        Set by `FakeAws`; a container's is the cluster's own.
    """

    def __init__(self, yarn: Yarn) -> None:
        self.yarn = yarn
        self.environment: Mapping[str, str] = {}
        self.tasks: list[YarnTask] = []

    def start(self, work: Work) -> YarnTask:
        folder = self.yarn.folder / f"step-{len(self.tasks)}"
        folder.mkdir()
        task = YarnTask(self.yarn, work, folder)
        self.tasks.append(task)
        return task

    def close(self) -> None:
        for task in self.tasks:
            task.stop(0.0, kill=True)


class YarnTask:
    """A step: YARN's client, which waits for the application."""

    def __init__(self, yarn: Yarn, work: Work, folder: Path) -> None:
        self._yarn = yarn
        self._folder = folder
        self._ended: float | None = None
        self._lock = threading.Lock()
        self._files = [(folder / name).open("wb") for name in ("stdout", "stderr")]
        self.process = subprocess.Popen(
            [str(spark_home() / "bin" / "spark-submit"), *work.arguments[1:]],
            cwd=folder,
            env=dict(yarn.environment),
            stdin=subprocess.DEVNULL,
            stdout=self._files[0],
            stderr=self._files[1],
        )

    def ended(self, now: float) -> float | None:
        with self._lock:
            if self._ended is None and self.process.poll() is not None:
                self._ended = now
            return self._ended

    @property
    def exit_code(self) -> int:
        code = self.process.wait()
        return 128 - code if code < 0 else code

    def stop(self, now: float, *, kill: bool) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
            if kill:
                assert self.exit_code == KILLED

    @property
    def application(self) -> str | None:
        """YARN's id of the application, once its client has told it."""
        found = re.search(r"Submitted application (application_\d+_\d+)", self._text("stderr"))
        return found and found[1]

    def logs(self, now: float) -> Mapping[str, str]:
        return {name: self._text(name) for name in ("stdout", "stderr")}

    def drivers(self, now: float) -> Sequence[Mapping[str, str]]:
        """Logs of each attempt's first container, where the node manager keeps them."""
        if self.application is None:
            return []
        pattern = f"target/**/*-logDir-*/{self.application}/container_*_000001"
        return [
            {
                name: (container / name).read_text(errors="replace")
                for name in ("stdout", "stderr")
                if (container / name).is_file()
            }
            for container in sorted(self._yarn.folder.glob(pattern))
        ]

    @property
    def failure(self) -> Mapping[str, str] | None:
        return None

    def _text(self, name: str) -> str:
        return (self._folder / name).read_text(errors="replace")

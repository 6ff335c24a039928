"""Runs the steps of the stand-in for real: `spark-submit` on a standalone cluster.

    with standalone_cluster(folder, own_path=False) as cluster:
        runner = SparkRunner(cluster.url, s3, folder, defaults=s3a_defaults(...))
        with FakeAws(s3, runner) as fake:
            ...

Of a step's arguments only master and deploy mode are changed: a standalone cluster has no cluster
mode for Python. What YARN would do is done by `spark_submit.py`. A step's process is the JVM of
`spark-submit`, with Python below it; in cluster mode on EMR these are two machines' business.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from stormlake.java import find_java_home
from tests.fakes.emr.runners import KILLED, TERMINATED, Work
from tests.fakes.emr.spark_submit import BadSubmit, Submit, localize, read_submit, spark_defaults
from tests.fakes.s3 import S3Server
from tests.integration.cluster import spark_home
from tests.integration.runs import MARK, kill_marked, marked, test_environment

END_SECONDS = 20.0
"""Until what a dead step left behind is killed."""


class SparkRunner:
    """Runs `spark-submit` on a standalone cluster.

    Parameters
    ----------
    master : str
        `spark://127.0.0.1:port`.
    s3 : S3Server
        Where the steps' files are fetched from, past the stand-in's faults.
    folder : Path
        For working folders, logs and unpacked archives.
    defaults : mapping, optional
        The cluster's own settings (spark-defaults.conf), such as S3A's.

    Attributes
    ----------
    environment : mapping of str to str
        What every driver and executor inherits, as instances know region and credentials;
        `FakeAws` sets it.
    """

    def __init__(
        self, master: str, s3: S3Server, folder: Path, defaults: Mapping[str, str] | None = None
    ) -> None:
        self.master = master
        self.s3 = s3.client()
        self.folder = folder
        self.defaults = dict(defaults or {})
        self.environment: Mapping[str, str] = {}
        self.cache = folder / "archives"
        self.cache.mkdir()
        self.localizing = threading.Lock()
        self.tasks: list[SparkTask] = []

    def start(self, work: Work) -> SparkTask:
        folder = self.folder / f"step-{len(self.tasks)}"
        folder.mkdir()
        task = SparkTask(self, work, folder)
        self.tasks.append(task)
        return task

    def close(self) -> None:
        for task in self.tasks:
            task.stop(0.0, kill=True)
        for task in self.tasks:
            task.join()


class SparkTask:
    """A step whose process is real.

    Parameters
    ----------
    runner : SparkRunner
    work : Work
    folder : Path
        For this step alone.
    """

    def __init__(self, runner: SparkRunner, work: Work, folder: Path) -> None:
        self._runner = runner
        self._work = work
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._code: int | None = None
        self._ended: float | None = None
        self._stopped = 0
        self._lock = threading.Lock()
        self.environment = test_environment(self._runner.environment)
        """Carries the mark by which a test finds what the step left."""
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def ended(self, now: float) -> float | None:
        with self._lock:
            if self._code is not None and self._ended is None:
                self._ended = now
            return self._ended

    @property
    def exit_code(self) -> int:
        assert self._code is not None
        return self._code

    def stop(self, now: float, *, kill: bool) -> None:
        with self._lock:
            self._stopped = KILLED if kill else TERMINATED
            running = self._process is not None and self._code is None
        if running and kill:
            kill_marked(self.environment[MARK])
        elif running:
            assert self._process is not None
            self._process.send_signal(signal.SIGTERM)

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join()

    def logs(self, now: float) -> Mapping[str, str]:
        process = {name: self._read(name) for name in ("stdout", "stderr")}
        return {"controller": self._controller()} | ({} if self._work.cluster_mode else process)

    def drivers(self, now: float) -> Sequence[Mapping[str, str]]:
        if not self._work.cluster_mode:
            return []
        return [{name: self._read(name) for name in ("stdout", "stderr")}]

    @property
    def failure(self) -> Mapping[str, str] | None:
        return None

    def _run(self) -> None:
        try:
            code = self._carry_out(read_submit(self._work.arguments))
        except BadSubmit as error:
            (self._folder / "stderr").write_text(f"Error: {error}\n")
            code = 1
        except Exception as error:  # told where a person looks, not lost with the thread
            (self._folder / "stderr").write_text(f"the stand-in is broken: {error!r}\n")
            code = 1
        with self._lock:
            self._code = code

    def _carry_out(self, submit: Submit) -> int:
        runner, working = self._runner, self._folder / "container"
        working.mkdir()
        with runner.localizing:
            ready = localize(
                submit,
                runner.s3,
                working,
                runner.cache,
                spark_home() / "bin" / "spark-submit",
                runner.master,
            )
        configuration = self._folder / "conf"
        configuration.mkdir()
        inherited = {
            f"spark.executorEnv.{name}": value for name, value in runner.environment.items()
        }
        defaults = configuration / "spark-defaults.conf"
        defaults.write_text(spark_defaults(inherited | runner.defaults))
        environment = self.environment | {
            "JAVA_HOME": str(find_java_home()),
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONF_DIR": str(configuration),
            **ready.environment,
        }
        # A cluster's driver has the code that it was sent, and no other.
        environment.pop("PYTHONPATH", None)
        with (
            (self._folder / "stdout").open("wb") as stdout,
            (self._folder / "stderr").open("wb") as stderr,
        ):
            with self._lock:
                if self._stopped:
                    return self._stopped
                self._process = subprocess.Popen(
                    ready.command,
                    env=environment,
                    cwd=working,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                )
            code = self._process.wait()
        self._end_rest()
        return 128 - code if code < 0 else code

    def _end_rest(self) -> None:
        """Give the driver's Python, whose JVM has gone, a moment to go too; then kill it."""
        mark = self.environment[MARK]
        end = time.monotonic() + (END_SECONDS if not self._stopped else 2.0)
        while alive(mark) and time.monotonic() < end:
            time.sleep(0.1)
        kill_marked(mark)

    def _controller(self) -> str:
        lines = [
            "INFO startExec 'hadoop jar /var/lib/aws/emr/step-runner/hadoop-jars/"
            f"command-runner.jar {' '.join(self._work.arguments)}'",
            f"INFO Environment: {len(self.environment)} variables",
        ]
        if self._code is not None:
            lines.append(f"INFO waitProcessCompletion ended with exit code {self._code}")
        return "\n".join(lines) + "\n"

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text(errors="replace")
        except FileNotFoundError:
            return ""


def alive(mark: str) -> bool:
    """Whether a process with this mark is there."""
    return next(marked(mark), None) is not None

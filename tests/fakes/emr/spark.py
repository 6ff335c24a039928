"""Runs the steps of the stand-in for real: `spark-submit` on a standalone cluster.

    with standalone_cluster(folder, own_path=False) as cluster:
        with FakeAws(s3, SparkRunner(cluster.url, s3, folder)) as fake:
            ...

Of a step's arguments only master and deploy mode are changed: a standalone cluster has no cluster
mode for Python. What YARN would do is done here and in `spark_submit.py`: files from S3, archives,
the driver's environment, a second attempt for a driver that failed. A step's process is the JVM of
`spark-submit` with Python below it, whose stdout and stderr Spark merges into stdout, on EMR too.
"""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import boto3

from stormlake.java import find_java_home
from stormlake.s3_access import S3Access
from tests.fakes.emr.runners import KILLED, TERMINATED, Work
from tests.fakes.emr.spark_submit import BadSubmit, Submit, localize, read_submit, spark_defaults
from tests.fakes.s3 import S3Server
from tests.integration.cluster import spark_home
from tests.integration.runs import MARK, kill_marked, marked, test_environment

YARN_ATTEMPTS = 2
"""yarn.resourcemanager.am.max-attempts, which a driver has unless spark.yarn.maxAppAttempts says
otherwise (yarn-default.xml; "Running Spark on YARN")."""

SIMPLE_CREDENTIALS = "org.apache.hadoop.fs.s3a.SimpleAWSCredentialsProvider"

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
        Further settings of the cluster (spark-defaults.conf); it has S3A's, for the endpoint and
        credentials of `environment`.

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

    def cluster_settings(self) -> dict[str, str]:
        """spark-defaults.conf: S3A as an EMR cluster has it, and the environment for executors."""
        environment = self.environment
        session = boto3.session.Session(
            environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
        )
        access = S3Access(session, environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"])
        return {
            **{f"spark.executorEnv.{name}": value for name, value in environment.items()},
            **access.settings(spark_home()),
            "spark.hadoop.fs.s3a.access.key": environment["AWS_ACCESS_KEY_ID"],
            "spark.hadoop.fs.s3a.secret.key": environment["AWS_SECRET_ACCESS_KEY"],
            "spark.hadoop.fs.s3a.aws.credentials.provider": SIMPLE_CREDENTIALS,
            **self.defaults,
        }

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
        self._error = ""
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
        controller = (
            "INFO startExec 'hadoop jar /var/lib/aws/emr/step-runner/hadoop-jars/"
            f"command-runner.jar {' '.join(self._work.arguments)}'\n"
        )
        if self._code is not None:
            controller += f"INFO waitProcessCompletion ended with exit code {self._code}\n"
        own = {} if self._work.cluster_mode else next(iter(self._attempts()), {})
        return {"controller": controller, **own} | ({"stderr": self._error} if self._error else {})

    def drivers(self, now: float) -> Sequence[Mapping[str, str]]:
        return self._attempts() if self._work.cluster_mode else []

    @property
    def failure(self) -> Mapping[str, str] | None:
        return None

    def _run(self) -> None:
        try:
            code = self._carry_out(read_submit(self._work.arguments))
        except BadSubmit as error:
            self._error = f"Error: {error}\n"
            code = 1
        except Exception as error:  # told where a person looks, not lost with the thread
            self._error = f"the stand-in is broken: {error!r}\n"
            code = 1
        with self._lock:
            self._code = code

    def _carry_out(self, submit: Submit) -> int:
        most = 1
        if self._work.cluster_mode:
            most = int(submit.settings.get("spark.yarn.maxAppAttempts", YARN_ATTEMPTS))
        code = 0
        for number in range(1, most + 1):
            code = self._attempt(submit, self._folder / f"attempt-{number}")
            if code == 0 or self._stopped:
                break
        return code

    def _attempt(self, submit: Submit, folder: Path) -> int:
        """Run the driver once; gives its exit code."""
        runner, working = self._runner, folder.with_name(f"container-{folder.name}")
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
        folder.mkdir()
        (folder / "spark-defaults.conf").write_text(spark_defaults(runner.cluster_settings()))
        environment = self.environment | {
            "JAVA_HOME": str(find_java_home()),
            "SPARK_HOME": str(spark_home()),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_CONF_DIR": str(folder),
            **ready.environment,
        }
        # A cluster's driver has the code that it was sent, and no other.
        environment.pop("PYTHONPATH", None)
        with (folder / "stdout").open("wb") as stdout, (folder / "stderr").open("wb") as stderr:
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

    def _attempts(self) -> list[Mapping[str, str]]:
        """What each attempt of the driver has written."""
        return [
            {name: (folder / name).read_text(errors="replace") for name in ("stdout", "stderr")}
            for folder in sorted(self._folder.glob("attempt-*"))
            if (folder / "stderr").exists()
        ]

    def _end_rest(self) -> None:
        """Give the driver's Python, whose JVM has gone, a moment to go too; then kill it."""
        mark = self.environment[MARK]
        end = time.monotonic() + (END_SECONDS if not self._stopped else 2.0)
        while alive(mark) and time.monotonic() < end:
            time.sleep(0.1)
        kill_marked(mark)


def alive(mark: str) -> bool:
    """Whether a process with this mark is there."""
    return next(marked(mark), None) is not None

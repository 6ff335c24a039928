"""A real Spark cluster on this machine: a standalone master and workers, each a process.

    with local_cluster(spark, folder, environment) as cluster:
        subprocess.run([spark.submit, "--master", cluster.url, ...])

They come from PySpark's own `spark-class`, listen on free ports of the loopback interface and end
with the block, executors and Python workers included.
"""

from __future__ import annotations

import contextlib
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from stormlake.errors import StormlakeError

START_SECONDS: Final = 120.0
"""How long a JVM may take to start on a busy machine; it takes 3 on an idle one."""


class ClusterNotStarted(StormlakeError):
    """A master or worker ended, or did not say in time that it is ready."""


@dataclass(frozen=True)
class SparkHome:
    """A PySpark and the Java that runs it.

    Parameters
    ----------
    path : Path
        Folder with `bin` in it: pip's PySpark.
    java : Path
        JAVA_HOME.
    """

    path: Path
    java: Path

    @property
    def submit(self) -> str:
        """Its `spark-submit`."""
        return str(self.path / "bin" / "spark-submit")

    @property
    def environment(self) -> dict[str, str]:
        """Variables that its scripts need, and that keep it on this machine."""
        return {
            "JAVA_HOME": str(self.java),
            "SPARK_HOME": str(self.path),
            "SPARK_LOCAL_IP": "127.0.0.1",
        }


@dataclass(frozen=True)
class LocalWorker:
    """A worker's JVM.

    Parameters
    ----------
    process : subprocess.Popen
    folder : Path
        Where its executors work: `app-…/0`.
    """

    process: subprocess.Popen[bytes]
    folder: Path


@dataclass(frozen=True)
class LocalCluster:
    """A running cluster.

    Parameters
    ----------
    url : str
        `spark://127.0.0.1:port`, for `--master`.
    workers : sequence of LocalWorker
    """

    url: str
    workers: Sequence[LocalWorker]


@contextmanager
def local_cluster(
    spark: SparkHome, folder: Path, environment: Mapping[str, str], workers: int = 1
) -> Iterator[LocalCluster]:
    """Start a master and workers of one core each; end all of it.

    Parameters
    ----------
    spark : SparkHome
    folder : Path
        For work folders, local folders and logs.
    environment : mapping
        All that the processes and their executors have, besides what Spark itself needs.
    workers : int

    Raises
    ------
    ClusterNotStarted
        The message has the log's last line.
    """
    variables = {"SPARK_DAEMON_MEMORY": "256m", **environment, **spark.environment}
    with ExitStack() as stack:

        def start(name: str, *arguments: str) -> tuple[subprocess.Popen[bytes], Path]:
            log = folder / f"{name}.log"
            with log.open("wb") as file:
                process = subprocess.Popen(
                    [str(spark.path / "bin" / "spark-class"), *arguments],
                    env=variables | {"SPARK_LOCAL_DIRS": str(folder / f"{name}-local")},
                    cwd=folder,
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                )
            stack.callback(end_tree, process)
            return process, log

        process, log = start(
            *("master", "org.apache.spark.deploy.master.Master"),
            *("--host", "127.0.0.1", "--port", "0", "--webui-port", "0"),
        )
        url = _find(process, log, r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        _find(process, log, r"(I have been elected leader)")
        started = []
        for number in range(workers):
            work = folder / f"work-{number}"
            process, log = start(
                *(f"worker-{number}", "org.apache.spark.deploy.worker.Worker"),
                *("--host", "127.0.0.1", "--webui-port", "0", "--cores", "1", "--memory", "2g"),
                *("--work-dir", str(work), url),
            )
            started.append((LocalWorker(process, work), log))
        for worker, log in started:
            _find(worker.process, log, r"(Successfully registered with master)")
        yield LocalCluster(url, [worker for worker, _ in started])


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and all that it started, unless it has ended itself."""
    if process.poll() is not None:
        return  # its number may be another's by now
    tree: list[psutil.Process] = []
    with contextlib.suppress(psutil.NoSuchProcess):
        started = psutil.Process(process.pid)
        tree = [started, *started.children(recursive=True)]
    for each in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()


def _find(process: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    """Wait until a log says something."""
    end = time.monotonic() + START_SECONDS
    while (found := re.search(pattern, log.read_text(errors="replace"))) is None:
        if process.poll() is not None or time.monotonic() > end:
            said = log.read_text(errors="replace").splitlines() or ["nothing"]
            raise ClusterNotStarted(
                f"Spark's {log.stem} did not start here; its last words: {said[-1]}"
            )
        time.sleep(0.1)
    return found.group(1)

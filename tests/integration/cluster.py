"""A real standalone cluster from PySpark's own `spark-class`, to be broken on purpose.

    with standalone_cluster(tmp_path, workers=2) as cluster:
        run_job("--master", cluster.url, ...)

A master and workers of one core each, on free ports of the loopback interface, with folders of
their own. Executors run the interpreter that runs the tests. Every process carries the mark of
`runs.test_environment`, and nothing of it outlives the block.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from stormlake.emr.local_cluster import LocalCluster, LocalWorker, SparkHome, local_cluster
from stormlake.java import find_java_home
from tests.integration.runs import MARK, kill_marked, test_environment


class Worker(LocalWorker):
    """A worker's JVM."""

    def executors(self) -> list[psutil.Process]:
        """JVMs of executors that this worker runs now."""
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if "CoarseGrainedExecutorBackend" in _line(process)]

    def decoders(self) -> list[psutil.Process]:
        """Decoder processes below this worker's executors."""
        try:
            below = psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [process for process in below if "stormlake.radar.child" in _line(process)]

    def kill(self) -> None:
        """SIGKILL the worker and its executors at once, as a machine that is lost."""
        for process in [*self.executors(), psutil.Process(self.process.pid)]:
            process.kill()
        self.process.wait()


@dataclass(frozen=True)
class Cluster(LocalCluster):
    """A running cluster, whose workers can be broken."""

    workers: Sequence[Worker]


@contextmanager
def standalone_cluster(
    folder: Path,
    workers: int = 2,
    env: Mapping[str, str] | None = None,
    *,
    own_path: bool = True,
) -> Iterator[Cluster]:
    """Start a master and workers of one core each; end all of it.

    Parameters
    ----------
    folder : Path
        For work folders, local folders and logs.
    workers : int
    env : mapping, optional
        Further environment of workers and their executors.
    own_path : bool
        Whether executors import `stormlake` from here; else from what a job ships, as on EMR.
    """
    java = find_java_home()
    assert java is not None, "a standalone cluster needs Java 17"
    environment = test_environment(env) | {
        "PYSPARK_PYTHON": sys.executable,
        # An executor does not know the driver's import path.
        "PYTHONPATH": os.pathsep.join(
            part
            for part in ((env or {}).get("PYTHONPATH"), *(_own_path() if own_path else ()))
            if part
        ),
    }
    with ExitStack() as stack:
        stack.callback(kill_marked, environment[MARK])
        spark = SparkHome(spark_home(), java)
        cluster = stack.enter_context(local_cluster(spark, folder, environment, workers))
        started = [Worker(each.process, each.folder) for each in cluster.workers]
        yield Cluster(cluster.url, started)


def spark_home() -> Path:
    """Folder of pip's PySpark, with `bin` in it."""
    import pyspark

    assert pyspark.__file__ is not None
    return Path(pyspark.__file__).parent


def _own_path() -> list[str]:
    """Where `stormlake` is imported from."""
    import stormlake

    return [str(Path(path).parent) for path in stormlake.__path__]


def _line(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def until(condition: Callable[[], bool], what: str, patience: float = 120.0) -> None:
    """Wait for a condition."""
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)

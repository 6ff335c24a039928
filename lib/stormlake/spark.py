"""The Spark session and its settings, in one place for laptop, standalone cluster and EMR."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from stormlake.errors import RefusedInput
from stormlake.java import use_java

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from stormlake.s3_access import S3Access

MEANING: Final = {
    # ANSI and the time zone differ between the runtimes' defaults; both must give the same rows.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    # INT96, Spark's default, is refused by Redshift's COPY.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    # A run replaces the partitions that it has rows for, and no other.
    "spark.sql.sources.partitionOverwriteMode": "dynamic",
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.python.worker.reuse": "true",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
}
"""Settings that decide what rows come out; the same on every runtime, on every submit."""

OWN: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
}
"""Settings for a session that we start ourselves, whatever its master."""

LOOPBACK: Final = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}
"""For a session whose executors are on this machine: nobody else can reach its ports."""

DRIVER_MEMORY: Final = "2g"
"""Heap of a JVM that we start; Spark's own variable SPARK_DRIVER_MEMORY overrides it."""

THRIFTY_JAVA: Final = (
    # A laptop's run is short, and most of its JVM's time would go into compiling for a long one:
    # of 38 core-seconds for 24 volumes, 12 were its compilers'. Wait 20 times longer
    # for it; what is hot for a whole station-day is still optimised.
    "-XX:Tier4InvocationThreshold=100000",
    "-XX:Tier4MinInvocationThreshold=12000",
    "-XX:Tier4CompileThreshold=300000",
    "-XX:Tier4BackEdgeThreshold=800000",
    # Few threads and little garbage: G1's own threads cost more than they save.
    "-XX:+UseSerialGC",
)
"""Options of a JVM that we start ourselves; a cluster's JVMs keep their own."""


def under_spark_submit() -> bool:
    """Whether spark-submit started this process, and so has chosen master and memory."""
    return "PYSPARK_GATEWAY_PORT" in os.environ


def start_session(
    name: str,
    master: str | None = None,
    extra: Mapping[str, str] | None = None,
    s3: S3Access | None = None,
) -> SparkSession:
    """Start the session that a job runs in, or join the one that spark-submit prepared.

    Parameters
    ----------
    name : str
        Name of the application, shown in Spark's and EMR's lists.
    master : str, optional
        Spark master; ignored under spark-submit, which names it. Default `local[*]`.
    extra : mapping of str to str, optional
        Further settings, which win over ours.
    s3 : S3Access, optional
        How a lake in a bucket is reached; ignored under spark-submit, where the cluster knows.

    Raises
    ------
    RefusedInput
        When Java, PySpark, or for S3 a jar or credentials are missing, or Spark does not start
        with this master.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise RefusedInput(
            "PySpark is not installed; on a laptop: pip install 'stormlake[spark]', or make setup"
        ) from error

    builder = SparkSession.builder.appName(name)
    settings = dict(MEANING)
    if not under_spark_submit():
        master = master or "local[*]"
        use_java()
        # Workers must be this very interpreter: another python3 on PATH may lack pyarrow.
        os.environ["PYSPARK_PYTHON"] = sys.executable
        os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
        settings |= own_settings(master)
        if s3 is not None:
            settings |= s3.settings(_spark_home())
        builder = builder.master(master)
    for key, value in (settings | dict(extra or {})).items():
        builder = builder.config(key, value)
    before = set(_children())
    try:
        session: SparkSession = builder.getOrCreate()
    except Exception as error:
        raise RefusedInput(
            f"Spark did not start with master {master!r}: {_first_line(error)}"
        ) from error
    except BaseException:
        # A JVM that loses its driver before it has told its port lives on for ever.
        for process in set(_children()) - before:
            with contextlib.suppress(psutil.Error):
                process.kill()
        raise
    if s3 is not None and not under_spark_submit():
        s3.give_keys(session)
    if threading.current_thread() is threading.main_thread():
        # PySpark's handler talks to the JVM in the middle of the command that it interrupts,
        # which breaks both; stopping the session cancels its jobs all the same.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    return session


def stop_session(session: SparkSession) -> None:
    """Stop a session; when it does not listen any more, end the JVM that we started."""
    gateway: Any = session.sparkContext._gateway
    process = getattr(gateway, "proc", None)
    try:
        session.stop()
        if process is not None:
            # Hadoop keeps file systems by bucket: the JVM's next session may have another
            # endpoint, or another's credentials.
            gateway.jvm.org.apache.hadoop.fs.FileSystem.closeAll()
    except Exception:
        if process is None:
            raise
        process.kill()
        process.wait()


def own_settings(master: str) -> dict[str, str]:
    """Settings of a session that we start ourselves for this master.

    Parameters
    ----------
    master : str
        Executors of `local…` and of a master on a loopback address are on this machine; those of
        any other must be able to call the driver back.
    """
    settings = dict(OWN)
    host = master.partition("://")[2].rpartition(":")[0]
    if master.startswith("local") or host in {"localhost", "127.0.0.1", "[::1]"}:
        settings |= LOOPBACK
    if "SPARK_DRIVER_MEMORY" not in os.environ:
        settings["spark.driver.memory"] = DRIVER_MEMORY
    # A URI, because Spark splits the options at blanks, and a checkout may lie below one.
    properties = Path(str(resources.files("stormlake") / "log4j2.properties")).as_uri()
    options = [f"-Dlog4j2.configurationFile={properties}", *THRIFTY_JAVA]
    settings["spark.driver.extraJavaOptions"] = " ".join(options)
    settings["spark.sql.warehouse.dir"] = str(Path(tempfile.gettempdir()) / "stormlake-warehouse")
    return settings


def is_local(session: SparkSession) -> bool:
    """Whether executors are part of this machine's process tree."""
    return str(session.sparkContext.master).startswith("local")


def executor_cpu_seconds(session: SparkSession) -> float:
    """CPU time of the JVM threads that ran this session's tasks, as Spark measured it."""
    gateway: Any = session.sparkContext._gateway
    # Scala's defaults, which py4j does not know: no details, summaries, quantiles, task states.
    stages = (
        session.sparkContext._jsc.sc()
        .statusStore()
        .stageList(
            None,
            False,
            False,
            gateway.new_array(gateway.jvm.double, 0),
            gateway.jvm.java.util.ArrayList(),
        )
    )
    nanoseconds = sum(stages.apply(i).executorCpuTime() for i in range(stages.size()))
    return float(nanoseconds) / 1e9


def _spark_home() -> Path:
    """Folder of the Spark that PySpark starts."""
    from pyspark import find_spark_home

    found: Any = find_spark_home
    return Path(found._find_spark_home())


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def _first_line(error: BaseException) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__

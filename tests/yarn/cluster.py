"""A real YARN in one process, from Hadoop's own mini cluster; started by hand, not in CI.

    with yarn_cluster(folder, s3, environment) as yarn:
        with FakeAws(s3, YarnRunner(yarn)) as fake:
            ...

Steps run as EMR runs them: the arguments of `spark-submit` as they are, cluster mode, archives and
the job's files localised by YARN from `s3://`, drivers in containers. Hadoop is that of pip's
PySpark. What is not here: node labels, log aggregation, several nodes, and Amazon's builds.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from stormlake.java import find_java_home
from stormlake.runtimes import Runtime
from stormlake.s3_jars import (
    fetch_jars,
    find_s3_jars,
    jar_folder,
    jar_name,
    runtime_of_spark,
)
from tests.integration.cluster import spark_home, until
from tests.integration.runs import MARK, kill_marked, test_environment

HERE = Path(__file__).parent
JARS: Mapping[str, tuple[str, ...]] = {
    "3.3.4": (
        "org.apache.hadoop:hadoop-client-minicluster:3.3.4",
        # What the shaded mini cluster leaves out: its own tests' assertions, and a proxy's keys.
        "junit:junit:4.13.2",
        "org.bouncycastle:bcprov-jdk15on:1.68",
        "org.bouncycastle:bcpkix-jdk15on:1.68",
    ),
}
"""By Hadoop's version: what pip's PySpark lacks to be a YARN cluster."""

OPENED = (
    # Guice 4 of Hadoop 3 makes classes by reflection, which Java 17 allows where it is told to.
    *("--add-opens", "java.base/java.lang=ALL-UNNAMED"),
    *("--add-exports", "java.base/sun.net.dns=ALL-UNNAMED"),
    *("--add-exports", "java.base/sun.net.util=ALL-UNNAMED"),
)

YARN = {
    "fs.defaultFS": "file:///",
    "yarn.resourcemanager.hostname": "127.0.0.1",
    "yarn.nodemanager.bind-host": "127.0.0.1",
    "yarn.nodemanager.resource.memory-mb": "8192",
    "yarn.nodemanager.resource.cpu-vcores": "4",
    "yarn.scheduler.minimum-allocation-mb": "256",
    "yarn.nodemanager.vmem-check-enabled": "false",
    # Logs of containers stay where they are written, so that a test finds them.
    "yarn.nodemanager.delete.debug-delay-sec": "3600",
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": "100",
    "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0",
}


@dataclass(frozen=True)
class Yarn:
    """A running cluster.

    Parameters
    ----------
    folder : Path
        Below it stand the logs of containers.
    environment : mapping of str to str
        For `spark-submit`: where the cluster is, and what its clients need.
    """

    folder: Path
    environment: Mapping[str, str]


@contextmanager
def yarn_cluster(
    folder: Path, settings: Mapping[str, str], containers: Mapping[str, str]
) -> Iterator[Yarn]:
    """Start YARN; end it with all that it runs.

    Parameters
    ----------
    folder : Path
        Empty; for configuration, logs, localised files.
    settings : mapping of str to str
        Of Hadoop, such as S3A's.
    containers : mapping of str to str
        Environment of drivers and executors, as a cluster's instances know region and credentials.
    """
    java = find_java_home()
    assert java is not None, "YARN needs Java 17"
    runtime = runtime_of_spark(spark_home())
    s3_jars = [str(jar) for jar in find_s3_jars(runtime)]
    jars = [*fetch_mini_cluster(runtime), str(spark_home() / "jars" / "*"), *s3_jars]
    configuration = folder / "conf"
    configuration.mkdir()
    (configuration / "spark-defaults.conf").write_text(_defaults(s3_jars, containers))
    environment = test_environment(containers) | {"JAVA_HOME": str(java)}
    log = folder / "yarn.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [
                *(str(java / "bin" / "java"), *OPENED, "-cp", os.pathsep.join(jars)),
                *(str(HERE / "MiniYarn.java"), str(configuration)),
                *(f"{key}={value}" for key, value in (YARN | dict(settings)).items()),
            ],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: "READY" in log.read_text(errors="replace").splitlines(), f"READY in {log}")
        yield Yarn(
            folder,
            {
                **environment,
                "SPARK_HOME": str(spark_home()),
                "SPARK_CONF_DIR": str(configuration),
                "HADOOP_CONF_DIR": str(configuration),
                "SPARK_DIST_CLASSPATH": os.pathsep.join(s3_jars),
            },
        )
    finally:
        kill_marked(environment[MARK])
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def fetch_mini_cluster(runtime: Runtime) -> list[str]:
    """The mini cluster's jars, fetched where they are missing."""
    assert runtime.hadoop in JARS, (
        f"YARN's mini cluster was made to run with Hadoop {', '.join(JARS)}, and this PySpark has "
        f"{runtime.hadoop}: make test-yarn takes PySpark 3.5"
    )
    wanted = JARS[runtime.hadoop]
    fetch_jars(wanted, jar_folder(), (HERE / "jars.lock").read_text(encoding="utf-8"))
    return [str(jar_folder() / jar_name(each)) for each in wanted]


def _defaults(s3_jars: list[str], containers: Mapping[str, str]) -> str:
    """Write spark-defaults.conf, the cluster's own settings."""
    path = os.pathsep.join(s3_jars)
    short_lived = "-XX:+UseSerialGC -XX:TieredStopAtLevel=1"
    settings = {
        # Spark is on the node; to send it along would copy 300 MB for each application.
        "spark.yarn.jars": f"local:{spark_home()}/jars/*",
        "spark.driver.extraClassPath": path,
        "spark.executor.extraClassPath": path,
        "spark.driver.extraJavaOptions": short_lived,
        "spark.executor.extraJavaOptions": short_lived,
        "spark.executor.instances": "1",
        "spark.driver.memory": "1g",
        "spark.executor.memory": "1g",
        **{f"spark.yarn.appMasterEnv.{name}": value for name, value in containers.items()},
        **{f"spark.executorEnv.{name}": value for name, value in containers.items()},
    }
    return "".join(f"{key} {value}\n" for key, value in settings.items())

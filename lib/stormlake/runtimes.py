"""The two runtimes that Stormlake runs on, in one table; labels are looked up, never parsed."""

from __future__ import annotations

from dataclasses import dataclass

from stormlake.errors import RefusedInput


@dataclass(frozen=True)
class Runtime:
    """An EMR release and what of it matters to us.

    Parameters
    ----------
    label : str
        The EMR release label.
    spark : str
        Version of PySpark to test with.
    hadoop : str
        Version of Hadoop inside pip's PySpark.
    python : str
        Path of Python 3.11 on the image; never the image's default.
    glibc : str
        Version of glibc on the image (Amazon Linux 2023).
    lock : str
        Lock file of a development environment with this Spark, relative to the repository.
    s3_jars : tuple of str
        What pip's PySpark lacks to reach S3, by Maven coordinates (group:artifact:version); a
        cluster has its own. hadoop-aws must match `hadoop` to the digit.
    committer_jar : str
        Spark's binding to the S3A committers; never on a session's class path but in the test
        that shows why we do not use them.
    """

    label: str
    spark: str
    hadoop: str
    python: str
    glibc: str
    lock: str
    s3_jars: tuple[str, ...]
    committer_jar: str

    @property
    def short(self) -> str:
        """Spark's minor version, as `make SPARK=…` takes it."""
        return ".".join(self.spark.split(".")[:2])

    @property
    def cluster_lock(self) -> str:
        """Lock file of what a cluster gets, in `requirements/`: no Spark, which is its own."""
        return f"{self.label}.lock"


RUNTIMES = (
    Runtime(
        label="emr-7.13.0",
        spark="3.5.6",
        hadoop="3.3.4",
        python="/usr/bin/python3.11",
        glibc="2.34",
        lock="requirements/spark-3.5.lock",
        s3_jars=(
            "org.apache.hadoop:hadoop-aws:3.3.4",
            "com.amazonaws:aws-java-sdk-bundle:1.12.262",
        ),
        # Maven Central has no 3.5.6 of this one (November 2026).
        committer_jar="org.apache.spark:spark-hadoop-cloud_2.12:3.5.5",
    ),
    Runtime(
        label="emr-spark-8.0.0",
        spark="4.0.2",
        hadoop="3.4.1",
        python="/usr/bin/python3.11",
        glibc="2.34",
        lock="requirements/spark-4.0.lock",
        s3_jars=("org.apache.hadoop:hadoop-aws:3.4.1", "software.amazon.awssdk:bundle:2.24.6"),
        committer_jar="org.apache.spark:spark-hadoop-cloud_2.13:4.0.2",
    ),
)


def runtime(label: str) -> Runtime:
    """Look a release label up.

    Raises
    ------
    RefusedInput
        When the label is unknown; the message lists the known ones.
    """
    for known in RUNTIMES:
        if known.label == label:
            return known
    raise RefusedInput(
        f"runtime {label!r} is not known; use one of: {', '.join(r.label for r in RUNTIMES)}"
    )

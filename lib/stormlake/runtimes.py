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
    """

    label: str
    spark: str
    hadoop: str
    python: str
    glibc: str
    lock: str

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
    ),
    Runtime(
        label="emr-spark-8.0.0",
        spark="4.0.2",
        hadoop="3.4.1",
        python="/usr/bin/python3.11",
        glibc="2.34",
        lock="requirements/spark-4.0.lock",
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

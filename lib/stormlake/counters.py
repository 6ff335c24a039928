"""What tasks report to the driver while they run: volumes, bytes and CPU time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pyspark import Accumulator
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Counters:
    """Accumulators of one run; they travel with a task's function.

    A task that Spark runs twice counts twice: good for progress and cost, never for rows.

    Parameters
    ----------
    done : Accumulator of int
        Inputs that are through.
    bytes_read : Accumulator of int
        Bytes fetched from the source.
    cpu_seconds : Accumulator of float
        CPU time of Python workers and their decoders.
    """

    done: Accumulator[int]
    bytes_read: Accumulator[int]
    cpu_seconds: Accumulator[float]

    @classmethod
    def of(cls, spark: SparkSession) -> Counters:
        """Counters of a session, all at zero."""
        context = spark.sparkContext
        return cls(context.accumulator(0), context.accumulator(0), context.accumulator(0.0))

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Count the CPU time of this worker and of its children; use it around a task's work."""
        before = _worker_cpu_seconds()
        try:
            yield
        finally:
            self.cpu_seconds.add(_worker_cpu_seconds() - before)


def _worker_cpu_seconds() -> float:
    worker = psutil.Process()
    times = worker.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in worker.children():
        try:
            of_child = child.cpu_times()
        except psutil.Error:
            continue  # ended and waited for: it is in the worker's own figure now
        total += of_child.user + of_child.system
    return float(total)

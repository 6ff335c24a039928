"""The Spark half: archive objects to a view of records, each once, and to rejects."""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from pyspark.accumulators import AccumulatorParam
from pyspark.sql import functions as F

from stormlake.archive.arrivals import StoredObject
from stormlake.counters import Counters
from stormlake.lake.tables import REJECTS, spark_schema
from stormlake.lake.types import spark_fields
from stormlake.sensors.kinds import Dedupe
from stormlake.sensors.parts import Part, plan_parts
from stormlake.sensors.reader import Reader
from stormlake.sensors.tally import FiveNumbers, Tally
from stormlake.sensors.tasks import Tallies, Work, records_task, rejects_task

if TYPE_CHECKING:
    from pyspark import Accumulator
    from pyspark.sql import Column, DataFrame, SparkSession

_COPIES: Final = "copies_of_the_record"
_OBSERVED: Final = "records"


class _ByTask(AccumulatorParam[Tallies]):
    """Keeps one tally a task, the last. Were the rows of another attempt used (a fetch failed in
    one of them), the five numbers would not add up.
    """

    def zero(self, value: Tallies) -> Tallies:
        return {}

    def addInPlace(self, value1: Tallies, value2: Tallies) -> Tallies:  # noqa: N802
        value1.update(value2)
        return value1


@dataclass
class Records:
    """The records of a run: a frame that holds each once, and what was counted on the way.

    Parameters
    ----------
    frame : DataFrame
        The columns of the kind's view. Nothing is read before an action on it.
    decoded : DataFrame
        The same before copies are dropped.
    copies : DataFrame
        `frame` before the count of each record's copies is dropped.
    tasks : sequence of sequence of Part
    work : Work
    tallies : Accumulator
    """

    frame: DataFrame
    decoded: DataFrame
    copies: DataFrame
    tasks: Sequence[Sequence[Part]]
    work: Work
    tallies: Accumulator[Tallies]

    def tally(self) -> Tally:
        """What was counted, once an action has read everything."""
        total = Tally()
        for each in self.tallies.value.values():
            total.add(each)
        return total

    def numbers(self, executed: DataFrame) -> FiveNumbers:
        """The five numbers.

        Parameters
        ----------
        executed : DataFrame
            The one whose action has read everything.

        Notes
        -----
        What Spark observes in passing is not there in every plan, and counts a stage twice that
        ran twice (an executor was lost) and a view that a query reads twice. When it does not
        add up, the rows are counted by a query of its own, which is exact.
        """
        numbers = self._numbers(*_observed(executed))
        if numbers.add_up:
            return numbers
        counted = self.copies.agg(F.count(F.lit(1)), F.sum(_COPIES)).collect()[0]
        return self._numbers(counted[0], counted[1] or 0)

    def _numbers(self, kept: int, copies: int) -> FiveNumbers:
        tally = self.tally()
        return FiveNumbers(tally.read, kept, copies - kept, tally.rejected, tally.left)

    def rejects(self, job: str, first_day: str) -> DataFrame:
        """Rows of `rejects`; only the tasks that met one are read again.

        Parameters
        ----------
        job : str
            Name of the job.
        first_day : str
            ISO date of a reject that tells none.
        """
        spark = self.frame.sparkSession
        again = [n for n, tally in sorted(self.tallies.value.items()) if tally.reject_days]
        packed = spark.sparkContext.broadcast([pickle.dumps(self.tasks[n]) for n in again])
        work = replace(self.work, tasks=packed)
        task = functools.partial(rejects_task, work=work, job=job, first_day=first_day)
        return (
            spark.range(0, len(again), 1, max(1, len(again)))
            .mapInArrow(task, spark_schema(REJECTS))
            .repartition(*REJECTS.partition_names)
            .sortWithinPartitions(*REJECTS.partition_names, *REJECTS.sort)
        )


def read_records(
    spark: SparkSession, objects: Iterable[StoredObject], reader: Reader, counters: Counters
) -> Records:
    """Make the frame of an archive's records, each once.

    Parameters
    ----------
    spark : SparkSession
    objects : iterable of StoredObject
    reader : Reader
    counters : Counters
        Told of every part.
    """
    context = spark.sparkContext
    tasks = plan_parts(objects, context.defaultParallelism, split=reader.kind.splits)
    # As many groups as tasks: Spark's 200 cost more than reading a small archive.
    groups = max(context.defaultParallelism, len(tasks))
    spark.conf.set("spark.sql.shuffle.partitions", str(groups))
    packed = context.broadcast([pickle.dumps(parts) for parts in tasks])
    work = Work(reader, packed, counters)
    tallies = context.accumulator({}, _ByTask())
    task = functools.partial(records_task, work=work, tallies=tallies)
    columns = spark_fields(reader.kind.columns)
    decoded = spark.range(0, len(tasks), 1, max(1, len(tasks))).mapInArrow(task, columns)
    copies = _once(decoded, reader.kind.dedupe)
    observed = copies.observe(
        _OBSERVED, F.count(F.lit(1)).alias("kept"), F.sum(_COPIES).alias("copies")
    )
    return Records(observed.select(*columns.names), decoded, copies, tasks, work, tallies)


def _observed(executed: DataFrame) -> tuple[int, int]:
    """Records and copies that passed, by the plan that was executed; zeros where it has none.

    Not by `Observation.get`, which waits for ever where a plan has none.
    """
    found = executed._jdf.queryExecution().observedMetrics().get(_OBSERVED)
    if found.isEmpty():
        return 0, 0
    row = found.get()
    return int(row.getLong(0)), 0 if row.isNullAt(1) else int(row.getLong(1))


def _once(records: DataFrame, dedupe: Dedupe) -> DataFrame:
    """Each record once, with the number of its copies."""
    names = records.columns
    if dedupe is Dedupe.ALL_COLUMNS:
        return records.groupBy(*names).agg(F.count(F.lit(1)).alias(_COPIES))
    key = F.col("record_id") if dedupe is Dedupe.RECORD_ID else _request_key()
    whole = F.min(F.struct(*names)).alias("whole")
    grouped = records.withColumn("key_of_record", key).groupBy("key_of_record")
    return grouped.agg(whole, F.count(F.lit(1)).alias(_COPIES)).select("whole.*", _COPIES)


def _request_key() -> Column:
    """What requests with one id have in common; a row without an id is like no other."""
    place = F.monotonically_increasing_id().cast("string")
    return F.when(F.col("request_id").isNull(), F.concat(F.lit("row "), place)).otherwise(
        F.concat(F.lit("id "), F.col("request_id"))
    )

"""The Spark half: records and saved states to scores and new states, one pass over each series.

Rows are sorted within partitions and streamed through Python rather than grouped: a group of
`applyInPandas` is a whole series in memory, and a global one has millions of records a day.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from pyspark import StorageLevel
from pyspark.sql import functions as F

from stormlake.counters import Counters
from stormlake.lake.files import LakeFiles
from stormlake.lake.score_tables import RCF_STATE
from stormlake.lake.tables import ANOMALY_SCORES, spark_schema
from stormlake.lake.types import spark_fields
from stormlake.scoring.forest import ScoreNotFinite, StateUnreadable
from stormlake.scoring.records import value_columns
from stormlake.scoring.series import GLOBAL_KEY, SAVED, SCORED_COLUMNS, Plan, point_columns
from stormlake.sensors.registry import Device
from stormlake.workers import spare_worker

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pyspark.sql import Column, DataFrame, SparkSession
    from pyspark.sql.types import StructField

SETTINGS: Final = {
    # A batch may begin many series, each with a state of a megabyte or more.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "200",
    # Its batches of 4,096 rows would be 7 GB of states.
    "spark.sql.parquet.enableVectorizedReader": "false",
}
"""Of a session that scores."""

_ERRORS: Final = {error.__name__: error for error in (ScoreNotFinite, StateUnreadable)}


def points(
    records: DataFrame,
    values: int,
    place: str | None,
    by_key: bool,
    registry: Mapping[str, Device] | None = None,
) -> DataFrame:
    """Make the rows that are scored of the view `scored_records`.

    Parameters
    ----------
    records : DataFrame
    values : int
        Numbers in a point.
    place : {"location", "device_id"} or None
        The column of scores in which the record's place stands.
    by_key : bool
        Whether each place has a forest of its own.
    registry : mapping of str to Device, optional
        Every device of the records.

    Returns
    -------
    DataFrame
        `point_columns` but `SAVED`; `place` and `date`.
    """
    key = F.col("place") if by_key else F.lit(GLOBAL_KEY)
    told = {name: F.lit(None).cast("string") for name in ("location", "device_id")}
    if place is not None:
        told[place] = F.col("place")
    unknown = F.lit(None).cast("string")
    of_registry = [unknown.alias("manufacturer"), unknown.alias("model")]
    if registry is not None:
        spark = records.sparkSession
        rows = [(name, each.manufacturer, each.model) for name, each in sorted(registry.items())]
        known = spark.createDataFrame(rows, "device string, manufacturer string, model string")
        records = records.join(F.broadcast(known), F.col("place") == F.col("device"), "left")
        of_registry = [F.col("manufacturer"), F.col("model")]
    return records.select(
        key.alias("model_key"),
        "record_id",
        "event_time",
        *(column.alias(name) for name, column in told.items()),
        *of_registry,
        *value_columns(values),
        "given_score",
        "place",
        F.to_date("event_time").alias("date"),
    )


def last_state(files: LakeFiles, source: str, before: str) -> str | None:
    """ISO date of the newest saved states of a source before a date; None where there is none."""
    for day in reversed(files.values_below(RCF_STATE, (source,))):
        if day < before and _has_states(files, source, day):
            return day
    return None


def states_at(spark: SparkSession, files: LakeFiles, source: str, day: str) -> DataFrame | None:
    """The states of a source at the end of a date: model_key, options_hash, entries_seen, state.

    None where there are none: no record has come yet.
    """
    if not _has_states(files, source, day):
        return None
    path = files.partition_path(RCF_STATE, (source, day))
    return spark.read.schema(spark_fields(RCF_STATE.columns)).parquet(f"{files.root}/{path}")


def _has_states(files: LakeFiles, source: str, day: str) -> bool:
    return bool(files.data_files(RCF_STATE, [(source, day)])[source, day])


def score(
    rows: DataFrame, states: DataFrame | None, plan: Plan, partitions: int, counters: Counters
) -> DataFrame:
    """Score points in event-time order, each series going on from its saved state.

    Parameters
    ----------
    rows : DataFrame
        Of `points`, of the plan's dates alone.
    states : DataFrame or None
        `states_at` of the date before the plan's first.
    plan : Plan
    partitions : int
        How many tasks share the series.
    counters : Counters
        Told of every record.

    Returns
    -------
    DataFrame
        `SCORED_COLUMNS`. Which rows come out depends neither on the order of the input nor on the
        number of partitions.
    """
    fields = spark_fields(point_columns(len(plan.names)))
    given = rows.select(*(_column(each, rows.columns) for each in fields))
    if states is not None:
        known = ("model_key", *SAVED)
        saved = states.select(*(_column(each, known) for each in fields))
        given = given.unionByName(saved)
    in_order = given.repartition(partitions, "model_key").sortWithinPartitions(
        "model_key", F.col("event_time").asc_nulls_first(), "record_id"
    )
    task = functools.partial(_task, plan=plan, counters=counters)
    return in_order.mapInArrow(task, spark_fields(SCORED_COLUMNS))


def _column(field: StructField, there: Sequence[str]) -> Column:
    """A column where it is there, else NULLs of its type."""
    if field.name in there:
        return F.col(field.name)
    return F.lit(None).cast(field.dataType).alias(field.name)


def score_rows(scored: DataFrame, source: str) -> DataFrame:
    """Rows of `anomaly_scores` among scored rows; one file a date, in the table's order.

    Parameters
    ----------
    scored : DataFrame
        Of `score`, with the column `anomaly`.
    source : str
    """
    rows = scored.where(F.col("state").isNull()).withColumn("source", F.lit(source))
    wanted = rows.select(*spark_schema(ANOMALY_SCORES).names)
    return wanted.repartition("date").sortWithinPartitions("date", *ANOMALY_SCORES.sort)


def state_rows(scored: DataFrame, source: str) -> DataFrame:
    """Rows of `rcf_state` among scored rows; each task writes its own keys."""
    rows = scored.where(F.col("state").isNotNull()).withColumn("source", F.lit(source))
    return rows.select(*spark_schema(RCF_STATE).names)


def keep(scored: DataFrame) -> DataFrame:
    """Hold scored rows, on disk, until both tables are written: forests run once."""
    return scored.persist(StorageLevel.DISK_ONLY)


@contextmanager
def worker_errors() -> Iterator[None]:
    """Give an error that a task raised in our words, without the stacks around it."""
    try:
        yield
    except Exception as error:
        found = re.search(rf"\b({'|'.join(_ERRORS)}): (.+)", str(error))
        if found is None:
            raise
        raise _ERRORS[found[1]](found[2].strip()) from error


def _task(
    batches: Iterable[pa.RecordBatch], plan: Plan, counters: Counters
) -> Iterator[pa.RecordBatch]:
    spare_worker()
    with counters.timed():
        for batch in plan.score(batches):
            counters.done.add(batch.num_rows)
            yield batch

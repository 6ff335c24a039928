"""Write whole partitions of a table, and tell what was written.

How a Parquet file is made small (docs/tables.md says what is in it). Measured on 1.87 M rows of
`radar_grid` (KLIX, KLBB and KSRX, eight times), one file per station-day, bytes per row:

    sorted by volume_time, level, iy, ix; Spark's defaults, zstd 3          1.55   <- ours
    the same, no dictionary for ix                                          1.47
    the same, pages of 200,000 rows instead of 20,000                       1.45
    the same, writer version 2, no dictionary for iy and ix                 1.45
    the same, zstd 6                                                        1.52
    by iy, ix, level; by level, ix, iy                                      1.58; 1.52
    unsorted                                                                4.63

The order of the rows decides; the other ways gain less than 7 %, lose on weak echo (KBGM 2005:
1.62 with the dictionary, 1.75 without), or ask readers for encodings and coarser pages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from stormlake.errors import StormlakeError
from stormlake.lake.files import LakeFiles
from stormlake.lake.hadoop_errors import s3_errors
from stormlake.lake.partitions import Partition, PartitionWritten
from stormlake.lake.types import Column as Defined
from stormlake.lake.types import Table, spark_schema

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

_OUTSIDE = "row outside the scope of the run: <"

_STREAM: dict[str, str] = {
    # Spark sorts each task's rows by the partition columns before it writes them. Ours come by
    # partition, and few at a time: up to 8 files open at once (beyond that Spark sorts after all)
    # save 0.05 to 0.15 microseconds a row of 1.4, and the memory for sorting a task's rows.
    "spark.sql.optimizer.plannedWrite.enabled": "false",
    "spark.sql.maxConcurrentOutputFileWriters": "8",
}


class RowOutsideScope(StormlakeError):
    """A row names a partition that the run may not replace; nothing was written."""


class WrongColumns(StormlakeError):
    """A frame does not have the columns of the table's definition."""


def write_partitions(
    frame: DataFrame, table: Table, lake_uri: str, scope: Sequence[Partition]
) -> list[PartitionWritten]:
    """Replace the partitions of a run's scope with the rows of a frame.

    Parameters
    ----------
    frame : DataFrame
        Has the table's columns and types, in any order; evaluated once. Rows should come in the
        order `table.sort` within a partition: files are a third of the size then.
    table : Table
        What is written.
    lake_uri : str
        Local path, `file:///…` or `s3://bucket/prefix`.
    scope : sequence of tuple of str
        Partitions that the run replaces, as text in the order of the partition columns. One that
        gets no rows is emptied; all others stay as they are.

    Returns
    -------
    list of PartitionWritten
        One for each partition of the scope, sorted; rows are counted from the files' footers.

    Raises
    ------
    WrongColumns
        When a column is missing or has another type.
    RowOutsideScope
        When a row's partition is not in the scope; the table stays as it was.

    Notes
    -----
    Spark stages all files and moves them when every task is done; no committer writes several
    partitions at once, so until the run record stands a reader may see some old and some new.
    """
    wanted = sorted(set(scope))
    for values in wanted:
        if not _is_partition(table, values):
            raise ValueError(f"{table.name}: not a partition: {values!r}")
    spark = frame.sparkSession
    files = LakeFiles(spark, lake_uri)
    before = files.data_files(table, wanted)
    rows = _only_scope(_in_order(frame, table), table, wanted)
    writer = (
        rows.write.mode("overwrite")
        .option("partitionOverwriteMode", "dynamic")
        .option("compression", "zstd")
        .partitionBy(*table.partition_names)
    )
    with spark_settings(spark, _STREAM):
        try:
            with s3_errors(lake_uri):
                writer.parquet(files.table_uri(table))
        except Exception as error:
            # The message comes wrapped in whatever the runtime adds before and after.
            found = re.search(rf"{_OUTSIDE}[^>]*>", str(error))
            if found is None:
                raise
            raise RowOutsideScope(f"{table.name}: {found[0]}; nothing was written") from error
    after = files.data_files(table, wanted)
    # Names are new in every write: what is as it was got no rows, and its old ones must go.
    stale = [values for values in wanted if after[values] and after[values] == before[values]]
    files.remove(files.partition_path(table, values) for values in stale)
    new = {values: after[values] if values not in stale else {} for values in wanted}
    counted = files.count_rows(
        {path: size for found in new.values() for path, size in found.items()}
    )
    return [
        PartitionWritten(values, tuple(counted[path] for path in sorted(found)))
        for values, found in new.items()
    ]


def remove_dead_staging(
    spark: SparkSession,
    tables: Sequence[Table],
    lake_uri: str,
    others_at_work: Callable[[], bool],
) -> list[str]:
    """Remove what killed runs left in the tables' staging folders.

    Parameters
    ----------
    spark : SparkSession
        The run's session.
    tables : sequence of Table
        Tables of the run.
    lake_uri : str
        The lake.
    others_at_work : callable
        Whether another run holds a live lock (`locks.live_locks`), asked after the listing.

    Returns
    -------
    list of str
        Paths below the lake that were removed.

    Notes
    -----
    Call it when the locks are held and nothing is being written. A staging folder does not tell
    whose it is, but every writer holds a lock from before it makes one until it is gone. So a
    folder that we saw, with no other live lock *afterwards*, belongs to nobody; with one, all
    stay for a later run to remove: readers do not see them.
    """
    files = LakeFiles(spark, lake_uri)
    found = [path for table in tables for path in files.staging_folders(table)]
    if not found or others_at_work():
        return []
    files.remove(found)
    return found


def _in_order(frame: DataFrame, table: Table) -> DataFrame:
    from pyspark.sql import functions as F

    have = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    want = {field.name: field.dataType.simpleString() for field in spark_schema(table).fields}
    if have != want:
        differences = [
            f"  {name:<24} {want.get(name, '(none)'):<12} {have.get(name, '(none)')}"
            for name in sorted(have.keys() | want.keys())
            if have.get(name) != want.get(name)
        ]
        head = f"  {'column':<24} {'defined':<12} in the frame"
        raise WrongColumns("\n".join((f"{table.name}: wrong columns", head, *differences)))
    return frame.select(*(F.col(name) for name in table.names))


def _only_scope(frame: DataFrame, table: Table, scope: Sequence[Partition]) -> DataFrame:
    """The same rows; one outside the scope fails the task that meets it."""
    from pyspark.sql import functions as F

    names = table.partition_names
    told = F.concat_ws(
        "/", *(F.coalesce(F.col(name).cast("string"), F.lit("(none)")) for name in names)
    )
    refusal = F.raise_error(F.concat(F.lit(_OUTSIDE), told, F.lit(">"))).cast(
        table.partitions[0].type
    )
    inside = _is_one_of(table.partitions, scope) if scope else F.lit(False)
    first = F.col(names[0])
    # The check rides on the first partition column, which the writer cannot do without.
    return frame.withColumn(names[0], F.when(inside, first).otherwise(refusal))


def _is_one_of(columns: Sequence[Defined], scope: Sequence[Partition]) -> Column:
    """Whether a row's partition is in the scope; columns keep their types, text costs time.

    Values of the first column with the same continuations share one comparison, so every station
    with every day is two short lists.
    """
    from pyspark.sql import functions as F

    first, others = columns[0], columns[1:]
    rests: dict[str, set[Partition]] = {}
    for values in scope:
        rests.setdefault(values[0], set()).add(values[1:])
    groups: dict[frozenset[Partition], list[str]] = {}
    for value, rest in rests.items():
        groups.setdefault(frozenset(rest), []).append(value)
    parts = []
    for following, alike in groups.items():
        part = F.col(first.name).isin([_value(first, text) for text in alike])
        parts.append(part & _is_one_of(others, sorted(following)) if others else part)
    return reduce(or_, parts)


def _value(column: Defined, text: str) -> str | date:
    return date.fromisoformat(text) if column.type == "date" else text


def _is_partition(table: Table, values: Partition) -> bool:
    """Whether every value is what its folder is called: not empty, a day as 2016-06-01."""
    try:
        return all(
            text and str(_value(column, text)) == text
            for column, text in zip(table.partitions, values, strict=True)
        )
    except ValueError:
        return False


@contextmanager
def spark_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Let a session have other settings for a while."""
    before = {key: spark.conf.get(key, None) for key in settings}
    try:
        for key, value in settings.items():
            spark.conf.set(key, value)
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)

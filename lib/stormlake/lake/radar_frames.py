"""The Spark half of the radar tables: volumes to packed rows, packed rows to tables.

Functions named `*_task` run on executors; the others plan.
"""

from __future__ import annotations

import functools
import pickle
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from stormlake.archive.objects import ArchiveObject, FetchFailed
from stormlake.archive.plan import Task, plan_tasks
from stormlake.archive.prefetch import prefetch
from stormlake.archive.source import Source, open_fetcher
from stormlake.counters import Counters
from stormlake.lake import radar_rows
from stormlake.lake.radar_rows import CELLS, PRODUCTS, RunFacts
from stormlake.lake.radar_scope import Row
from stormlake.lake.tables import (
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
    arrow_schema,
    spark_schema,
)
from stormlake.radar.isolation import shared_decoder
from stormlake.radar.outcomes import Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import Grid
from stormlake.radar.stations import Station
from stormlake.workers import spare_worker

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import StructType

SETTINGS: Final = {
    # A packed volume is some hundred kilobytes: few of them in one Arrow batch or cache block.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "32",
    "spark.sql.inMemoryColumnarStorage.batchSize": "32",
}
"""Settings of a session that carries packed volumes."""


def decode_volumes(
    spark: SparkSession,
    objects: Iterable[ArchiveObject],
    source: Source,
    locations: Mapping[str, Station],
    facts: RunFacts,
    counters: Counters,
) -> DataFrame:
    """Decode every volume once: a kept frame with one row per object, its tables packed in it.

    Parameters
    ----------
    spark : SparkSession
    objects : iterable of ArchiveObject
        Those that are skipped are left out.
    source : Source
        Where tasks fetch them.
    locations : mapping of str to Station
        Where stations stand.
    facts : RunFacts
        What is the same in every row.
    counters : Counters
        Told of every volume.

    Returns
    -------
    DataFrame
        `radar_volumes` rows and two packed columns; unpersist it when all tables are written.
    """
    from pyspark import StorageLevel

    tasks = plan_tasks(obj for obj in objects if obj.skip is None)
    # One partition per task; a list of bytes costs a worker nothing until it takes its own.
    packed = spark.sparkContext.broadcast([pickle.dumps(task) for task in tasks])
    numbers = spark.range(0, len(tasks), 1, max(1, len(tasks)))
    task = functools.partial(
        decode_task,
        tasks=packed,
        source=source,
        locations=locations,
        facts=facts,
        counters=counters,
    )
    decoded = numbers.mapInArrow(task, radar_rows.decoded_schema())
    # On disk where memory is short; a lost block is decoded again, with the same result.
    return decoded.persist(StorageLevel.MEMORY_AND_DISK)


def decode_task(
    batches: Iterable[pa.RecordBatch],
    tasks: Broadcast[list[bytes]],
    source: Source,
    locations: Mapping[str, Station],
    facts: RunFacts,
    counters: Counters,
) -> Iterator[pa.RecordBatch]:
    """Fetch and process the volumes of tasks, one row each; runs on an executor."""
    spare_worker()
    fetcher = open_fetcher(source)
    decoder = shared_decoder(facts.profile, locations)
    with counters.timed():
        for batch in batches:
            for number in batch.column("id").to_pylist():
                task: Task = pickle.loads(tasks.value[number])
                for obj, data in prefetch(fetcher, task.objects):
                    if isinstance(data, FetchFailed):
                        result = VolumeResult(Status.REJECTED, Reason.FETCH_FAILED, data.detail)
                    else:
                        result = decoder.process(data, obj.key)
                        counters.bytes_read.add(len(data))
                    counters.done.add(1)
                    yield radar_rows.decoded_batch(obj, result, facts)


def grid_rows(
    decoded: DataFrame, placed: Sequence[tuple[str, int]], grid: Grid, counters: Counters
) -> DataFrame:
    """Rows of `radar_grid`, in the order of its files.

    Parameters
    ----------
    decoded : DataFrame
        Of `decode_volumes`.
    placed : sequence of (key, file number)
        Volumes that have rows, and the file that each goes to.
    grid : Grid
        Of the run's profile.
    counters : Counters
        Told of the CPU time.
    """
    task = functools.partial(unpack_cells_task, grid=grid, counters=counters)
    return _in_files(decoded, CELLS, placed).mapInArrow(task, spark_schema(RADAR_GRID))


def column_rows(
    decoded: DataFrame, placed: Sequence[tuple[str, int]], counters: Counters
) -> DataFrame:
    """Rows of `radar_columns`, in the order of its files; parameters as in `grid_rows`."""
    task = functools.partial(unpack_products_task, counters=counters)
    return _in_files(decoded, PRODUCTS, placed).mapInArrow(task, spark_schema(RADAR_COLUMNS))


def volume_rows(spark: SparkSession, rows: Iterable[Row]) -> DataFrame:
    """Rows of `radar_volumes`, a file per partition."""
    frame = local_frame(spark, rows, arrow_schema(RADAR_VOLUMES), spark_schema(RADAR_VOLUMES))
    return frame.repartition(*RADAR_VOLUMES.partition_names)


def geometry_rows(
    spark: SparkSession, sites: Mapping[tuple[str, str], tuple[float, float]], grid: Grid
) -> DataFrame:
    """Rows of `radar_geometry` of (station, grid name) at (latitude, longitude)."""
    names = ("station", "grid", "latitude", "longitude")
    rows = [dict(zip(names, (*site, *place), strict=True)) for site, place in sites.items()]
    types = (pa.string(), pa.string(), pa.float64(), pa.float64())
    frame = local_frame(
        spark,
        rows,
        pa.schema(list(zip(names, types, strict=True))),
        "station string, grid string, latitude double, longitude double",
    ).repartition(*RADAR_GEOMETRY.partition_names)
    task = functools.partial(geometry_task, grid=grid)
    return frame.mapInArrow(task, spark_schema(RADAR_GEOMETRY))


def local_frame(
    spark: SparkSession,
    rows: Iterable[Mapping[str, Any]],
    arrow: pa.Schema,
    schema: StructType | str,
) -> DataFrame:
    """Make a frame of rows that the driver holds.

    Parameters
    ----------
    rows : iterable of mapping
        By column name.
    arrow : pyarrow.Schema
        Their columns.
    schema : StructType or str
        The same, in Spark's words.

    Notes
    -----
    `createDataFrame` sends rows through Python workers of another kind than `mapInArrow`'s, and a
    second set of workers starts for a few rows: 1.3 core-seconds a run.
    """
    table = pa.Table.from_pylist([{n: row[n] for n in arrow.names} for row in rows], schema=arrow)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, arrow) as writer:
        writer.write_table(table)
    packed = spark.sparkContext.broadcast(sink.getvalue().to_pybytes())
    task = functools.partial(local_rows_task, packed=packed)
    return spark.range(0, 1, 1, 1).mapInArrow(task, schema)


def local_rows_task(
    batches: Iterable[pa.RecordBatch], packed: Broadcast[bytes]
) -> Iterator[pa.RecordBatch]:
    """The rows of `local_frame`; runs on an executor."""
    for batch in batches:
        if batch.num_rows:
            yield from pa.ipc.open_stream(packed.value)


def geometry_task(batches: Iterable[pa.RecordBatch], grid: Grid) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_geometry` from (station, grid, latitude, longitude); runs on an executor."""
    spare_worker()
    yield from radar_rows.geometry_rows(batches, grid)


def unpack_cells_task(
    batches: Iterable[pa.RecordBatch], grid: Grid, counters: Counters
) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_grid` from packed ones; runs on an executor."""
    spare_worker()
    with counters.timed():
        yield from radar_rows.unpack_cells(batches, grid)


def unpack_products_task(
    batches: Iterable[pa.RecordBatch], counters: Counters
) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_columns` from packed ones; runs on an executor."""
    spare_worker()
    with counters.timed():
        yield from radar_rows.unpack_products(batches)


def _in_files(decoded: DataFrame, packed: str, placed: Sequence[tuple[str, int]]) -> DataFrame:
    """Bring the packed volumes of a file together, in order; a few hundred kilobytes each."""
    from pyspark.sql import functions as F

    where = local_frame(
        decoded.sparkSession,
        [{"key": key, "file": file} for key, file in placed],
        pa.schema([("key", pa.string()), ("file", pa.int32())]),
        "key string, file int",
    )
    return (
        decoded.select("station", "date", "volume_time", "key", packed)
        .join(F.broadcast(where), on="key", how="inner")
        # Spark then joins files to tasks of even size, as many as there are cores.
        .repartition("file")
        .sortWithinPartitions("station", "date", "volume_time")
        .select("station", "date", "volume_time", packed)
    )

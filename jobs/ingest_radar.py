"""Turn NEXRAD Level II archives into the radar tables of the lake.

List the archive, cut the work into runs of volumes of one station-day, decode every volume once,
and write four tables and a run record. One bad file never fails the job and is never lost: each
object of the archive ends as exactly one row of `radar_volumes`.

    spark-submit jobs/ingest_radar.py --source ./archive --lake ./lake
    stormlake ingest-radar --station KLBB --start 2016-06-01 --end 2016-06-02 --lake ./lake
"""

from __future__ import annotations

import datetime as dt
import functools
import logging
import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click
import pyarrow as pa
from pyspark import Broadcast, StorageLevel
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stormlake.archive.objects import ArchiveObject, FetchFailed
from stormlake.archive.plan import Task, plan_tasks, totals
from stormlake.archive.prefetch import prefetch
from stormlake.archive.s3 import DEFAULT_SOURCE
from stormlake.archive.source import Source, open_fetcher, open_source
from stormlake.errors import TooManyRejects
from stormlake.lake import radar_rows
from stormlake.lake.collect import collect_rows
from stormlake.lake.radar_rows import UNKNOWN_DATE, UNKNOWN_STATION, RunFacts
from stormlake.lake.tables import (
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
    spark_schema,
)
from stormlake.radar.isolation import shared_decoder
from stormlake.radar.outcomes import GRIDDED, Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import DualPolRule, Grid, Profile
from stormlake.radar.stations import Station, builtin_stations
from stormlake.running.counters import Counters
from stormlake.running.job import SOFTWARE, JobRun, Lake, open_lake
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcDay,
    archive_options,
    common_options,
    print_json,
)
from stormlake.running.progress import Progress
from stormlake.running.radar_options import profile_option, station_file_option

JOB: Final = "ingest-radar"
FILE_ROWS: Final = 4_000_000
"""Rows of `radar_grid` per file at the most, about 6 MB: few files a day, none for hours."""

LEAST_FILE_ROWS: Final = 250_000
"""Below this, sharing a station-day among cores costs more than it gives."""
SETTINGS: Final = {
    # A packed volume is some hundred kilobytes: few of them in one Arrow batch or cache block.
    "spark.sql.execution.arrow.maxRecordsPerBatch": "32",
    "spark.sql.inMemoryColumnarStorage.batchSize": "32",
}
TABLES: Final = (RADAR_GEOMETRY, RADAR_GRID, RADAR_COLUMNS, RADAR_VOLUMES)

logger = logging.getLogger(f"stormlake.{JOB}")

Row = dict[str, Any]


@dataclass(frozen=True)
class Ingest:
    """What one run of this job is asked to do.

    Parameters
    ----------
    source : Source
        The archive.
    lake : Lake
        Where the tables go.
    stations : tuple of str
        Empty: all that the source holds.
    start, end : date or None
        Half-open window of UTC days on the volume's start.
    profile : Profile
        Cuts, quality control, grid.
    locations : mapping of str to Station
        Built-in stations and those of `--station-file`.
    max_reject_share : float
        More than this share of rejected volumes is exit code 3.
    """

    source: Source
    lake: Lake
    stations: tuple[str, ...]
    start: dt.date | None
    end: dt.date | None
    profile: Profile
    locations: Mapping[str, Station]
    max_reject_share: float


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints: the result of a run.

    Parameters
    ----------
    volumes : dict
        Objects of the archive by status.
    reasons : dict
        Objects that are not `ok` by reason.
    rows : dict
        Rows written by table.
    core_seconds : float
        CPU time of all processes of the run; starting Spark is not in it.
    wall_seconds : float
    bytes_read, bytes_written : int
    run_id : str
    ok : bool
        Whether the share of rejects stayed within its limit.
    """

    volumes: dict[str, int]
    reasons: dict[str, int]
    rows: dict[str, int]
    core_seconds: float
    wall_seconds: float
    bytes_read: int
    bytes_written: int
    run_id: str
    ok: bool


@click.command(JOB, cls=StormlakeCommand)
@click.option(
    "--source",
    default=DEFAULT_SOURCE,
    show_default=True,
    metavar="URI",
    help="The archive: s3://BUCKET[/PREFIX] with the archive's key layout, or a local folder.",
)
@click.option(
    "--station",
    "stations",
    multiple=True,
    metavar="ID",
    help="Station such as KLBB; may be repeated. Required for S3; a folder's default is all.",
)
@click.option("--start", type=UtcDay(), metavar="DAY", help="First UTC day. Required for S3.")
@click.option("--end", type=UtcDay(), metavar="DAY", help="Day after the last. Required for S3.")
@profile_option
@click.option("--lake", required=True, metavar="URI", help="Where the tables go.")
@click.option(
    "--dual-pol",
    type=click.Choice(["reflectivity-only", "require"]),
    help="What to do with cuts that lack ZDR or RHO.  [default: the profile's, reflectivity-only]",
)
@station_file_option
@archive_options
@common_options
def main(
    common: Common,
    source: str,
    stations: tuple[str, ...],
    start: dt.datetime | None,
    end: dt.datetime | None,
    profile: Profile,
    lake: str,
    dual_pol: DualPolRule | None,
    stations_known: Mapping[str, Station] | None,
    max_reject_share: float,
    master: str | None,
) -> None:
    """Turn NEXRAD Level II archives into the radar tables of a lake."""
    if dual_pol is not None:
        profile = replace(profile, dual_pol=dual_pol)
    ingest = Ingest(
        source=open_source(
            source,
            region=common.region,
            endpoint_url=common.endpoint_url,
            aws_profile=common.aws_profile,
        ),
        lake=open_lake(lake, common),
        stations=tuple(sorted(set(stations))),
        start=start.date() if start else None,
        end=end.date() if end else None,
        profile=profile,
        locations=stations_known or builtin_stations(),
        max_reject_share=max_reject_share,
    )
    if common.dry_run:
        dry_run(ingest, common)
        return
    summary = run(ingest, common, master)
    report(summary, common)
    if not summary.ok:
        raise TooManyRejects(
            f"{summary.volumes[Status.REJECTED]} of {sum(summary.volumes.values())} objects were "
            f"rejected, more than --max-reject-share {max_reject_share:g} allows; the tables are "
            f"written, the run is marked not ok. Reasons: {summary.reasons}"
        )


def dry_run(ingest: Ingest, common: Common) -> None:
    """Say what would be read, in how many tasks and bytes; touch nothing."""
    plan = totals(plan_tasks(list_archive(ingest)))
    if common.output == "json":
        print_json(plan)
        return
    click.echo(
        f"would read {plan.objects - plan.skipped} volumes ({plan.bytes:,} bytes) from "
        f"{ingest.source.uri} in {plan.tasks} tasks, skip {plan.skipped} other objects, and "
        f"write to {ingest.lake.uri}"
    )


def run(ingest: Ingest, common: Common, master: str | None) -> Summary:
    """Read, transform, write, report."""
    with JobRun(
        JOB,
        ingest.lake,
        common,
        source=ingest.source.uri,
        scope=_asked_for(ingest),
        arguments=_arguments(ingest),
        profile=ingest.profile.name,
        profile_hash=ingest.profile.hash,
    ) as job:
        objects = list_archive(ingest)
        named = {obj.station for obj in objects if obj.station} | set(ingest.stations)
        with job.hold(named):
            spark = job.start_spark(master, SETTINGS)
            job.clean_staging(spark, TABLES)
            counters = Counters.of(spark)
            decoded = decode_volumes(spark, objects, ingest, job.run_id, counters)
            rows = settle_rows(decoded, objects, ingest, job.run_id, counters)
            found = {row["station"] for row in rows} - named
            with job.hold(found):
                write_tables(spark, decoded, rows, ingest, job, counters)
            decoded.unpersist()
        summary = summarise(rows, job, counters, ingest.max_reject_share)
        job.finish(summary, ok=summary.ok)
    return summary


# Read


def list_archive(ingest: Ingest) -> list[ArchiveObject]:
    """Every object of the run, as far as names tell that it is one."""
    objects = list(ingest.source.list_objects(ingest.stations, ingest.start, ingest.end))
    if not objects:
        logger.warning("%s holds nothing in this scope", ingest.source.uri)
    return objects


def decode_volumes(
    spark: SparkSession,
    objects: Iterable[ArchiveObject],
    ingest: Ingest,
    run_id: str,
    counters: Counters,
) -> DataFrame:
    """Decode every volume once: a kept frame with one row per object, its tables packed in it."""
    tasks = plan_tasks(obj for obj in objects if obj.skip is None)
    # One partition per task; a list of bytes costs a worker nothing until it takes its own.
    packed = spark.sparkContext.broadcast([pickle.dumps(task) for task in tasks])
    numbers = spark.range(0, len(tasks), 1, max(1, len(tasks)))
    decode = functools.partial(
        decode_task,
        tasks=packed,
        source=ingest.source,
        locations=ingest.locations,
        facts=_facts(ingest, run_id),
        counters=counters,
    )
    decoded = numbers.mapInArrow(decode, radar_rows.decoded_schema())
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


# Transform


def settle_rows(
    decoded: DataFrame,
    objects: Sequence[ArchiveObject],
    ingest: Ingest,
    run_id: str,
    counters: Counters,
) -> list[Row]:
    """Rows of `radar_volumes`: one per object of the run, duplicates and skipped ones included."""
    to_read = sum(obj.skip is None for obj in objects)
    with Progress("volumes", to_read, lambda: counters.done.value):
        rows = collect_rows(decoded.select(*RADAR_VOLUMES.names))
    inside = [row for row in rows if _in_scope(row, ingest)]
    if len(inside) < len(rows):
        logger.info("%d volumes are of other stations or days by header", len(rows) - len(inside))
    facts = _facts(ingest, run_id)
    skipped = [
        radar_rows.volume_row(obj, VolumeResult(Status.SKIPPED, obj.skip), facts)
        for obj in objects
        if obj.skip is not None
    ]
    return sorted(mark_duplicates(inside) + skipped, key=lambda row: row["key"])


def mark_duplicates(rows: Iterable[Row]) -> list[Row]:
    """Of several objects with one station and volume time, keep the first, skip the others.

    An archived volume comes before a folder of chunks of the same volume, else the key decides.
    """
    seen: set[tuple[str, dt.datetime]] = set()
    marked = []
    for row in sorted(rows, key=lambda row: (row["key"].endswith("/"), row["key"])):
        identity = (row["station"], row["volume_time"])
        if row["status"] in GRIDDED:
            marked.append(radar_rows.as_duplicate(row) if identity in seen else row)
            seen.add(identity)
        else:
            marked.append(row)
    return marked


def scope_of(rows: Sequence[Row], ingest: Ingest) -> list[tuple[str, str]]:
    """Partitions (station, date) that the run replaces, also those that get no row."""
    scope = {(row["station"], row["date"]) for row in rows}
    if ingest.start and ingest.end:
        days = [ingest.start + dt.timedelta(n) for n in range((ingest.end - ingest.start).days)]
        stations = set(ingest.stations) or {station for station, _ in scope} - {UNKNOWN_STATION}
        scope |= {(station, day) for station in stations for day in days}
    if not ingest.source.is_s3 and not ingest.stations:
        # Objects that tell nothing about themselves are those of the latest run only.
        scope.add((UNKNOWN_STATION, UNKNOWN_DATE))
    return sorted((station, day.isoformat()) for station, day in scope)


def place_in_files(rows: Iterable[Row], cores: int) -> list[tuple[str, int]]:
    """Which volume goes into which file: runs of volumes of one station-day, by cells.

    A station-day becomes one file, more when it is large or when cores would have nothing to do.
    """
    days: dict[tuple[str, dt.date], list[Row]] = {}
    for row in rows:
        if row["status"] in GRIDDED and row["cells"]:
            days.setdefault((row["station"], row["date"]), []).append(row)
    total = sum(row["cells"] for day in days.values() for row in day)
    most = max(1, min(FILE_ROWS, max(LEAST_FILE_ROWS, -(-total // cores))))
    placed, file = [], 0
    for day in days.values():
        in_file = 0
        for row in day:
            if in_file and in_file + row["cells"] > most:
                file, in_file = file + 1, 0
            placed.append((row["key"], file))
            in_file += row["cells"]
        file += 1
    return placed


# Write


def write_tables(
    spark: SparkSession,
    decoded: DataFrame,
    rows: Sequence[Row],
    ingest: Ingest,
    job: JobRun,
    counters: Counters,
) -> None:
    """Write the four tables; `radar_volumes` last, so that its rows never promise what is not."""
    scope = scope_of(rows, ingest)
    placed = place_in_files(rows, spark.sparkContext.defaultParallelism)
    cells = functools.partial(unpack_cells, grid=ingest.profile.grid, counters=counters)
    products = functools.partial(unpack_products, counters=counters)
    grid_rows = in_files(spark, decoded, "cells_packed", placed).mapInArrow(
        cells, spark_schema(RADAR_GRID)
    )
    column_rows = in_files(spark, decoded, "products_packed", placed).mapInArrow(
        products, spark_schema(RADAR_COLUMNS)
    )
    volume_rows = spark.createDataFrame(
        [tuple(row[name] for name in RADAR_VOLUMES.names) for row in rows],
        spark_schema(RADAR_VOLUMES),
    ).repartition("station", "date")

    write_geometry(spark, rows, ingest, job)
    job.write(grid_rows, RADAR_GRID, scope)
    job.write(column_rows, RADAR_COLUMNS, scope)
    job.write(volume_rows, RADAR_VOLUMES, scope)


def in_files(
    spark: SparkSession, decoded: DataFrame, blob: str, placed: Sequence[tuple[str, int]]
) -> DataFrame:
    """Bring the packed volumes of a file together, in order; a few hundred kilobytes each."""
    files = max((file for _, file in placed), default=0) + 1
    where = spark.createDataFrame(list(placed), "key string, file int")
    return (
        decoded.select("station", "date", "volume_time", "key", blob)
        .join(F.broadcast(where), on="key", how="inner")
        # More tasks than files, so that two files seldom meet in one task; the rest is empty.
        .repartition(min(4 * files, files + 200), "file")
        .sortWithinPartitions("station", "date", "volume_time")
        .select("station", "date", "volume_time", blob)
    )


def unpack_cells(
    batches: Iterable[pa.RecordBatch], grid: Grid, counters: Counters
) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_grid`; runs on an executor."""
    with counters.timed():
        yield from radar_rows.unpack_cells(batches, grid)


def unpack_products(
    batches: Iterable[pa.RecordBatch], counters: Counters
) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_columns`; runs on an executor."""
    with counters.timed():
        yield from radar_rows.unpack_products(batches)


def write_geometry(spark: SparkSession, rows: Iterable[Row], ingest: Ingest, job: JobRun) -> None:
    """Write the geometry of the grids that the lake does not hold yet; a grid never changes."""
    grid = ingest.profile.grid
    sites = {
        (row["station"], row["grid"]): (row["latitude"], row["longitude"])
        for row in rows
        if row["grid"] is not None
    }
    whole = grid.shape[1] * grid.shape[2]
    there = job.partition_rows(spark, RADAR_GEOMETRY, sorted(sites))
    missing = [site for site in sorted(sites) if there[site] != whole]
    if not missing:
        return
    sites_frame = spark.createDataFrame(
        [(*site, *sites[site]) for site in missing],
        "station string, grid string, latitude double, longitude double",
    ).repartition(len(missing), "station", "grid")
    geometry = sites_frame.mapInArrow(
        functools.partial(radar_rows.geometry_rows, grid=grid), spark_schema(RADAR_GEOMETRY)
    )
    job.write(geometry, RADAR_GEOMETRY, missing)


# Report


def summarise(
    rows: Sequence[Row], job: JobRun, counters: Counters, max_reject_share: float
) -> Summary:
    """Count what became of the objects and what was written."""
    volumes = Counter({str(status): 0 for status in Status})
    volumes.update(row["status"] for row in rows)
    judged = len(rows) - volumes[Status.SKIPPED]
    share = volumes[Status.REJECTED] / judged if judged else 0.0
    return Summary(
        volumes=dict(volumes),
        reasons=dict(sorted(Counter(row["reason"] for row in rows if row["reason"]).items())),
        rows=job.rows,
        core_seconds=round(job.core_seconds(counters.cpu_seconds.value), 3),
        wall_seconds=round(job.wall_seconds(), 3),
        bytes_read=counters.bytes_read.value,
        bytes_written=job.bytes_written,
        run_id=job.run_id,
        ok=share <= max_reject_share,
    )


def report(summary: Summary, common: Common) -> None:
    """Print the summary, for a person or for a program."""
    if common.output == "json":
        print_json(summary)
        return
    volumes = ", ".join(f"{count} {status}" for status, count in summary.volumes.items() if count)
    click.echo(f"volumes      {volumes or 'none'}")
    for reason, count in summary.reasons.items():
        click.echo(f"             {count} {reason}")
    for table, count in summary.rows.items():
        click.echo(f"{table:<16} {count:>12,} rows")
    click.echo(
        f"read {summary.bytes_read:,} bytes, wrote {summary.bytes_written:,} in "
        f"{summary.wall_seconds:.1f} s ({summary.core_seconds:.1f} core-seconds)"
    )
    click.echo(f"run {summary.run_id}")


def _asked_for(ingest: Ingest) -> dict[str, Any]:
    return {
        "stations": list(ingest.stations),
        "start": ingest.start.isoformat() if ingest.start else None,
        "end": ingest.end.isoformat() if ingest.end else None,
    }


def _arguments(ingest: Ingest) -> dict[str, Any]:
    added = set(ingest.locations.items()) - set(builtin_stations().items())
    return {
        "source": ingest.source.uri,
        "max_reject_share": ingest.max_reject_share,
        "added_stations": sorted(f"{name} {station}" for name, station in added),
    }


def _facts(ingest: Ingest, run_id: str) -> RunFacts:
    return RunFacts(run_id=run_id, software=SOFTWARE, profile=ingest.profile)


def _in_scope(row: Row, ingest: Ingest) -> bool:
    """Whether a volume that only its header places belongs to what was asked for."""
    if ingest.stations and row["station"] not in ingest.stations:
        return False
    if row["station"] == UNKNOWN_STATION:
        return True
    after_start = ingest.start is None or row["date"] >= ingest.start
    return after_start and (ingest.end is None or row["date"] < ingest.end)


if __name__ == "__main__":
    main(prog_name="ingest_radar.py")

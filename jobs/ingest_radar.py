"""Turn NEXRAD Level II archives into the radar tables of the lake.

List the archive, cut the work into runs of volumes of one station-day, decode every volume once,
and write four tables and a run record. One bad file never fails the job and is never lost: each
object of the archive ends as exactly one row of `radar_volumes`.

    spark-submit jobs/ingest_radar.py --source ./archive --lake ./lake
    stormlake ingest-radar --station KLBB --start 2016-06-01 --end 2016-06-02 --lake ./lake
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import click
from pyspark.sql import DataFrame, SparkSession

from stormlake.archive.objects import ArchiveObject
from stormlake.archive.plan import plan_tasks, totals
from stormlake.archive.s3 import DEFAULT_SOURCE
from stormlake.archive.source import Source
from stormlake.counters import Counters
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError, TooManyRejects
from stormlake.lake import radar_rows
from stormlake.lake.collect import collect_rows
from stormlake.lake.partitions import Partition
from stormlake.lake.radar_frames import (
    SETTINGS,
    column_rows,
    decode_volumes,
    geometry_rows,
    grid_rows,
    volume_rows,
)
from stormlake.lake.radar_rows import RunFacts
from stormlake.lake.radar_scope import (
    Asked,
    Row,
    mark_duplicates,
    place_in_files,
    rows_by_partition,
)
from stormlake.lake.stream import take_over
from stormlake.lake.tables import RADAR_COLUMNS, RADAR_GEOMETRY, RADAR_GRID, RADAR_VOLUMES
from stormlake.radar.outcomes import Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import DualPolRule, Grid, Profile
from stormlake.radar.stations import Station, builtin_stations
from stormlake.running.days import day_before_option
from stormlake.running.job import (
    SOFTWARE,
    JobRun,
    Lake,
    open_archive,
    open_lake,
    refuse_lake_in_source,
)
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcDay,
    archive_options,
    common_options,
    print_json,
)
from stormlake.running.radar_options import profile_option, station_file_option

JOB: Final = "ingest-radar"
TABLES: Final = (RADAR_GEOMETRY, RADAR_GRID, RADAR_COLUMNS, RADAR_VOLUMES)

logger = logging.getLogger(f"stormlake.{JOB}")


@dataclass(frozen=True)
class Ingest:
    """What one run of this job is asked to do.

    Parameters
    ----------
    source : Source
        The archive.
    lake : Lake
        Where the tables go.
    asked : Asked
        Stations and days.
    profile : Profile
        Cuts, quality control, grid.
    locations : mapping of str to Station
        Built-in stations and those of `--station-file`.
    max_reject_share : float
        More than this share of rejected volumes is exit code 3.
    """

    source: Source
    lake: Lake
    asked: Asked
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
@day_before_option
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
    archive = open_archive(source, common)
    ingest = Ingest(
        source=archive,
        lake=open_lake(lake, common),
        asked=Asked(
            stations=tuple(sorted(set(stations))),
            start=start.date() if start else None,
            end=end.date() if end else None,
            folder=not archive.is_s3,
        ),
        profile=profile,
        locations=stations_known or builtin_stations(),
        max_reject_share=max_reject_share,
    )
    if ingest.asked.folder:  # in a bucket, only keys of the archive's layout are listed
        refuse_lake_in_source(ingest.source, ingest.lake)
    if common.dry_run:
        dry_run(ingest, common)
        return
    summary = run(ingest, common, master)
    report(summary, common)
    if not summary.ok:
        rejected = summary.volumes[Status.REJECTED]
        judged = sum(summary.volumes.values()) - summary.volumes[Status.SKIPPED]
        raise TooManyRejects(
            f"{rejected} of {judged} volumes were rejected ({rejected / judged:.1%}), more than "
            f"--max-reject-share {max_reject_share:g} allows; the tables are written, the run is "
            f"marked not ok. Reasons: {summary.reasons}"
        )


def dry_run(ingest: Ingest, common: Common) -> None:
    """Say what would be read, in how many tasks and bytes; touch nothing."""
    objects = list_archive(ingest)
    plan = totals(plan_tasks(obj for obj in objects if obj.skip is None))
    plan = replace(plan, objects=len(objects), skipped=len(objects) - plan.objects)
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
        scope=_scope(ingest.asked),
        arguments=_arguments(ingest),
        profile=ingest.profile.name,
        profile_hash=ingest.profile.hash,
    ) as job:
        earlier = job.earlier_record()
        if earlier is not None:
            return Summary(**earlier.summary)
        facts = RunFacts(run_id=job.run_id, software=SOFTWARE, profile=ingest.profile)
        objects = list_archive(ingest)
        named = {obj.station for obj in objects if obj.station} | set(ingest.asked.stations)
        with job.hold(named):
            # Another attempt under this id may have ended while we waited for its locks.
            earlier = job.earlier_record()
            if earlier is not None:
                return Summary(**earlier.summary)
            spark = job.start_spark(master, SETTINGS)
            job.clean_staging(spark, TABLES)
            counters = Counters.of(spark)
            decoded = decode_volumes(
                spark, objects, ingest.source, ingest.locations, facts, counters
            )
            rows = settle_rows(decoded, objects, ingest.asked, facts, counters, job)
            scope = ingest.asked.partitions(rows)
            refuse_erasing(spark, rows, scope, ingest, job)
            with job.hold({station for station, _ in scope} - named):
                write_tables(spark, decoded, rows, scope, ingest, job, counters)
                summary = summarise(rows, job, counters, ingest.max_reject_share)
                job.finish(summary, ok=summary.ok)
                take_over_stream(ingest, rows)
    return summary


def list_archive(ingest: Ingest) -> list[ArchiveObject]:
    """Every object of the run, as far as names tell that it is one."""
    asked = ingest.asked
    objects = list(ingest.source.list_objects(asked.stations, asked.start, asked.end))
    if not objects:
        logger.warning("%s holds nothing in this scope", ingest.source.uri)
    return objects


def settle_rows(
    decoded: DataFrame,
    objects: Sequence[ArchiveObject],
    asked: Asked,
    facts: RunFacts,
    counters: Counters,
    job: JobRun,
) -> list[Row]:
    """Rows of `radar_volumes`: one per object of the run, duplicates and skipped ones included."""
    to_read = sum(obj.skip is None for obj in objects)
    with job.progress("volumes", to_read, lambda: counters.done.value):
        rows = collect_rows(decoded.select(*RADAR_VOLUMES.names))
    rows += [
        radar_rows.volume_row(obj, VolumeResult(Status.SKIPPED, obj.skip), facts)
        for obj in objects
        if obj.skip is not None
    ]
    inside = [row for row in rows if asked.covers(row)]
    if len(inside) < len(rows):
        logger.info(
            "%d objects are left out: of other stations or days by their header, or of none",
            len(rows) - len(inside),
        )
    return sorted(mark_duplicates(inside), key=lambda row: row["key"])


def refuse_erasing(
    spark: SparkSession,
    rows: Sequence[Row],
    scope: Sequence[Partition],
    ingest: Ingest,
    job: JobRun,
) -> None:
    """Refuse to replace good rows with nothing because of a typo or an outage.

    Raises
    ------
    RefusedInput
        The source holds no object at all in this scope, but the lake holds rows.
    ServiceUnreachable
        Not one of the objects that were listed could be read.
    """
    unread = [row for row in rows if row["reason"] == Reason.FETCH_FAILED]
    if unread and len(unread) == sum(row["status"] != Status.SKIPPED for row in rows):
        raise ServiceUnreachable(
            f"none of the {len(unread)} volumes of {ingest.source.uri} could be read; nothing was "
            f"written. The first: {unread[0]['detail']}"
        )
    if rows:
        return
    there = sum(job.partition_rows(spark, RADAR_VOLUMES, scope).values())
    if there:
        raise RefusedInput(
            f"{ingest.source.uri} holds nothing in this scope, but the lake holds {there} volumes "
            f"of it, which this run would erase; check --source, --station and the days. If the "
            f"archive did lose them, remove their partitions of {ingest.lake.uri} by hand"
        )


def write_tables(
    spark: SparkSession,
    decoded: DataFrame,
    rows: Sequence[Row],
    scope: Sequence[Partition],
    ingest: Ingest,
    job: JobRun,
    counters: Counters,
) -> None:
    """Write the four tables; `radar_volumes` last, so that its rows never promise what is not."""
    grid = ingest.profile.grid
    placed = place_in_files(rows, spark.sparkContext.defaultParallelism)
    write_geometry(spark, rows, grid, job)
    job.write(
        grid_rows(decoded, placed, grid, counters),
        RADAR_GRID,
        scope,
        expected=rows_by_partition(rows, "cells"),
    )
    job.write(
        column_rows(decoded, placed, counters),
        RADAR_COLUMNS,
        scope,
        expected=rows_by_partition(rows, "columns"),
    )
    job.write(volume_rows(spark, rows), RADAR_VOLUMES, scope)
    decoded.unpersist()


def write_geometry(spark: SparkSession, rows: Iterable[Row], grid: Grid, job: JobRun) -> None:
    """Write the geometry of the grids that the lake does not hold yet; a grid never changes."""
    sites = {
        (row["station"], row["grid"]): (row["latitude"], row["longitude"])
        for row in rows
        if row["grid"] is not None
    }
    there = job.partition_rows(spark, RADAR_GEOMETRY, sorted(sites))
    whole = grid.shape[1] * grid.shape[2]
    missing = {site: sites[site] for site in sorted(sites) if there[site] != whole}
    if missing:
        job.write(geometry_rows(spark, missing, grid), RADAR_GEOMETRY, list(missing))
    else:
        job.wrote(RADAR_GEOMETRY, [])


def take_over_stream(ingest: Ingest, rows: Sequence[Row]) -> None:
    """Remove what the event handler wrote of the volumes that the run has recorded.

    After the record, so that readers never lose a row: they see a volume in the tables or, until
    then, below `stream/` (docs/stream.md).
    """
    try:
        removed = take_over(ingest.lake.store, rows)
    except StormlakeError as error:
        # The tables are right and recorded, and readers let them win.
        logger.warning("files of the stream are left for the next run to remove: %s", error)
        return
    if removed:
        logger.info("stream: took over its volumes, removed %d files", removed)


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


def _scope(asked: Asked) -> dict[str, Any]:
    return {
        "stations": list(asked.stations),
        "start": asked.start.isoformat() if asked.start else None,
        "end": asked.end.isoformat() if asked.end else None,
    }


def _arguments(ingest: Ingest) -> dict[str, Any]:
    added = set(ingest.locations.items()) - set(builtin_stations().items())
    return {
        "source": ingest.source.uri,
        "max_reject_share": ingest.max_reject_share,
        "added_stations": sorted(f"{name} {station}" for name, station in added),
    }


if __name__ == "__main__":
    main(prog_name="ingest_radar.py")

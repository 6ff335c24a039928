"""Sensor archives and logs to one aggregated table: read, drop duplicates, aggregate, write.

Which aggregation is the name of a .sql file and of the table that it fills; `sql/sensors/` holds
them. Run it by `stormlake aggregate NAME` or `spark-submit jobs/aggregate_sensors.py NAME`, with
the same options.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import click
from pyspark.sql import DataFrame, SparkSession

from stormlake.archive.arrivals import StoredObject
from stormlake.counters import Counters
from stormlake.errors import RefusedInput
from stormlake.lake.partitions import Partition
from stormlake.lake.sql_files import SqlFile, bind, find_sql_file, sql_names
from stormlake.lake.tables import REJECTS, TABLES
from stormlake.lake.types import Table
from stormlake.lake.views import run_sql
from stormlake.running.archive_runs import refuse_erasing, refuse_nothing_read, write_rejects
from stormlake.running.job import JobRun, Lake, open_lake, refuse_lake_in_source
from stormlake.running.options import Common, StormlakeCommand, common_options, print_json
from stormlake.running.sensor_options import SensorOptions, list_objects, sensor_options
from stormlake.running.sensor_report import Judged, print_numbers, too_many_rejects
from stormlake.sensors.frames import Records, read_records
from stormlake.sensors.reader import Reader
from stormlake.sensors.tally import FiveNumbers
from stormlake.sensors.views import RECORD_VIEWS

COMMAND: Final = "aggregate"
logger = logging.getLogger(f"stormlake.{COMMAND}")


@dataclass(frozen=True)
class Aggregation:
    """What one run of this job is asked to do.

    Parameters
    ----------
    file : SqlFile
        The query; its name is the table's.
    table : Table
    asked : SensorOptions
    reader : Reader
    lake : Lake
    max_reject_share : float
        More than this share of rejected records is exit code 3.
    """

    file: SqlFile
    table: Table
    asked: SensorOptions
    reader: Reader
    lake: Lake
    max_reject_share: float

    @property
    def job(self) -> str:
        """The job's name."""
        return f"{COMMAND}-{self.file.name}"


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints: the result of a run.

    Parameters
    ----------
    records : dict
        The five numbers: read = kept + duplicates + rejected + left.
    objects : dict
        Objects that were read; of these, empty ones, and ones that could not be read to the end.
    comments : int
        Lines of logs that are no records.
    reasons : dict
        Rejected records by reason.
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

    records: dict[str, int]
    objects: dict[str, int]
    comments: int
    reasons: dict[str, int]
    rows: dict[str, int]
    core_seconds: float
    wall_seconds: float
    bytes_read: int
    bytes_written: int
    run_id: str
    ok: bool


def aggregations() -> list[str]:
    """Names of the .sql files that a table's definition has too."""
    return [name for name in sql_names() if name in TABLES]


@click.command(
    COMMAND,
    cls=StormlakeCommand,
    help="Aggregate a sensor archive into the table NAME.\n\n"
    f"NAME is one of {', '.join(aggregations())}.",
)
@click.argument("name", metavar="NAME")
@click.option("--lake", required=True, metavar="URI", help="Where the tables go.")
@sensor_options
@common_options
def main(
    common: Common,
    name: str,
    lake: str,
    asked: SensorOptions,
    max_reject_share: float,
    master: str | None,
) -> None:
    """Run the command; its help stands above."""
    file = find_aggregation(name)
    aggregation = Aggregation(
        file=file,
        table=TABLES[name],
        asked=asked,
        reader=asked.reader(file.views[0], name, common),
        lake=open_lake(lake, common),
        max_reject_share=max_reject_share,
    )
    # Any name is input here, so that a lake in the source's bucket would be read, too.
    refuse_lake_in_source(aggregation.reader.source, aggregation.lake)
    if common.dry_run:
        dry_run(aggregation, common)
        return
    summary = run(aggregation, common, master)
    report(summary, common)
    if not summary.ok:
        raise too_many_rejects(judged(summary, max_reject_share), "the tables are written")


def find_aggregation(name: str) -> SqlFile:
    """The .sql file of an aggregation, whose name a table has too."""
    file = find_sql_file(name, RECORD_VIEWS)
    if name not in TABLES:
        raise RefusedInput(
            f"{name} only answers a question, there is no table of that name; stormlake query "
            "runs it"
        )
    return file


def dry_run(aggregation: Aggregation, common: Common) -> None:
    """Say what would be read; touch nothing."""
    objects = list_objects(aggregation.reader)
    size = sum(obj.size for obj in objects)
    if common.output == "json":
        packed = sum(obj.size for obj in objects if obj.key.endswith(".gz"))
        print_json(Plan(len(objects), size, packed))
        return
    click.echo(
        f"would read {len(objects)} objects ({size:,} bytes) from {aggregation.reader.source.uri} "
        f"and write {aggregation.table.name} to {aggregation.lake.uri}"
    )


@dataclass(frozen=True)
class Plan:
    """What a dry run found.

    Parameters
    ----------
    objects, bytes : int
        All of them, as listed.
    gzip_bytes : int
        Of these bytes, those of objects whose names end in `.gz`; there is more in them.
    """

    objects: int
    bytes: int
    gzip_bytes: int


def run(aggregation: Aggregation, common: Common, master: str | None) -> Summary:
    """Read, reject, drop duplicates, aggregate, write, report."""
    with JobRun(
        aggregation.job,
        aggregation.lake,
        common,
        source=aggregation.reader.source.uri,
        scope=aggregation.asked.scope_of_run(),
        arguments=_arguments(aggregation),
    ) as job:
        earlier = job.earlier_record()
        if earlier is not None:
            return Summary(**earlier.summary)
        with job.hold(None):
            # Another attempt under this id may have ended while we waited for its lock.
            earlier = job.earlier_record()
            if earlier is not None:
                return Summary(**earlier.summary)
            # Listed while nobody else may write: an older listing must not win.
            objects = list_objects(aggregation.reader)
            spark = job.start_spark(master)
            job.clean_staging(spark, (aggregation.table, REJECTS))
            refuse_erasing(job, spark, objects, aggregation.table, scope(aggregation))
            counters = Counters.of(spark)
            records = read_records(spark, objects, aggregation.reader, counters)
            result = aggregate(spark, records, aggregation).persist()
            by_date = result.groupBy("date").count()
            with job.progress("parts", sum(map(len, records.tasks)), lambda: counters.done.value):
                # This is the action that reads the archive.
                rows = {row["date"].isoformat(): row["count"] for row in by_date.collect()}
            tally, numbers = records.tally(), records.numbers(by_date)
            numbers.check()
            refuse_nothing_read(job, tally)
            warn_of_fragments(spark, rows, aggregation, job)
            write_tables(records, result, rows, objects, aggregation, job)
            result.unpersist()
            limit = aggregation.max_reject_share
            summary = summarise(Judged.of(numbers, tally, limit), job, counters)
            job.finish(summary, ok=summary.ok)
    return summary


def warn_of_fragments(
    spark: SparkSession, rows: Mapping[str, int], aggregation: Aggregation, job: JobRun
) -> None:
    """Say when a run without days leaves fewer rows than there were: perhaps of a part of a day."""
    if aggregation.asked.start is not None:
        return
    there = job.partition_rows(spark, aggregation.table, [(day,) for day in sorted(rows)])
    fewer = [day for (day,), count in there.items() if count > rows[day]]
    if fewer:
        logger.warning(
            "%d days of %s get fewer rows than they had, the first is %s: does the source hold "
            "them whole? With --start and --end a run replaces just the days that it names",
            len(fewer),
            aggregation.table.name,
            fewer[0],
        )


def aggregate(spark: SparkSession, records: Records, aggregation: Aggregation) -> DataFrame:
    """Run the query over the view of the records; minutes are rows of the table already."""
    result = records.frame
    if aggregation.reader.kind.view != aggregation.table.name:
        result.createOrReplaceTempView(aggregation.reader.kind.view)
        views = (aggregation.reader.kind.view,)
        result = run_sql(spark, aggregation.file.text, views, parameters(aggregation))
    # One file a date, in the order that makes it small.
    return result.repartition("date").sortWithinPartitions("date", *aggregation.table.sort)


def parameters(aggregation: Aggregation) -> dict[str, Any]:
    """Values of the query's parameters, which say which days it is about.

    Raises
    ------
    RefusedInput
        The query has another parameter.
    """
    file, known = aggregation.file, aggregation.asked.window_values()
    foreign = sorted(set(file.parameters) - set(known))
    if foreign:
        raise RefusedInput(
            f"{file.name} has the parameter :{foreign[0]}, which an aggregation is not given; it "
            f"may have {', '.join(f':{name}' for name in known)}"
        )
    return dict(bind(file, {name: known[name] for name in file.parameters}))


def write_tables(
    records: Records,
    result: DataFrame,
    rows: Mapping[str, int],
    objects: Sequence[StoredObject],
    aggregation: Aggregation,
    job: JobRun,
) -> None:
    """Write the rejects and the table; the table last, so that its rows promise both."""
    write_rejects(job, records, objects, aggregation.asked.days(), sorted(rows))
    expected = {(day,): count for day, count in rows.items()}
    partitions = scope(aggregation) or sorted(expected)
    job.write(result, aggregation.table, partitions, expected=expected)


def scope(aggregation: Aggregation) -> list[Partition]:
    """Partitions of the run's window; none where there is no window."""
    return [(day.isoformat(),) for day in aggregation.asked.days()]


def summarise(judged: Judged, job: JobRun, counters: Counters) -> Summary:
    """Count what became of the records and what was written."""
    return Summary(
        records=asdict(judged.records),
        objects=judged.objects,
        comments=judged.comments,
        reasons=judged.reasons,
        rows=job.rows,
        core_seconds=round(job.core_seconds(counters.cpu_seconds.value), 3),
        wall_seconds=round(job.wall_seconds(), 3),
        bytes_read=counters.bytes_read.value,
        bytes_written=job.bytes_written,
        run_id=job.run_id,
        ok=judged.ok,
    )


def judged(summary: Summary, limit: float) -> Judged:
    """What a summary says of the records."""
    numbers = FiveNumbers(**summary.records)
    return Judged(numbers, summary.objects, summary.comments, summary.reasons, limit)


def report(summary: Summary, common: Common) -> None:
    """Print the summary, for a person or for a program."""
    if common.output == "json":
        print_json(summary)
        return
    print_numbers(judged(summary, 1))
    for table, count in summary.rows.items():
        click.echo(f"{table:<16} {count:>12,} rows")
    click.echo(
        f"read {summary.bytes_read:,} bytes, wrote {summary.bytes_written:,} in "
        f"{summary.wall_seconds:.1f} s ({summary.core_seconds:.1f} core-seconds)"
    )
    click.echo(f"run {summary.run_id}")


def _arguments(aggregation: Aggregation) -> dict[str, Any]:
    return {
        **aggregation.asked.arguments(),
        "source": aggregation.reader.source.uri,
        "max_reject_share": aggregation.max_reject_share,
    }


if __name__ == "__main__":
    main(prog_name="aggregate_sensors.py")

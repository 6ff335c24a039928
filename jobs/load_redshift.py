"""Tables of the lake into Amazon Redshift, exactly once: choose, export, load, report.

What a load brings is what the latest run of each partition left, by its record. Run it by
`stormlake warehouse load TABLE` or `spark-submit jobs/load_redshift.py TABLE`, with the same
options.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake.runs import read_records
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table
from stormlake.running.aws import ApiCall, Aws, print_calls
from stormlake.running.days import day_before_option
from stormlake.running.job import JobRun, Lake, open_existing_lake
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcDay,
    common_options,
    print_json,
    refuse_unless,
)
from stormlake.running.text_table import text_table
from stormlake.warehouse.data_api import DataApi, batch_call, query_call
from stormlake.warehouse.exporting import (
    Unload,
    export,
    manifest_path,
    open_unload,
    refuse_other_region,
    region_call,
)
from stormlake.warehouse.ledger import ledger_query
from stormlake.warehouse.load_options import load_options
from stormlake.warehouse.loading import LoadedInPart, load, pending
from stormlake.warehouse.manifest import Manifest, ManifestFile
from stormlake.warehouse.scope import LoadScope
from stormlake.warehouse.selection import NothingRecorded, select
from stormlake.warehouse.statements import How, MergeStrategy, load_statements
from stormlake.warehouse.target import Target, target_of, target_options

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

COMMAND: Final = "load-redshift"
ATTEMPTS: Final = 5
"""Times that a scope is asked about anew because another load brought a part of it meanwhile."""

logger = logging.getLogger(f"stormlake.{COMMAND}")


@dataclass(frozen=True)
class Load:
    """What one run of this job is asked to do.

    Parameters
    ----------
    tables : tuple of Table
        Which; with `every`, those that have a record.
    every : bool
    start, end : datetime or None
        UTC days, half-open.
    lake : Lake
    unload : Unload
    aws : Aws
    target : Target
    how : How
    from_run : str or None
    accept : bool
    timeout : float
        Seconds.
    """

    tables: tuple[Table, ...]
    every: bool
    start: datetime | None
    end: datetime | None
    lake: Lake
    unload: Unload
    aws: Aws
    target: Target
    how: How
    from_run: str | None
    accept: bool
    timeout: float


@dataclass(frozen=True)
class ScopeLoaded:
    """What became of one scope: the partitions that one run left of one table.

    Parameters
    ----------
    table, job, run : str
        The table, and the run that made its rows.
    partitions, rows : int
        All of the scope, by the run's record.
    outcome : str
        `loaded`, or `already loaded`: then nothing was done.
    files, bytes : int
        Files that COPY read, and their bytes.
    exported : bool
        Whether this run wrote them; else they were there from an earlier attempt.
    in_table : int or None
        Rows that the table has in these partitions now, where they were counted.
    """

    table: str
    job: str
    run: str
    partitions: int
    rows: int
    outcome: str
    files: int = 0
    bytes: int = 0
    exported: bool = False
    in_table: int | None = None


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints: the result of a run.

    Parameters
    ----------
    warehouse : str
    loads : list of ScopeLoaded
    not_recorded : list of str
        With `--all`: tables of which no run has left a record.
    rows_loaded, bytes_exported : int
        Of this run alone.
    core_seconds, wall_seconds : float
        Starting Spark is not in them.
    run_id : str
        The load's own.
    """

    warehouse: str
    loads: list[ScopeLoaded] = field(default_factory=list)
    not_recorded: list[str] = field(default_factory=list)
    rows_loaded: int = 0
    bytes_exported: int = 0
    core_seconds: float = 0.0
    wall_seconds: float = 0.0
    run_id: str = ""


def _names() -> str:
    """The tables as the help names them."""
    named = [name if t.warehouse.by_default else f"{name}*" for name, t in TABLES.items()]
    return ", ".join(named)


@click.command(
    "load",
    cls=StormlakeCommand,
    help="Load a table of the lake, or all, into Redshift, exactly once.\n\n"
    "What the latest run of each partition left takes the place of what the warehouse has there. "
    "To run it again changes nothing, whatever became of the last run.\n\n"
    f"TABLE is one of {_names()} (*: large, --all leaves it out).",
)
@click.argument("table", metavar="[TABLE]", required=False)
@click.option("--all", "every", is_flag=True, help="Every table that has a record of a run.")
@click.option("--lake", required=True, metavar="URI", help="Where the tables and the records are.")
@click.option(
    "--unload",
    required=True,
    metavar="URI",
    help="s3://BUCKET[/PREFIX] for the copies that COPY reads, in the warehouse's Region; a rule "
    "of the bucket should expire them.",
)
@click.option("--start", type=UtcDay(), metavar="DAY", help="First UTC day.")
@click.option(
    "--end",
    type=UtcDay(),
    metavar="DAY",
    help="Day after the last.  [default of both: every day that has a record]",
)
@day_before_option
@target_options
@load_options
@click.option("--from-run", metavar="ID", help="Load what this run left.  [default: the latest]")
@click.option("--accept", is_flag=True, help="Load a run that had too many rejects, too.")
@click.option(
    "--master",
    metavar="URL",
    help="Spark master when not under spark-submit.  [default: local[*]]",
)
@common_options
def main(
    common: Common,
    table: str | None,
    every: bool,
    lake: str,
    unload: str,
    start: datetime | None,
    end: datetime | None,
    iam_role: str,
    from_run: str | None,
    accept: bool,
    merge_strategy: MergeStrategy,
    timeout: float,
    master: str | None,
    **target: Any,
) -> None:
    """Run the command; its help stands above."""
    refuse_unless(
        start is None or end is None or start < end,
        "--start is not before --end (the end is exclusive)",
    )
    refuse_unless(
        not (every and from_run), "--from-run names the run of one table; name the table, too"
    )
    asked = Load(
        tables=chosen(table, every),
        every=every,
        start=start,
        end=end,
        lake=open_existing_lake(lake, common),
        unload=open_unload(unload, common),
        aws=Aws.of(common),
        target=target_of(**target),
        how=How(iam_role, merge_strategy=merge_strategy),
        from_run=from_run,
        accept=accept,
        timeout=timeout,
    )
    if common.dry_run:
        dry_run(asked)
        return
    report(run(asked, common, master), common)


def chosen(table: str | None, every: bool) -> tuple[Table, ...]:
    """The tables that are asked for.

    Raises
    ------
    RefusedInput
        None or two ways to say it, or no such table.
    """
    if (table is None) != every:
        raise RefusedInput(f"name one table, or give --all; there are {', '.join(TABLES)}")
    if every:
        return tuple(t for t in TABLES.values() if t.warehouse.by_default)
    if table not in TABLES:
        raise RefusedInput(f"no table {table}; there are {', '.join(TABLES)}")
    return (TABLES[str(table)],)


def choose_scopes(asked: Load) -> tuple[list[LoadScope], list[str]]:
    """Find what is to be loaded, and with `--all` the tables that have nothing to load.

    Raises
    ------
    RefusedInput
        No record, or one that is not to be loaded as it is; nothing was done.
    """
    records = read_records(asked.lake.store)
    found: list[LoadScope] = []
    without: list[str] = []
    for table in asked.tables:
        try:
            found += select(records, table, asked.start, asked.end, asked.from_run, asked.accept)
        except NothingRecorded as error:
            if not asked.every or error.partly:
                raise
            without.append(table.name)
    if not found:
        raise NothingRecorded(
            f"no run has left a record of any of these tables in {asked.lake.uri}: a load starts "
            "from the record that a job writes last; check --lake and the days"
        )
    return found, without


def dry_run(asked: Load) -> None:
    """Print the requests that a first load would make; read the records alone."""
    found, _ = choose_scopes(asked)
    print_calls(
        [region_call(asked.unload), *(call for scope in found for call in calls(asked, scope))]
    )


def calls(asked: Load, scope: LoadScope) -> list[ApiCall]:
    """Give the requests of one load: ledger, manifest, transaction.

    What only an export can know stands in angle brackets.
    """
    path = manifest_path(scope)
    url = f"{asked.unload.uri}/{path}"
    name = f"{asked.unload.uri}/{scope.table.name}/run={scope.run_id}/<attempt>/part-*.parquet"
    files = (ManifestFile(name, 0, scope.rows),) if scope.rows else ()
    manifest = Manifest(url, "<ETag of the manifest>", files)
    statements = load_statements(scope, manifest, asked.target.schema, asked.how, "<load attempt>")
    question = ledger_query(asked.target.schema, scope.table.name, scope.job, scope.run_id)
    store = asked.unload.store
    key = f"{store.prefix}/{path}" if store.prefix else path
    return [
        query_call(asked.target, question, "<token>"),
        ApiCall(
            "s3",
            "PutObject",
            {
                "Bucket": store.bucket,
                "Key": key,
                "Body": f"<manifest of {scope.rows} rows>",
                "IfNoneMatch": "*",
            },
        ),
        batch_call(
            asked.target,
            statements,
            "<token>",
            f"stormlake load {scope.table.name} {scope.run_id}",
        ),
    ]


def run(asked: Load, common: Common, master: str | None) -> Summary:
    """Choose, export what the ledger misses, load it, report."""
    with JobRun(
        COMMAND,
        asked.lake,
        common,
        source=asked.lake.uri,
        scope=_scope(asked),
        arguments=_arguments(asked),
    ) as job:
        earlier = job.earlier_record()
        if earlier is not None:
            return _earlier(earlier.summary)
        with job.hold([table.name for table in asked.tables]):
            # Another attempt under this id may have ended while we waited for its lock.
            earlier = job.earlier_record()
            if earlier is not None:
                return _earlier(earlier.summary)
            found, without = choose_scopes(asked)
            refuse_other_region(asked.aws, asked.unload)
            work = _Work(asked, job, master)
            loads = [work.bring(scope) for scope in found]
            summary = summarise(asked, loads, without, job)
            job.finish(summary)
    return summary


class _Work:
    """The loads of one run; Spark starts when the first of them has something to export."""

    def __init__(self, asked: Load, job: JobRun, master: str | None) -> None:
        self.asked, self.job, self.master = asked, job, master
        self.api = DataApi(asked.aws, asked.target, timeout=asked.timeout)
        self._spark: SparkSession | None = None

    def bring(self, scope: LoadScope) -> ScopeLoaded:
        """Load what the ledger does not have of a scope yet."""
        for _ in range(ATTEMPTS):
            rest = pending(self.api, scope)
            if rest is None:
                logger.info("%s of run %s is loaded already", scope.table.name, scope.run_id)
                return _loaded(scope, "already loaded")
            exported = export(self.spark, self.asked.lake.uri, rest, self.asked.unload)
            self.job.check_locks()
            try:
                ended = load(self.api, rest, exported.manifest, self.asked.how)
            except LoadedInPart as part:
                logger.info("%s; the rest is loaded next", part)
                continue
            files = exported.manifest.files
            return _loaded(
                rest,
                ended.outcome.replace("_", " "),
                files=len(files),
                bytes=sum(file.content_length for file in files),
                exported=exported.new,
                in_table=ended.in_table,
            )
        raise RefusedInput(
            f"other loads keep bringing parts of {scope.table.name} of run {scope.run_id}; run "
            "again when they have ended"
        )

    def spark(self) -> SparkSession:
        """Start Spark, once."""
        if self._spark is None:
            self._spark = self.job.start_spark(self.master, s3=self.asked.unload.access)
        return self._spark


def summarise(
    asked: Load, loads: Sequence[ScopeLoaded], without: Sequence[str], job: JobRun
) -> Summary:
    """Count what was done."""
    return Summary(
        warehouse=str(asked.target),
        loads=list(loads),
        not_recorded=list(without),
        rows_loaded=sum(each.rows for each in loads if each.outcome == "loaded"),
        bytes_exported=sum(each.bytes for each in loads if each.exported),
        core_seconds=round(job.core_seconds(), 3),
        wall_seconds=round(job.wall_seconds(), 3),
        run_id=job.run_id,
    )


def report(summary: Summary, common: Common) -> None:
    """Print the summary, for a person or for a program."""
    if common.output == "json":
        print_json(summary)
        return
    click.echo(
        text_table(
            [
                {
                    "table": each.table,
                    "run": each.run,
                    "partitions": f"{each.partitions:,}",
                    "rows": f"{each.rows:,}",
                    "outcome": each.outcome,
                    "in table": "" if each.in_table is None else f"{each.in_table:,}",
                }
                for each in summary.loads
            ],
            ("table", "run", "partitions", "rows", "outcome", "in table"),
        )
    )
    if summary.not_recorded:
        click.echo(f"no record of {', '.join(summary.not_recorded)}: not loaded")
    if any(each.outcome == "loaded" for each in summary.loads):
        click.echo(
            f"loaded {summary.rows_loaded:,} rows into {summary.warehouse}, exported "
            f"{summary.bytes_exported:,} bytes, in {summary.wall_seconds:.1f} s "
            f"({summary.core_seconds:.1f} core-seconds)"
        )
    else:
        click.echo(f"everything is in {summary.warehouse} already; nothing was changed")
    click.echo(f"run {summary.run_id}")


def _loaded(scope: LoadScope, outcome: str, **facts: Any) -> ScopeLoaded:
    return ScopeLoaded(
        table=scope.table.name,
        job=scope.job,
        run=scope.run_id,
        partitions=len(scope.partitions),
        rows=scope.rows,
        outcome=outcome,
        **facts,
    )


def _earlier(summary: Any) -> Summary:
    """A summary as the record of this run has it."""
    return Summary(**{**summary, "loads": [ScopeLoaded(**each) for each in summary["loads"]]})


def _scope(asked: Load) -> dict[str, Any]:
    days = {"start": asked.start, "end": asked.end}
    return {
        "tables": [table.name for table in asked.tables],
        **{name: day.date().isoformat() if day else None for name, day in days.items()},
    }


def _arguments(asked: Load) -> dict[str, Any]:
    return {
        "warehouse": str(asked.target),
        "unload": asked.unload.uri,
        "iam_role": asked.how.iam_role,
        "from_run": asked.from_run,
        "accept": asked.accept,
        "merge_strategy": asked.how.merge_strategy,
    }


if __name__ == "__main__":
    main(prog_name="load_redshift.py")

"""Sensor archives to anomaly scores: read, reject, order, score each record, save the forests.

Run it by `stormlake score wind|vitals|generic` or `spark-submit jobs/score_anomalies.py …`, with
the same options. A record is scored by what came before it and then learned, in the order of event
time; a date begins with the forests of the date before. So it does not matter in which order
records arrive, how many tasks share the work, or into how many runs the days are cut.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import click
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stormlake.alerts.frames import with_anomaly
from stormlake.alerts.rules import ANOMALY_RULES, known_rules
from stormlake.archive.arrivals import StoredObject
from stormlake.counters import Counters
from stormlake.errors import RefusedInput
from stormlake.lake import runs
from stormlake.lake.files import LakeFiles
from stormlake.lake.partitions import Partition
from stormlake.lake.tables import ANOMALY_SCORES, RCF_STATE, REJECTS
from stormlake.running.archive_runs import refuse_erasing, refuse_nothing_read, write_rejects
from stormlake.running.job import JobRun, Lake, open_archive, open_lake, refuse_lake_in_source
from stormlake.running.options import Common, StormlakeCommand, common_options, print_json
from stormlake.running.score_options import ScoreOptions, score_options
from stormlake.running.sensor_options import list_objects
from stormlake.running.sensor_report import Judged, print_numbers, too_many_rejects
from stormlake.scoring import frames
from stormlake.scoring.series import Plan
from stormlake.sensors.frames import read_records
from stormlake.sensors.reader import Reader
from stormlake.sensors.registry import Device, read_registry
from stormlake.sensors.tally import FiveNumbers

COMMAND: Final = "score"

STATES_AT_ONCE: Final = 512
"""Saved states that one pass makes: some hundred megabytes on disk before they are written."""

MOST_DAYS: Final = 1_000
"""Days of a run: each gets the state of every key, also where it has no record."""

logger = logging.getLogger(f"stormlake.{COMMAND}")


@dataclass(frozen=True)
class Scoring:
    """What one run of this job is asked to do.

    Parameters
    ----------
    asked : ScoreOptions
    reader : Reader
    registry : mapping of str to Device or None
    lake : Lake
    max_reject_share : float
        More than this share of rejected records is exit code 3.
    """

    asked: ScoreOptions
    reader: Reader
    registry: Mapping[str, Device] | None
    lake: Lake
    max_reject_share: float

    @property
    def source(self) -> str:
        """The value of `source` in the tables."""
        return self.asked.source_name

    @property
    def job(self) -> str:
        """The job's name."""
        return f"{COMMAND}-{self.source}"


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints: the result of a run.

    Parameters
    ----------
    records : dict
        The five numbers: read = kept + duplicates + rejected + left.
    objects : dict
        Objects that were read; of these, empty ones, and ones that could not be read to the end.
    reasons : dict
        Rejected records by reason.
    comments : int
        Lines that are no records.
    keys : int
        Series in the records.
    state_of : str or None
        Date whose saved forests the run began with; None: forests that know nothing.
    days : int
        Dates of the run.
    scored, warming_up, anomalies : int
        Records; of these, with score 0, and anomalies by the source's rule.
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
    reasons: dict[str, int]
    comments: int
    keys: int
    state_of: str | None
    days: int
    scored: int
    warming_up: int
    anomalies: int
    rows: dict[str, int]
    core_seconds: float
    wall_seconds: float
    bytes_read: int
    bytes_written: int
    run_id: str
    ok: bool


@click.command(COMMAND, cls=StormlakeCommand)
@click.option("--lake", required=True, metavar="URI", help="Where the tables go.")
@score_options
@common_options
def main(
    common: Common, lake: str, asked: ScoreOptions, max_reject_share: float, master: str | None
) -> None:
    """Score each record of an archive by what came before it, with Random Cut Forests.

    KIND says what its records are: wind, vitals, or generic for any other.
    """
    registry = None
    if asked.registry is not None:
        registry = read_registry(open_archive(asked.registry, common))
    scoring = Scoring(
        asked, asked.reader(common, registry), registry, open_lake(lake, common), max_reject_share
    )
    refuse_lake_in_source(scoring.reader.source, scoring.lake)
    if common.dry_run:
        dry_run(scoring, common)
        return
    summary = run(scoring, common, master)
    report(summary, common)
    if not summary.ok:
        raise too_many_rejects(judged(summary, max_reject_share), "the tables are written")


def dry_run(scoring: Scoring, common: Common) -> None:
    """Say what would be read; touch nothing."""
    objects = list_objects(scoring.reader)
    size = sum(obj.size for obj in objects)
    told = {"objects": len(objects), "bytes": size}
    if common.output == "json":
        click.echo(json.dumps(told))
        return
    click.echo(
        f"would read {len(objects)} objects ({size:,} bytes) from {scoring.reader.source.uri} and "
        f"write the scores of {scoring.source} to {scoring.lake.uri}"
    )


def run(scoring: Scoring, common: Common, master: str | None) -> Summary:
    """Read, reject, score, write, report."""
    with JobRun(
        scoring.job,
        scoring.lake,
        common,
        source=scoring.reader.source.uri,
        scope=scoring.asked.scope_of_run(),
        arguments=_arguments(scoring),
    ) as job:
        earlier = job.earlier_record()
        if earlier is not None:
            return Summary(**earlier.summary)
        with job.hold([scoring.source]):
            # Another attempt under this id may have ended while we waited for its lock.
            earlier = job.earlier_record()
            if earlier is not None:
                return Summary(**earlier.summary)
            objects = list_objects(scoring.reader)
            refuse_many_objects(objects, scoring)
            spark = job.start_spark(master, frames.SETTINGS)
            job.clean_staging(spark, (ANOMALY_SCORES, RCF_STATE, REJECTS))
            return work(spark, objects, scoring, job)


def work(
    spark: SparkSession, objects: Sequence[StoredObject], scoring: Scoring, job: JobRun
) -> Summary:
    """The run itself, while its lock is held."""
    asked, reader = scoring.asked, scoring.reader
    scope = [(scoring.source, day.isoformat()) for day in asked.days()]
    refuse_erasing(job, spark, objects, ANOMALY_SCORES, scope)
    counters, forests = Counters.of(spark), Counters.of(spark)
    records = read_records(spark, objects, reader, counters)
    points = frames.points(
        records.frame, len(asked.scored), asked.place, asked.by_key, scoring.registry
    ).persist()
    by_day = points.groupBy("date", "model_key").count()
    with job.progress("parts", sum(map(len, records.tasks)), lambda: counters.done.value):
        # This is the action that reads the archive.
        found = Found.of(by_day)
    tally, numbers = records.tally(), records.numbers(by_day)
    numbers.check()
    refuse_nothing_read(job, tally)
    if not asked.by_key:
        refuse_mixed_series(points, scoring)
    days = asked.days() or found.days()
    refuse_many_days(days)
    write_rejects(job, records, objects, asked.days(), [d.isoformat() for d in sorted(found.rows)])
    with job.progress("records", sum(found.rows.values()), lambda: forests.done.value):
        scored = score_days(spark, points, days, found, scoring, job, forests)
    points.unpersist()
    judged = Judged.of(numbers, tally, scoring.max_reject_share)
    summary = Summary(
        records=asdict(judged.records),
        objects=judged.objects,
        reasons=judged.reasons,
        comments=judged.comments,
        keys=len(found.keys),
        days=len(days),
        **asdict(scored),
        rows=job.rows,
        core_seconds=round(
            job.core_seconds(counters.cpu_seconds.value + forests.cpu_seconds.value), 3
        ),
        wall_seconds=round(job.wall_seconds(), 3),
        bytes_read=counters.bytes_read.value,
        bytes_written=job.bytes_written,
        run_id=job.run_id,
        ok=judged.ok,
    )
    job.finish(summary, ok=summary.ok)
    return summary


@dataclass(frozen=True)
class Found:
    """What the records of a run are.

    Parameters
    ----------
    rows : dict
        Records by date.
    keys : set of str
        Keys of their series.
    """

    rows: dict[dt.date, int]
    keys: set[str]

    @classmethod
    def of(cls, by_day: DataFrame) -> Found:
        """Count; `by_day` has `date`, `model_key` and `count`."""
        rows: dict[dt.date, int] = {}
        keys = set()
        for date, key, count in by_day.collect():
            rows[date] = rows.get(date, 0) + count
            keys.add(key)
        return cls(rows, keys)

    def days(self) -> list[dt.date]:
        """Every date from the first record's to the last's."""
        if not self.rows:
            return []
        first, last = min(self.rows), max(self.rows)
        return [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(frozen=True)
class Scored:
    """What became of the records; as in `Summary`."""

    state_of: str | None
    scored: int
    warming_up: int
    anomalies: int


def score_days(
    spark: SparkSession,
    points: DataFrame,
    days: Sequence[dt.date],
    found: Found,
    scoring: Scoring,
    job: JobRun,
    counters: Counters,
) -> Scored:
    """Score the days in order, some at once, and write the states and the scores of each."""
    files = LakeFiles(spark, scoring.lake.uri)
    begin = last_state_of(files, days, scoring) if scoring.asked.computes else None
    states = None
    if begin is not None:
        refuse_half_state(files, begin, scoring)
        states = frames.states_at(spark, files, scoring.source, begin)
        refuse_other_options(states, begin, scoring)
    keys = len(found.keys) + (states.count() if states is not None else 0)
    # A rules file of `alert` changes alerts, not what the tables call an anomaly.
    rules = [known_rules()[name] for name in ANOMALY_RULES.get(scoring.source, ())]
    totals = [0, 0, 0]
    for some in _some(days, max(1, STATES_AT_ONCE // max(1, keys))):
        rows = points.where(F.col("date").between(some[0], some[-1]))
        scope = [(scoring.source, day.isoformat()) for day in some]
        result = frames.keep(scored_rows(rows, states, some, found, scoring, counters))
        of_scores = frames.score_rows(with_anomaly(result, rules), scoring.source)
        with frames.worker_errors():
            told = of_scores.agg(
                F.count(F.lit(1)),
                F.count_if(F.col("score") == 0),
                F.count_if(F.col("anomaly")),
            ).collect()[0]
        totals = [sum(both) for both in zip(totals, told, strict=True)]
        if scoring.asked.computes:
            # The scores last, so that they promise both.
            job.write(frames.state_rows(result, scoring.source), RCF_STATE, scope)
        expected: dict[Partition, int] = {
            (scoring.source, day.isoformat()): found.rows.get(day, 0) for day in some
        }
        job.write(of_scores, ANOMALY_SCORES, scope, expected=expected)
        result.unpersist()
        if scoring.asked.computes:
            states = frames.states_at(spark, files, scoring.source, some[-1].isoformat())
    warn_of_later_days(files, days, scoring)
    return Scored(begin, *totals)


def scored_rows(
    rows: DataFrame,
    states: DataFrame | None,
    days: Sequence[dt.date],
    found: Found,
    scoring: Scoring,
    counters: Counters,
) -> DataFrame:
    """Rows with scores, by forests or by the records themselves, and the forests' new states."""
    epoch = dt.date(1970, 1, 1)
    asked = scoring.asked
    plan = Plan(
        asked.forest,
        asked.scored,
        asked.options_hash,
        asked.by_key,
        asked.computes,
        (days[0] - epoch).days,
        (days[-1] - epoch).days + 1,
    )
    # More tasks than cores, because keys differ in length; never more than there are keys.
    cores = rows.sparkSession.sparkContext.defaultParallelism
    partitions = max(1, min(len(found.keys), 8 * cores)) if asked.by_key else 1
    return frames.score(rows, states, plan, partitions, counters)


def last_state_of(files: LakeFiles, days: Sequence[dt.date], scoring: Scoring) -> str | None:
    """Date of the states that the run goes on from.

    Raises
    ------
    RefusedInput
        There are none, and `--require-state` asks for them.
    """
    if not days:
        return None
    found = frames.last_state(files, scoring.source, days[0].isoformat())
    if found is None:
        if scoring.asked.require_state:
            raise RefusedInput(
                f"{scoring.lake.uri} holds no state of {scoring.source} before {days[0]}, and "
                "--require-state asks for one: score the days before first, or leave it out for "
                "forests that know nothing"
            )
        logger.info("no state of %s before %s: forests begin empty", scoring.source, days[0])
    elif found != (days[0] - dt.timedelta(days=1)).isoformat():
        logger.warning(
            "the newest state of %s before %s is that of %s: if there are records of the days "
            "between, score them first",
            scoring.source,
            days[0],
            found,
        )
    return found


def refuse_half_state(files: LakeFiles, day: str, scoring: Scoring) -> None:
    """Refuse to go on from states of which a run that was cut off may have left only some.

    A key whose state is missing would begin anew without a word.
    """
    partition = (scoring.source, day)
    records = runs.read_records(scoring.lake.store, scoring.job)
    record = runs.latest_records(records, RCF_STATE.name).get(partition)
    written = {
        file.path
        for each in (record.tables[RCF_STATE.name] if record is not None else ())
        if each.values == partition
        for file in each.files
    }
    if written != set(files.data_files(RCF_STATE, [partition])[partition]):
        raise RefusedInput(
            f"the state of {scoring.source} at the end of {day} is not that of a run that ended: "
            f"one was cut off, or files were changed; score {day} again first"
        )


def refuse_other_options(states: DataFrame | None, day: str, scoring: Scoring) -> None:
    """Refuse to go on with forests that were made with other options, or to begin anew unasked."""
    asked = scoring.asked.options_hash
    if states is None:
        return
    found = {row[0] for row in states.select("options_hash").distinct().collect()} - {asked}
    if found:
        raise RefusedInput(
            f"the state of {scoring.source} at the end of {day} was made with other options "
            f"({sorted(found)[0]}, this run has {asked}): give the same --trees, --sample, "
            "--time-decay, --shingle, --seed, --scope and columns; or, to change them, remove "
            f"{RCF_STATE.name}/source={scoring.source} from the lake and score from the first day "
            "on"
        )


def refuse_mixed_series(points: DataFrame, scoring: Scoring) -> None:
    """Refuse shingles over the records of several places, which are no series."""
    if scoring.asked.shingle == 1:
        return
    least, most = points.agg(F.min("place"), F.max("place")).collect()[0]
    if least != most:
        raise RefusedInput(
            f"--shingle {scoring.asked.shingle} with --scope global would make one series of "
            f"{least}, {most} and others; use --scope key, or --shingle 1"
        )


def refuse_many_objects(objects: Sequence[StoredObject], scoring: Scoring) -> None:
    """Refuse to number the records of several objects: their numbers would not be theirs alone."""
    if scoring.asked.numbers_records and len(objects) > 1:
        raise RefusedInput(
            f"{scoring.reader.source.uri} holds {len(objects)} objects: records without an id are "
            "numbered, which needs one object; give --id COLUMN, or the address of one object"
        )


def refuse_many_days(days: Sequence[dt.date]) -> None:
    """Refuse a run over years: one record with a wrong time would fill the lake with states."""
    if len(days) > MOST_DAYS:
        raise RefusedInput(
            f"the records lie from {days[0]} to {days[-1]}, {len(days)} days, each of which gets "
            f"a state of every key: give --start and --end, at most {MOST_DAYS} days apart"
        )


def warn_of_later_days(files: LakeFiles, days: Sequence[dt.date], scoring: Scoring) -> None:
    """Say when there are scores that were made from the states that this run has replaced."""
    if not days or not scoring.asked.computes:
        return
    last = days[-1].isoformat()
    later = [d for d in files.values_below(ANOMALY_SCORES, (scoring.source,)) if d > last]
    if later:
        logger.warning(
            "%s has scores of %d later days, the first is %s: where the records of this run's days "
            "have changed, run those again, in order",
            scoring.source,
            len(later),
            later[0],
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
    began = f"the state of {summary.state_of}" if summary.state_of else "empty forests"
    click.echo(
        f"scored {summary.scored:,} in {summary.keys:,} series over {summary.days:,} days, from "
        f"{began}: {summary.anomalies:,} anomalies, {summary.warming_up:,} warming up"
    )
    for table, count in summary.rows.items():
        click.echo(f"{table:<16} {count:>12,} rows")
    click.echo(
        f"read {summary.bytes_read:,} bytes, wrote {summary.bytes_written:,} in "
        f"{summary.wall_seconds:.1f} s ({summary.core_seconds:.1f} core-seconds)"
    )
    click.echo(f"run {summary.run_id}")


def _some(days: Sequence[dt.date], most: int) -> Iterator[Sequence[dt.date]]:
    for start in range(0, len(days), most):
        yield days[start : start + most]


def _arguments(scoring: Scoring) -> dict[str, Any]:
    return {
        **scoring.asked.arguments(),
        "source": scoring.reader.source.uri,
        "max_reject_share": scoring.max_reject_share,
    }


if __name__ == "__main__":
    main(prog_name="score_anomalies.py")

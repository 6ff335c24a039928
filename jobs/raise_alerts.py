"""Scores to alerts: hold each rule against the scores, write the alerts, tell those that are new.

Run it by `stormlake alert` or `spark-submit jobs/raise_alerts.py`, with the same options. The rows
depend on the scores and the rules alone; a date that is run again gives the same alert_ids, and
what was told of them is not told again.
"""

from __future__ import annotations

import datetime as dt
import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from stormlake.alerts.claims import Claims, DynamoClaims, LakeClaims
from stormlake.alerts.frames import alert_rows, rule_errors, with_features
from stormlake.alerts.publish import MAX_MESSAGES, Published, Publisher
from stormlake.alerts.rules import Rule, load_rules, rules_of
from stormlake.errors import RefusedInput
from stormlake.lake.files import LakeFiles
from stormlake.lake.partitions import Partition
from stormlake.lake.tables import ALERTS, ANOMALY_SCORES
from stormlake.lake.views import read_table
from stormlake.running.aws import Aws
from stormlake.running.days import Window, window_options
from stormlake.running.job import JobRun, Lake, open_existing_lake
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    common_options,
    print_json,
    refuse_unless,
)

COMMAND: Final = "alert"

logger = logging.getLogger(f"stormlake.{COMMAND}")


@dataclass(frozen=True)
class Alerting:
    """What one run of this job is asked to do.

    Parameters
    ----------
    lake : Lake
    source : str
        Whose scores.
    window : Window or None
        UTC days, half-open; None: all that the lake holds.
    rules : list of Rule
        Those that are switched on for the source.
    topic : str or None
        ARN; None: nobody is told.
    claims : str
        `lake` or `dynamodb:TABLE`.
    most : int
        Messages of a run.
    """

    lake: Lake
    source: str
    window: Window | None
    rules: list[Rule]
    topic: str | None
    claims: str
    most: int


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints: the result of a run.

    Parameters
    ----------
    days : int
        Dates of the run.
    scores : int
        Scores that the rules were held against.
    alerts : dict
        Alerts by rule, of every rule that is switched on.
    told : dict or None
        As `Published`; None without a topic.
    rows : dict
        Rows written by table.
    core_seconds, wall_seconds : float
    run_id : str
    """

    days: int
    scores: int
    alerts: dict[str, int]
    told: dict[str, int] | None
    rows: dict[str, int]
    core_seconds: float
    wall_seconds: float
    run_id: str


def _topic(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"arn:[^:]+:sns:[^:]+:\d+:[\w-]+(\.fifo)?", value):
        raise click.BadParameter(
            f"{value!r} is no topic's ARN such as arn:aws:sns:eu-west-1:123456789012:wind",
            ctx,
            param,
        )
    return value


def _claims(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value != "lake" and not re.fullmatch(r"dynamodb:[A-Za-z0-9_.-]{3,255}", value):
        raise click.BadParameter(
            f"{value!r}: expected lake, or dynamodb:TABLE with a table's name", ctx, param
        )
    return value


@click.command(COMMAND, cls=StormlakeCommand)
@click.option("--lake", required=True, metavar="URI", help="The lake: scores in, alerts out.")
@click.option("--source", required=True, metavar="NAME", help="Whose scores, e.g. wind.")
@window_options("scores")
@click.option(
    "--rules",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.toml",
    help="Changes to the known rules, and rules of your own.",
)
@click.option(
    "--topic", metavar="ARN", callback=_topic, help="SNS topic that is told of new alerts."
)
@click.option(
    "--claims",
    default="lake",
    show_default=True,
    metavar="lake|dynamodb:TABLE",
    callback=_claims,
    help="Where it is kept which alerts were told.",
)
@click.option(
    "--max-messages",
    type=click.IntRange(1),
    default=MAX_MESSAGES,
    show_default=True,
    metavar="N",
    help="Messages of a run; what is over is told by the next.",
)
@click.option("--master", metavar="URL", help="Spark master.  [default: local[*]]")
@common_options
def main(
    common: Common,
    lake: str,
    source: str,
    window: Window | None,
    rules: Path | None,
    topic: str | None,
    claims: str,
    max_messages: int,
    master: str | None,
) -> None:
    """Hold rules against scores, write the alerts, and publish those that are new."""
    known = load_rules(rules)
    chosen = rules_of(source, known)
    refuse_unless(
        bool(chosen) or any(source in rule.sources for rule in known.values()),
        f"no rule looks at the source {source!r}; write one and give it with --rules FILE.toml "
        f"(docs/alerts.md); there are rules for "
        f"{', '.join(sorted({s for rule in known.values() for s in rule.sources}))}",
    )
    alerting = Alerting(
        open_existing_lake(lake, common),
        source,
        window,
        chosen,
        topic,
        claims,
        max_messages,
    )
    if common.dry_run:
        click.echo(
            f"would hold {', '.join(rule.name for rule in chosen) or 'no rule'} against the "
            f"scores of {source} in {alerting.lake.uri}, write {ALERTS.name}"
            + (f", and tell at most {max_messages} new ones to {topic}" if topic else "")
        )
        return
    report(run(alerting, common, master), common)


def run(alerting: Alerting, common: Common, master: str | None) -> Summary:
    """Read the scores, write the alerts, publish, report."""
    with JobRun(
        COMMAND,
        alerting.lake,
        common,
        source=alerting.source,
        scope=dict(zip(("start", "end"), _days_told(alerting.window), strict=True)),
        arguments={
            "source": alerting.source,
            "rules": [asdict(rule) for rule in alerting.rules],
            "topic": alerting.topic,
            "claims": alerting.claims,
        },
    ) as job:
        earlier = job.earlier_record()
        if earlier is not None:
            return Summary(**earlier.summary)
        with job.hold([alerting.source]):
            # Another attempt under this id may have ended while we waited for its lock.
            earlier = job.earlier_record()
            if earlier is not None:
                return Summary(**earlier.summary)
            spark = job.start_spark(master)
            job.clean_staging(spark, (ALERTS,))
            scope = days_of(spark, alerting)
            scores = scores_of(spark, alerting, scope)
            # Without a score there are no features, so no condition could be understood.
            rules = [] if scores.isEmpty() else alerting.rules
            alerts = alert_rows(with_features(scores), alerting.source, rules).persist()
            with rule_errors():
                job.write(alerts, ALERTS, scope)
            found = {rule.name: 0 for rule in alerting.rules}
            found |= {row["rule"]: row["count"] for row in alerts.groupBy("rule").count().collect()}
            told = tell_of(alerts, alerting, common)
            summary = Summary(
                days=len(scope),
                scores=scores.count(),
                alerts=found,
                told=None if told is None else asdict(told),
                rows=job.rows,
                core_seconds=round(job.core_seconds(), 3),
                wall_seconds=round(job.wall_seconds(), 3),
                run_id=job.run_id,
            )
            job.finish(summary)
    return summary


def days_of(spark: SparkSession, alerting: Alerting) -> list[Partition]:
    """Partitions of the run.

    Raises
    ------
    RefusedInput
        The lake holds no score of the source.
    """
    files = LakeFiles(spark, alerting.lake.uri)
    scored, told = (
        files.values_below(table, (alerting.source,)) for table in (ANOMALY_SCORES, ALERTS)
    )
    # A date may have lost its scores since.
    days = sorted({*scored, *told})
    if not days:
        raise RefusedInput(
            f"{alerting.lake.uri} holds no scores of {alerting.source!r}, but of "
            f"{', '.join(files.values_below(ANOMALY_SCORES, ())) or 'no source'}; `stormlake "
            "score` makes them"
        )
    if alerting.window is not None:
        first, end = alerting.window
        days = [(first + dt.timedelta(days=n)).isoformat() for n in range((end - first).days)]
    return [(alerting.source, day) for day in days]


def scores_of(spark: SparkSession, alerting: Alerting, scope: Sequence[Partition]) -> DataFrame:
    """The scores of the run's days."""
    days = [dt.date.fromisoformat(day) for _, day in scope]
    return read_table(spark, ANOMALY_SCORES, alerting.lake.uri).where(
        (F.col("source") == alerting.source) & F.col("date").isin(days)
    )


def tell_of(alerts: DataFrame, alerting: Alerting, common: Common) -> Published | None:
    """Publish the alerts that nobody was told of, in order of event time."""
    if alerting.topic is None:
        return None
    aws = Aws.of(common)
    claims: Claims = LakeClaims(alerting.lake.store)
    if alerting.claims != "lake":
        claims = DynamoClaims(aws, alerting.claims.partition(":")[2])
    publisher = Publisher(aws, alerting.topic, claims, alerting.most)
    return publisher.publish(_in_order(alerts))


def _in_order(alerts: DataFrame) -> Iterator[dict[str, Any]]:
    for row in alerts.orderBy("event_time", "alert_id").toLocalIterator():
        yield row.asDict()


def _days_told(window: Window | None) -> tuple[str | None, str | None]:
    return (None, None) if window is None else (window[0].isoformat(), window[1].isoformat())


def report(summary: Summary, common: Common) -> None:
    """Print the summary, for a person or for a program."""
    if common.output == "json":
        print_json(summary)
        return
    click.echo(f"held rules against {summary.scores:,} scores of {summary.days:,} days")
    for rule, count in sorted(summary.alerts.items()):
        click.echo(f"{count:>12,} alerts of {rule}")
    if summary.told is not None:
        told = Published(**summary.told)
        click.echo(
            f"told {told.published:,} (of these {told.taken_over:,} perhaps for the second time); "
            f"{told.already_told:,} were told before, {told.others:,} are another publisher's, "
            f"{told.left:,} are left to the next run"
        )
    click.echo(f"run {summary.run_id}")


if __name__ == "__main__":
    main(prog_name="raise_alerts.py")

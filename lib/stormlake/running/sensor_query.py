"""`stormlake query`: a question over the records of an archive, answered as a table."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import click

from stormlake.counters import Counters
from stormlake.lake.collect import collect_json
from stormlake.lake.sql_files import SqlFile, bind, find_sql_file, parse_parameters
from stormlake.lake.views import run_sql
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    common_options,
    refuse_unless,
    tell,
)
from stormlake.running.query import WIDEST
from stormlake.running.sensor_options import SensorOptions, list_objects, sensor_options
from stormlake.running.sensor_report import Judged, print_numbers, too_many_rejects
from stormlake.sensors.views import RECORD_VIEWS


@click.command("query", cls=StormlakeCommand)
@click.argument("name", metavar="NAME|FILE.sql")
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of one of the query's parameters; may be repeated. Times are UTC, such as "
    "2019-06-25T12:30. Those for the first and last day follow from --start and --end.",
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="Rows shown at the most.",
)
@sensor_options
@common_options
def main(
    common: Common,
    name: str,
    params: tuple[str, ...],
    limit: int,
    asked: SensorOptions,
    max_reject_share: float,
    master: str | None,
) -> None:
    """Answer a question about the records of an archive; nothing is written.

    NAME is a query of sql/sensors, such as unicorn_low_vitals; or give a .sql file of your own.
    """
    file = find_sql_file(name, RECORD_VIEWS)
    values = bind(file, given_values(file, params, asked))
    refuse_unless(asked.form == "records", f"--form {asked.form}: a query reads single records")
    reader = asked.reader(file.views[0], file.name, common)
    objects = list_objects(reader)
    if common.dry_run:
        tell(common, would=f"read {len(objects)} objects from {reader.source.uri}: {file.purpose}")
        return
    from stormlake.sensors.frames import read_records
    from stormlake.spark import start_session, stop_session

    spark = start_session(f"stormlake query {file.name}", master)
    try:
        records = read_records(spark, objects, reader, Counters.of(spark))
        records.frame.createOrReplaceTempView(file.views[0])
        result = run_sql(spark, file.text, file.views, values).persist()
        counting = result.selectExpr("COUNT(*)")
        count = counting.collect()[0][0]
        tally, numbers = records.tally(), records.numbers(counting)
        numbers.check()
        if common.output == "json":
            rows = collect_json(result, limit)
        else:
            result.show(limit, truncate=WIDEST)
    finally:
        stop_session(spark)
    judged = Judged.of(numbers, tally, max_reject_share)
    if common.output == "json":
        answer = {"rows": rows, "count": count, **asdict(judged)}
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        click.echo(f"{count:,} rows" + (f", {limit:,} shown" if count > limit else ""))
        print_numbers(judged)
    if not judged.ok:
        raise too_many_rejects(judged, "the answer lacks them")


def given_values(file: SqlFile, params: Iterable[str], asked: SensorOptions) -> dict[str, Any]:
    """Values of a query's parameters: those of `--param`, and the days of the window.

    Raises
    ------
    RefusedInput
        A value is no value of its type, is given twice, or has no name.
    """
    values = parse_parameters(file, params)
    defaults = asked.window_values()
    return {n: defaults[n] for n in file.parameters if n in defaults} | values

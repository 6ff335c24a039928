"""`stormlake athena query`: a .sql file answered by Athena, with what it scanned and cost."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from stormlake.athena.answers import as_json, csv_lines, table_lines
from stormlake.athena.execution import (
    TIMEOUT,
    Athena,
    Place,
    start_call,
)
from stormlake.athena.expected import Expected, expected_bytes
from stormlake.athena.options import place_options
from stormlake.athena.outcomes import Ended
from stormlake.athena.workgroup import refuse_open_workgroup, workgroup_call
from stormlake.errors import RefusedInput
from stormlake.lake.runs import read_records
from stormlake.lake.sql_files import (
    SqlFile,
    Value,
    athena_text,
    bind,
    parse_parameters,
    parse_query,
)
from stormlake.running.aws import Aws, print_calls
from stormlake.running.job import open_existing_lake
from stormlake.running.options import Common, StormlakeCommand, common_options
from stormlake.running.prices import Prices, prices_option, read_prices

MB: Final = 1 << 20
LEAST_BILLED: Final = 10 * MB
"""What a query is billed at the least; above it by the MB (Amazon Athena pricing)."""
TB: Final = 1 << 40


@click.command("query", cls=StormlakeCommand)
@click.argument(
    "file", metavar="FILE.sql", type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--param",
    "params",
    multiple=True,
    metavar="NAME=VALUE",
    help="Value of one of the query's parameters; may be repeated. Times are UTC.",
)
@click.option(
    "--lake",
    metavar="URI",
    help="The lake, to tell from its run records what the query should have scanned.",
)
@click.option(
    "--csv",
    "as_csv",
    is_flag=True,
    help='Print all rows as CSV: NULL is nothing, an empty text is "".',
)
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="Rows shown at the most, but for --csv.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=1),
    default=TIMEOUT,
    show_default=True,
    metavar="S",
    help="Seconds after which the query is stopped.",
)
@prices_option
@place_options
@common_options
def main(
    common: Common,
    file: Path,
    params: tuple[str, ...],
    lake: str | None,
    as_csv: bool,
    limit: int,
    timeout: float,
    price_file: Path | None,
    place: Place,
) -> None:
    """Answer a .sql file with Athena, and tell what it scanned and what that cost.

    Values go beside the text, never into it. The workgroup must say where results go and how much
    a query may scan.
    """
    if as_csv and common.output == "json":
        raise RefusedInput("--csv and --output json are two forms of one answer; give one")
    query, given = _read(file, params)
    text, literals = athena_text(query, given)
    if common.dry_run:
        print_calls([workgroup_call(place.workgroup), start_call(place, text, literals, "ATTEMPT")])
        return
    prices = read_prices(price_file)
    aws = Aws.of(common)
    athena = Athena(aws, place, timeout=timeout)
    refuse_open_workgroup(aws, place.workgroup)
    expected = None
    if lake is not None:
        records = read_records(open_existing_lake(lake, common).store)
        expected = expected_bytes(query.text, bind(query, given), records)
    ended = athena.run(text, literals)
    columns, rows = athena.rows(ended.id)
    report = _report(ended, expected, prices)
    names = [name for name, _ in columns]
    if as_csv:
        for line in csv_lines(names, rows):
            click.echo(line)
        _print_report(report, err=True)
        return
    shown = list(islice(rows, limit))
    # Not how many: each 1,000 of them would be one more request.
    more = next(rows, None) is not None
    if common.output == "json":
        answer = {"rows": as_json(columns, shown), "count": len(shown), "more": more, **report}
        click.echo(json.dumps(answer, ensure_ascii=False))
        return
    for line in table_lines(names, shown):
        click.echo(line)
    click.echo(f"{len(shown):,} rows" + (" shown, there are more" if more else ""))
    _print_report(report)


def _read(file: Path, params: Sequence[str]) -> tuple[SqlFile, dict[str, Value]]:
    """Read the file, and the values of its parameters."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RefusedInput(f"cannot read {file}: {error}") from error
    query = parse_query(file.name, text)
    if "athena" not in query.engines.lower():
        raise RefusedInput(
            f"{file.name}: its head says `Engines  {query.engines}`; a file that Athena is to run "
            "names it there"
        )
    return query, parse_parameters(query, params)


def _report(ended: Ended, expected: Expected | None, prices: Prices) -> dict[str, Any]:
    billed = max(LEAST_BILLED, math.ceil(ended.scanned_bytes / MB) * MB)
    told: dict[str, Any] = {
        "query": ended.id,
        "scanned_bytes": ended.scanned_bytes,
        "billed_bytes": billed,
        "queue_seconds": ended.queue_seconds,
        "engine_seconds": ended.engine_seconds,
    }
    if prices.athena is not None:
        told["cost"] = round(billed / TB * prices.athena.scanned_tb, 9)
        told["prices"] = prices.label
        told["currency"] = prices.currency
    if expected is not None:
        told["expected"] = asdict(expected)
        told["pruned"] = ended.scanned_bytes <= expected.bytes
    return told


def _print_report(report: Mapping[str, Any], *, err: bool = False) -> None:
    for line in _lines(report):
        click.echo(line, err=err)


def _lines(report: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"scanned  {report['scanned_bytes']:,} bytes, billed {report['billed_bytes']:,}; "
        f"queued {report['queue_seconds']:.1f} s, engine {report['engine_seconds']:.1f} s "
        f"(query {report['query']})"
    )
    if "cost" in report:
        yield f"cost     {report['cost']:.6f} {report['currency']} ({report['prices']})"
    else:
        yield "cost     not known: the price file has no [athena]"
    expected = report.get("expected")
    if expected is not None:
        yield (
            f"expected at most {expected['bytes']:,} bytes: {expected['partitions']:,} of "
            f"{expected['all_partitions']:,} partitions"
        )
        if not report["pruned"]:
            yield (
                "         Athena read more than these partitions hold: the query does not prune, "
                "or the tables are registered without projection"
            )

"""`stormlake upsert-dynamodb`: rows of a table as items that applications look up by a key."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake.folder import Folder
from stormlake.running.aws import Aws
from stormlake.running.days import Window, window_options
from stormlake.running.lake_folder import any_lake_folder
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    common_options,
    print_json,
    refuse_unless,
)
from stormlake.serving.items import SERVED, Item, Serving
from stormlake.serving.upsert import NotWritten, Upsert

_ROWS: Final = 10_000
"""Rows in memory at a time."""

SHOWN: Final = 3
"""Items that `--dry-run` shows."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints.

    Parameters
    ----------
    days : int
        Dates that were read.
    rows : int
        Rows of the lake: those written, replaced and failed.
    written, retried, batches, replaced : int
        As in `Written`.
    failed : int
        Rows that are not written: given back each time, or not sent after that.
    """

    days: int
    rows: int
    written: int
    retried: int
    failed: int
    batches: int
    replaced: int


@dataclass(frozen=True)
class Plan:
    """What `--dry-run --output json` prints.

    Parameters
    ----------
    table, to : str
        Of the lake and of DynamoDB.
    days, rows : int
        What would be read.
    first : list of Item
        The first items, as they would be sent.
    """

    table: str
    to: str
    days: int
    rows: int
    first: list[Item]


@click.command("upsert-dynamodb", cls=StormlakeCommand)
@click.option("--lake", required=True, metavar="URI", help="The lake.")
@click.option("--table", required=True, metavar="NAME", help="Table of the lake: unicorn_minutes.")
@click.option("--to", required=True, metavar="TABLE", help="Table of DynamoDB, which is there.")
@window_options("rows")
@common_options
def main(
    common: Common,
    lake: str,
    table: str,
    to: str,
    window: Window | None,
) -> None:
    """Write a table's rows to DynamoDB by their keys; the later write of a key wins."""
    refuse_unless(
        table in SERVED, f"--table {table} is not served; there is {', '.join(sorted(SERVED))}"
    )
    refuse_unless(
        re.fullmatch(r"[A-Za-z0-9_.-]{3,255}", to) is not None,
        f"--to {to!r}: a table of DynamoDB is 3 to 255 letters, digits, '_', '-' and '.'",
    )
    serving = SERVED[table]
    folder = any_lake_folder(lake, common)
    days = days_of(folder, serving, window)
    if common.dry_run:
        items = (item for day in days for some in items_of(folder, serving, day) for item in some)
        first = list(islice(items, SHOWN))
        show(Plan(table, to, len(days), rows_of(folder, serving, days), first), common)
        return
    upsert = Upsert(Aws.of(common), to, serving)
    rows = 0
    try:
        for day in days:
            for some in items_of(folder, serving, day):
                rows += len(some)
                upsert.write(some)
    except NotWritten as error:
        rows = rows_of(folder, serving, days)
        failed = rows - upsert.done.written - upsert.done.replaced
        done = asdict(replace(upsert.done, failed=failed))
        report(Summary(days=len(days), rows=rows, **done), to, common)
        raise NotWritten(f"{failed} of {rows} rows are not written: {error}") from error
    except BaseException:
        logger.warning(
            "stopped after %d items were written; running again is safe: it writes the same items "
            "over them",
            upsert.done.written,
        )
        raise
    report(Summary(days=len(days), rows=rows, **asdict(upsert.done)), to, common)


def days_of(folder: Folder, serving: Serving, window: Window | None) -> list[str]:
    """Folders of the days that are asked for, in order.

    Raises
    ------
    RefusedInput
        The lake has no such table.
    """
    name = serving.table.name
    if not folder.holds(name):
        raise RefusedInput(
            f"{folder.name} has no table {name}; `stormlake aggregate {name}` makes it"
        )
    found = [each for each in folder.names(name) if each.startswith("date=")]
    if window is None:
        return found
    first, end = (f"date={day.isoformat()}" for day in window)
    return [each for each in found if first <= each < end]


def rows_of(folder: Folder, serving: Serving, days: list[str]) -> int:
    """Rows of some days, from the ends of their files."""
    return sum(folder.dataset(f"{serving.table.name}/{day}", ()).count_rows() for day in days)


def items_of(folder: Folder, serving: Serving, day: str) -> Iterator[list[Item]]:
    """Items of a day, some at a time."""
    columns = list(serving.attributes)
    try:
        data = folder.dataset(f"{serving.table.name}/{day}", ())
        for batch in data.to_batches(columns=columns, batch_size=_ROWS):
            rows: list[dict[str, Any]] = batch.to_pylist()
            yield [serving.item(row) for row in rows]
    except (OSError, ValueError) as error:
        raise RefusedInput(
            f"{folder.name}: {serving.table.name}/{day} cannot be read: {error}"
        ) from error


def show(plan: Plan, common: Common) -> None:
    """Print what would be written, for a person or for a program."""
    if common.output == "json":
        print_json(plan)
        return
    click.echo(
        f"would write {plan.rows:,} rows of {plan.days:,} days of {plan.table} to {plan.to}, first:"
    )
    for item in plan.first:
        click.echo(json.dumps(item, ensure_ascii=False))


def report(summary: Summary, to: str, common: Common) -> None:
    """Print the summary, for a person or for a program."""
    if common.output == "json":
        print_json(summary)
        return
    click.echo(
        f"wrote {summary.written:,} items to {to} in {summary.batches:,} requests, of "
        f"{summary.rows:,} rows of {summary.days:,} days; {summary.retried:,} were sent again, "
        f"{summary.replaced:,} replaced by a later row of their key, {summary.failed:,} failed"
    )

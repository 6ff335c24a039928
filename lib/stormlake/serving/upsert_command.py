"""`stormlake upsert-dynamodb`: rows of a table as items that applications look up by a key."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
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
from stormlake.serving.upsert import Upsert, Written

_ROWS: Final = 10_000
"""Rows in memory at a time."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Summary:
    """What `--output json` prints.

    Parameters
    ----------
    days : int
        Dates that were read.
    rows : int
        Rows of the lake.
    written, retried, failed, batches : int
        As in `Written`.
    """

    days: int
    rows: int
    written: int
    retried: int
    failed: int
    batches: int


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
        rows = sum(folder.dataset(f"{table}/{day}", ()).count_rows() for day in days)
        click.echo(f"would write {rows:,} rows of {len(days)} days of {table} to {to}")
        return
    upsert = Upsert(Aws.of(common), to, serving)
    rows = 0
    try:
        for day in days:
            for items in items_of(folder, serving, day):
                rows += len(items)
                upsert.write(items)
    except BaseException:
        logger.warning(
            "stopped after %d items were written; run again: a later write of a key wins, so "
            "nothing is written twice",
            upsert.done.written,
        )
        raise
    report(Summary(days=len(days), rows=rows, **asdict(upsert.done)), upsert.done, to, common)


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


def report(summary: Summary, done: Written, to: str, common: Common) -> None:
    """Print the summary, for a person or for a program."""
    if common.output == "json":
        print_json(summary)
        return
    click.echo(
        f"wrote {done.written:,} items to {to} in {done.batches:,} requests, of {summary.rows:,} "
        f"rows of {summary.days:,} days; {done.retried:,} were sent again, {done.failed:,} failed"
    )

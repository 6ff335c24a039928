"""`stormlake warehouse status`: which runs are loaded, and which are not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake.runs import read_records
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table
from stormlake.running.aws import Aws, print_calls
from stormlake.running.job import open_existing_lake
from stormlake.running.options import Common, StormlakeCommand, common_options
from stormlake.running.text_table import text_table
from stormlake.warehouse.data_api import DataApi, query_call
from stormlake.warehouse.ledger import ledger_query, read_ledger
from stormlake.warehouse.status import statuses
from stormlake.warehouse.target import target_of, target_options

COLUMNS: Final = (
    *("table", "state", "partitions", "loaded", "rows", "job", "run_id", "started", "loaded_at"),
)


@click.command("status", cls=StormlakeCommand)
@click.argument("names", nargs=-1, metavar="[TABLE]...")
@click.option("--lake", required=True, metavar="URI", help="The lake whose runs are told of.")
@target_options
@common_options
def main(common: Common, names: tuple[str, ...], lake: str, **target: Any) -> None:
    """Tell which runs of the lake are loaded, the newest first; of all tables, or those named.

    A run counts as far as no later one has rewritten its partitions.
    """
    tables = chosen_tables(names)
    api = DataApi(Aws.of(common), target_of(**target))
    only = tables[0].name if len(tables) == 1 else None
    if common.dry_run:
        print_calls([query_call(api.target, ledger_query(api.target.schema, only), "TOKEN")])
        return
    place = open_existing_lake(lake, common)
    ledger = read_ledger(api, only)
    found = [asdict(each) for each in statuses(read_records(place.store), ledger, tables)]
    if common.output == "json":
        click.echo(json.dumps({"runs": found}))
    elif found:
        click.echo(text_table(found, COLUMNS))
    else:
        click.echo(f"no run has left a record of these tables in {lake}", err=True)


def chosen_tables(names: Sequence[str]) -> list[Table]:
    """Give the tables of these names, all where there are none.

    Raises
    ------
    RefusedInput
        There is no such table.
    """
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise RefusedInput(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    return [TABLES[name] for name in names] or list(TABLES.values())

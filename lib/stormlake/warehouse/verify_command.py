"""`stormlake warehouse verify`: is what was loaded still what the lake has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click

from stormlake.errors import ExitCode, RefusedInput
from stormlake.lake.runs import read_records
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table
from stormlake.running.aws import Aws, print_calls
from stormlake.running.job import open_existing_lake
from stormlake.running.options import Common, StormlakeCommand, UtcDay, common_options
from stormlake.running.text_table import text_table
from stormlake.warehouse.checksums import checksum_queries
from stormlake.warehouse.data_api import DataApi, query_call
from stormlake.warehouse.ledger import ledger_query, read_ledger
from stormlake.warehouse.status_command import chosen_tables
from stormlake.warehouse.target import target_of, target_options
from stormlake.warehouse.verifying import Compared, compare, loaded_partitions

SUMMARY: Final = ("table", "partitions", "columns", "lake_rows", "warehouse_rows", "result")
DIFFERENCES: Final = ("table", "partition", "column", "lake", "warehouse")


@click.command("verify", cls=StormlakeCommand)
@click.argument("names", nargs=-1, metavar="[TABLE]...")
@click.option("--all", "every", is_flag=True, help="Every table of which anything is loaded.")
@click.option("--start", type=UtcDay(), metavar="DAY", help="First UTC day.  [default: all]")
@click.option("--end", type=UtcDay(), metavar="DAY", help="The day after the last one.")
@click.option("--lake", required=True, metavar="URI", help="The lake that was loaded.")
@target_options
@common_options
def main(
    common: Common,
    names: tuple[str, ...],
    every: bool,
    start: datetime | None,
    end: datetime | None,
    lake: str,
    **target: Any,
) -> None:
    """Compare what is loaded with the lake, by counts and checksums of every column.

    Exit code 0: the same; 1: not the same, and a table of differences; 2: nothing is loaded there.
    The lake's files are read whole.
    """
    if bool(names) == every:
        raise RefusedInput(f"name the tables, or give --all; there are {', '.join(TABLES)}")
    tables = chosen_tables(list(dict.fromkeys(names)))
    api = DataApi(Aws.of(common), target_of(**target))
    only = tables[0].name if len(tables) == 1 else None
    if common.dry_run:
        _print_queries(api, tables, only)
        return
    place = open_existing_lake(lake, common)
    ledger = read_ledger(api, only)
    loaded = {
        table.name: loaded_partitions(
            table, [row for row in ledger if row.table_name == table.name], start, end
        )
        for table in tables
    }
    missing = [name for name, partitions in loaded.items() if not partitions]
    if missing and (not every or len(missing) == len(tables)):
        raise RefusedInput(
            f"the ledger of {api.target} has no load of {', '.join(missing)} in these days: "
            "`stormlake warehouse load` brings one, `stormlake warehouse status` tells of all"
        )
    records = read_records(place.store)
    found = [
        compare(api, place, records, table, loaded[table.name])
        for table in tables
        if loaded[table.name]
    ]
    _tell(common, found)
    if any(each.differences for each in found):
        raise SystemExit(int(ExitCode.FAILED))


def _tell(common: Common, found: Sequence[Compared]) -> None:
    differences = [asdict(each) for table in found for each in table.differences]
    lines = [
        {name: value for name, value in asdict(each).items() if name != "differences"}
        | {"result": "differs" if each.differences else "equal"}
        for each in found
    ]
    if common.output == "json":
        facts = {"equal": not differences, "tables": lines, "differences": differences}
        click.echo(json.dumps(facts))
        return
    click.echo(text_table(lines, SUMMARY))
    if differences:
        click.echo("\n" + text_table(differences, DIFFERENCES))
        merged = [each.table for each in found if each.differences and _is_merged(each.table)]
        if merged:
            click.echo(
                f"\n{', '.join(merged)}: rows are merged by key, so one that a later run no longer "
                "has stays in the warehouse"
            )


def _is_merged(name: str) -> bool:
    return TABLES[name].warehouse.mode == "merge"


def _print_queries(api: DataApi, tables: Sequence[Table], only: str | None) -> None:
    """Print what would be asked; which partitions stand in it is known from the ledger alone."""
    queries = [ledger_query(api.target.schema, only)]
    for table in tables:
        some = [tuple(name.upper() for name in table.partition_names)]
        queries += [sql for _, sql in checksum_queries(table, api.target.schema, some)]
    print_calls([query_call(api.target, sql, "TOKEN") for sql in queries])

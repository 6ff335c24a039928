"""`stormlake athena register`: the lake's tables and views in the Glue catalog, for Athena."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import click

from stormlake.athena.catalog import (
    Difference,
    database_call,
    differences,
    find_table,
    has_database,
    partition_calls,
    register_partitions,
    table_call,
)
from stormlake.athena.execution import Athena, Place, start_call
from stormlake.athena.expected import tables_read
from stormlake.athena.options import place_options
from stormlake.athena.statements import create_database, create_view
from stormlake.errors import RefusedInput
from stormlake.lake.ddl import ddl
from stormlake.lake.partitions import Partition
from stormlake.lake.runs import RunRecord, latest_records, read_records
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table
from stormlake.lake.views import ordered_views
from stormlake.running.aws import ApiCall, Aws, print_calls
from stormlake.running.job import Lake, open_lake
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    common_options,
    refuse_unless,
    tell,
)
from stormlake.running.partition_values import listed_values, partition_values_option
from stormlake.running.text_table import text_table


@click.command("register", cls=StormlakeCommand)
@click.argument("names", nargs=-1, metavar="[TABLE]...")
@click.option("--all", "every", is_flag=True, help="Every table, and the project's views.")
@click.option("--lake", required=True, metavar="URI", help="The lake, s3://BUCKET[/PREFIX].")
@partition_values_option
@click.option(
    "--partitions",
    is_flag=True,
    help="Also register the partitions that runs have left, for Spark and others that know no "
    "projection.",
)
@place_options
@common_options
def main(
    common: Common,
    names: tuple[str, ...],
    every: bool,
    lake: str,
    values: Sequence[tuple[str, list[str]]],
    partitions: bool,
    place: Place,
) -> None:
    """Register tables of a lake for Athena, with partition projection: no crawler is needed.

    Where a table is there and differs, nothing is done, and what differs is said. With --all the
    project's views are made anew. A table without days (radar_geometry) gets its partitions in any
    case.
    """
    tables = _chosen(names, every)
    refuse_unless(lake.startswith("s3://"), f"--lake {lake}: Athena reads s3:// alone")
    where = open_lake(lake, common)
    listed = listed_values(values, tables)
    with_partitions = [t for t in tables if partitions or "date" not in t.partition_names]
    views = _views(tables) if every else {}
    if common.dry_run:
        records = read_records(where.store) if with_partitions else []
        print_calls(_calls(place, tables, where, listed, with_partitions, records, views))
        return
    aws = Aws.of(common)
    athena = Athena(aws, place)
    there = {table: find_table(aws, place.database, table.name) for table in tables}
    _refuse_different(
        [
            each
            for table, found in there.items()
            if found is not None
            for each in differences(table, found, where.uri, listed)
        ],
        place,
    )
    if not has_database(aws, place.database):
        athena.run(create_database(place.database), in_database=False)
    made = [table for table, found in there.items() if found is None]
    for table in made:
        athena.run(_ddl(table, where, listed))
    new = 0
    records = read_records(where.store) if with_partitions else []
    for table in with_partitions:
        left = _partitions(table, records)
        new += register_partitions(aws, place.database, table, where.uri, left)
    for name, text in views.items():
        athena.run(create_view(name, text))
    tell(
        common,
        made=_named(made),
        kept=_named([table for table in tables if table not in made]),
        views=", ".join(views) or "none",
        partitions=new,
    )


def _named(tables: Sequence[Table]) -> str:
    return ", ".join(table.name for table in tables) or "none"


def _refuse_different(differing: Sequence[Difference], place: Place) -> None:
    if not differing:
        return
    shown = text_table([vars(each) for each in differing], ["table", "what", "expected", "found"])
    raise RefusedInput(
        f"tables of {place.database} differ from their definitions; nothing was changed:\n{shown}\n"
        "DROP TABLE removes an external table's entry alone, not its files; then register it again"
    )


def _chosen(names: Sequence[str], every: bool) -> list[Table]:
    if bool(names) == every:
        raise RefusedInput(f"name the tables, or give --all; there are {', '.join(TABLES)}")
    unknown = [name for name in names if name not in TABLES]
    if unknown:
        raise RefusedInput(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    return [TABLES[name] for name in names] or list(TABLES.values())


def _views(tables: Sequence[Table]) -> dict[str, str]:
    """The project's views over these tables, each after those it reads."""
    there = {table.name for table in tables}
    return {
        name: text
        for name, text in ordered_views().items()
        if {table.name for table in tables_read(text)} <= there
    }


def _ddl(table: Table, lake: Lake, values: Mapping[str, Sequence[str]]) -> str:
    own = {name: listed for name, listed in values.items() if name in table.partition_names}
    text = ddl(table, "athena", lake.uri, values=own)
    # The statement alone: Athena's DDL is read by Hive's parser, which need not know our comments.
    return re.sub(r"\A(--[^\n]*\n)*", "", text).rstrip().rstrip(";")


def _partitions(table: Table, records: Sequence[RunRecord]) -> list[Partition]:
    """Partitions with rows, by the records."""
    return sorted(
        values
        for values, record in latest_records(records, table.name).items()
        if any(each.values == values and each.files for each in record.tables[table.name])
    )


def _calls(
    place: Place,
    tables: Sequence[Table],
    lake: Lake,
    values: Mapping[str, Sequence[str]],
    with_partitions: Sequence[Table],
    records: Sequence[RunRecord],
    views: Mapping[str, str],
) -> Iterator[ApiCall]:
    for table in tables:
        yield table_call(place.database, table.name)
    yield database_call(place.database)
    make = create_database(place.database)
    yield start_call(place, make, (), "ATTEMPT", in_database=False)
    for table in tables:
        yield start_call(place, _ddl(table, lake, values), (), "ATTEMPT")
    for table in with_partitions:
        left = _partitions(table, records)
        yield from partition_calls(place.database, table, lake.uri, left)
    for name, text in views.items():
        yield start_call(place, create_view(name, text), (), "ATTEMPT")

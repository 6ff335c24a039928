"""`stormlake ddl`: CREATE TABLE of the tables and the archives, for any engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake.ddl import ENGINES, LAKE, SCHEMA, Engine, ddl
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table
from stormlake.running.aws import Aws
from stormlake.running.options import Common, StormlakeCommand, common_options, tell
from stormlake.running.partition_values import listed_values, partition_values_option
from stormlake.sensors.archives import ARCHIVES, SOURCE, archive_ddl
from stormlake.warehouse.apply_ddl import apply_tables
from stormlake.warehouse.data_api import DataApi
from stormlake.warehouse.definitions import read_definition
from stormlake.warehouse.tables import WAREHOUSE_TABLES
from stormlake.warehouse.target import optional_target_options, target_of

_KNOWN_TO: Final = {
    "lake": ("spark", "athena", "hive"),
    "source": ("spark", "athena", "hive"),
    "values": ("athena", "hive"),
    "schema": ("redshift",),
    "apply": ("redshift",),
}
"""Engines that know an option; with another it would be taken and forgotten."""


@click.command("ddl", cls=StormlakeCommand)
@click.argument("names", nargs=-1, metavar="[TABLE]...")
@click.option("--engine", required=True, type=click.Choice(ENGINES), help="Who is to read it.")
@click.option("--all", "every", is_flag=True, help="Every table and archive the engine can read.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write DIR/ENGINE/TABLE.sql.  [default: print]",
)
@click.option("--lake", metavar="URI", help=f"The lake.  [default: {LAKE}]")
@click.option(
    "--source",
    metavar="URI",
    help=f"Folder of the one archive that is asked for.  [default: {SOURCE}/ARCHIVE]",
)
@click.option("--schema", metavar="NAME", help=f"Redshift's schema.  [default: {SCHEMA}]")
@partition_values_option
@click.option(
    "--apply",
    is_flag=True,
    help="Make the tables in the warehouse that the next options name; a table that is there and "
    "differs stays as it is, with what differs and what would mend it.",
)
@optional_target_options
@common_options
def main(
    common: Common,
    names: tuple[str, ...],
    engine: Engine,
    every: bool,
    out: Path | None,
    lake: str | None,
    source: str | None,
    schema: str | None,
    values: Sequence[tuple[str, list[str]]],
    apply: bool,
    **target: Any,
) -> None:
    """Print CREATE TABLE statements for Spark, Athena, Hive or Redshift.

    TABLE is a table of the lake, or an archive of JSON Lines: unicorn_archive, wind_archive,
    vital_archive. Redshift has load_ledger and users too, and the table of a vendor's file that a
    FILE.toml defines.
    """
    given = {"lake": lake, "source": source, "schema": schema, "values": values, "apply": apply}
    for option, engines in _KNOWN_TO.items():
        if given[option] and engine not in engines:
            raise RefusedInput(
                f"--{option} means nothing to {engine}, only to {' and '.join(engines)}"
            )
    names, tables = _known(names, engine)
    chosen = _chosen(names, every, engine, tables)
    archives = [name for name in chosen if name in ARCHIVES]
    if source and len(archives) != 1:
        raise RefusedInput(
            f"--source is the folder of one archive; name one of {', '.join(ARCHIVES)}"
        )
    listed = listed_values(values, [tables[name] for name in chosen if name in tables])
    if apply:
        if out is not None:
            raise RefusedInput("--apply and --out do not go together")
        if not target["database"]:
            raise RefusedInput("--apply needs --database, and --workgroup or --cluster")
        api = DataApi(Aws.of(common), target_of(**target, schema=schema or SCHEMA))
        apply_tables(api, [tables[name] for name in chosen], common)
        return
    unused = [f"--{name.replace('_', '-')}" for name, value in target.items() if value]
    if unused:
        raise RefusedInput(f"{unused[0]} means something with --apply alone")
    texts = {
        name: ddl(tables[name], engine, lake or LAKE, schema or SCHEMA, listed)
        if name in tables
        else archive_ddl(ARCHIVES[name], engine, source)
        for name in chosen
    }
    if out is None:
        _print(common, engine, texts)
        return
    _write(common, out / engine, texts)


def _write(common: Common, folder: Path, texts: dict[str, str]) -> None:
    if any("/" in name for name in texts):
        raise RefusedInput("--out: a table's name with a slash in it is no name of a file")
    if common.dry_run:
        tell(common, would=f"write {len(texts)} files to {folder}")
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.sql").write_text(text, encoding="utf-8")
    tell(common, files=len(texts), folder=str(folder))


def _print(common: Common, engine: Engine, texts: dict[str, str]) -> None:
    if common.dry_run:
        tell(common, would=f"print the DDL of {', '.join(texts)} for {engine}")
    elif common.output == "json":
        tell(common, engine=engine, ddl=texts)
    else:
        click.echo("\n".join(texts.values()), nl=False)


def _known(names: Sequence[str], engine: Engine) -> tuple[tuple[str, ...], dict[str, Table]]:
    """Give the names that are asked for, and the tables that the engine may have by name."""
    if engine != "redshift":
        return tuple(names), dict(TABLES)
    tables = {**TABLES, **WAREHOUSE_TABLES}
    return tuple(_defined(name, tables) for name in names), tables


def _defined(name: str, tables: dict[str, Table]) -> str:
    """Add the table that a `.toml` file defines to those there are, and give its name."""
    if not name.endswith(".toml"):
        return name
    table = read_definition(Path(name))
    if tables.setdefault(table.name, table) != table:
        raise RefusedInput(f"{name}: another file defines {table.name} too, and differently")
    return table.name


def _chosen(
    names: Sequence[str], every: bool, engine: Engine, tables: Mapping[str, Table]
) -> list[str]:
    """The tables and archives that are asked for, each once."""
    known = [*tables, *(ARCHIVES if engine != "redshift" else ())]
    if bool(names) == every:
        raise RefusedInput(f"name the tables, or give --all; there are {', '.join(known)}")
    unknown = [name for name in names if name not in tables and name not in ARCHIVES]
    if unknown:
        raise RefusedInput(f"no table {', '.join(unknown)}; there are {', '.join(known)}")
    return known if every else list(dict.fromkeys(names))

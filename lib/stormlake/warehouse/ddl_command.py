"""`stormlake ddl`: CREATE TABLE of the lake's tables and the archives, for any engine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake.ddl import ENGINES, LAKE, SCHEMA, Engine, ddl
from stormlake.lake.tables import TABLES
from stormlake.running.options import Common, StormlakeCommand, common_options, tell
from stormlake.sensors.archives import ARCHIVES, SOURCE, archive_ddl

_KNOWN_TO: Final = {
    "lake": ("spark", "athena", "hive"),
    "source": ("spark", "athena", "hive"),
    "values": ("athena", "hive"),
    "schema": ("redshift",),
}
"""Engines that know an option; with another it would be taken and forgotten."""


class _Values(click.ParamType[tuple[str, list[str]]]):
    """A partition column and all its values, `station=KTLX,KLBB`."""

    name = "values"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, list[str]]:
        """Read a column and its values."""
        if not isinstance(value, str):
            return value  # type: ignore[no-any-return]
        column, equals, values = value.partition("=")
        if not column or not equals:
            self.fail(f"{value!r} is not a column and its values, station=KTLX,KLBB", param, ctx)
        return column, values.split(",")


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
@click.option(
    "--values",
    type=_Values(),
    multiple=True,
    metavar="COLUMN=A,B",
    help="All values of a partition column such as station or job, so that Athena looks into each; "
    "without them a query must name the one that it wants.",
)
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
) -> None:
    """Print CREATE TABLE statements for Spark, Athena, Hive or Redshift.

    TABLE is a table of the lake, or an archive of JSON Lines: unicorn_archive, wind_archive,
    vital_archive.
    """
    given = {"lake": lake, "source": source, "schema": schema, "values": values}
    for option, engines in _KNOWN_TO.items():
        if given[option] and engine not in engines:
            raise RefusedInput(
                f"--{option} means nothing to {engine}, only to {' and '.join(engines)}"
            )
    chosen = _chosen(names, every, engine)
    archives = [name for name in chosen if name in ARCHIVES]
    if source and len(archives) != 1:
        raise RefusedInput(
            f"--source is the folder of one archive; name one of {', '.join(ARCHIVES)}"
        )
    columns = {c for name in chosen if name in TABLES for c in TABLES[name].partition_names}
    for column, _ in values:
        if column not in columns - {"date"}:
            raise RefusedInput(
                f"--values {column}=…: no partition column of these tables is called so and is text"
            )
    texts = {
        name: ddl(TABLES[name], engine, lake or LAKE, schema or SCHEMA, dict(values))
        if name in TABLES
        else archive_ddl(ARCHIVES[name], engine, source)
        for name in chosen
    }
    if out is None:
        _print(common, engine, texts)
        return
    folder = out / engine
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


def _chosen(names: Sequence[str], every: bool, engine: Engine) -> list[str]:
    """The tables and archives that are asked for, each once."""
    known = [*TABLES, *(ARCHIVES if engine != "redshift" else ())]
    if bool(names) == every:
        raise RefusedInput(f"name the tables, or give --all; there are {', '.join(known)}")
    unknown = [name for name in names if name not in TABLES and name not in ARCHIVES]
    if unknown:
        raise RefusedInput(f"no table {', '.join(unknown)}; there are {', '.join(known)}")
    return known if every else list(dict.fromkeys(names))

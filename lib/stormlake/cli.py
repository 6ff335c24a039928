"""`stormlake …`: the jobs, and the small commands that look at a lake or make one to try."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from stormlake import __version__
from stormlake.errors import ExitCode, RefusedInput
from stormlake.radar.profiles import Profile
from stormlake.radar.stations import Station
from stormlake.running.jobs import JOBS
from stormlake.running.late_group import LateGroup
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcTime,
    common_options,
    leave,
    tell,
)
from stormlake.running.radar_options import ProfileOption, station_file_option
from stormlake.running.simulate_commands import simulate

LATE: Final = {
    **{command: f"stormlake.jobs.{job.module}" for command, job in JOBS.items()},
    "athena": "stormlake.athena.commands",
    "ddl": "stormlake.warehouse.ddl_command",
    "emr": "stormlake.emr.commands",
    "query": "stormlake.running.sensor_query",
    "show-series": "stormlake.running.series_command",
    "upsert-dynamodb": "stormlake.serving.upsert_command",
    "warehouse": "stormlake.warehouse.commands",
}
"""Modules of commands that import much; each has a click command `main`."""

UNLISTED: Final = frozenset(command for command, job in JOBS.items() if job.shown_as)
"""Jobs that have a place below another command."""


class _Group(LateGroup):
    """The command line."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; Ctrl-C while it is being loaded ends as any other does."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            leave(ExitCode.INTERRUPTED, "interrupted; nothing was done")


@click.group(
    cls=_Group,
    late=LATE,
    unlisted=UNLISTED,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="stormlake")
def main() -> None:
    """Turn radar and sensor archives into tables that people can query."""


@main.command(cls=StormlakeCommand)
@click.option("--lake", required=True, metavar="URI", help="The lake.")
@click.option("--station", required=True, metavar="ID", help="Station such as KLBB.")
@click.option(
    "--time",
    type=UtcTime(),
    metavar="T",
    help="UTC time such as 2016-06-01T15:00: the volume nearest to it, at most 10 minutes away.  "
    "[default: the newest]",
)
@click.option(
    "--product",
    default="composite_reflectivity",
    show_default=True,
    metavar="NAME",
    help="composite_reflectivity, echo_top_18 or vil.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="The picture.  [default: STATION_TIME_PRODUCT.png in the working folder]",
)
@common_options
def show(
    common: Common,
    lake: str,
    station: str,
    time: datetime | None,
    product: str,
    out: Path | None,
) -> None:
    """Draw a map of one product of one volume, as a PNG."""
    from stormlake.plots.show import show_product
    from stormlake.running.lake_folder import lake_folder

    if common.dry_run:
        tell(common, would=f"draw {product} of {station} from {lake}")
        return
    place = lake_folder(lake, common)
    tell(common, picture=str(show_product(place, station, time, product, out)))


@main.command("export-csv", cls=StormlakeCommand)
@click.option(
    "--source",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A Level II file; its values are gridded anew, those of the lake are rounded.",
)
@click.option(
    "--profile",
    type=ProfileOption(),
    default="notebook",
    show_default=True,
    metavar="NAME|FILE",
    help="Cuts, quality control and grid.",
)
@click.option(
    "--level",
    type=int,
    default=5,
    show_default=True,
    metavar="N",
    help="Index of the grid's level, from 0 at the lowest.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="The CSV; an older one is replaced once the new one is whole.",
)
@station_file_option
@common_options
def export_csv(
    common: Common,
    source: Path,
    profile: Profile,
    level: int,
    out: Path,
    stations_known: Mapping[str, Station] | None,
) -> None:
    """Write one level of one volume as the CSV of the published notebook."""
    from stormlake.radar.export import export_csv_file
    from stormlake.radar.outcomes import VolumeRejected

    if common.dry_run:
        tell(common, would=f"write level {level} of {source} to {out}")
        return
    try:
        rows = export_csv_file(source, out, profile, level, stations=stations_known)
    except VolumeRejected as rejected:
        raise RefusedInput(f"{source} is no usable volume: {rejected}") from rejected
    except ValueError as error:
        raise RefusedInput(str(error)) from error
    tell(common, rows=rows, csv=str(out))


main.add_command(simulate)


@main.command(cls=StormlakeCommand)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the copies; made when absent.",
)
@common_options
def samples(common: Common, out: Path) -> None:
    """Copy the real volumes that come with Py-ART to a folder, as an archive to ingest."""
    from stormlake.simulate.samples import SAMPLES, copy_samples

    if common.dry_run:
        tell(common, would=f"write {len(SAMPLES)} volumes to {out}")
        return
    tell(common, volumes=len(copy_samples(out)), folder=str(out))


@main.command(cls=StormlakeCommand)
@click.argument("query", metavar="FILE|QUERY")
@click.option("--lake", required=True, metavar="URI", help="The lake to query.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=50,
    show_default=True,
    metavar="N",
    help="Rows shown at the most.",
)
@click.option("--master", metavar="URL", help="Spark master.  [default: local[*]]")
@common_options
def sql(common: Common, query: str, lake: str, limit: int, master: str | None) -> None:
    """Run SQL over the lake's tables and views with Spark, and print a table.

    The argument is a query, or a file whose name ends in `.sql`. --dry-run prints Spark's plan.
    """
    from stormlake.running.query import run_query

    run_query(query, lake, common, limit, master)


if __name__ == "__main__":
    main(prog_name="stormlake")

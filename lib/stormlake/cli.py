"""`stormlake …`: the jobs, and the small commands that look at a lake or make one to try."""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from stormlake import __version__
from stormlake.errors import RefusedInput
from stormlake.radar.profiles import Profile
from stormlake.radar.stations import Station
from stormlake.running.options import Common, StormlakeCommand, common_options
from stormlake.running.radar_options import ProfileOption, station_file_option

JOBS: Final = {"ingest-radar": "stormlake.jobs.ingest_radar"}
"""Jobs by command; each module has a click command `main`."""


class _Group(click.Group):
    """Loads a job when it is asked for: a job imports Spark, and `show` must not wait for it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *JOBS})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in JOBS:
            command: click.Command = importlib.import_module(JOBS[cmd_name]).main
            return command
        return super().get_command(ctx, cmd_name)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="stormlake")
def main() -> None:
    """Turn radar and sensor archives into tables that people can query."""


class _Time(click.ParamType[datetime]):
    """A UTC time, `2016-06-01T15:00:25`."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2016-06-01T15:00:25", param, ctx)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


@main.command(cls=StormlakeCommand)
@click.option("--lake", required=True, metavar="URI", help="The lake, a local folder.")
@click.option("--station", required=True, metavar="ID", help="Station such as KLBB.")
@click.option("--time", type=_Time(), metavar="T", help="UTC; the newest volume when not given.")
@click.option(
    "--product",
    default="composite_reflectivity",
    show_default=True,
    help="composite_reflectivity, echo_top_18 or vil.",
)
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.png", help="The picture.")
@common_options
def show(
    common: Common,
    lake: str,
    station: str,
    time: datetime | None,
    product: str,
    out: Path | None,
) -> None:
    """Draw a map of one product of one volume."""
    from stormlake.plots.show import show_product

    _tell(common, picture=str(show_product(lake, station, time, product, out)))


@main.command("export-csv", cls=StormlakeCommand)
@click.option(
    "--source",
    required=True,
    type=click.Path(path_type=Path),
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
@click.option("--level", type=int, default=5, show_default=True, help="Index of the grid's level.")
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="FILE.csv")
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

    try:
        rows = export_csv_file(source, out, profile, level, stations=stations_known)
    except VolumeRejected as rejected:
        raise RefusedInput(f"{source} is no usable volume: {rejected}") from rejected
    except ValueError as error:
        raise RefusedInput(str(error)) from error
    _tell(common, rows=rows, csv=str(out))


@main.group()
def simulate() -> None:
    """Make archives to try things on, from a seed."""


@simulate.command("radar", cls=StormlakeCommand)
@click.option("--station", required=True, metavar="ID", help="Station such as KTLX.")
@click.option("--start", required=True, type=_Time(), metavar="T", help="UTC, first volume.")
@click.option("--volumes", type=int, default=12, show_default=True, help="One every 5 minutes.")
@click.option("--seed", type=int, default=1, show_default=True)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR")
@station_file_option
@common_options
def simulate_radar(
    common: Common,
    station: str,
    start: datetime,
    volumes: int,
    seed: int,
    out: Path,
    stations_known: Mapping[str, Station] | None,
) -> None:
    """Write Level II volumes of a storm whose cells, motion and growth are known."""
    from stormlake.simulate.radar import TRUTH, simulate_storm

    made = simulate_storm(station, start, volumes, seed, out, stations=stations_known)
    size = sum(path.stat().st_size for path in made)
    _tell(common, volumes=len(made), bytes=size, truth=str(out / TRUTH))


@main.command(cls=StormlakeCommand)
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR")
@common_options
def samples(common: Common, out: Path) -> None:
    """Copy the real volumes that come with Py-ART to a folder, as an archive to ingest."""
    from stormlake.simulate.samples import copy_samples

    _tell(common, volumes=len(copy_samples(out)), folder=str(out))


@main.command(cls=StormlakeCommand)
@click.argument("query", metavar="FILE|QUERY")
@click.option("--lake", required=True, metavar="URI", help="The lake.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Rows shown.")
@click.option("--master", metavar="URL", help="Spark master.  [default: local[*]]")
@common_options
def sql(common: Common, query: str, lake: str, limit: int, master: str | None) -> None:
    """Run SQL over the lake's tables and views with Spark, and print a table."""
    from stormlake.running.query import run_query

    run_query(query, lake, common, limit, master)


def _tell(common: Common, **facts: Any) -> None:
    """Print what was made: one JSON object, or a line each."""
    if common.output == "json":
        click.echo(json.dumps(facts))
    else:
        for name, value in facts.items():
            click.echo(f"{name:<8} {value}")


if __name__ == "__main__":
    main(prog_name="stormlake")

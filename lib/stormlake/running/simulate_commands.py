"""`stormlake simulate …`: archives to try things on, from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import click

from stormlake.radar.stations import Station
from stormlake.running.options import Common, StormlakeCommand, UtcTime, common_options, tell
from stormlake.running.radar_options import station_file_option


@click.group()
def simulate() -> None:
    """Make archives to try things on, from a seed."""


@simulate.command("radar", cls=StormlakeCommand)
@click.option("--station", required=True, metavar="ID", help="Station such as KTLX.")
@click.option(
    "--start",
    required=True,
    type=UtcTime(),
    metavar="T",
    help="UTC time of the first volume, such as 2026-05-01T21:00.",
)
@click.option(
    "--volumes",
    type=int,
    default=12,
    show_default=True,
    metavar="N",
    help="How many volumes, one every 5 minutes.",
)
@click.option(
    "--seed",
    type=int,
    default=1,
    show_default=True,
    metavar="S",
    help="Which storm; the same seed gives the same bytes.",
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the volumes, in the archive's layout, and the truth, _truth.json.",
)
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

    if common.dry_run:
        tell(common, would=f"write {volumes} volumes of {station} from {start} to {out}")
        return
    made = simulate_storm(station, start, volumes, seed, out, stations=stations_known)
    size = sum(path.stat().st_size for path in made)
    tell(common, volumes=len(made), bytes=size, truth=str(out / TRUTH))

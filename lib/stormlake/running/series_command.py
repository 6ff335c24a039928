"""`stormlake show-series`: a series, its score, thresholds and alerts, as a PNG."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import click

from stormlake.plots.series import draw_series
from stormlake.plots.series_reader import read_series
from stormlake.running.lake_folder import any_lake_folder
from stormlake.running.options import (
    Common,
    StormlakeCommand,
    UtcDay,
    common_options,
    refuse_unless,
    tell,
)


@click.command("show-series", cls=StormlakeCommand)
@click.option("--lake", required=True, metavar="URI", help="The lake.")
@click.option("--source", required=True, metavar="NAME", help="Whose scores, e.g. wind.")
@click.option(
    "--key", required=True, metavar="KEY", help="Which series: a key, a location or a device."
)
@click.option("--start", type=UtcDay(), metavar="DAY", help="First UTC day that is shown.")
@click.option(
    "--end", type=UtcDay(), metavar="DAY", help="Day after the last.  [default of both: all]"
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="FILE.png",
    help="The picture.  [default: SOURCE_KEY.png in the working folder]",
)
@common_options
def main(
    common: Common,
    lake: str,
    source: str,
    key: str,
    start: datetime | None,
    end: datetime | None,
    out: Path | None,
) -> None:
    """Draw a series with its score, thresholds and alerts on one time axis, as a PNG."""
    refuse_unless((start is None) == (end is None), "--start and --end go together")
    if common.dry_run:
        tell(common, would=f"draw {key} of {source} from {lake}")
        return
    name = re.sub(r"[^\w.-]+", "-", f"{source}_{key}").strip("-.") + ".png"
    series = read_series(any_lake_folder(lake, common), source, key, start, end)
    picture = draw_series(series, Path(name) if out is None else out)
    alerts = sum(len(each.readings) for each in series.alerts)
    tell(common, picture=str(picture), records=len(series.scores), alerts=alerts)

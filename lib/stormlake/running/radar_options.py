"""Options that only radar commands have, read once, so that a bad value is a usage error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from stormlake.radar.profiles import Profile, load_profile
from stormlake.radar.stations import Station, builtin_stations, read_station_file


class ProfileOption(click.ParamType[Profile]):
    """A radar profile by name, or a TOML file."""

    name = "profile"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Profile:
        """Load the profile."""
        if isinstance(value, Profile):
            return value
        try:
            return load_profile(value)
        except (ValueError, OSError) as error:
            self.fail(str(error), param, ctx)


class StationFileOption(click.ParamType[Mapping[str, Station]]):
    """A CSV of stations, which are added to the built-in ones."""

    name = "station file"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Mapping[str, Station]:
        """Read the file."""
        if not isinstance(value, str):
            return {**builtin_stations(), **value}
        try:
            return {**builtin_stations(), **read_station_file(value)}
        except (ValueError, OSError) as error:
            self.fail(str(error), param, ctx)


profile_option = click.option(
    "--profile",
    type=ProfileOption(),
    default="lake",
    show_default=True,
    metavar="NAME|FILE",
    help="notebook, lake, or a TOML file: cuts, quality control and grid.",
)
station_file_option = click.option(
    "--station-file",
    "stations_known",
    type=StationFileOption(),
    metavar="FILE",
    help="CSV (station,latitude,longitude,altitude in m) of stations the built-in table lacks.",
)

"""Where radar stations stand, for files that do not say it (message 1) or say it wrong (TDWR).

`stations.csv` is made from ``pyart.io.nexrad_common.NEXRAD_LOCATIONS`` (NOAA HOMR, 2014), feet
turned into metres; a test compares the two. Six stations have no elevation there (-99999 ft);
theirs is empty here, because an invented altitude would pass for a measured one.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from os import PathLike
from pathlib import Path
from typing import Final

COLUMNS: Final = ("station", "latitude", "longitude", "altitude")
EARTH_RADIUS: Final = 6_371_000.0


@dataclass(frozen=True)
class Station:
    """Position of a radar.

    Parameters
    ----------
    latitude, longitude : float
        Degrees, north and east positive.
    altitude : float
        Metres above mean sea level; NaN where it is not known.
    """

    latitude: float
    longitude: float
    altitude: float


@cache
def builtin_stations() -> Mapping[str, Station]:
    """Give the 207 stations that come with the package, by four-letter name."""
    text = files("stormlake.radar").joinpath("stations.csv").read_text(encoding="utf-8")
    return _parse(text.splitlines(), "stations.csv")


def read_station_file(path: str | PathLike[str]) -> Mapping[str, Station]:
    """Read stations from a CSV file in the shape of the built-in one.

    Parameters
    ----------
    path : path-like
        Header ``station,latitude,longitude,altitude``; degrees and metres. An empty altitude
        means "not known".

    Returns
    -------
    mapping of str to Station
        The file's stations alone; ``{**builtin_stations(), **read_station_file(path)}`` adds
        them to the built-in ones.

    Raises
    ------
    ValueError
        Names the file, the line and what was expected.
    """
    with Path(path).open(encoding="utf-8-sig", newline="") as lines:
        return _parse(lines, str(path))


def distance(a: Station, b: Station) -> float:
    """Great-circle distance in m (haversine, spherical Earth)."""
    lat_a, lat_b = math.radians(a.latitude), math.radians(b.latitude)
    half_lat = (lat_b - lat_a) / 2
    half_lon = math.radians(b.longitude - a.longitude) / 2
    h = math.sin(half_lat) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS * math.asin(math.sqrt(min(1.0, h)))


def _parse(lines: Iterable[str], source: str) -> dict[str, Station]:
    rows = csv.reader(lines)
    header = tuple(cell.strip() for cell in next(rows, []))
    if header != COLUMNS:
        raise ValueError(
            f"{source}: the first line is {','.join(header)!r}, expected {','.join(COLUMNS)!r}"
        )
    stations: dict[str, Station] = {}
    for row in rows:
        if not row:
            continue
        try:
            name, latitude, longitude, altitude = (cell.strip() for cell in row)
            station = Station(float(latitude), float(longitude), float(altitude or "nan"))
        except ValueError as error:
            raise ValueError(
                f"{source}, line {rows.line_num}: {','.join(row)!r} is not a station, "
                f"two coordinates in degrees and an altitude in m ({error})"
            ) from error
        if not (len(name) == 4 and name.isascii() and name.isalnum() and name.isupper()):
            raise ValueError(
                f"{source}, line {rows.line_num}: station {name!r} is not four upper-case "
                "letters or digits"
            )
        if not (abs(station.latitude) <= 90 and abs(station.longitude) <= 180):
            raise ValueError(
                f"{source}, line {rows.line_num}: {station.latitude}, {station.longitude} is not "
                "a position in degrees"
            )
        stations[name] = station
    return stations

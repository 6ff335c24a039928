"""Simulated NEXRAD Level II archives: the volumes of a storm whose truth is known."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from stormlake.errors import RefusedInput
from stormlake.radar.geometry import cell_latitude_longitude
from stormlake.radar.profiles import Grid
from stormlake.radar.stations import Station, builtin_stations
from stormlake.radar.volume import Volume
from stormlake.simulate.echo import measured_cut
from stormlake.simulate.level2 import Conduct, level2_bytes
from stormlake.simulate.output import replace_file
from stormlake.simulate.pattern import (
    DOPPLER_RANGE,
    VCP,
    VOLUME_SECONDS,
    PlannedCut,
    planned_cuts,
)
from stormlake.simulate.storm import Storm

TRUTH: Final = "_truth.json"
"""Name of the truth file; a name that begins with `_` is not input."""

LARGEST_COUNT: Final = 100_000


def simulate_storm(
    station: str,
    start: datetime,
    volumes: int,
    seed: int,
    out: Path,
    *,
    stations: Mapping[str, Station] | None = None,
) -> list[Path]:
    """Write the volumes of a simulated storm in the archive's layout, and its truth beside them.

    Parameters
    ----------
    station : str
        Four characters; its place comes from `stations`.
    start : datetime
        Start of the first volume; without a time zone it is UTC. Fractions of a second are
        dropped. The next volumes follow every 300 s.
    volumes : int
        How many; those of a shorter run are the first ones of a longer run.
    seed : int
        Not negative. The same arguments give the same bytes.
    out : Path
        Folder; made when absent. Volumes go to `YYYY/MM/DD/SSSS/SSSSYYYYMMDD_HHMMSS_V06` below it,
        the truth to `_truth.json` in it. Files of the same name are replaced; in the truth file
        the storm of the same station and start is.
    stations : mapping of str to Station, optional
        Places of the stations; the built-in table by default.

    Returns
    -------
    list of Path
        The volumes, oldest first.

    Raises
    ------
    RefusedInput
        An argument that cannot be used.

    Examples
    --------
    >>> from datetime import datetime
    >>> from pathlib import Path
    >>> paths = simulate_storm("KTLX", datetime(2026, 5, 1, 21), 3, 1, Path("storm"))
    ... # doctest: +SKIP
    """
    table = builtin_stations() if stations is None else stations
    if station not in table:
        raise RefusedInput(f"station {station!r} is not in the station table; pass --station-file")
    if not 1 <= volumes <= LARGEST_COUNT:
        raise RefusedInput(f"volumes must be 1 to {LARGEST_COUNT}, not {volumes}")
    if seed < 0:
        raise RefusedInput(f"seed must not be negative, not {seed}")
    site = table[station]
    if math.isnan(site.altitude):
        raise RefusedInput(f"the altitude of station {station!r} is unknown; pass --station-file")
    begin = start.replace(tzinfo=UTC) if start.tzinfo is None else start.astimezone(UTC)
    begin = begin.replace(microsecond=0)
    storm = Storm(seed, station)
    plan = planned_cuts()
    paths = []
    told = []
    for number in range(volumes):
        volume = simulated_volume(storm, site, begin, number, plan)
        key = archive_key(station, volume.volume_time)
        paths.append(out / key)
        replace_file(out / key, level2_bytes(volume, _conduct(plan, number)))
        told.append(_truth_of_volume(storm, site, key, volume.volume_time, number))
    u, v = storm.motion
    _tell(
        out / TRUTH,
        {
            "station": station,
            "start": _iso(begin),
            "seed": seed,
            "latitude": site.latitude,
            "longitude": site.longitude,
            "altitude": site.altitude,
            "motion": {"u": round(u, 3), "v": round(v, 3)},
            "volumes": told,
        },
    )
    return paths


def archive_key(station: str, time: datetime) -> str:
    """Key of a volume in the archive: `YYYY/MM/DD/SSSS/SSSSYYYYMMDD_HHMMSS_V06`."""
    return f"{time:%Y/%m/%d}/{station}/{station}{time:%Y%m%d_%H%M%S}_V06"


def simulated_volume(
    storm: Storm, site: Station, begin: datetime, number: int, plan: tuple[PlannedCut, ...]
) -> Volume:
    """One volume of a storm, as a radar at `site` would measure it.

    Parameters
    ----------
    storm : Storm
        The truth.
    site : Station
        Where the radar is.
    begin : datetime
        Start of the first volume, UTC.
    number : int
        Which volume, from 0.
    plan : tuple of PlannedCut
        What to scan.
    """
    time = number * VOLUME_SECONDS
    return Volume(
        station=storm.station,
        volume_time=begin + timedelta(seconds=time),
        latitude=site.latitude,
        longitude=site.longitude,
        altitude=float(round(site.altitude)),
        vcp=VCP,
        cuts=tuple(measured_cut(storm, cut, time, number) for cut in plan),
        decoder="simulated",
        complete=True,
        problems=(),
    )


def _conduct(plan: tuple[PlannedCut, ...], number: int) -> Conduct:
    return Conduct(
        sails=frozenset(cut.index for cut in plan if cut.sails),
        unambiguous_range={cut.index: DOPPLER_RANGE for cut in plan if cut.doppler},
        number=number % 999 + 1,
    )


def _truth_of_volume(
    storm: Storm, site: Station, key: str, time: datetime, number: int
) -> dict[str, Any]:
    seconds = number * VOLUME_SECONDS
    rain = storm.rain(seconds)
    return {
        "key": key,
        "volume_time": _iso(time),
        "cells": [
            {
                "id": cell.number,
                "x": round(state.x, 1),
                "y": round(state.y, 1),
                **_place(site, state.x, state.y),
                "u": round(cell.u, 3),
                "v": round(cell.v, 3),
                "peak_reflectivity": round(state.peak, 2),
                "radius": round(state.radius, 1),
                "echo_top": round(state.echo_top, 1),
            }
            for cell, state in storm.cells(seconds)
        ],
        "rain": {
            "x": round(rain.x, 1),
            "y": round(rain.y, 1),
            **_place(site, rain.x, rain.y),
            "along": rain.along,
            "across": rain.across,
            "orientation": round(math.degrees(rain.orientation), 2),
        },
    }


def _place(site: Station, x: float, y: float) -> dict[str, float]:
    """Latitude and longitude of a point, degrees, in the grid's projection."""
    point = Grid((1, 1, 1), (0.0, 0.0), (y, y), (x, x))
    latitude, longitude = cell_latitude_longitude(point, site.latitude, site.longitude)
    return {"latitude": round(latitude.item(), 5), "longitude": round(longitude.item(), 5)}


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"


MEANING: Final = {
    "x, y": "centre, m east and north of the radar",
    "u, v": "motion, m/s to the east and the north",
    "peak_reflectivity": "dBZ",
    "radius": "where a cell's core has fallen by 10 dB, m",
    "echo_top": "where a cell's centre has fallen to 18 dBZ, m above the antenna",
    "along, across": "semi-axes of the stratiform rain, m",
    "orientation": "of the first semi-axis, degrees counter-clockwise from east",
    "time": "states hold at volume_time; a cut is drawn at the middle of its own turn",
}


def _tell(path: Path, storm: dict[str, Any]) -> None:
    """Add a storm to the truth file, in place of an older one of the same station and start."""
    storms: list[dict[str, Any]] = []
    if path.exists():
        try:
            storms = json.loads(path.read_text())["storms"]
        except (ValueError, KeyError, TypeError) as error:
            raise RefusedInput(
                f"{path} is no truth file of a simulated storm: {error!r}"
            ) from error
    kept = [
        old
        for old in storms
        if (old["station"], old["start"]) != (storm["station"], storm["start"])
    ]
    kept.append(storm)
    kept.sort(key=lambda each: (each["station"], each["start"]))
    text = json.dumps({"meaning": MEANING, "storms": kept}, indent=1)
    replace_file(path, (text + "\n").encode())

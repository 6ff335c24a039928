"""One level of one volume as the CSV that the published notebook wrote.

Header `lat,lon,value,date`; one row per cell with a value, from south to north and, within a row of
the grid, from west to east. Values are those of the grid, not rounded.
"""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TextIO

import numpy as np

from stormlake.radar.cuts import choose_cuts
from stormlake.radar.decode import decode
from stormlake.radar.geometry import cell_latitude_longitude
from stormlake.radar.gridding import gather_gates, grid_reflectivity
from stormlake.radar.profiles import Profile
from stormlake.radar.quality import select_gates
from stormlake.radar.stations import Station

HEADER: Final = ("lat", "lon", "value", "date")


def export_csv(
    data: bytes,
    key: str,
    profile: Profile,
    level: int,
    out: TextIO,
    *,
    stations: Mapping[str, Station] | None = None,
) -> int:
    """Grid a volume and write one level of it as CSV.

    Parameters
    ----------
    data : bytes
        The volume as it lies in the archive.
    key : str
        Its key or file name; the station comes from it where it tells one.
    profile : Profile
        Which cuts, which quality control, which grid.
    level : int
        Index of the level, from 0.
    out : text stream
        Opened with `newline=""`.
    stations : mapping of str to Station, optional
        Locations by station; the built-in table when not given.

    Returns
    -------
    int
        Rows written, without the header.

    Raises
    ------
    VolumeRejected
        The volume cannot be used.
    ValueError
        The grid has no such level.
    """
    levels = profile.grid.shape[0]
    if not 0 <= level < levels:
        raise ValueError(
            f"level {level} is not in the grid of profile {profile.name!r}: want 0 to {levels - 1}"
        )
    volume = decode(data, key, stations)
    cuts = [volume.cuts[index] for index in choose_cuts(volume, profile).chosen]
    gates = gather_gates((cut, select_gates(cut, profile)) for cut in cuts)
    plane = grid_reflectivity(gates, profile.grid)[level]
    latitude, longitude = cell_latitude_longitude(profile.grid, volume.latitude, volume.longitude)
    date = f"{volume.volume_time:%Y-%m-%dT%H:%M:%SZ}"
    writer = csv.writer(
        out, delimiter=",", quotechar="|", quoting=csv.QUOTE_MINIMAL, lineterminator="\n"
    )
    writer.writerow(HEADER)
    found = np.isfinite(plane)
    # str of a NumPy scalar is the shortest text that reads back as the same number of its type.
    writer.writerows(
        (str(lat), str(lon), str(value), date)
        for lat, lon, value in zip(latitude[found], longitude[found], plane[found], strict=True)
    )
    return int(found.sum())


def export_csv_file(
    source: Path,
    out: Path,
    profile: Profile,
    level: int,
    *,
    stations: Mapping[str, Station] | None = None,
) -> int:
    """Write the CSV of a volume in a file; an older CSV is replaced once the new one is whole.

    Parameters
    ----------
    source : Path
        A Level II file, by its archive name or any other.
    out : Path
        CSV file; folders on the way are made.
    profile, level, stations
        As in `export_csv`.

    Returns
    -------
    int
        Rows written, without the header.
    """
    data = source.read_bytes()
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=".", suffix=".csv")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as stream:
            rows = export_csv(data, source.name, profile, level, stream, stations=stations)
        Path(name).chmod(0o644)
        Path(name).replace(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return rows

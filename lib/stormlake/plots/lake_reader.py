"""Read one volume's product from a lake, without Spark: a picture must come quickly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import and_
from pathlib import Path
from typing import Any, Final

import numpy as np

from stormlake.errors import RefusedInput
from stormlake.lake.folder import Folder
from stormlake.plots.maps import ProductMap
from stormlake.plots.products import Product
from stormlake.radar.outcomes import GRIDDED

NEAREST: Final = timedelta(minutes=10)
"""A volume within this of the time asked for is the one that is meant."""

BETWEEN: Final = "  ·  "

QC_WORDS: Final = {
    "dualpol": "dual-pol",
    "reflectivity_only": "reflectivity alone",
    "mixed": "dual-pol on some cuts",
}

VOLUME_COLUMNS: Final = (
    "station", "date", "volume_time", "status", "reason", "vcp", "latitude", "longitude", "grid",
    "cuts", "chosen_cuts", "qc_method", "profile", "columns",
)  # fmt: skip


def read_product(
    lake: Folder | Path | str, station: str, time: datetime | None, product: Product
) -> ProductMap:
    """Read what a picture needs.

    Parameters
    ----------
    lake : Folder, Path or str
        The lake; a path is a local one's.
    station : str
        Four characters.
    time : datetime or None
        The volume nearest to it, at most 10 minutes away (UTC when it has no time zone); the
        newest volume when None.
    product : Product
        Which column to read.

    Raises
    ------
    RefusedInput
        No lake there, no volume of that station or near that time; the message says what there is.
    """
    folder = _lake(lake)
    volume = _volume(folder, station, time)
    geometry = _rows(
        folder.dataset("radar_geometry", ("station", "grid")),
        {"station": volume.station, "grid": volume.grid},
        ("iy", "ix", "x", "y", "latitude", "longitude"),
    )
    if not len(geometry["iy"]):
        raise RefusedInput(
            f"{folder.name}: radar_geometry has no grid {volume.grid!r} of station {station}; "
            "ingest the station again"
        )
    shape = int(geometry["iy"].max()) + 1, int(geometry["ix"].max()) + 1
    where = geometry["iy"], geometry["ix"]
    planes = {}
    for name in ("x", "y", "latitude", "longitude"):
        planes[name] = np.full(shape, np.nan)
        planes[name][where] = geometry[name]
    values = np.full(shape, np.nan)
    caption = volume.caption
    if volume.columns:
        # Not read otherwise: a lake without any echo has no files in this table.
        cells = _rows(
            folder.dataset("radar_columns", ("station", "date")),
            {"station": volume.station, "date": volume.date, "volume_time": volume.time},
            ("iy", "ix", product.column),
        )
        values[cells["iy"], cells["ix"]] = cells[product.column]
    if np.isfinite(values).any():
        caption += f"{BETWEEN}max {np.nanmax(values) * product.factor:.1f} {product.short_unit}"
    return ProductMap(
        product=product,
        station=volume.station,
        time=volume.time,
        site=volume.site,
        values=values,
        caption=caption,
        warning=volume.warning,
        **planes,
    )


@dataclass(frozen=True)
class _Volume:
    """The row of `radar_volumes` that is to be drawn."""

    station: str
    date: str
    time: datetime
    grid: str
    site: tuple[float, float]
    columns: int
    caption: str
    warning: str


def _lake(lake: Folder | Path | str) -> Folder:
    if not isinstance(lake, Folder):
        if "://" in str(lake) and not str(lake).startswith("file://"):
            raise RefusedInput(
                f"{lake}: a picture is drawn from a local folder, or by `stormlake show` from "
                "s3://BUCKET[/PREFIX]"
            )
        lake = Folder.local(lake)
    if not lake.holds():
        raise RefusedInput(f"there is no lake at {lake.name}; `stormlake ingest-radar` makes one")
    for table in ("radar_volumes", "radar_geometry"):
        if not lake.holds(table):
            raise RefusedInput(
                f"{lake.name} is no lake with radar: it has no table {table}; "
                "`stormlake ingest-radar` makes one"
            )
    return lake


def _rows(data: Any, equal: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    """Columns of the rows whose values are `equal`, as NumPy arrays."""
    import pyarrow as pa
    import pyarrow.dataset as ds

    try:
        keep = [
            ds.field(name) == pa.scalar(value).cast(data.schema.field(name).type)
            for name, value in equal.items()
        ]
        rows = data.to_table(columns=list(columns), filter=reduce(and_, keep))
    except (pa.ArrowInvalid, KeyError) as error:
        raise _other_version(error) from error
    return {name: rows.column(name).to_numpy() for name in columns}


def _other_version(error: Exception) -> RefusedInput:
    return RefusedInput(f"the lake's tables are not of this version: {error}")


def _volume(folder: Folder, station: str, time: datetime | None) -> _Volume:
    import pyarrow as pa
    import pyarrow.dataset as ds

    data = folder.dataset("radar_volumes", ("station", "date"))
    try:
        rows = data.to_table(
            columns=list(VOLUME_COLUMNS),
            filter=(ds.field("station") == station) & ds.field("status").isin(sorted(GRIDDED)),
        ).to_pylist()
    except (pa.ArrowInvalid, KeyError) as error:
        raise _other_version(error) from error
    if not rows:
        found = [
            name.removeprefix("station=")
            for name in folder.names("radar_volumes")
            if name.startswith("station=")
        ]
        there = f"it has {', '.join(found)}" if found else "it has no station at all"
        raise RefusedInput(f"{folder.name} has no volume with rows of station {station!r}; {there}")
    for row in rows:
        row["volume_time"] = _utc(row["volume_time"])
    rows.sort(key=lambda row: row["volume_time"])
    return _described(rows[-1] if time is None else _nearest(rows, station, _utc(time)))


def _nearest(rows: list[dict[str, Any]], station: str, time: datetime) -> dict[str, Any]:
    """The volume nearest to a time; of two equally near, the earlier."""
    best = min(rows, key=lambda row: abs(row["volume_time"] - time))
    if abs(best["volume_time"] - time) > NEAREST:
        first, last = rows[0]["volume_time"], rows[-1]["volume_time"]
        raise RefusedInput(
            f"no volume of {station} within {NEAREST.seconds // 60} minutes of {_iso(time)}; "
            f"the nearest of {len(rows)} is {_iso(best['volume_time'])}, "
            f"the first {_iso(first)}, the last {_iso(last)}"
        )
    return best


def _described(row: Mapping[str, Any]) -> _Volume:
    chosen = len((row["chosen_cuts"] or "").split())
    facts = [
        f"profile {row['profile']}",
        f"VCP {row['vcp']}" if row["vcp"] is not None else "scan pattern unknown",
        f"{chosen} of {row['cuts']} cuts",
        f"quality control: {QC_WORDS.get(row['qc_method'], row['qc_method'])}",
        f"{row['columns'] or 0:,} columns with echo",
    ]
    return _Volume(
        station=row["station"],
        date=row["date"],
        time=row["volume_time"],
        grid=row["grid"],
        site=(row["latitude"], row["longitude"]),
        columns=row["columns"] or 0,
        caption=BETWEEN.join(facts),
        warning=f"partial volume: {(row['reason'] or '').replace('_', ' ')}"
        if row["status"] == "partial"
        else "",
    )


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _iso(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%SZ}"

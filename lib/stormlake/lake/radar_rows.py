"""From a volume's result to rows of the radar tables, as Arrow batches between Python and Spark.

A decoded volume leaves its task as one row: the columns of `radar_volumes` and two packed blobs,
its grid cells and its products. Spark keeps that one row and both large tables are unpacked from
it, so that one decode feeds all tables at the price of a few hundred kilobytes a volume.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stormlake.archive.objects import ArchiveObject
from stormlake.lake.tables import (
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
    arrow_schema,
    spark_schema,
)
from stormlake.radar.geometry import cell_latitude_longitude
from stormlake.radar.gridding import Cells
from stormlake.radar.outcomes import Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.products import Columns
from stormlake.radar.profiles import Grid, Profile

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

UNKNOWN_STATION: Final = "_unknown"
UNKNOWN_DATE: Final = dt.date(1970, 1, 1)
"""Partition of objects whose station and date neither name nor header tells."""

CELLS: Final = "cells_packed"
PRODUCTS: Final = "products_packed"
"""Columns that hold a volume's cells and products on its way through Spark."""

_DETAIL_BYTES: Final = next(c.bytes for c in RADAR_VOLUMES.columns if c.name == "detail")

DECODED_SCHEMA: Final = (
    arrow_schema(RADAR_VOLUMES)
    .append(pa.field(CELLS, pa.binary()))
    .append(pa.field(PRODUCTS, pa.binary()))
)
"""One row per archive object on its way through Spark."""


def decoded_schema() -> StructType:
    """Give Spark's name for `DECODED_SCHEMA`."""
    schema = spark_schema(RADAR_VOLUMES)
    return schema.add(CELLS, "binary").add(PRODUCTS, "binary")


@dataclass(frozen=True)
class RunFacts:
    """What is the same in every `radar_volumes` row of a run.

    Parameters
    ----------
    run_id, software : str
        The run, and name and version of the code.
    profile : Profile
        Named and hashed in every row.
    """

    run_id: str
    software: str
    profile: Profile


def volume_row(obj: ArchiveObject, result: VolumeResult, facts: RunFacts) -> dict[str, Any]:
    """One object's `radar_volumes` row; partition and times from the name, else from the header.

    Parameters
    ----------
    obj : ArchiveObject
        What was listed.
    result : VolumeResult
        What became of it.
    facts : RunFacts
        What is the same in every row.
    """
    station = obj.station or result.station
    date = obj.date or (result.volume_time.date() if result.volume_time else result.header_date)
    if station is None or date is None:
        station, date = UNKNOWN_STATION, UNKNOWN_DATE
    return {
        "station": station,
        "date": date,
        "key": obj.key,
        "key_time": obj.key_time,
        "volume_time": result.volume_time,
        "size": obj.size,
        "status": str(result.status),
        "reason": None if result.reason is None else str(result.reason),
        "detail": _shortened(result.detail),
        "vcp": result.vcp,
        "latitude": result.latitude,
        "longitude": result.longitude,
        "altitude": _known(result.altitude),
        "grid": result.grid,
        "cuts": result.cuts,
        "rays": result.rays,
        "chosen_cuts": result.chosen_cuts,
        "qc_method": result.qc_method,
        "gates_valid": result.gates_valid,
        "gates_reflectivity": result.gates_reflectivity,
        "gates_after_zdr": result.gates_after_zdr,
        "gates_after_rho": result.gates_after_rho,
        "gates_kept": result.gates_kept,
        "cells": None if result.cells is None else len(result.cells.level),
        "columns": None if result.products is None else len(result.products.iy),
        "max_reflectivity": _tenth(result.max_reflectivity),
        "decoder": result.decoder,
        "profile": facts.profile.name,
        "profile_hash": facts.profile.hash,
        "software": facts.software,
        "run_id": facts.run_id,
    }


def as_duplicate(row: Mapping[str, Any], kept: str) -> dict[str, Any]:
    """Turn the row of a volume that another object, `kept`, holds too into a skipped one's."""
    gone = ("grid", "cells", "columns", "max_reflectivity")
    return {
        **row,
        **dict.fromkeys(gone),
        "status": str(Status.SKIPPED),
        "reason": str(Reason.DUPLICATE_VOLUME),
        "detail": _shortened(f"the same station and volume time as {kept}"),
    }


def decoded_batch(obj: ArchiveObject, result: VolumeResult, facts: RunFacts) -> pa.RecordBatch:
    """One object on its way: its `radar_volumes` row and its packed cells and products."""
    packed = {
        **volume_row(obj, result, facts),
        CELLS: None if result.cells is None else _pack_cells(result.cells),
        PRODUCTS: None if result.products is None else _pack_products(result.products),
    }
    return pa.RecordBatch.from_pylist([packed], schema=DECODED_SCHEMA)


def unpack_cells(batches: Iterable[pa.RecordBatch], grid: Grid) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_grid` from (station, date, volume_time, cells_packed) rows."""
    heights = grid.z.astype(np.float32)
    schema = arrow_schema(RADAR_GRID)
    for keys, cells in _unpacked(batches, CELLS):
        level = cells.column("level")
        columns = {name: cells.column(name) for name in cells.schema.names}
        columns["height"] = pa.array(heights[level.to_numpy()])
        yield _with_keys(columns, keys, cells.num_rows, schema)


def unpack_products(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_columns` from (station, date, volume_time, products_packed) rows."""
    schema = arrow_schema(RADAR_COLUMNS)
    for keys, products in _unpacked(batches, PRODUCTS):
        columns = {name: products.column(name) for name in products.schema.names}
        yield _with_keys(columns, keys, products.num_rows, schema)


def geometry_rows(batches: Iterable[pa.RecordBatch], grid: Grid) -> Iterator[pa.RecordBatch]:
    """Rows of `radar_geometry`, every (iy, ix), from (station, grid, latitude, longitude) rows."""
    _, ny, nx = grid.shape
    iy, ix = np.divmod(np.arange(ny * nx), nx)
    for site in (row for batch in batches for row in batch.to_pylist()):
        latitude, longitude = cell_latitude_longitude(grid, site["latitude"], site["longitude"])
        columns = {
            "iy": pa.array(iy),
            "ix": pa.array(ix),
            "x": pa.array(grid.x[ix]),
            "y": pa.array(grid.y[iy]),
            "latitude": pa.array(latitude.ravel()),
            "longitude": pa.array(longitude.ravel()),
        }
        keys = {name: site[name] for name in RADAR_GEOMETRY.partition_names}
        yield _with_keys(columns, keys, ny * nx, arrow_schema(RADAR_GEOMETRY))


def _known(number: float | None) -> float | None:
    """Say NULL for not-a-number; SQL engines disagree on the rest."""
    return None if number is None or math.isnan(number) else number


def _shortened(text: str | None) -> str | None:
    """Cut a text to what its column holds, between characters."""
    return text and text.encode(errors="replace")[:_DETAIL_BYTES].decode(errors="ignore")


def _tenth(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _pack_cells(cells: Cells) -> bytes:
    return _pack(
        level=cells.level.astype(np.int16),
        iy=cells.iy,
        ix=cells.ix,
        reflectivity=_tenths(cells.reflectivity),
    )


def _pack_products(products: Columns) -> bytes:
    return _pack(
        iy=products.iy,
        ix=products.ix,
        composite_reflectivity=_tenths(products.composite_reflectivity),
        echo_top_18=products.echo_top_18.astype(np.float32),
        vil=products.vil.astype(np.float32),
    )


def _tenths(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Round to 0.1, so that Parquet dictionaries stay small; only here, at the writer."""
    return (np.rint(values.astype(np.float64) * 10) / 10).astype(np.float32)


def _pack(**columns: np.ndarray) -> bytes:
    batch = pa.RecordBatch.from_arrays([pa.array(c) for c in columns.values()], list(columns))
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="lz4", use_threads=False)
    with pa.ipc.new_stream(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def _unpacked(
    batches: Iterable[pa.RecordBatch], blob: str
) -> Iterator[tuple[dict[str, Any], pa.RecordBatch]]:
    options = pa.ipc.IpcReadOptions(use_threads=False)
    for batch in batches:
        names = [name for name in batch.schema.names if name != blob]
        for position in range(batch.num_rows):
            packed = batch.column(blob)[position].as_buffer()
            if packed is None:
                lost = [batch.column(name)[position].as_py() for name in names]
                raise RuntimeError(
                    f"a volume's cells were lost and its object cannot be read again: {lost}"
                )
            with pa.ipc.open_stream(packed, options=options) as reader:
                content = reader.read_next_batch()
            yield {name: batch.column(name)[position] for name in names}, content


def _with_keys(
    columns: dict[str, pa.Array], keys: dict[str, Any], rows: int, schema: pa.Schema
) -> pa.RecordBatch:
    repeated = {name: pa.repeat(value, rows) for name, value in keys.items()}
    arrays = [(repeated | columns)[field.name].cast(field.type) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)

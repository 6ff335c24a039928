"""Rows of the radar tables from one uploaded volume at a time, below `stream/`, without Spark.

`<lake>/stream` is laid out as a lake: `<table>/station=…/date=…/<hash of the key>.parquet`, one
file for each object and table, so whoever handles an object again writes over what it wrote
before. A batch run that has recorded an object takes over: it removes the object's files here.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import io
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq

from stormlake.archive.keys import is_station, station_day_of_folders
from stormlake.archive.notifications import Upload
from stormlake.archive.objects import ArchiveObject, Fetcher, FetchFailed
from stormlake.archive.s3 import archive_object
from stormlake.archive.source import Source
from stormlake.errors import RefusedInput, ServiceUnreachable
from stormlake.lake import radar_rows
from stormlake.lake.radar_rows import CELLS, PRODUCTS, RunFacts
from stormlake.lake.radar_scope import Row
from stormlake.lake.runs import SOFTWARE
from stormlake.lake.store import Store, overwrite
from stormlake.lake.stream_claims import claim, claim_path, claimants, claims_folder
from stormlake.lake.tables import RADAR_COLUMNS, RADAR_GEOMETRY, RADAR_GRID, RADAR_VOLUMES
from stormlake.lake.types import Table, arrow_schema
from stormlake.radar.isolation import shared_decoder
from stormlake.radar.outcomes import GRIDDED, Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import Profile
from stormlake.radar.stations import Station

FOLDER: Final = "stream"
"""Below the lake."""

_VOLUME_KEYS: Final = ("station", "date", "volume_time")
_ZSTD_LEVEL: Final = 3  # as Spark's writer has it
_THREADS: Final = 8


@dataclass(frozen=True)
class Stream:
    """What handling an upload needs.

    Parameters
    ----------
    source : Source
        The bucket, and the prefix in it, whose layout is that of the archive.
    fetcher : Fetcher
        Reads its objects.
    store : Store
        The lake.
    profile : Profile
        Cuts, quality control, grid.
    stations : mapping of str to Station
        Where stations stand.
    """

    source: Source
    fetcher: Fetcher
    store: Store
    profile: Profile
    stations: Mapping[str, Station]

    def take(self, upload: Upload) -> Row | None:
        """Handle one uploaded object: decode it, and write its rows.

        Returns
        -------
        mapping or None
            Its row of `radar_volumes`; None for an object that is outside of the archive's layout
            (not below a folder of a station and day), which a batch run would not list either.

        Raises
        ------
        ServiceUnreachable
            The object or the lake cannot be reached now; nothing is lost by trying again.
        RefusedInput
            The object lies in another bucket than the source, or the lake lets nobody write.
        """
        obj = self._listed(upload)
        if obj is None:
            return None
        facts = RunFacts(f"{FOLDER}-{file_stem(obj.key)}", SOFTWARE, self.profile)
        obj, result = self._result(obj)
        return write_volume(self.store, radar_rows.decoded_batch(obj, result, facts), self.profile)

    def _listed(self, upload: Upload) -> ArchiveObject | None:
        """The object as a listing of the batch job would show it."""
        if upload.bucket != self.source.bucket:
            raise RefusedInput(
                f"an upload to bucket {upload.bucket!r} was notified, but the source is "
                f"{self.source.uri}; connect the notifications of the source, or name that bucket"
            )
        if not upload.key.startswith(self.source.prefix):
            return None
        key = upload.key.removeprefix(self.source.prefix)
        found = _station_day(key)
        return None if found is None else archive_object(key, upload.size, *found)

    def _result(self, obj: ArchiveObject) -> tuple[ArchiveObject, VolumeResult]:
        if obj.skip is not None:
            return obj, VolumeResult(Status.SKIPPED, obj.skip)
        try:
            data = self.fetcher.fetch(obj)
        except FetchFailed as failure:
            if not failure.lasting:
                raise ServiceUnreachable(failure.detail) from failure
            return obj, VolumeResult(Status.REJECTED, Reason.FETCH_FAILED, failure.detail)
        # A notification may be late, and tell the size of a version that was written over.
        read = replace(obj, size=len(data))
        return read, shared_decoder(self.profile, self.stations).process(data, obj.key)


def file_stem(key: str) -> str:
    """Name of an object's files: 32 hex digits of its key's sha256."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def stream_path(table: Table, row: Row, key: str) -> str:
    """Where a file of the stream lies below the lake; the partition is the row's."""
    folders = (f"{name}={row[name]}" for name in table.partition_names)
    return "/".join((FOLDER, table.name, *folders, f"{file_stem(key)}.parquet"))


def _station_day(key: str) -> tuple[str, dt.date] | None:
    """Station and day of the folders that a key begins with."""
    return station_day_of_folders(key.split("/")[:-1][:4])


def write_volume(store: Store, decoded: pa.RecordBatch, profile: Profile) -> Row:
    """Write the rows of one object; `radar_volumes` last, as it promises the others.

    Parameters
    ----------
    store : Store
        The lake.
    decoded : pyarrow.RecordBatch
        One row of `DECODED_SCHEMA`.
    profile : Profile
        Of the grid.

    Returns
    -------
    mapping
        The row of `radar_volumes` as it stands now.

    Notes
    -----
    Of several objects with one station and volume time the first by key counts, as in a batch run,
    whichever came first. Each tells the others of itself in a claim before it writes; who writes
    and finds afterwards that a smaller key came meanwhile, steps back.
    """
    row: Row = decoded.select(RADAR_VOLUMES.names).to_pylist()[0]
    if row["status"] not in GRIDDED:
        _put_volume(store, row, decoded=None, profile=profile)
        return row
    keys = claim(store, row)
    if keys[0] == row["key"]:
        _put_geometry(store, row, profile)
        _put_volume(store, row, decoded, profile)
        for other in keys[1:]:
            _step_back(store, row, other, profile)
        keys = claimants(store, row)
    if keys[0] != row["key"]:
        row = radar_rows.as_duplicate(row, keys[0])
        _put_volume(store, row, decoded=None, profile=profile)
    return row


def take_over(store: Store, rows: Iterable[Row]) -> int:
    """Remove the stream's files of objects that a batch run has recorded.

    Parameters
    ----------
    store : Store
        The lake.
    rows : iterable of mapping
        The run's rows of `radar_volumes`. One that could not be fetched takes nothing over: what
        the stream holds of that object is all there is.

    Returns
    -------
    int
        How many files went. Those of objects that the run does not know (they came after it had
        listed the archive) stay.
    """
    if next(iter(store.list(f"{FOLDER}/")), None) is None:
        return 0
    taken: dict[str, list[Row]] = {}
    for row in rows:
        if is_station(row["station"]) and row["reason"] != Reason.FETCH_FAILED:
            taken.setdefault(row["station"], []).append(row)
    removed = 0
    for station, of_station in sorted(taken.items()):
        # Their row last: without it nobody would know of cells that a crash left.
        for tables in ((RADAR_GRID, RADAR_COLUMNS), (RADAR_VOLUMES,)):
            known = {stream_path(table, row, row["key"]) for table in tables for row in of_station}
            folders = [f"{FOLDER}/{table.name}/station={station}/" for table in tables]
            removed += _remove(store, folders, known)
        _remove(
            store,
            [claims_folder(station)],
            {claim_path(row) for row in of_station if row["volume_time"]},
        )
    return removed


def _put_volume(store: Store, row: Row, decoded: pa.RecordBatch | None, profile: Profile) -> None:
    """Write an object's row and, of one that was gridded, its cells and products."""
    unpack_cells = partial(radar_rows.unpack_cells, grid=profile.grid)
    for table, packed, unpack, count in (
        (RADAR_GRID, CELLS, unpack_cells, "cells"),
        (RADAR_COLUMNS, PRODUCTS, radar_rows.unpack_products, "columns"),
    ):
        path = stream_path(table, row, row["key"])
        if decoded is not None and row[count]:
            batch = decoded.select([*_VOLUME_KEYS, packed])
            overwrite(store, path, _parquet(table, unpack([batch])))
        else:
            # An older version of the object may have had echo.
            _remove(store, [path], {path})
    row_only = pa.RecordBatch.from_pylist([dict(row)], schema=arrow_schema(RADAR_VOLUMES))
    overwrite(
        store, stream_path(RADAR_VOLUMES, row, row["key"]), _parquet(RADAR_VOLUMES, [row_only])
    )


def _step_back(store: Store, first: Row, key: str, profile: Profile) -> None:
    """Make a duplicate of an object that was written before the first one came."""
    found = _station_day(key)
    assert found is not None, "only objects of a station and day are claimed"
    place = dict(zip(RADAR_VOLUMES.partition_names, found, strict=True))
    stored = store.read(stream_path(RADAR_VOLUMES, place, key))
    if stored is None:  # it is being handled now, and looks at the claim when it has written
        return
    row = place | pq.ParquetFile(io.BytesIO(stored.data)).read().to_pylist()[0]
    _put_volume(store, radar_rows.as_duplicate(row, first["key"]), None, profile)


def _put_geometry(store: Store, row: Row, profile: Profile) -> None:
    """Write the grid's geometry where the stream lacks it; a grid never changes."""
    path = stream_path(RADAR_GEOMETRY, row, row["grid"])
    if next(iter(store.list(path)), None) is not None:
        return
    names = ("station", "grid", "latitude", "longitude")
    site = pa.RecordBatch.from_pylist([{name: row[name] for name in names}])
    overwrite(store, path, _parquet(RADAR_GEOMETRY, radar_rows.geometry_rows([site], profile.grid)))


def _parquet(table: Table, batches: Iterable[pa.RecordBatch]) -> bytes:
    """A file as the batch job's are: partition columns stand in the folder's name alone."""
    inside = [column.name for column in table.columns]
    rows = pa.Table.from_batches(batches, schema=arrow_schema(table)).select(inside)
    sink = io.BytesIO()
    pq.write_table(
        rows, sink, compression="zstd", compression_level=_ZSTD_LEVEL, store_schema=False
    )
    return sink.getvalue()


def _remove(store: Store, prefixes: Iterable[str], paths: set[str]) -> int:
    """Delete those of these paths that lie below the prefixes.

    Listed first: in a bucket with versions, deleting what is not there leaves a marker.
    """
    found = [entry.path for prefix in prefixes for entry in store.list(prefix)]
    there = [path for path in found if path in paths]
    if there:
        with ThreadPoolExecutor(min(_THREADS, len(there))) as pool:
            list(pool.map(store.delete, there))
    return len(there)

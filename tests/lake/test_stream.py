"""One uploaded volume at a time below `stream/`: rows, repeats, duplicates, and the take-over."""

from __future__ import annotations

import datetime as dt
import hashlib
import io
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.archive.notifications import Upload
from stormlake.archive.objects import ArchiveObject, FetchFailed
from stormlake.archive.source import Source
from stormlake.errors import RefusedInput, ServiceUnreachable
from stormlake.lake import radar_rows
from stormlake.lake.radar_rows import RunFacts
from stormlake.lake.store import Entry, LocalStore, Store, Stored, overwrite
from stormlake.lake.stream import Stream, file_stem, take_over, write_volume
from stormlake.lake.tables import RADAR_COLUMNS, RADAR_GEOMETRY, RADAR_GRID, RADAR_VOLUMES
from stormlake.lake.types import Table
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import Profile, load_profile
from stormlake.radar.stations import builtin_stations
from tests.data import wheel_file
from tests.docs.blocks import ROOT, blocks
from tests.integration.archives import archive_key

KATX = archive_key("KATX20130717_195021_V06")
KLOT = archive_key("KLOT20030101_000921.bz2")
NO_STATION = archive_key("ZZZZ20030101_000921.bz2")
DAMAGED = archive_key("KLOT20030101_001500.bz2")
METADATA = archive_key("KATX20130717_195021_V06_MDM")
NOTES = "2013/07/17/KATX/notes.txt"
TABLES = (RADAR_VOLUMES, RADAR_GRID, RADAR_COLUMNS)


@pytest.fixture(scope="module")
def objects() -> dict[str, bytes]:
    """Real volumes of the arm-pyart wheel under names of the archive, and what is none."""
    katx = wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()
    klot = wheel_file("example_nexrad_archive_msg1.bz2").read_bytes()
    return {
        KATX: katx,
        KLOT: klot,
        NO_STATION: klot,
        DAMAGED: klot[: len(klot) // 2],
        METADATA: b"metadata",
        NOTES: b"words",
    }


@pytest.fixture(scope="module")
def profile(coarse: Path) -> Profile:
    return load_profile(coarse)


@dataclass
class Bucket:
    """Objects by key, and the failure with which a key answers."""

    objects: dict[str, bytes]
    failures: dict[str, FetchFailed] = field(default_factory=dict)

    def fetch(self, obj: ArchiveObject) -> bytes:
        if obj.key in self.failures:
            raise self.failures[obj.key]
        return self.objects[obj.key]


@pytest.fixture
def bucket(objects) -> Bucket:
    return Bucket(dict(objects))


@pytest.fixture
def stream(bucket: Bucket, store: Store, profile: Profile) -> Stream:
    source = Source("s3://weather-archive/raw data+1")
    return Stream(source, bucket, store, profile, builtin_stations())


def upload(key: str, size: int = 1) -> Upload:
    return Upload("weather-archive", f"raw data+1/{key}", size)


def paths(store: Store, prefix: str = "stream/") -> list[str]:
    return [entry.path for entry in store.list(prefix)]


def content(store: Store) -> dict[str, bytes]:
    """Every file of the stream."""
    found = {path: store.read(path) for path in paths(store)}
    return {path: stored.data for path, stored in found.items() if stored}


def rows(store: Store, table: Table) -> list[dict[str, Any]]:
    """The rows of a table in the order of the files, without the partition columns."""
    files = [
        data for path, data in content(store).items() if path.startswith(f"stream/{table.name}/")
    ]
    return [row for data in files for row in pq.ParquetFile(io.BytesIO(data)).read().to_pylist()]


def test_a_volume_is_a_file_of_each_table_named_by_the_hash_of_its_key(stream, store) -> None:
    row = stream.take(upload(KATX))
    assert row is not None
    assert (row["status"], row["station"], row["date"]) == ("partial", "KATX", dt.date(2013, 7, 17))
    stem = hashlib.sha256(b"2013/07/17/KATX/KATX20130717_195021_V06").hexdigest()[:32]
    partition = f"station=KATX/date=2013-07-17/{stem}.parquet"
    (geometry,) = paths(store, "stream/radar_geometry/")
    assert geometry.startswith(f"stream/radar_geometry/station=KATX/grid={row['grid']}/")
    assert paths(store) == sorted(
        [geometry, *(f"stream/{table.name}/{partition}" for table in TABLES)]
    )
    assert len(rows(store, RADAR_GRID)) == row["cells"] > 0
    assert len(rows(store, RADAR_COLUMNS)) == row["columns"] > 0
    assert len(rows(store, RADAR_GEOMETRY)) == 151 * 151
    (written,) = rows(store, RADAR_VOLUMES)
    assert {"station": row["station"], "date": row["date"]} | written == row
    assert row["run_id"] == f"stream-{stem}"


def test_a_file_is_as_the_table_defines_it(stream, store) -> None:
    stream.take(upload(KATX))
    for path, data in content(store).items():
        table = next(t for t in (*TABLES, RADAR_GEOMETRY) if f"/{t.name}/" in path)
        file = pq.ParquetFile(io.BytesIO(data))
        assert file.schema_arrow.names == [column.name for column in table.columns]
        chunks = [file.metadata.row_group(0).column(n) for n in range(file.metadata.num_columns)]
        assert {chunk.compression for chunk in chunks} == {"ZSTD"}
        found = file.read()
        assert found.equals(found.sort_by([(name, "ascending") for name in table.sort]))
    reflectivity = [cell["reflectivity"] for cell in rows(store, RADAR_GRID)]
    assert all(abs(value * 10 - round(value * 10)) < 1e-4 for value in reflectivity)


def test_the_same_upload_again_writes_the_same_bytes_over_the_same_files(stream, store) -> None:
    for key in (KATX, KLOT, DAMAGED, METADATA):
        stream.take(upload(key))
    before = content(store)
    for key in (KATX, KLOT, DAMAGED, METADATA):
        stream.take(upload(key))
    assert content(store) == before


def test_what_is_no_volume_is_one_row_with_its_reason_and_never_fails(stream, store) -> None:
    found = {}
    for key in (DAMAGED, NO_STATION, METADATA, NOTES):
        row = stream.take(upload(key, size=5))
        assert row is not None
        found[key] = row["station"], row["status"], row["reason"], row["size"]
    assert found == {
        DAMAGED: ("KLOT", "rejected", "truncated_container", len(stream.fetcher.objects[DAMAGED])),
        NO_STATION: ("ZZZZ", "rejected", "unknown_station", len(stream.fetcher.objects[KLOT])),
        METADATA: ("KATX", "skipped", "metadata_only", 5),
        NOTES: ("KATX", "skipped", "unknown_key", 5),
    }
    assert all(path.startswith("stream/radar_volumes/") for path in paths(store))
    assert len(paths(store)) == 4


@pytest.mark.parametrize("key", ["notes.txt", "2013/07/17/notes.txt", "2013/13/45/KATX/x", ""])
def test_what_a_batch_run_would_not_list_is_ignored(stream, store, key: str) -> None:
    assert stream.take(upload(key)) is None
    assert stream.take(Upload("weather-archive", f"elsewhere/{KATX}", 1)) is None
    assert paths(store) == []


def test_an_upload_to_another_bucket_is_a_wrong_set_up(stream) -> None:
    with pytest.raises(RefusedInput, match=r"'other'.*s3://weather-archive/raw data"):
        stream.take(Upload("other", KATX, 1))


def test_an_object_that_is_gone_is_a_row_and_one_that_cannot_be_read_now_is_tried_again(
    stream, bucket, store
) -> None:
    bucket.failures[KATX] = FetchFailed("gone since it was listed", lasting=True)
    row = stream.take(upload(KATX))
    assert (row["status"], row["reason"]) == ("rejected", "fetch_failed")
    before = content(store)
    bucket.failures[KATX] = FetchFailed("SlowDown")
    with pytest.raises(ServiceUnreachable, match="SlowDown"):
        stream.take(upload(KATX))
    assert content(store) == before
    del bucket.failures[KATX]
    assert stream.take(upload(KATX))["status"] == "partial"
    assert len(rows(store, RADAR_VOLUMES)) == 1


def test_a_volume_that_lost_its_echo_leaves_no_cells_of_its_older_version(
    stream, bucket, store
) -> None:
    stream.take(upload(KATX))
    bucket.objects[KATX] = b"an error page instead"
    stream.take(upload(KATX))
    assert rows(store, RADAR_GRID) == rows(store, RADAR_COLUMNS) == []
    (row,) = rows(store, RADAR_VOLUMES)
    assert (row["status"], row["reason"], row["size"]) == ("rejected", "not_level2", 21)


def test_the_size_is_that_of_the_bytes_read_whatever_a_late_notification_says(stream) -> None:
    assert stream.take(upload(KATX, size=3)) == stream.take(upload(KATX, size=10**9))


@settings(max_examples=200)
@given(key=st.text(max_size=1024).filter(lambda key: key.isprintable()), other=st.text(max_size=9))
def test_a_file_has_one_name_for_one_key(key: str, other: str) -> None:
    assert file_stem(key) == file_stem(key)
    assert (file_stem(key) == file_stem(other)) == (key == other)
    assert len(file_stem(key)) == 32 and int(file_stem(key), 16) >= 0


# Duplicates: two objects with one station and volume time.

FIRST, SECOND = KATX, archive_key("KATX20130717_195022_V06")


@dataclass
class Hooked:
    """A store that does something before its operation number `at`, once."""

    store: Store
    at: int
    do: Callable[[], None]
    count: int = 0

    def _tick(self) -> None:
        self.count += 1
        if self.count - 1 == self.at:
            self.do()

    def read(self, path: str) -> Stored | None:
        self._tick()
        return self.store.read(path)

    def create(self, path: str, data: bytes) -> str:
        self._tick()
        return self.store.create(path, data)

    def replace(self, path: str, data: bytes, etag: str) -> str:
        self._tick()
        return self.store.replace(path, data, etag)

    def delete(self, path: str, etag: str | None = None) -> None:
        self._tick()
        self.store.delete(path, etag)

    def list(self, prefix: str) -> Iterator[Entry]:
        self._tick()
        return self.store.list(prefix)


class Killed(Exception):
    """The function's process ended here."""


@pytest.fixture(scope="module")
def decoded(objects, profile: Profile) -> Callable[[str], Any]:
    """The decoded row of KATX under a key; decoded once."""
    found: list[VolumeResult] = []
    plain = radar_rows.decoded_batch

    def batch(key: str) -> Any:
        if not found:
            from stormlake.radar.isolation import shared_decoder

            found.append(shared_decoder(profile, builtin_stations()).process(objects[KATX], KATX))
        obj = ArchiveObject(
            key, 7, "KATX", dt.date(2013, 7, 17), dt.datetime(2013, 7, 17, tzinfo=dt.UTC)
        )
        return plain(obj, found[0], RunFacts(f"stream-{file_stem(key)}", "s", profile))

    return batch


def settled(store: Store) -> dict[str, bytes]:
    """The stream's files, checked to be those of one volume and its duplicate."""
    found = {row["key"]: row for row in rows(store, RADAR_VOLUMES)}
    assert found[FIRST]["status"] == "partial"
    duplicate = found[SECOND]
    assert (duplicate["status"], duplicate["reason"]) == ("skipped", "duplicate_volume")
    assert duplicate["detail"] == f"the same station and volume time as {FIRST}"
    assert duplicate["cells"] is duplicate["grid"] is None
    for table in (RADAR_GRID, RADAR_COLUMNS):
        (path,) = paths(store, f"stream/{table.name}/")
        assert file_stem(FIRST) in path
    return content(store)


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)], ids=["in order", "reverse"])
def test_of_two_objects_with_one_volume_the_first_key_counts_whichever_came_first(
    store, profile, decoded, order
) -> None:
    for key in order:
        write_volume(store, decoded(key), profile)
    settled(store)
    row = write_volume(store, decoded(SECOND), profile)
    assert row["reason"] == "duplicate_volume", "a retry says so too"
    settled(store)


@pytest.mark.parametrize("slow", [FIRST, SECOND], ids=["first", "second"])
def test_two_handlers_at_once_agree_wherever_one_overtakes_the_other(
    tmp_path, profile, decoded, slow: str
) -> None:
    quick = SECOND if slow == FIRST else FIRST
    expected = None
    for at in range(100):
        store = LocalStore(tmp_path / str(at))
        hooked = Hooked(store, at, lambda s=store: write_volume(s, decoded(quick), profile))
        write_volume(hooked, decoded(slow), profile)
        if hooked.count <= at:
            break
        found = settled(store)
        assert found == (expected or found)
        expected = found
    assert 5 < at < 99


@pytest.mark.parametrize("slow", [FIRST, SECOND], ids=["first", "second"])
def test_a_handler_killed_anywhere_is_mended_by_the_services_retry(
    tmp_path, profile, decoded, slow: str
) -> None:
    def die() -> None:
        raise Killed

    quick = SECOND if slow == FIRST else FIRST
    expected = None
    for at in range(100):
        store = LocalStore(tmp_path / str(at))
        write_volume(store, decoded(quick), profile)
        hooked = Hooked(store, at, die)
        try:
            write_volume(hooked, decoded(slow), profile)
        except Killed:
            write_volume(store, decoded(slow), profile)
        found = settled(store)
        assert found == (expected or found)
        expected = found
        if hooked.count <= at:
            break
    assert 4 < at < 99


# The batch run takes over.


def batch_rows(stream: Stream, *keys: str) -> list[dict[str, Any]]:
    """Rows of `radar_volumes` as a batch run over these objects has them."""
    found = []
    for key in keys:
        row = stream.take(upload(key))
        assert row is not None
        found.append({**row, "run_id": "0123456789abcdef-1"})
    return found


def test_a_batch_run_takes_over_the_objects_that_it_recorded_and_no_other(stream, store) -> None:
    recorded = batch_rows(stream, KATX, METADATA, DAMAGED)
    late = stream.take(upload(KLOT))  # uploaded after the run had listed the archive
    assert late is not None and late["station"] == "KLOT"
    # Of KATX four files (grid, columns, and two rows of volumes), of KLOT the damaged one's row.
    assert take_over(store, recorded) == 5
    assert [row["key"] for row in rows(store, RADAR_VOLUMES)] == [KLOT]
    assert not [path for path in paths(store) if "station=KATX/date" in path]
    assert len(paths(store, "stream/radar_geometry/")) == 2, "a grid never changes"
    assert paths(store, "_stormlake/stream/KATX/") == []
    assert len(paths(store, "_stormlake/stream/KLOT/")) == 1
    assert take_over(store, recorded) == 0


def test_what_the_batch_run_could_not_fetch_stays_in_the_stream(stream, store) -> None:
    (row,) = batch_rows(stream, KATX)
    before = content(store)
    failed = {**row, "status": "rejected", "reason": "fetch_failed", "cells": None}
    assert take_over(store, [failed]) == 0
    assert content(store) == before


def test_a_lake_without_a_stream_costs_a_batch_run_one_listing(tmp_path) -> None:
    hooked = Hooked(LocalStore(tmp_path), -1, lambda: None)
    stations = [f"K{n:03}" for n in range(158)]
    assert take_over(hooked, [{"station": s, "reason": None} for s in stations]) == 0
    assert hooked.count == 1


def test_cells_go_before_their_row_wherever_a_take_over_is_killed(stream, store) -> None:
    recorded = batch_rows(stream, KATX)
    late = batch_rows(stream, KLOT)
    whole = content(store)

    def die() -> None:
        raise Killed

    for at in range(100):
        for path, data in whole.items():
            overwrite(store, path, data)
        hooked = Hooked(store, at, die)
        try:
            take_over(hooked, recorded)
        except Killed:
            left = content(store)
            cells = [path for path in left if "radar_grid/station=KATX" in path]
            row = [path for path in left if "radar_volumes/station=KATX" in path]
            assert row or not cells
            assert {k: v for k, v in left.items() if "KLOT" in k} == {
                k: v for k, v in whole.items() if "KLOT" in k
            }
        if hooked.count <= at:
            break
    assert 5 < at < 99
    assert [row["key"] for row in rows(store, RADAR_VOLUMES)] == [late[0]["key"]]


# Readers of both.

PAGE = ROOT / "docs" / "stream.md"


def read_both(lake: Path) -> duckdb.DuckDBPyConnection:
    """DuckDB with the views that the page defines."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for schema, folder in (("lake", lake), ("stream", lake / "stream")):
        connection.execute(f"CREATE SCHEMA {schema}")
        for table in (*TABLES, RADAR_GEOMETRY):
            second = table.partition_names[1]
            types = {"station": "VARCHAR", second: "DATE" if second == "date" else "VARCHAR"}
            pattern = f"{folder}/{table.name}/station=*/{second}=*/*.parquet"
            names = ", ".join(f'"{name}"' for name in table.names)
            connection.execute(
                f"CREATE VIEW {schema}.{table.name} AS SELECT {names} FROM "
                f"read_parquet('{pattern}', hive_types = {types})"
            )
    (recipe,) = blocks(PAGE, "sql")
    connection.execute(recipe.code)
    of_columns = next(s for s in recipe.code.split(";") if "VIEW radar_columns" in s)
    connection.execute(of_columns.replace("radar_columns", "radar_grid"))
    return connection


def seen(lake: Path) -> dict[str, list[dict[str, Any]]]:
    """What a reader of both finds in the tables of a day, `run_id` apart."""
    connection = read_both(lake)
    found = {}
    for table in TABLES:
        names = ", ".join(f'"{name}"' for name in table.names if name != "run_id")
        rows = connection.sql(f"SELECT {names} FROM {table.name} ORDER BY ALL")
        found[table.name] = rows.to_arrow_table().to_pylist()
    return found


def copy_as_batch(whole: dict[str, bytes], table: Table, lake: Path, *keys: str) -> None:
    """Put the stream's files of these keys where a batch run has its own."""
    for path, data in whole.items():
        if path.startswith(f"stream/{table.name}/") and any(file_stem(k) in path for k in keys):
            target = lake / path.removeprefix("stream/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.with_name(f"part-{target.name}").write_bytes(data)


def test_readers_of_both_see_every_row_once_at_every_step_of_a_batch_run(
    bucket, profile, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    store = LocalStore(lake)
    source = Source("s3://weather-archive/raw data+1")
    stream = Stream(source, bucket, store, profile, builtin_stations())
    second = archive_key("KLOT20030101_000930.bz2")  # a duplicate
    late = archive_key("KATX20130717_230000.bz2")
    other = archive_key("KTLX20030101_000921.bz2")
    bucket.objects |= dict.fromkeys((second, late, other), bucket.objects[KLOT])
    for key in (KATX, KLOT, second, DAMAGED, METADATA, late, other):
        stream.take(upload(key))
    whole = content(store)
    # Another station's day, so that every table is there.
    for table in TABLES:
        copy_as_batch(whole, table, lake, other)
    for path, data in whole.items():
        if "radar_geometry/station=KTLX" in path:
            target = lake / path.removeprefix("stream/")
            target.parent.mkdir(parents=True)
            target.write_bytes(data)
    expected = seen(lake)
    assert len(expected["radar_volumes"]) == 7
    grids = "SELECT station, count(*) FROM radar_geometry GROUP BY station, grid ORDER BY ALL"
    assert read_both(lake).sql(grids).fetchall() == [
        # KATX stood in two places: its own volume says another one than the table.
        *((station, 151 * 151) for station in ("KATX", "KATX", "KLOT", "KTLX"))
    ]
    per_volume = Counter(cell["volume_time"] for cell in expected["radar_grid"])
    assert sorted(per_volume.values()) == [93, 1457], "31 cells of each of three stations"

    recorded = [row for row in expected["radar_volumes"] if row["key"] not in (late, other)]
    for table in (RADAR_GRID, RADAR_COLUMNS, RADAR_VOLUMES):
        copy_as_batch(whole, table, lake, *(row["key"] for row in recorded))
        assert seen(lake) == expected, f"after the commit of {table.name}"

    def die() -> None:
        raise Killed

    for at in range(100):
        hooked = Hooked(store, at, die)
        with suppress(Killed):
            take_over(hooked, recorded)
        assert seen(lake) == expected, f"the removal died at its step {at}"
        if hooked.count <= at:
            break
    assert 2 < at < 99
    assert {row["key"] for row in rows(store, RADAR_VOLUMES)} == {late, other}


def test_readers_of_both_see_the_streams_rows_of_what_a_batch_run_could_not_fetch(
    bucket, profile, tmp_path: Path
) -> None:
    lake = tmp_path / "lake"
    source = Source("s3://weather-archive/raw data+1")
    stream = Stream(source, bucket, LocalStore(lake), profile, builtin_stations())
    for key in (KATX, KLOT):
        stream.take(upload(key))
    whole = content(stream.store)
    bucket.failures[KATX] = FetchFailed("throttled", lasting=True)
    failed = replace(stream, store=LocalStore(tmp_path / "other"))
    failed.take(upload(KATX))
    for table in TABLES:
        copy_as_batch(whole, table, lake, KLOT)
    copy_as_batch(content(failed.store), RADAR_VOLUMES, lake, KATX)
    geometry = lake / "stream" / "radar_geometry"
    shutil.copytree(geometry, lake / "radar_geometry")
    found = {row["key"]: row["status"] for row in seen(lake)["radar_volumes"]}
    assert found == {KATX: "partial", KLOT: "ok"}
    assert len(seen(lake)["radar_grid"]) == 1457 + 31

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from stormlake.errors import RefusedInput
from stormlake.lake.files import LakeFiles
from stormlake.lake.locks import hold, live_locks
from stormlake.lake.partitions import Partition, PartitionWritten
from stormlake.lake.store import LocalStore
from stormlake.lake.tables import RADAR_GRID, Column, Table, Warehouse, arrow_schema, spark_schema
from stormlake.lake.views import read_table
from stormlake.lake.write import (
    RowOutsideScope,
    WrongColumns,
    remove_dead_staging,
    write_partitions,
)
from tests.data import shared

pytestmark = pytest.mark.spark

NOTES = Table(
    name="notes",
    description="A table whose partitions are named as people name things.",
    partitions=(
        Column("job", "string", "", "Job.", False, 64),
        Column("date", "date", "", "Day.", False),
    ),
    columns=(Column("note", "string", "", "Text.", True, 64),),
    sort=("note",),
    warehouse=Warehouse("replace", sort=("date",)),
)
DAY1, DAY2 = ("KLBB", "2016-06-01"), ("KLBB", "2016-06-02")


def cell(station: str, day: str, ix: int, value: float = 20.0) -> tuple[Any, ...]:
    date = dt.date.fromisoformat(day)
    time = dt.datetime(date.year, date.month, date.day, 15, 0, 25, tzinfo=dt.UTC)
    return (station, date, time, 0, 1000.0, 150, ix, value)


def grid(spark, cells: Iterable[tuple[Any, ...]]):
    return spark.createDataFrame(list(cells), spark_schema(RADAR_GRID))


def rows(spark, lake: Path) -> list[tuple[str, str, int, float]]:
    found = read_table(spark, RADAR_GRID, str(lake)).collect()
    return sorted((r.station, str(r.date), r.ix, r.reflectivity) for r in found)


def counts(written: list[PartitionWritten]) -> dict[Partition, int]:
    return {each.values: each.rows for each in written}


def test_what_is_reported_is_what_pyarrow_finds_in_the_files(spark, tmp_path: Path) -> None:
    cells = [cell("KLBB", "2016-06-01", ix) for ix in range(100)]
    cells += [cell("KLBB", "2016-06-02", ix) for ix in range(7)]
    frame = grid(spark, cells).repartition(3)
    written = write_partitions(frame, RADAR_GRID, str(tmp_path), [DAY2, DAY1])
    assert counts(written) == {DAY1: 100, DAY2: 7}
    for partition in written:
        station, date = partition.values
        folder = tmp_path / "radar_grid" / f"station={station}" / f"date={date}"
        expected = [
            (
                f"radar_grid/station={station}/date={date}/{file.name}",
                pq.read_metadata(file).num_rows,
                file.stat().st_size,
            )
            for file in sorted(folder.glob("*.parquet"))
        ]
        assert [(file.path, file.rows, file.bytes) for file in partition.files] == expected
        assert partition.bytes == sum(size for _, _, size in expected)


def test_files_hold_the_defined_columns_and_types_in_zstd(spark, tmp_path: Path) -> None:
    # A frame in another order: names decide, not positions.
    frame = grid(spark, [cell("KLBB", "2016-06-01", 7)]).select(*reversed(RADAR_GRID.names))
    [written] = write_partitions(frame, RADAR_GRID, str(tmp_path), [DAY1])
    file = pq.ParquetFile(tmp_path / written.files[0].path)
    defined = arrow_schema(RADAR_GRID)
    assert file.schema_arrow.names == list(RADAR_GRID.names)[2:]
    assert file.schema_arrow.types == defined.types[2:]
    group = file.metadata.row_group(0)
    assert {group.column(i).compression for i in range(group.num_columns)} == {"ZSTD"}
    # INT96 would be refused by Redshift's COPY.
    assert group.column(0).physical_type == "INT64"
    assert file.read().column("ix").to_pylist() == [7]


def test_a_second_run_replaces_its_partitions_and_no_other(spark, tmp_path: Path) -> None:
    first = [cell("KLBB", "2016-06-01", 1), cell("KLBB", "2016-06-02", 2)]
    write_partitions(grid(spark, first), RADAR_GRID, str(tmp_path), [DAY1, DAY2])
    again = [cell("KLBB", "2016-06-02", 3, 45.5)]
    written = write_partitions(grid(spark, again), RADAR_GRID, str(tmp_path), [DAY2])
    assert counts(written) == {DAY2: 1}
    assert rows(spark, tmp_path) == [
        ("KLBB", "2016-06-01", 1, 20.0),
        ("KLBB", "2016-06-02", 3, 45.5),
    ]


def test_a_partition_of_the_scope_that_got_no_rows_is_emptied(spark, tmp_path: Path) -> None:
    first = [cell("KLBB", "2016-06-01", 1), cell("KLBB", "2016-06-02", 2)]
    write_partitions(grid(spark, first), RADAR_GRID, str(tmp_path), [DAY1, DAY2])
    written = write_partitions(grid(spark, first[:1]), RADAR_GRID, str(tmp_path), [DAY1, DAY2])
    assert written[1] == PartitionWritten(DAY2, ())
    assert rows(spark, tmp_path) == [("KLBB", "2016-06-01", 1, 20.0)]
    assert not (tmp_path / "radar_grid/station=KLBB/date=2016-06-02").exists()
    # Nothing at all: the whole scope is emptied.
    written = write_partitions(grid(spark, []), RADAR_GRID, str(tmp_path), [DAY1, DAY2])
    assert counts(written) == {DAY1: 0, DAY2: 0}
    assert rows(spark, tmp_path) == []


@pytest.mark.parametrize(
    ("scope", "outside", "named"),
    [
        pytest.param([DAY1], cell("KLBB", "2016-06-02", 9), "KLBB/2016-06-02", id="one day"),
        pytest.param(
            [DAY1, ("KTLX", "2016-06-02")],  # two of the four that these names could make
            cell("KLBB", "2016-06-02", 9),
            "KLBB/2016-06-02",
            id="not every station with every day",
        ),
        pytest.param(
            [DAY1, DAY2, ("KTLX", "2016-06-01"), ("KTLX", "2016-06-02")],
            cell("KABR", "2016-06-02", 9),
            "KABR/2016-06-02",
            id="every station with every day",
        ),
        pytest.param([], cell("KLBB", "2016-06-01", 9), "KLBB/2016-06-01", id="no scope"),
    ],
)
def test_a_row_outside_the_scope_is_refused_and_nothing_changes(
    spark, tmp_path: Path, scope: list[Partition], outside: tuple[Any, ...], named: str
) -> None:
    write_partitions(
        grid(spark, [cell("KLBB", "2016-06-01", 1)]), RADAR_GRID, str(tmp_path), [DAY1]
    )
    frame = grid(spark, [*([cell("KLBB", "2016-06-01", 2)] if scope else []), outside])
    with pytest.raises(RowOutsideScope, match=f"scope of the run: <{named}>; nothing was written"):
        write_partitions(frame, RADAR_GRID, str(tmp_path), scope)
    assert rows(spark, tmp_path) == [("KLBB", "2016-06-01", 1, 20.0)]


def test_every_partition_of_an_uneven_scope_takes_rows(spark, tmp_path: Path) -> None:
    scope = [("KLBB", "2016-06-01"), ("KTLX", "2016-06-02")]
    frame = grid(spark, [cell(station, day, 1) for station, day in scope])
    assert counts(write_partitions(frame, RADAR_GRID, str(tmp_path), scope)) == dict.fromkeys(
        scope, 1
    )


def test_a_missing_partition_value_is_outside_of_every_scope(spark, tmp_path: Path) -> None:
    from pyspark.sql import functions as F

    frame = grid(spark, [cell("KLBB", "2016-06-01", 1)])
    nameless = frame.withColumn("station", F.lit(None).cast("string"))
    with pytest.raises(RowOutsideScope, match=r"<\(none\)/2016-06-01>"):
        write_partitions(nameless, RADAR_GRID, str(tmp_path), [DAY1])


@pytest.mark.parametrize(
    "scope",
    [
        [("KLBB",)],
        [("KLBB", "2016-06-01", "x")],
        [("", "2016-06-01")],
        [("KLBB", "20160601")],
        [("KLBB", "June")],
    ],
)
def test_a_scope_that_is_no_partition_is_refused(spark, tmp_path: Path, scope) -> None:
    with pytest.raises(ValueError, match="radar_grid: not a partition"):
        write_partitions(grid(spark, []), RADAR_GRID, str(tmp_path), scope)


def test_a_frame_with_other_columns_is_refused_with_the_difference(spark, tmp_path: Path) -> None:
    frame = grid(spark, []).drop("height").withColumnRenamed("iy", "jy")
    frame = frame.withColumn("ix", frame["ix"].cast("int"))
    with pytest.raises(WrongColumns) as caught:
        write_partitions(frame, RADAR_GRID, str(tmp_path), [DAY1])
    assert str(caught.value).splitlines() == [
        "radar_grid: wrong columns",
        "  column                   defined      in the frame",
        "  height                   float        (none)",
        "  ix                       smallint     int",
        "  iy                       smallint     (none)",
        "  jy                       (none)       smallint",
    ]
    assert not (tmp_path / "radar_grid").exists()


@pytest.mark.parametrize("job", ["_unknown", "0123", "a b", "50% of a:b/c=d", "Zürich {x}"])
def test_partition_values_of_any_text_come_back(spark, tmp_path: Path, job: str) -> None:
    lake = tmp_path / "my lake"
    day = dt.date(1970, 1, 1)
    scope = [(job, "1970-01-01")]
    for note in ("old", "new"):
        frame = spark.createDataFrame([(job, day, note)], spark_schema(NOTES))
        [written] = write_partitions(frame, NOTES, str(lake), scope)
        assert written.rows == 1
        assert (lake / written.files[0].path).exists()
    assert [tuple(row) for row in read_table(spark, NOTES, str(lake)).collect()] == [
        (job, day, "new")
    ]
    empty = spark.createDataFrame([], spark_schema(NOTES))
    assert write_partitions(empty, NOTES, str(lake), scope)[0].files == ()
    assert not list(lake.rglob("*.parquet"))


def test_a_lake_named_by_its_file_uri_is_the_folder(spark, tmp_path: Path) -> None:
    lake = tmp_path / "my lake"
    uri = f"file://{quote(str(lake))}"
    write_partitions(grid(spark, [cell("KLBB", "2016-06-01", 1)]), RADAR_GRID, uri, [DAY1])
    assert rows(spark, lake) == [("KLBB", "2016-06-01", 1, 20.0)]


def test_the_session_has_its_own_settings_again_after_a_write(spark, tmp_path: Path) -> None:
    spark.conf.set("spark.sql.maxConcurrentOutputFileWriters", "3")
    try:
        write_partitions(grid(spark, []), RADAR_GRID, str(tmp_path), [DAY1])
        assert spark.conf.get("spark.sql.maxConcurrentOutputFileWriters") == "3"
    finally:
        spark.conf.unset("spark.sql.maxConcurrentOutputFileWriters")
    assert spark.conf.get("spark.sql.optimizer.plannedWrite.enabled") == "true"


def test_a_task_with_many_partitions_in_any_order_writes_them_all(spark, tmp_path: Path) -> None:
    # More than the writers that a task may have open at once: Spark sorts the rest.
    days = [f"2016-06-{day:02}" for day in range(1, 21)]
    frame = grid(spark, [cell("KLBB", day, ix) for ix in range(5) for day in days]).coalesce(1)
    scope = [("KLBB", day) for day in days]
    assert counts(write_partitions(frame, RADAR_GRID, str(tmp_path), scope)) == dict.fromkeys(
        scope, 5
    )


def leave_staging(lake: Path) -> Path:
    """Leave what a driver leaves that was killed before its commit."""
    folder = lake / "radar_grid/.spark-staging-6a1f2c9e-6f0b-4d27-9a53-6f3c0ef2d111"
    part = folder / "station=KLBB/date=2016-06-01/part-00000-6a1f2c9e.c000.zstd.parquet"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half a file")
    return folder


def test_staging_of_a_killed_run_is_never_read_and_goes_with_the_next(spark, tmp_path) -> None:
    write_partitions(
        grid(spark, [cell("KLBB", "2016-06-01", 1)]), RADAR_GRID, str(tmp_path), [DAY1]
    )
    dead = leave_staging(tmp_path)
    assert rows(spark, tmp_path) == [("KLBB", "2016-06-01", 1, 20.0)]
    store = LocalStore(tmp_path)
    with hold(store, "ingest-radar", ["KLBB"]) as held:
        removed = remove_dead_staging(
            spark, [RADAR_GRID, NOTES], str(tmp_path), lambda: bool(live_locks(store, but=held))
        )
    assert removed == [f"radar_grid/{dead.name}"]
    assert not dead.exists()
    assert rows(spark, tmp_path) == [("KLBB", "2016-06-01", 1, 20.0)]


def test_staging_stays_while_another_run_is_at_work(spark, tmp_path: Path) -> None:
    live = leave_staging(tmp_path)
    store = LocalStore(tmp_path)
    with (
        hold(store, "ingest-radar", ["KLBB"]) as held,
        hold(store, "ingest-radar", ["KTLX"]),
    ):
        at_work = lambda: bool(live_locks(store, but=held))  # noqa: E731 reads as a question
        assert remove_dead_staging(spark, [RADAR_GRID], str(tmp_path), at_work) == []
    assert live.exists()


def test_grid_rows_of_a_real_volume_cost_at_most_two_bytes(spark, tmp_path: Path) -> None:
    import numpy as np
    import pandas as pd

    from stormlake.radar.process import process_volume
    from stormlake.radar.profiles import LAKE

    name = "KLBB20160601_150025_V06"
    cells = process_volume(shared("nexrad", "volumes", name).read_bytes(), name, LAKE).cells
    frame = pd.DataFrame(
        {
            "station": "KLBB",
            "date": dt.date(2016, 6, 1),
            "volume_time": dt.datetime(2016, 6, 1, 15, 0, 25, tzinfo=dt.UTC),
            "level": cells.level.astype("int16"),
            "height": ((cells.level + 1) * 1000).astype("float32"),
            "iy": cells.iy.astype("int16"),
            "ix": cells.ix.astype("int16"),
            "reflectivity": np.round(cells.reflectivity, 1),
        }
    )
    table = spark.createDataFrame(frame, spark_schema(RADAR_GRID)).coalesce(1)
    [written] = write_partitions(table, RADAR_GRID, str(tmp_path), [DAY1])
    assert written.rows == 35420
    assert written.bytes / written.rows <= 2.0

    # The others read the same: pyarrow, and DuckDB.
    expected = round(float(np.round(cells.reflectivity, 1).astype("float64").sum()), 3)
    folder = tmp_path / "radar_grid"
    arrow = ds.dataset(folder, partitioning="hive").to_table(columns=["station", "reflectivity"])
    assert set(arrow["station"].to_pylist()) == {"KLBB"}
    assert round(sum(arrow["reflectivity"].to_pylist()), 3) == expected
    duckdb = pytest.importorskip("duckdb")
    glob = folder / "station=*" / "date=*" / "*.parquet"
    [(count, total)] = duckdb.sql(
        f"SELECT count(*), sum(reflectivity::DOUBLE) FROM read_parquet('{glob}') "
        "WHERE station = 'KLBB' AND date = DATE '2016-06-01'"
    ).fetchall()
    assert (count, round(total, 3)) == (35420, expected)


def test_a_lake_that_this_spark_cannot_reach_is_refused_with_its_address(
    spark: Any,
) -> None:
    with pytest.raises(RefusedInput, match=r"cannot reach nosuch://bucket/lake"):
        LakeFiles(spark, "nosuch://bucket/lake")

"""From the lake through an export and COPY into the warehouse: the same rows, in every table."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.lake.export import ValueRefused
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.tables import RADAR_COLUMNS, REJECTS, REQUESTS_BY_OS, TABLES, WIND_MAX
from stormlake.lake.types import Table
from stormlake.warehouse.exporting import export
from stormlake.warehouse.ledger import LEDGER
from stormlake.warehouse.loading import LoadFailed, OlderRun, load
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.fakes.s3 import S3Server
from tests.fakes.s3_jars import need_s3_jars
from tests.warehouse.exports import (
    alike,
    bring,
    hard_rows,
    reach,
    scope_in,
    unload_to,
    write_lake,
)
from tests.warehouse.prepared import (
    STARTED,
    as_loaded,
    how,
    manifest_of,
    quick,
    row_of,
    scope_of,
)

pytestmark = pytest.mark.spark


@pytest.fixture
def to_s3(spark: Any, warehouse_s3: S3Server) -> Any:
    """The test's Spark, which reaches the warehouse's bucket."""
    need_s3_jars()
    reach(spark, warehouse_s3)
    return spark


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_every_table_arrives_row_for_row(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path, table: Table
) -> None:
    warehouse.create(table)
    rows = hard_rows(table)
    scope = scope_in(table, write_lake(to_s3, tmp_path, table, rows))

    exported, loaded = bring(to_s3, tmp_path, scope, warehouse)

    assert (loaded.outcome, loaded.rows, loaded.in_table) == ("loaded", len(rows), len(rows))
    assert exported.manifest.rows == len(rows)
    assert alike(table, warehouse.rows(table)) == alike(table, as_loaded(table, rows))


def test_no_row_and_one_row(to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path) -> None:
    warehouse.create(WIND_MAX)
    rows = hard_rows(WIND_MAX, 1)
    written = write_lake(to_s3, tmp_path, WIND_MAX, rows)
    bring(to_s3, tmp_path, scope_in(WIND_MAX, written), warehouse)
    assert len(warehouse.rows(WIND_MAX)) == 1

    def no_spark() -> Any:
        raise AssertionError("there is nothing to export")

    nothing = scope_in(
        WIND_MAX,
        [PartitionWritten(written[0].values)],
        "run-2",
        run_started=STARTED.replace(hour=9),
    )
    exported = export(no_spark, str(tmp_path), nothing, unload_to(warehouse))
    assert exported.manifest.files == ()
    load(quick(warehouse), nothing, exported.manifest, how(warehouse))
    assert warehouse.rows(WIND_MAX) == []
    assert [row["row_count"] for row in warehouse.rows(LEDGER)] == [1, 0]


def day_rows(day: str, *counts: int) -> list[dict[str, Any]]:
    return [
        row_of(REQUESTS_BY_OS, os=f"os {n}", requests=count, date=date.fromisoformat(day))
        for n, count in enumerate(counts)
    ]


def test_a_rerun_with_fewer_rows_and_one_with_none_leave_exactly_theirs(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    kept = day_rows("2026-04-02", 8, 9)
    for hour, rows in enumerate(
        [day_rows("2026-04-01", 1, 2, 3, 4, 5), day_rows("2026-04-01", 1, 3), []]
    ):
        lake = tmp_path / str(hour)
        written = write_lake(to_s3, lake, REQUESTS_BY_OS, rows or kept)
        if not rows:
            written = (PartitionWritten(("2026-04-01",)), *written)
        scope = scope_in(
            REQUESTS_BY_OS, written, f"run-{hour}", run_started=STARTED + timedelta(hours=hour)
        )
        bring(to_s3, lake, scope, warehouse)
        assert warehouse.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows or kept)


def test_an_older_run_after_a_newer_is_refused_and_changes_nothing(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    old, new = day_rows("2026-04-01", 1, 2), day_rows("2026-04-01", 7)
    old_scope = scope_in(
        REQUESTS_BY_OS, write_lake(to_s3, tmp_path / "old", REQUESTS_BY_OS, old), "old"
    )
    new_scope = scope_in(
        REQUESTS_BY_OS,
        write_lake(to_s3, tmp_path / "new", REQUESTS_BY_OS, new),
        "new",
        run_started=STARTED + timedelta(hours=1),
    )
    bring(to_s3, tmp_path / "new", new_scope, warehouse)
    with pytest.raises(OlderRun):
        bring(to_s3, tmp_path / "old", old_scope, warehouse)
    assert warehouse.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, new)


def test_a_two_byte_character_too_many_is_stopped_at_the_export_with_column_and_value(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    """32 characters fit by characters; they are 33 bytes."""
    text = "a" * 31 + "é"
    row = row_of(REJECTS, job="aggregate-wind_max", object="wind/1.json", reason=text)
    written = write_lake(to_s3, tmp_path, REJECTS, [row])
    with pytest.raises(ValueRefused) as refused:
        export(lambda: to_s3, str(tmp_path), scope_in(REJECTS, written), unload_to(warehouse))
    said = str(refused.value)
    assert said.startswith(f"rejects.reason: value {text!r} cannot be loaded: longer than")
    assert "32 bytes" in said
    assert "job 'aggregate-wind_max', date '2026-04-30', object 'wind/1.json'" in said
    assert not _keys(warehouse, "manifest.json"), "no manifest was written"


def test_forced_past_the_export_it_is_error_1204_and_no_row(warehouse: RedshiftStandIn) -> None:
    warehouse.create(REJECTS)
    rows = [
        row_of(REJECTS, job="j", object="fits", reason="a" * 32),
        row_of(REJECTS, job="j", object="does not", reason="a" * 31 + "é"),
    ]
    manifest = manifest_of(warehouse, REJECTS, rows, "forced")
    with pytest.raises(LoadFailed, match="1204"):
        load(quick(warehouse), scope_of(REJECTS, rows), manifest, how(warehouse))
    assert warehouse.rows(REJECTS) == [] and warehouse.rows(LEDGER) == []


@pytest.mark.timeout(180)
def test_a_million_rows(to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path) -> None:
    warehouse.create(RADAR_COLUMNS)
    count, path = 1_000_000, "radar_columns/station=KLBB/date=2016-06-01/part-0.parquet"
    (tmp_path / path).parent.mkdir(parents=True)
    number = pa.array(range(count), pa.int32())
    base = datetime(2016, 6, 1, tzinfo=UTC)
    import pyarrow.compute as pc

    columns = {
        "volume_time": pa.array([base], pa.timestamp("us", tz="UTC")).take(
            pa.array([0] * count, pa.int32())
        ),
        "iy": pc.cast(pc.divide(number, 1000), pa.int16()),
        "ix": pc.cast(pc.subtract(number, pc.multiply(pc.divide(number, 1000), 1000)), pa.int16()),
        "composite_reflectivity": pc.cast(pc.divide(number, 20000), pa.float32()),
        "echo_top_18": pa.nulls(count, pa.float32()),
        "vil": pc.cast(pc.divide(number, 100000), pa.float32()),
    }
    pq.write_table(pa.table(columns), tmp_path / path, compression="zstd")
    size = (tmp_path / path).stat().st_size
    part = PartitionWritten(("KLBB", "2016-06-01"), (FileWritten(path, count, size),))

    _, loaded = bring(to_s3, tmp_path, scope_in(RADAR_COLUMNS, [part]), warehouse)

    assert loaded.in_table == count
    (found,) = warehouse.admin(
        'SELECT count(*) AS n, count(DISTINCT "iy" * 1000 + "ix") AS cells, sum("iy") AS iy, '
        'sum("ix") AS ix FROM "stormlake"."radar_columns"'
    )
    # 0 + 1 + … + 999, a thousand times.
    assert found == {"n": count, "cells": count, "iy": 499_500_000, "ix": 499_500_000}


def _keys(warehouse: RedshiftStandIn, ending: str = "") -> list[str]:
    listed = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket).get("Contents", [])
    return [each["Key"] for each in listed if each["Key"].endswith(ending)]


def test_the_helper_makes_rows_at_the_limit() -> None:
    longest = max(len(str(row["reason"]).encode()) for row in hard_rows(REJECTS))
    assert longest == 32

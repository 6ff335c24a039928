"""What an export refuses, how it says so, and how large its files are."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.lake import export
from stormlake.lake.export import Rewritten, ValueRefused, export_files
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.tables import Column, Table, Warehouse
from stormlake.lake.types import arrow_fields

pytestmark = pytest.mark.spark

DAY = ("2016-06-01",)
READINGS = Table(
    name="readings",
    description="A table with a column of each kind that can be refused.",
    partitions=(Column("date", "date", "", "Day.", False),),
    columns=(
        Column("id", "long", "1", "Number.", False),
        Column("state", "char", "", "Two letters.", True, 2),
        Column("note", "string", "", "Text.", True, 6),
        Column("speed", "float", "m s-1", "Speed.", True),
        Column("height", "double", "m", "Height.", True),
        Column("day", "date", "", "Day.", True),
        Column("time", "timestamp", "", "Time.", True),
    ),
    sort=("id",),
    warehouse=Warehouse("replace", sort=("date",)),
)
GOOD: dict[str, Any] = {
    "id": 7,
    "state": "OH",
    "note": "ééé",
    "speed": 1.5,
    "height": 2.5,
    "day": dt.date(2016, 6, 1),
    "time": dt.datetime(2016, 6, 1, tzinfo=dt.UTC),
}
MICROSECONDS = 86_400_000_000


def write(lake: Path, data: pa.Table, name: str = "part-0", **options: Any) -> PartitionWritten:
    path = f"readings/date={DAY[0]}/{name}.parquet"
    (lake / path).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, lake / path, **options)
    return PartitionWritten(DAY, (FileWritten(path, data.num_rows, (lake / path).stat().st_size),))


def readings(*rows: dict[str, Any]) -> pa.Table:
    loose = pa.schema([field.with_nullable(True) for field in arrow_fields(READINGS.columns)])
    return pa.Table.from_pylist(list(rows), schema=loose)


def test_columns_come_in_the_order_of_a_load_with_the_partition_inside(
    spark: Any, tmp_path: Path
) -> None:
    part = write(tmp_path, readings(GOOD, dict.fromkeys(GOOD) | {"id": 8}))
    export_files(spark, str(tmp_path), READINGS, [part], str(tmp_path / "out"))
    (file,) = (tmp_path / "out").glob("part-*.parquet")
    found = pq.ParquetFile(file)
    assert found.schema_arrow.names == [*GOOD, "date"]
    assert found.metadata.row_group(0).column(0).compression == "SNAPPY"
    rows = sorted(found.read().to_pylist(), key=lambda row: row["id"])
    day = dt.date(2016, 6, 1)
    assert rows == [GOOD | {"date": day}, dict.fromkeys(GOOD) | {"id": 8, "date": day}]


@pytest.mark.parametrize(
    ("column", "value", "shown", "reason"),
    [
        ("speed", float("nan"), "'NaN'", "no NaN and no infinity"),
        ("speed", float("-inf"), "'-Infinity'", "no NaN and no infinity"),
        ("height", float("inf"), "'Infinity'", "no NaN and no infinity"),
        ("note", "ééé!", "'ééé!'", "longer than the column's 6 bytes"),
        ("note", "a\0b", r"'a\\x00b'", "holds a NUL"),
        ("state", "é", "'é'", "single-byte characters"),
        ("state", "OHI", "'OHI'", "longer than the column's 2 bytes"),
        ("id", None, "NULL", "requires a value"),
    ],
)
def test_a_value_that_copy_would_refuse_is_named_with_its_row(
    spark: Any, tmp_path: Path, column: str, value: Any, shown: str, reason: str
) -> None:
    part = write(tmp_path, readings(GOOD, GOOD | {"id": 8} | {column: value}))
    number = "" if column == "id" else ", id '8'"
    with pytest.raises(ValueRefused, match=rf"^readings\.{column}: .*{shown}.*{reason}") as refused:
        export_files(spark, str(tmp_path), READINGS, [part], str(tmp_path / "out"))
    assert f"(row: date '2016-06-01'{number})" in str(refused.value)


@pytest.mark.parametrize(("column", "kind"), [("day", "int32"), ("time", "int64")])
def test_a_time_before_those_of_redshift_is_refused(
    spark: Any, tmp_path: Path, column: str, kind: str
) -> None:
    """Julian day 0 is 4713-11-24 BC of today's calendar, 2,440,588 days before 1970."""
    unit = 1 if column == "day" else MICROSECONDS
    at = list(GOOD).index(column)

    def data(days: int) -> pa.Table:
        table = readings(GOOD)
        values = pa.array([days * unit], getattr(pa, kind)()).cast(table.schema.field(at).type)
        return table.set_column(at, table.schema.field(at), values)

    first = write(tmp_path, data(-2_440_588), "first")
    export_files(spark, str(tmp_path), READINGS, [first], str(tmp_path / "first"))
    before = write(tmp_path, data(-2_440_589), "before")
    with pytest.raises(ValueRefused, match=rf"readings\.{column}: .*Redshift"):
        export_files(spark, str(tmp_path), READINGS, [before], str(tmp_path / "before"))


def test_a_file_that_is_gone_is_told_as_a_rewritten_partition(spark: Any, tmp_path: Path) -> None:
    one, two = write(tmp_path, readings(GOOD), "one"), write(tmp_path, readings(GOOD), "two")
    (tmp_path / two.files[0].path).unlink()
    both = PartitionWritten(DAY, one.files + two.files)
    with pytest.raises(Rewritten, match="rewritten since; run again"):
        export_files(spark, str(tmp_path), READINGS, [both], str(tmp_path / "out"))


def test_files_are_of_the_size_that_is_aimed_at(
    spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What 192 MiB are to a large export, 4 MiB are to this one."""
    monkeypatch.setattr(export, "FILE_BYTES", 4 << 20)
    count = 1_500_000
    random = np.random.default_rng(1)
    table = readings(GOOD).slice(0, 0)
    numbers = {"id": random.integers(0, 2**60, count), "height": random.uniform(0, 1, count)}
    columns = [
        pa.array(numbers[field.name]) if field.name in numbers else pa.nulls(count, field.type)
        for field in table.schema
    ]
    data = pa.Table.from_arrays(columns, schema=table.schema)
    part = write(tmp_path, data, row_group_size=50_000, compression="zstd")
    export_files(spark, str(tmp_path), READINGS, [part], str(tmp_path / "out"))
    sizes = [file.stat().st_size for file in (tmp_path / "out").glob("part-*.parquet")]
    assert 5 <= len(sizes) <= 8, sizes
    assert max(sizes) < 1.7 * min(sizes), sizes

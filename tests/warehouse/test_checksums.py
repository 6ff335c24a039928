"""The checksums of the lake are those of the warehouse's SQL, and one changed value shows."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow.fs import LocalFileSystem

from stormlake.errors import RefusedInput
from stormlake.lake.checksums import ROW, Checksum, Checksums, read_checksums
from stormlake.lake.quoting import qualified
from stormlake.lake.tables import RADAR_COLUMNS, TABLES
from stormlake.lake.types import Column, Table, Warehouse, arrow_fields
from stormlake.warehouse.checksums import checksum_queries
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.prepared import quick

DAY = "2026-05-01"
EVERY_TYPE = Table(
    name="every_type",
    description="A row with every type.",
    partitions=(Column("date", "date", "", "Day.", nullable=False),),
    columns=(
        Column("a_short", "short", "1", "Two bytes."),
        Column("an_int", "int", "1", "Four bytes."),
        Column("a_long", "long", "1", "Eight bytes."),
        Column("a_float", "float", "1", "Four bytes."),
        Column("a_double", "double", "1", "Eight bytes."),
        Column("a_text", "string", "", "Text.", bytes=400),
        Column("a_char", "char", "", "Text of one byte each.", bytes=20),
        Column("a_boolean", "boolean", "", "Yes or no."),
        Column("a_date", "date", "", "Day."),
        Column("a_time", "timestamp", "", "Time."),
    ),
    sort=("date",),
    warehouse=Warehouse("replace", sort=("date",)),
)
FIRST_MICRO = int((datetime(1, 1, 1) - datetime(1970, 1, 1)).total_seconds()) * 10**6
LAST_MICRO = 253_402_300_799_999_999  # 9999-12-31T23:59:59.999999


def doubles(width: int) -> st.SearchStrategy[float]:
    """Every number of this width in the range that is compared to the last digit, and 0."""
    return st.floats(width=width, allow_nan=False, allow_infinity=False).filter(
        lambda x: x == 0 or 2.0**-190 < abs(x) < 2.0**192
    )


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "a_short": st.integers(-(2**15), 2**15 - 1),
    "an_int": st.integers(-(2**31), 2**31 - 1),
    "a_long": st.integers(-(2**63), 2**63 - 1),
    "a_float": doubles(32),
    "a_double": doubles(64),
    "a_text": st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=100),
    "a_char": st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(
        lambda text: text.rstrip(" ")
    ),
    "a_boolean": st.booleans(),
    "a_date": st.integers(-719_162, 2_932_896).map(lambda n: np.datetime64(n, "D").item()),
    "a_time": st.integers(FIRST_MICRO, LAST_MICRO).map(lambda n: np.datetime64(n, "us").item()),
}
ROWS = st.lists(
    st.fixed_dictionaries({name: st.none() | each for name, each in VALUES.items()}), max_size=4
)


def of_lake(table: Table, rows: Sequence[dict[str, Any]]) -> dict[str, Checksum]:
    sums = Checksums(table)
    schema = arrow_fields(table.columns)
    # A time without a zone means UTC here.
    plain = [
        {
            name: value.replace(tzinfo=UTC)
            if isinstance(value, datetime) and value.tzinfo is None
            else value
            for name, value in row.items()
        }
        for row in rows
    ]
    sums.add(pa.RecordBatch.from_pylist(plain, schema=schema))
    return sums.found


def put(stand_in: RedshiftStandIn, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows in the place of all others, past every load."""
    into = qualified("stormlake", table.name)
    with stand_in._postgres.connect(stand_in.database) as connection:
        connection.execute(f"DELETE FROM {into}")
        marks = ", ".join(["%s"] * (len(table.columns) + 1))
        for row in rows:
            connection.execute(
                f"INSERT INTO {into} VALUES ({marks})",
                [row[column.name] for column in table.columns] + [DAY],
            )


def of_warehouse(stand_in: RedshiftStandIn, table: Table) -> dict[str, Checksum]:
    ((_, sql),) = checksum_queries(table, "stormlake", [(DAY,)])
    found = quick(stand_in).query(sql)
    if not found:
        return of_lake(table, [])
    (row,) = found
    sums = {
        column.name: Checksum(int(row[f"count_{n}"]), int(row[f"total_{n}"]))
        for n, column in enumerate(table.columns)
    }
    return sums | {ROW: Checksum(int(row["row_count"]), int(row["row_total"]))}


once = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@once
@given(rows=ROWS)
def test_both_sides_have_the_same_checksums(rows: list[dict[str, Any]], everything: Any) -> None:
    put(everything, EVERY_TYPE, rows)
    assert of_warehouse(everything, EVERY_TYPE) == of_lake(EVERY_TYPE, rows)


@pytest.fixture
def everything(warehouse: RedshiftStandIn) -> RedshiftStandIn:
    warehouse.create(EVERY_TYPE)
    return warehouse


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_one_changed_value_in_one_row_of_one_column_shows(data: st.DataObject) -> None:
    rows = data.draw(ROWS.filter(bool))
    at = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(sorted(VALUES)))
    other = data.draw((st.none() | VALUES[name]).filter(lambda value: value != rows[at][name]))
    changed = [dict(row) for row in rows]
    changed[at][name] = other
    before, after = of_lake(EVERY_TYPE, rows), of_lake(EVERY_TYPE, changed)
    assert {column for column in before if before[column] != after[column]} == {name, ROW}


@once
@given(value=doubles(64), steps=st.sampled_from([-1, 1]))
def test_the_last_bit_of_a_double_shows_on_both_sides(
    value: float, steps: int, everything: Any
) -> None:
    neighbour = math.nextafter(value, math.inf * steps)
    if value == 0:
        return  # its neighbours are below what is compared
    rows = [dict.fromkeys(VALUES) | {"a_double": value}]
    put(everything, EVERY_TYPE, [dict.fromkeys(VALUES) | {"a_double": neighbour}])
    assert of_warehouse(everything, EVERY_TYPE)["a_double"] != of_lake(EVERY_TYPE, rows)["a_double"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("a_float", struct.unpack("f", struct.pack("f", 3.4e38))[0]),
        ("a_float", 2.0**-149),
        ("a_double", 1.7976931348623157e308),
        ("a_double", 5e-324),
        ("a_double", -0.0),
        ("a_double", 0.1),
        ("a_double", -(2.0**62)),
        ("a_double", 2.0**-68),
        ("a_text", ""),
        ("a_text", "  blanks  "),
        ("a_text", "ü|\\\n\t'\"; 😀"),
        ("a_char", "  a"),
        ("a_date", date(1, 1, 1)),
        ("a_date", date(9999, 12, 31)),
        ("a_time", datetime(1, 1, 1)),
        ("a_time", datetime(1969, 12, 31, 23, 59, 59, 999999)),
        ("a_time", datetime(9999, 12, 31, 23, 59, 59, 999999)),
    ],
)
def test_the_ends_of_every_type_are_the_same_on_both_sides(
    name: str, value: Any, everything: RedshiftStandIn
) -> None:
    rows = [dict.fromkeys(VALUES) | {name: value}]
    put(everything, EVERY_TYPE, rows)
    assert of_warehouse(everything, EVERY_TYPE) == of_lake(EVERY_TYPE, rows)


def test_times_beyond_pythons_calendar_are_the_same_on_both_sides(
    everything: RedshiftStandIn,
) -> None:
    sums = Checksums(EVERY_TYPE)
    # Near the first and the last year that 64 bits of microseconds reach.
    texts = ["4713-01-01 00:00:00 BC", "294246-12-31 23:59:59.999999", "0001-12-31 00:00:00 BC"]
    with everything._postgres.connect(everything.database) as connection:
        for text in texts:
            connection.execute(
                'INSERT INTO "stormlake"."every_type" (a_time, date) VALUES (%s, %s)', [text, DAY]
            )
        found = connection.execute(
            "SELECT (EXTRACT(EPOCH FROM a_time) * 1000000)::bigint FROM stormlake.every_type"
        ).fetchall()
    micros = [int(row[0]) for row in found]
    schema = arrow_fields(EVERY_TYPE.columns)
    columns = [
        pa.array(micros, pa.int64()).cast(field.type) if field.name == "a_time"
        else pa.nulls(len(micros), field.type)
        for field in schema
    ]  # fmt: skip
    sums.add(pa.record_batch(columns, schema=schema))
    assert of_warehouse(everything, EVERY_TYPE) == sums.found


def test_a_checksum_can_be_worked_out_by_hand() -> None:
    rows = [dict.fromkeys(VALUES) | {"a_long": n} for n in (7, 8, None)]
    numbers = [int(hashlib.md5(text).hexdigest()[:15], 16) for text in (b"7", b"8")]
    assert of_lake(EVERY_TYPE, rows)["a_long"] == Checksum(2, sum(numbers))
    assert of_lake(EVERY_TYPE, rows)["a_text"] == Checksum(0, 0)


def test_values_that_have_changed_places_show_in_the_rows_alone() -> None:
    rows = [dict.fromkeys(VALUES) | {"an_int": n, "a_text": t} for n, t in ((1, "a"), (2, "b"))]
    swapped = [dict.fromkeys(VALUES) | {"an_int": n, "a_text": t} for n, t in ((1, "b"), (2, "a"))]
    before, after = of_lake(EVERY_TYPE, rows), of_lake(EVERY_TYPE, swapped)
    assert [name for name in before if before[name] != after[name]] == [ROW]


def test_a_null_that_moves_to_another_column_shows() -> None:
    left = [dict.fromkeys(VALUES) | {"a_short": 1}]
    right = [dict.fromkeys(VALUES) | {"an_int": 1}]
    before, after = of_lake(EVERY_TYPE, left), of_lake(EVERY_TYPE, right)
    assert {n for n in before if before[n] != after[n]} == {"a_short", "an_int", ROW}


def test_files_batches_and_the_order_of_rows_do_not_matter(tmp_path: Path) -> None:
    rows = [dict.fromkeys(VALUES) | {"a_long": n, "a_double": n / 7} for n in range(1000)]
    schema = arrow_fields(EVERY_TYPE.columns)
    paths = []
    for at, some in enumerate((rows[::-2], rows[::2])):
        paths.append(str(tmp_path / f"{at}.parquet"))
        pq.write_table(pa.Table.from_pylist(some, schema), paths[-1], row_group_size=77)
    found = read_checksums(EVERY_TYPE, paths, LocalFileSystem())
    # rows[::-2] is the odd numbers from the end.
    assert found == of_lake(EVERY_TYPE, rows)
    assert found[ROW].count == 1000


def test_a_file_that_is_gone_or_lacks_a_column_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match=r"gone\.parquet is gone"):
        read_checksums(EVERY_TYPE, [str(tmp_path / "gone.parquet")], LocalFileSystem())
    path = tmp_path / "old.parquet"
    pq.write_table(pa.table({"a_short": pa.array([1], pa.int16())}), path)
    with pytest.raises(RefusedInput, match=r"old\.parquet has no column an_int"):
        read_checksums(EVERY_TYPE, [str(path)], LocalFileSystem())
    path.write_bytes(b"no parquet")
    with pytest.raises(RefusedInput, match=r"old\.parquet cannot be read as Parquet"):
        read_checksums(EVERY_TYPE, [str(path)], LocalFileSystem())


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_query_stays_well_below_what_the_data_api_takes(table: Table) -> None:
    values = [tuple("2026-05-01" if c.type == "date" else "x" * 60 for c in table.partitions)]
    for _, sql in checksum_queries(table, "stormlake", values * 5000):
        assert len(sql.encode()) < 90_000


def test_many_partitions_are_asked_about_in_several_queries_each_once() -> None:
    values = [("KTLX", f"2026-05-{day:02d}") for day in range(1, 32)] * 100
    asked = [each for some, _ in checksum_queries(RADAR_COLUMNS, "s", values) for each in some]
    assert asked == values

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from stormlake.lake.reference import reference_page
from stormlake.lake.tables import (
    EVENTS_PER_MINUTE,
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
    REJECTS,
    REQUESTS_BY_OS,
    TABLES,
    UNICORN_MINUTES,
    WIND_MAX,
    Column,
    Table,
    arrow_schema,
    spark_schema,
)

PAGE = Path(__file__).parents[2] / "docs" / "tables.md"

# DESIGN.md, "Tables".
DESIGN = {
    "radar_volumes": "station date key key_time volume_time size status reason detail vcp latitude "
    "longitude altitude grid cuts rays chosen_cuts qc_method gates_valid gates_reflectivity "
    "gates_after_zdr gates_after_rho gates_kept cells columns max_reflectivity decoder profile "
    "profile_hash software run_id",
    "radar_grid": "station date volume_time level height iy ix reflectivity",
    "radar_columns": "station date volume_time iy ix composite_reflectivity echo_top_18 vil",
    "radar_geometry": "station grid iy ix x y latitude longitude",
    # specs/sensors.md, sections 2, 3, 1, 7 and 1.
    "unicorn_minutes": "date name window_start window_end distance min_magic_points "
    "max_magic_points min_health_points max_health_points record_count",
    "wind_max": "date location window_start window_end max_speed max_speed_time record_count",
    "events_per_minute": "date window_start window_end events",
    "requests_by_os": "date os os_family requests",
    "rejects": "job date object byte_offset byte_length record_count reason detail excerpt",
    # specs/sensors.md, sections 5 and 6.
    "anomaly_scores": "source date model_key record_id event_time location device_id manufacturer "
    "model features score anomaly",
    "alerts": "source date alert_id rule location device_id event_time value score threshold "
    "message",
}
PARTITIONS = {
    "radar_geometry": "station grid",
    "rejects": "job date",
    "anomaly_scores": "source date",
    "alerts": "source date",
}


def test_every_table_is_held_against_the_design() -> None:
    assert TABLES.keys() == DESIGN.keys()


@pytest.mark.parametrize("name", DESIGN)
def test_the_columns_are_those_of_the_design_partition_columns_first(name: str) -> None:
    table = TABLES[name]
    assert " ".join(table.names) == DESIGN[name]
    usual = "station date" if name.startswith("radar_") else "date"
    assert " ".join(table.partition_names) == PARTITIONS.get(name, usual)


def test_the_sensor_tables_have_the_types_of_their_specification() -> None:
    types = {column.name: column.type for column in UNICORN_MINUTES.columns}
    assert types.pop("name") == "string"
    assert {types.pop("window_start"), types.pop("window_end")} == {"timestamp"}
    assert (types.pop("distance"), types.pop("record_count")) == ("double", "long")
    assert types == dict.fromkeys(
        ("min_magic_points", "max_magic_points", "min_health_points", "max_health_points"), "int"
    )
    required = {column.name for column in UNICORN_MINUTES.columns if not column.nullable}
    assert required == {"name", "window_start", "window_end", "distance"}
    speed = next(column for column in WIND_MAX.columns if column.name == "max_speed")
    assert (speed.type, speed.unit) == ("double", "mile h-1")
    assert not any(column.nullable for column in WIND_MAX.columns + EVENTS_PER_MINUTE.columns)
    assert [column.nullable for column in REQUESTS_BY_OS.columns] == [True, True, False]


def test_a_reject_holds_200_characters_of_detail_and_200_bytes_of_excerpt() -> None:
    sizes = {column.name: column.bytes for column in REJECTS.columns}
    # Four bytes of UTF-8 for a character, and `\\xNN` for a byte that is none.
    assert len("𝄞".encode() * 200) <= (sizes["detail"] or 0)
    assert len(r"\xff" * 200) <= (sizes["excerpt"] or 0)


def test_grid_rows_are_made_of_small_types() -> None:
    types = {column.name: column.type for column in RADAR_GRID.all_columns}
    assert types == {
        "station": "string",
        "date": "date",
        "volume_time": "timestamp",
        "level": "short",
        "height": "float",
        "iy": "short",
        "ix": "short",
        "reflectivity": "float",
    }


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_every_number_has_a_unit_and_every_column_a_meaning(table: Table) -> None:
    for column in table.all_columns:
        assert column.description.endswith("."), column.name
        assert bool(column.unit) == (column.type not in ("string", "date", "timestamp", "boolean"))


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_arrow_schema_says_the_same_as_the_spark_schema(table: Table) -> None:
    pytest.importorskip("pyspark")
    from pyspark.sql.pandas.types import from_arrow_schema

    assert from_arrow_schema(arrow_schema(table)) == spark_schema(table)


def test_timestamps_are_utc_microseconds_in_arrow() -> None:
    assert arrow_schema(RADAR_GRID).field("volume_time").type == pa.timestamp("us", tz="UTC")
    assert arrow_schema(RADAR_GRID).field("level").type == pa.int16()
    assert not arrow_schema(RADAR_GRID).field("reflectivity").nullable


def test_the_warehouse_takes_the_tables_as_its_specification_says() -> None:
    assert {name: table.warehouse.mode for name, table in TABLES.items()} == {
        **dict.fromkeys(DESIGN, "replace"),
        "alerts": "merge",
    }
    assert TABLES["alerts"].warehouse.key == ("alert_id",)
    assert [t.name for t in TABLES.values() if not t.warehouse.by_default] == ["radar_grid"]
    assert RADAR_GEOMETRY.warehouse.distribution == "ALL"
    assert RADAR_VOLUMES.warehouse.distribution == RADAR_COLUMNS.warehouse.distribution == "EVEN"
    for table in (UNICORN_MINUTES, WIND_MAX, EVENTS_PER_MINUTE, REQUESTS_BY_OS, REJECTS):
        assert (table.warehouse.distribution, table.warehouse.sort) == ("EVEN", ("date",))


def test_a_definition_with_a_mistake_is_refused() -> None:
    with pytest.raises(ValueError, match="column name: text, and only text, states"):
        Column("name", "string", "", "A name.")
    with pytest.raises(ValueError, match="column n: text, and only text, states"):
        Column("n", "long", "1", "A number.", bytes=8)
    with pytest.raises(ValueError, match="used but not defined"):
        replace(RADAR_GRID, sort=("time",))
    with pytest.raises(ValueError, match="defined twice"):
        replace(RADAR_GRID, columns=(*RADAR_GRID.columns, RADAR_GRID.columns[0]))
    with pytest.raises(ValueError, match="a partition column is text or a day, required"):
        station, date = RADAR_GRID.partitions
        replace(RADAR_GRID, partitions=(station, replace(date, nullable=True)))


def test_the_reference_page_holds_every_column_with_its_unit() -> None:
    page = reference_page([RADAR_GRID])
    assert "## radar_grid\n" in page
    rows = [line for line in page.splitlines() if line.startswith("| `")]
    assert [row.split("`")[1] for row in rows] == list(RADAR_GRID.names)
    assert rows[-1].startswith("| `reflectivity` | float | dBZ | *Required.* ")


def test_the_committed_reference_page_is_not_stale() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "stormlake.lake.reference"], check=True, capture_output=True
    ).stdout.decode()
    assert PAGE.read_text() == made, "run: python -m stormlake.lake.reference > docs/tables.md"

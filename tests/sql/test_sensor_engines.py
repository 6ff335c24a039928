"""The sensor queries over a few rows: Spark and DuckDB give the same, which one can work out."""

from __future__ import annotations

import datetime as dt
import json
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot

from stormlake.errors import RefusedInput
from stormlake.lake.sql_files import bind, find_sql_file
from stormlake.lake.tables import TABLES, Table, Warehouse, arrow_schema, spark_schema
from stormlake.sensors.views import RECORD_VIEWS
from tests.data import shared
from tests.sql.engines import SENSORS, comparable, open_duckdb, rows, spark_rows

NAME = 'Ünï "O\'Hara", 獨角獸 of the very long name'
SHORT = "O'Hara"


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def unicorn(name: str, when: dt.datetime, distance: float, health: Any, magic: Any) -> tuple:
    return (name, when, 49.0, -122.5, distance, health, magic)


def wind(number: int, location: str, speed: float, when: str) -> tuple:
    start = at(when).replace(second=0, microsecond=0)
    stop = start + dt.timedelta(minutes=1)
    return (f"{number:064x}", location, speed, at(when), None, start, stop)


def request(date: str, os_name: str | None, family: str | None) -> tuple:
    values: dict[str, Any] = dict.fromkeys(c.name for c in RECORD_VIEWS["request_records"])
    day = dt.date.fromisoformat(date)
    values |= {"date": day, "event_time": at(date), "os": os_name, "os_family": family}
    return tuple(values.values())


RECORDS: Mapping[str, list[tuple]] = {
    "unicorn_records": [
        unicorn(SHORT, at("2018-12-31T23:59:00"), 30.0, 100, 100),
        unicorn(SHORT, at("2018-12-31T23:59:59.999999"), 0.1, None, 0),
        unicorn(SHORT, at("2019-01-01T00:00:00"), 0.2, None, None),
        # One name, one time, two readings.
        unicorn(NAME, at("2019-01-01T00:00:00"), 29.5, 99, 500),
        unicorn(NAME, at("2019-01-01T00:00:00"), 30.5, 98, 600),
        # More metres than SMALLINT holds, in an hour that New York's clocks skip.
        *(
            unicorn(NAME, at("2019-03-10T02:30:00") + dt.timedelta(seconds=n / 2), 300.0, 200, 300)
            for n in range(111)
        ),
        # The hour that they have twice.
        unicorn(NAME, at("2019-11-03T05:30:00"), 1.25, 200, 99),
        unicorn(NAME, at("2019-11-03T06:30:00"), 2.5, 200, 300),
        # At the end, which is exclusive.
        unicorn(NAME, at("2019-12-01T00:00:00"), 5000.0, 1, 1),
    ],
    "wind_records": [
        wind(1, "Farm, 1", 55.0, "2019-12-31T23:59:10"),
        # The fastest twice: the earlier one counts, whatever its id.
        wind(9, "Farm, 1", 70.5, "2019-12-31T23:59:20"),
        wind(2, "Farm, 1", 70.5, "2019-12-31T23:59:40"),
        wind(3, "Farm, 1", 12.0, "2020-01-01T00:00:00"),
        wind(4, 'Farm "2"', 0.0, "2020-01-01T00:00:59.999"),
        # One time, one speed, two records.
        wind(5, 'Farm "2"', 0.0, "2020-01-01T00:00:59.999"),
        wind(6, 'Farm "2"', 99.0, "2020-01-02T00:00:00"),
    ],
    "vital_records": [],
    "event_records": [
        ("a", at("2019-12-31T23:59:59"), "test"),
        ("b", at("2020-01-01T00:00:00"), "test"),
        ("c", at("2020-01-01T00:00:59"), "test"),
        ("d", at("2020-01-02T00:00:00"), "test"),
    ],
    "request_records": [
        request("2014-07-04", "Linux", "Linux"),
        request("2014-07-05", "Linux", "Linux"),
        request("2014-07-05", "Linux", "Android"),
        request("2014-07-05", None, None),
        request("2014-07-05", None, None),
        request("2014-08-05", "MacOS", "macOS"),
        request("2014-08-05", "Linux", "Linux"),
        request("2014-08-06", "Linux", "Linux"),
    ],
}
YEAR = {"start": at("2018-12-31T23:59:00"), "stop": at("2019-12-01T00:00:00")}
NEW_YEAR = {"start": at("2019-12-31T00:00:00"), "stop": at("2020-01-02T00:00:00")}
DAYS = {"start_date": dt.date(2014, 7, 5), "stop_date": dt.date(2014, 8, 5)}
GIVEN: Mapping[str, Mapping[str, Any]] = {
    "unicorn_minutes": YEAR,
    "unicorn_trip_points": {"name": SHORT} | YEAR,
    "unicorn_points_after": {"after": at("2019-11-03T05:30:00")},
    "unicorn_distance_total": {},
    "unicorn_low_vitals": {"limit": 100},
    "wind_max": NEW_YEAR,
    "events_per_minute": NEW_YEAR,
    "requests_by_os": DAYS,
    "os_totals": DAYS,
}


def minute(name: str, start: str, *more: Any) -> tuple:
    begin = at(start)
    end = begin + dt.timedelta(minutes=1)
    return (begin.date(), name, begin, end, *more)


# In the order of the query's own columns.
EXPECTED: Mapping[str, list[tuple]] = {
    "unicorn_minutes": [
        minute(SHORT, "2018-12-31T23:59:00", 30.1, 0, 100, 100, 100, 2),
        minute(SHORT, "2019-01-01T00:00:00", 0.2, None, None, None, None, 1),
        minute(NAME, "2019-01-01T00:00:00", 60.0, 500, 600, 98, 99, 2),
        minute(NAME, "2019-03-10T02:30:00", 33300.0, 300, 300, 200, 200, 111),
        minute(NAME, "2019-11-03T05:30:00", 1.25, 99, 99, 200, 200, 1),
        minute(NAME, "2019-11-03T06:30:00", 2.5, 300, 300, 200, 200, 1),
    ],
    "unicorn_trip_points": RECORDS["unicorn_records"][:3],
    "unicorn_points_after": RECORDS["unicorn_records"][-2:],
    "unicorn_distance_total": [(SHORT, 30.3, 3), (NAME, 38363.75, 116)],
    "unicorn_low_vitals": [
        RECORDS["unicorn_records"][1],
        # Equal but for the points: the order of the last columns decides.
        *RECORDS["unicorn_records"][3:5],
        *(RECORDS["unicorn_records"][n] for n in (-3, -1)),
    ],
    "wind_max": [
        minute("Farm, 1", "2019-12-31T23:59:00", 70.5, at("2019-12-31T23:59:20"), 3),
        minute("Farm, 1", "2020-01-01T00:00:00", 12.0, at("2020-01-01T00:00:00"), 1),
        minute('Farm "2"', "2020-01-01T00:00:00", 0.0, at("2020-01-01T00:00:59.999"), 2),
    ],
    "events_per_minute": [
        (dt.date(2019, 12, 31), at("2019-12-31T23:59:00"), at("2020-01-01T00:00:00"), 1),
        (dt.date(2020, 1, 1), at("2020-01-01T00:00:00"), at("2020-01-01T00:01:00"), 2),
    ],
    "requests_by_os": [
        (dt.date(2014, 7, 5), None, None, 2),
        (dt.date(2014, 7, 5), "Linux", "Android", 1),
        (dt.date(2014, 7, 5), "Linux", "Linux", 1),
        (dt.date(2014, 8, 5), "Linux", "Linux", 1),
        (dt.date(2014, 8, 5), "MacOS", "macOS", 1),
    ],
    "os_totals": [("Linux", 3), ("MacOS", 1), (None, 2)],
}


def view_as_table(name: str) -> Table:
    """A record view, as if it were a table: for its schemas."""
    return Table(name, "Records.", (), RECORD_VIEWS[name], (), Warehouse("replace", ()))


def write(name: str, records: list[tuple], path: Path) -> None:
    schema = arrow_schema(view_as_table(name))
    columns = zip(*records, strict=True) if records else [()] * len(schema.names)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("records")
    for name, records in RECORDS.items():
        write(name, records, folder / f"{name}.parquet")
    return folder


@pytest.fixture(scope="module")
def duck(files: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_duckdb() as connection:
        for name in RECORDS:
            connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{files}/{name}.parquet')")
        yield connection


@pytest.fixture(params=["UTC", "America/New_York"])
def zone(spark, request) -> Iterator[str]:
    """The zone of the machine, as Python and the JVM know it."""
    zones = spark._jvm.java.util.TimeZone
    before = os.environ.get("TZ"), zones.getDefault()
    try:
        os.environ["TZ"] = request.param
        time.tzset()
        zones.setDefault(zones.getTimeZone(request.param))
        yield request.param
    finally:
        zones.setDefault(before[1])
        os.environ.pop("TZ")
        if before[0] is not None:
            os.environ["TZ"] = before[0]
        time.tzset()


@pytest.fixture(scope="module")
def views(spark, files: Path) -> Iterator[None]:
    for name in RECORDS:
        schema = spark_schema(view_as_table(name))
        frame = spark.read.schema(schema).parquet(str(files / f"{name}.parquet"))
        frame.createOrReplaceTempView(name)
    yield
    for name in RECORDS:
        spark.catalog.dropTempView(name)


def duck_rows(
    connection: duckdb.DuckDBPyConnection, name: str, given: Mapping[str, Any]
) -> list[tuple[Any, ...]]:
    file = find_sql_file(name, RECORD_VIEWS)
    text = sqlglot.transpile(file.text, read="spark", write="duckdb", comments=False)[0]
    return comparable(rows(connection.sql(text, params=bind(file, given))))


def in_order(name: str, found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """A table has no order of its own; the other queries say theirs."""
    return sorted(found) if name in TABLES else found


def test_every_query_has_its_rows_here() -> None:
    assert {path.stem for path in SENSORS} == GIVEN.keys() == EXPECTED.keys()


@pytest.mark.parametrize("name", GIVEN)
def test_duckdb_finds_what_one_can_work_out(duck, name: str) -> None:
    expected = comparable(EXPECTED[name])
    assert in_order(name, duck_rows(duck, name, GIVEN[name])) == in_order(name, expected)


@pytest.mark.spark
@pytest.mark.parametrize("name", GIVEN)
def test_spark_finds_the_same_wherever_the_machine_stands(
    spark, views, duck, zone, name: str
) -> None:
    file = find_sql_file(name, RECORD_VIEWS)
    found = in_order(name, spark_rows(spark.sql(file.text, args=bind(file, GIVEN[name]))))
    assert found == in_order(name, comparable(EXPECTED[name]))
    assert found == in_order(name, duck_rows(duck, name, GIVEN[name]))


@pytest.mark.spark
@pytest.mark.parametrize("name", [name for name in GIVEN if name in TABLES])
def test_an_aggregation_yields_the_columns_of_its_table_in_their_types(
    spark, views, name: str
) -> None:
    file = find_sql_file(name, RECORD_VIEWS)
    found = spark.sql(file.text, args=bind(file, GIVEN[name]))
    defined = spark_schema(TABLES[name]).fields
    assert found.dtypes == [(field.name, field.dataType.simpleString()) for field in defined]


@pytest.mark.spark
def test_a_time_without_a_zone_would_be_shifted_so_it_is_refused(spark, zone) -> None:
    noon = dt.datetime(2019, 6, 25, 12)
    ((text,),) = spark.sql("SELECT CAST(:t AS STRING)", args={"t": noon}).collect()
    assert text == {"UTC": "2019-06-25 12:00:00", "America/New_York": "2019-06-25 16:00:00"}[zone]
    file = find_sql_file("unicorn_points_after", RECORD_VIEWS)
    with pytest.raises(RefusedInput, match="a time without a zone"):
        bind(file, {"after": noon})


def test_the_queries_give_the_golden_numbers_of_the_ride_file(tmp_path: Path) -> None:
    source = shared("sensors", "wildrydes", "ride_data_20190625.json")
    (readings,) = json.loads(source.read_text(encoding="utf-8")).values()
    keys = "Latitude", "Longitude", "Distance", "HealthPoints", "MagicPoints"
    records = [(r["Name"], at(r["StatusTime"]), *(r[key] for key in keys)) for r in readings]
    write("unicorn_records", records, tmp_path / "rides.parquet")
    with open_duckdb() as duck:
        duck.execute(
            f"CREATE VIEW unicorn_records AS FROM read_parquet('{tmp_path}/rides.parquet')"
        )
        day = {"start": at("2019-06-25T00:00:00"), "stop": at("2019-06-26T00:00:00")}
        minutes = sorted(duck_rows(duck, "unicorn_minutes", day))
        after = {time: len(duck_rows(duck, "unicorn_points_after", {"after": at(time)})) for time in
                 ("2019-06-25T12:00:00", "2019-06-25T12:30:00")}  # fmt: skip
        low = duck_rows(duck, "unicorn_low_vitals", {"limit": 100})
        trip = duck_rows(duck, "unicorn_trip_points", {"name": "Shadowfax"} | day)
        total = duck_rows(duck, "unicorn_distance_total", {})
    assert len(minutes) == 175
    assert sum(row[4] for row in minutes) == pytest.approx(1752531.189395, abs=1e-6)
    assert minutes[0][4:] == (2718.222011, 678, 9400, 88, 8495, 18)
    assert minutes[-1][4:] == (7584.83333, 1068, 9719, 423, 9888, 38)
    assert list(after.values()) == [2258, 458]
    assert len(low) == 176
    assert len(trip) == 10_417
    assert total == [("Shadowfax", 1752531.1894, 10_417)]

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stormlake.errors import StormlakeError
from stormlake.lake import views
from stormlake.lake.tables import RADAR_GRID, TABLES, spark_schema
from stormlake.lake.write import write_partitions

pytestmark = pytest.mark.spark


@pytest.fixture
def sql(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of .sql files that stands for the project's."""
    folder = tmp_path / "sql"
    folder.mkdir()

    def files(part: str):
        assert part == "sql"
        found = (file for file in folder.rglob("*") if file.is_file())
        return sorted((file.relative_to(folder).as_posix(), file) for file in found)

    monkeypatch.setattr(views, "source_files", files)
    return folder


def put(folder: Path, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def test_a_lake_without_anything_has_every_table_empty_and_typed(spark, tmp_path, sql) -> None:
    assert views.register_tables(spark, str(tmp_path / "lake")) == list(TABLES)
    for name, table in TABLES.items():
        frame = spark.table(name)
        assert frame.count() == 0
        assert [(f.name, f.dataType) for f in frame.schema.fields] == [
            (f.name, f.dataType) for f in spark_schema(table).fields
        ]


def test_a_table_that_only_holds_a_killed_runs_staging_is_empty(spark, tmp_path, sql) -> None:
    (tmp_path / "lake/radar_grid/.spark-staging-1/station=KLBB/date=2016-06-01").mkdir(parents=True)
    views.register_tables(spark, str(tmp_path / "lake"))
    assert spark.table("radar_grid").count() == 0


def test_a_station_of_digits_stays_text_and_a_day_stays_a_date(spark, tmp_path, sql) -> None:
    day = dt.date(2016, 6, 1)
    time = dt.datetime(2016, 6, 1, 15, 0, 25, 718000, tzinfo=dt.UTC)
    cells = [(station, day, time, 3, 4000.0, 150, 126, 51.8) for station in ("0123", "_unknown")]
    frame = spark.createDataFrame(cells, spark_schema(RADAR_GRID))
    scope = [("0123", "2016-06-01"), ("_unknown", "2016-06-01")]
    write_partitions(frame, RADAR_GRID, str(tmp_path / "lake"), scope)
    views.register_tables(spark, str(tmp_path / "lake"))
    found = spark.sql(
        "SELECT station, date, CAST(volume_time AS STRING), level, ix FROM radar_grid "
        "WHERE date = DATE '2016-06-01' ORDER BY station"
    ).collect()
    assert [tuple(row) for row in found] == [
        ("0123", day, "2016-06-01 15:00:25.718", 3, 126),
        ("_unknown", day, "2016-06-01 15:00:25.718", 3, 126),
    ]
    assert spark.table("radar_grid").columns == list(RADAR_GRID.names)


def test_sql_files_that_say_so_become_views_even_of_each_other(spark, tmp_path, sql) -> None:
    put(sql, "radar/a.sql", "-- view: strong\n-- Cells of b.\nSELECT * FROM all_cells WHERE n = 0")
    put(sql, "radar/b.sql", "-- view: all_cells\nSELECT count(*) AS n FROM radar_grid\n")
    put(sql, "radar/c.sql", "-- A query, not a view: report\nSELECT nothing FROM nowhere")
    put(sql, "ddl/athena/d.sql", "-- view: ddl\nCREATE TABLE x (y INT)")
    put(sql, "radar/notes.md", "-- view: notes\n")
    names = views.register_tables(spark, str(tmp_path / "lake"))
    assert names[: len(TABLES)] == list(TABLES)
    assert sorted(names[len(TABLES) :]) == ["all_cells", "strong"]
    assert [tuple(row) for row in spark.sql("SELECT * FROM strong").collect()] == [(0,)]


def test_views_that_need_each_other_are_refused(spark, tmp_path, sql) -> None:
    put(sql, "radar/a.sql", "-- view: a\nSELECT * FROM b")
    put(sql, "radar/b.sql", "-- view: b\nSELECT * FROM a")
    with pytest.raises(StormlakeError, match="views that read each other: a, b"):
        views.register_tables(spark, str(tmp_path / "lake"))


@pytest.mark.parametrize("name", ["radar_grid", "twice"])
def test_a_view_with_a_taken_name_is_refused(sql: Path, name: str) -> None:
    put(sql, "radar/a.sql", "-- view: twice\nSELECT 1")
    put(sql, "radar/b.sql", f"-- view: {name}\nSELECT 2")
    with pytest.raises(StormlakeError, match=f"sql/radar/b.sql: the name {name} is taken"):
        views.view_files()


def test_the_views_of_the_project_can_be_registered(spark, tmp_path: Path) -> None:
    names = views.register_tables(spark, str(tmp_path / "lake"))
    assert names == [*TABLES, *views.ordered_views()]
    assert set(views.ordered_views()) == set(views.view_files())
    for name in names:
        assert spark.table(name).columns

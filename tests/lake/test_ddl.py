from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from click.testing import CliRunner
from sqlglot import exp

from stormlake.cli import main
from stormlake.errors import RefusedInput
from stormlake.lake.ddl import ENGINES, ddl
from stormlake.lake.tables import (
    RADAR_GEOMETRY,
    RADAR_GRID,
    REJECTS,
    TABLES,
    UNICORN_MINUTES,
    WIND_MAX,
    Table,
    arrow_schema,
    spark_schema,
)
from stormlake.sensors.archives import ARCHIVES, UNICORN_ARCHIVE, VITAL_ARCHIVE, archive_ddl
from stormlake.sensors.unicorns import UnicornRecords
from stormlake.sensors.vitals import IDENTIFYING
from stormlake.sensors.wind import SPEED_MEMBERS, TIME_MEMBERS
from stormlake.warehouse.tables import WAREHOUSE_TABLES

COMMITTED = Path(__file__).parents[2] / "sql" / "ddl"
LAKE_ENGINES = [engine for engine in ENGINES if engine != "redshift"]
EVERY = [(table, engine) for table in TABLES.values() for engine in ENGINES]


def name_of(value: object) -> str | None:
    return getattr(value, "name", None)


def columns(text: str, dialect: str) -> dict[str, str]:
    """Type of every column, those of the partition too, as the engine's grammar reads it."""
    create = sqlglot.parse(text, read=dialect)[0]
    assert isinstance(create, exp.Create), create
    # Athena's DDL speaks Hive's types, its queries Trino's.
    types = "hive" if dialect == "athena" else dialect
    return {d.name: d.args["kind"].sql(types) for d in create.find_all(exp.ColumnDef)}


@pytest.mark.parametrize("engine", ENGINES)
def test_the_committed_files_are_not_stale(engine: str, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["ddl", "--engine", engine, "--all", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    made, there = (
        {path.name: path.read_text(encoding="utf-8") for path in (root / engine).iterdir()}
        for root in (tmp_path, COMMITTED)
    )
    assert there == made, "run: make docs"
    others = WAREHOUSE_TABLES if engine == "redshift" else ARCHIVES
    assert len(made) == len(TABLES) + len(others)


@pytest.mark.parametrize(("table", "engine"), EVERY, ids=name_of)
def test_every_column_stands_in_its_engines_type(table: Table, engine) -> None:
    found = columns(ddl(table, engine), engine)
    assert list(found) == [column.name for column in table.columns + table.partitions]
    kinds = {column.name: column.type for column in table.all_columns}
    for name, written in found.items():
        if engine == "redshift" and kinds[name] == "string":
            (size,) = (column.bytes for column in table.all_columns if column.name == name)
            assert written == f"VARCHAR({size})"
        else:
            wanted = {"short": "SMALLINT", "long": "BIGINT"}.get(kinds[name], kinds[name].upper())
            plain = {"REAL": "FLOAT", "DOUBLE PRECISION": "DOUBLE", "INTEGER": "INT"}
            assert plain.get(written, written) == wanted


def test_athena_works_out_the_partitions_of_a_table_by_day() -> None:
    text = ddl(WIND_MAX, "athena", "s3://bucket/a/")
    assert "LOCATION 's3://bucket/a/wind_max/'\n" in text
    assert "CREATE EXTERNAL TABLE IF NOT EXISTS `wind_max`" in text
    assert text.endswith("""TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.date.type' = 'date',
    'projection.date.format' = 'yyyy-MM-dd',
    'projection.date.range' = '1970-01-01,NOW+1DAYS',
    'projection.date.interval' = '1',
    'projection.date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://bucket/a/wind_max/date=${date}/'
);
""")


def test_a_text_partition_must_be_named_in_a_query_unless_its_values_are_listed() -> None:
    alone = ddl(RADAR_GRID, "athena")
    assert "'projection.station.type' = 'injected'" in alone
    assert "A query must name its station (WHERE station = '…')" in alone
    assert "/radar_grid/station=${station}/date=${date}/'" in alone
    listed = ddl(RADAR_GRID, "athena", values={"station": ["KTLX", "KLBB"]})
    assert "'projection.station.type' = 'enum'" in listed
    assert "'projection.station.values' = 'KTLX,KLBB'" in listed
    assert "A query must" not in listed
    for bad in ([], ["KTLX,KLBB"], [" KTLX"]):
        with pytest.raises(RefusedInput, match=r"station: .*expected values without commas"):
            ddl(RADAR_GRID, "athena", values={"station": bad})


def test_grids_cannot_be_foreseen_so_their_partitions_are_registered() -> None:
    text = ddl(RADAR_GEOMETRY, "athena")
    assert "projection" not in text
    assert "MSCK REPAIR TABLE radar_geometry" in text


def test_redshift_has_the_partition_columns_last_and_an_encoding_for_each() -> None:
    text = ddl(UNICORN_MINUTES, "redshift", schema="Farm")
    assert 'CREATE TABLE IF NOT EXISTS "farm"."unicorn_minutes" (' in text
    lines = [line.strip().rstrip(",") for line in text.splitlines() if line.startswith("    ")]
    assert lines == [
        '"name" VARCHAR(1024) NOT NULL ENCODE zstd',
        '"window_start" TIMESTAMP NOT NULL ENCODE az64',
        '"window_end" TIMESTAMP NOT NULL ENCODE az64',
        # There is no az64 for floating numbers.
        '"distance" DOUBLE PRECISION NOT NULL ENCODE zstd',
        '"min_magic_points" INTEGER ENCODE az64',
        '"max_magic_points" INTEGER ENCODE az64',
        '"min_health_points" INTEGER ENCODE az64',
        '"max_health_points" INTEGER ENCODE az64',
        '"record_count" BIGINT ENCODE az64',
        # Blocks are skipped by the first sort column.
        '"date" DATE NOT NULL ENCODE raw',
    ]
    assert '\nDISTSTYLE EVEN\nSORTKEY ("date");\n' in text
    assert 'COMMENT ON COLUMN "farm"."unicorn_minutes"."distance" IS \'[m] Sum of' in text
    assert text.count("COMMENT ON") == 1 + len(UNICORN_MINUTES.names)
    key = replace(WIND_MAX.warehouse, distribution="location", sort=("location", "date"))
    keyed = ddl(replace(WIND_MAX, warehouse=key), "redshift")
    assert 'DISTSTYLE KEY DISTKEY ("location")\nSORTKEY ("location", "date");' in keyed


@pytest.mark.parametrize(("table", "engine"), EVERY, ids=name_of)
def test_no_comment_of_a_column_is_longer_than_a_metastore_takes(table: Table, engine) -> None:
    create = sqlglot.parse(ddl(table, engine), read=engine)[0]
    for comment in create.find_all(exp.CommentColumnConstraint):
        assert len(comment.this.this.encode()) <= 255


def test_a_comment_that_is_too_long_is_cut_at_a_word() -> None:
    long = replace(WIND_MAX.columns[0], description="Größe " * 60)
    text = ddl(replace(WIND_MAX, columns=(long, *WIND_MAX.columns[1:])), "athena")
    # 31 words of 8 bytes are 247 bytes without the last blank, and 3 for the dots.
    assert f"COMMENT '{' '.join(['Größe'] * 31)}…'" in text


def test_text_that_would_end_a_literal_is_escaped() -> None:
    odd = replace(WIND_MAX, description="It's a \\ farm's `table`.")
    assert r"COMMENT 'It\'s a \\ farm\'s `table`.'" in ddl(odd, "hive")
    # Redshift reads a backslash in a text as an escape, which PostgreSQL 15 does not.
    assert r"IS 'It''s a \\ farm''s `table`.';" in ddl(odd, "redshift")
    for engine in ENGINES:
        assert columns(ddl(odd, engine), engine)


@pytest.mark.parametrize("engine", LAKE_ENGINES)
@pytest.mark.parametrize("archive", ARCHIVES.values(), ids=name_of)
def test_an_archive_has_its_members_as_columns(archive, engine) -> None:
    found = list(columns(archive_ddl(archive, engine, "s3://bucket/in"), engine))
    members = [column.name for column in archive.columns]
    if engine == "spark":
        assert found[: len(members)] == members
        assert found[len(members) :] == (["_corrupt_record"] if archive.shows_corrupt else [])
    else:  # their column names know no case
        assert found == [*(member.lower() for member in members), "datehour"]


def test_the_members_are_those_that_our_reader_takes() -> None:
    assert UnicornRecords.members is not None
    assert {c.name for c in UNICORN_ARCHIVE.columns} == set(UnicornRecords.members.names)
    wind = {column.name for column in ARCHIVES["wind_archive"].columns}
    assert wind == {"location", "score", *TIME_MEMBERS, *SPEED_MEMBERS}
    assert not {column.name for column in VITAL_ARCHIVE.columns} & set(IDENTIFYING)
    assert "corrupt" not in archive_ddl(VITAL_ARCHIVE, "spark")


def test_athena_works_out_the_hours_of_an_archive() -> None:
    text = archive_ddl(UNICORN_ARCHIVE, "athena", "s3://bucket/in/")
    assert "ROW FORMAT SERDE 'org.apache.hive.hcatalog.data.JsonSerDe'\n" in text
    for line in (
        "'projection.datehour.type' = 'date'",
        "'projection.datehour.format' = 'yyyy/MM/dd/HH'",
        "'projection.datehour.interval' = '1'",
        "'projection.datehour.interval.unit' = 'HOURS'",
        "'storage.location.template' = 's3://bucket/in/${datehour}/'",
    ):
        assert line in text


def told(*arguments: str) -> str:
    done = CliRunner().invoke(main, ["ddl", *arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_the_command_prints_what_was_asked_for(tmp_path: Path) -> None:
    both = told("--engine", "athena", "rejects", "wind_max", "--values", "job=a,b")
    assert both.index("`rejects`") < both.index("`wind_max`")
    assert "'projection.job.values' = 'a,b'" in both
    made = json.loads(told("--engine", "spark", "wind_max", "--output", "json"))
    assert made == {"engine": "spark", "ddl": {"wind_max": ddl(WIND_MAX, "spark")}}
    would = told("--engine", "spark", "--all", "--out", str(tmp_path), "--dry-run")
    assert would == f"would    write 14 files to {tmp_path}/spark\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--engine spark", "name the tables, or give --all; there are radar_volumes, "),
        ("--engine spark --all wind_max", "name the tables, or give --all"),
        ("--engine spark winds", "no table winds; there are radar_volumes, "),
        ("--engine redshift wind_archive", "Redshift has no table over an archive"),
        ("--engine redshift wind_max --lake s3://b", "--lake means nothing to redshift"),
        ("--engine spark wind_max --schema s", "--schema means nothing to spark, only to redshift"),
        ("--engine athena wind_max --lake ./lake", "'./lake' is no place that athena reads"),
        ("--engine athena --all --source s3://b", "--source is the folder of one archive"),
        ("--engine athena wind_max --values job=a", "--values job=…: no partition column"),
        ("--engine athena rejects --values job", "is not a column and its values"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(arguments: str, message: str) -> None:
    done = CliRunner().invoke(main, ["ddl", *arguments.split()])
    assert done.exit_code == 2
    assert message in done.stderr


@pytest.fixture
def session(spark):
    """A session without the temporary views of other tests, which hide tables of their name."""
    return spark.newSession()


@pytest.mark.spark
def test_spark_makes_every_table_with_the_types_of_its_definition(session, tmp_path: Path) -> None:
    for table in TABLES.values():
        session.sql(ddl(table, "spark", str(tmp_path)).rstrip(";\n"))
        made = {f.name: f.dataType for f in session.table(table.name).schema.fields}
        session.sql(f"DROP TABLE {table.name}")
        assert made == {f.name: f.dataType for f in spark_schema(table).fields}


@pytest.mark.spark
def test_spark_reads_a_lakes_rows_by_the_ddl(session, tmp_path: Path) -> None:
    reject = {"object": "a.json", "record_count": 1, "reason": "malformed", "excerpt": "it's \\xff"}
    schema = pa.schema([arrow_schema(REJECTS).field(column.name) for column in REJECTS.columns])
    folder = tmp_path / "rejects" / "job=aggregate-wind_max" / "date=2026-05-01"
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist([reject], schema=schema), folder / "part.parquet")
    session.sql(ddl(REJECTS, "spark", str(tmp_path)).rstrip(";\n"))
    try:
        session.sql("MSCK REPAIR TABLE rejects")
        query = "SELECT job, date, excerpt FROM rejects WHERE date = DATE '2026-05-01'"
        (row,) = session.sql(query).collect()
        assert tuple(row) == ("aggregate-wind_max", dt.date(2026, 5, 1), "it's \\xff")
    finally:
        session.sql("DROP TABLE rejects")


@pytest.mark.spark
def test_spark_reads_an_archive_of_lines_and_shows_the_line_that_is_none(
    session, tmp_path: Path
) -> None:
    hour = tmp_path / "2019" / "06" / "25" / "09"
    hour.mkdir(parents=True)
    good = {"Name": "Shadowfax", "StatusTime": "2019-06-25 09:43:42.426", "Distance": 30.5}
    (hour / "stream-1").write_text(json.dumps(good) + '\n{"Name": "Sh\n')
    session.sql(archive_ddl(UNICORN_ARCHIVE, "spark", str(tmp_path)).rstrip(";\n"))
    try:
        query = "SELECT Name, StatusTime, Distance, _corrupt_record FROM unicorn_archive"
        found = sorted(session.sql(query).collect(), key=str)
        assert [tuple(row) for row in found] == [
            ("Shadowfax", "2019-06-25 09:43:42.426", 30.5, None),
            (None, None, None, '{"Name": "Sh'),
        ]
    finally:
        session.sql("DROP TABLE unicorn_archive")

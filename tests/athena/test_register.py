"""`stormlake athena register`: tables with projection, partitions in the catalog, views."""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.tables import RADAR_COLUMNS, RADAR_GEOMETRY, TABLES
from stormlake.lake.views import view_files
from tests.athena.conftest import GRID, Lake, command, record_run, register
from tests.emr.golden import check_golden
from tests.fakes.athena.server import DATABASE, AthenaStandIn

GOLDEN = Path(__file__).parent / "golden"


def summary(result: Any) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    facts: dict[str, Any] = json.loads(result.stdout.splitlines()[-1])
    return facts


def test_every_table_and_view_is_made_and_the_second_time_kept(
    stand_in: AthenaStandIn, lake: Lake
) -> None:
    first = summary(register(stand_in, "--output", "json"))
    assert set(first["made"].split(", ")) == set(TABLES)
    assert set(first["views"].split(", ")) == set(view_files())
    assert first["partitions"] == 2  # of radar_geometry, which has no projection
    again = summary(register(stand_in, "--output", "json"))
    assert (again["made"], set(again["kept"].split(", "))) == ("none", set(TABLES))
    assert again["partitions"] == 0


def test_columns_and_partitions_are_those_of_the_definition(
    stand_in: AthenaStandIn, lake: Lake
) -> None:
    register(stand_in)
    for name, table in TABLES.items():
        made = stand_in.engine.databases[DATABASE][name]
        assert [column for column, _ in made.columns] == [c.name for c in table.columns]
        assert [column for column, _ in made.partitions] == list(table.partition_names)
        assert made.projected == ("date" in table.partition_names)


def test_250_partitions_are_registered_with_three_calls_and_again_are_no_error(
    stand_in: AthenaStandIn,
) -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(250)]
    written = tuple(
        PartitionWritten(("KTLX", day.isoformat()), (FileWritten("f", 1, 1),)) for day in days
    )
    empty = PartitionWritten(("KTLX", "2025-01-01"))
    record_run(stand_in, "many", {RADAR_COLUMNS: (*written, empty)})
    for expected in (250, 0):
        told = summary(
            command(
                *("register", "radar_columns", "--partitions", "--lake", stand_in.lake),
                *("--output", "json"),
            )
        )
        assert told["partitions"] == expected
    calls = [r for r in stand_in.requests if "BatchCreatePartition" in str(r.headers)]
    assert len(calls) == 6
    first = json.loads(calls[0].body)["PartitionInputList"][0]
    assert first["Values"] == ["KTLX", "2026-01-01"]
    assert first["StorageDescriptor"]["Location"] == (
        f"{stand_in.lake}/radar_columns/station=KTLX/date=2026-01-01/"
    )


def test_a_partition_of_the_geometry_is_read_once_registered(
    stand_in: AthenaStandIn, lake: Lake, athena: Any
) -> None:
    command("register", "radar_geometry", "--lake", stand_in.lake)
    _, rows = athena.rows(athena.run("SELECT COUNT(*) AS n FROM radar_geometry AS g").id)
    assert list(rows) == [(str(len(lake[RADAR_GEOMETRY])),)]
    assert ("KLBB", GRID) in stand_in.engine.databases[DATABASE]["radar_geometry"].registered


def test_a_table_that_differs_is_left_as_it_is_with_what_differs(
    stand_in: AthenaStandIn, lake: Lake
) -> None:
    register(stand_in)
    tables = stand_in.engine.databases[DATABASE]
    table = tables["wind_max"]
    table.columns[3] = ("max_speed", "float")
    table.parameters["projection.date.range"] = "2020-01-01,NOW"
    table.serde = "org.openx.data.jsonserde.JsonSerDe"
    del tables["rejects"]
    result = register(stand_in)
    assert result.exit_code == 2
    assert "max_speed float" in result.stderr and "projection.date.range" in result.stderr
    assert "2020-01-01,NOW" in result.stderr and "DROP TABLE removes" in result.stderr
    assert "org.openx.data.jsonserde.JsonSerDe" in result.stderr
    assert table.columns[3] == ("max_speed", "float")
    # Nothing at all was done, the table that is missing is not made either.
    assert "nothing was changed" in result.stderr and "rejects" not in tables
    # Another list of stations is a difference, too.
    told = command("register", "radar_columns", "--lake", stand_in.lake)
    assert told.exit_code == 2 and "projection.station.type" in told.stderr


def test_a_database_that_is_there_is_not_made(stand_in: AthenaStandIn, lake: Lake) -> None:
    register(stand_in)
    register(stand_in)
    made = [query for query in stand_in.queries.values() if "CREATE DATABASE" in query.text]
    assert [query.database for query in made] == [""]


def test_a_value_with_a_quote_is_equal_to_itself_the_second_time(
    stand_in: AthenaStandIn, lake: Lake
) -> None:
    for state in ("made", "kept"):
        done = command(
            *("register", "rejects", "--lake", stand_in.lake, "--output", "json"),
            *("--values", "job=it's,back\\slash"),
        )
        assert summary(done)[state] == "rejects"
    made = stand_in.engine.databases[DATABASE]["rejects"].parameters
    assert made["projection.job.values"] == "it's,back\\slash"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--all", "--lake", "lake"), "Athena reads s3:// alone"),
        (("--lake", "s3://b/lake"), "name the tables, or give --all"),
        (("nothing", "--lake", "s3://b/lake"), "no table nothing"),
        (("wind_max", "--lake", "s3://b/lake", "--values", "station"), "station=KTLX,KLBB"),
        (("wind_max", "--lake", "s3://b/lake", "--values", "station=A"), "no partition column of"),
        (("--all", "--lake", "s3://b/lake", "--values", "statoin=A"), "no partition column of"),
        (
            (*("--all", "--lake", "s3://b/l"), *("--values", "job=a", "--values", "job=b")),
            "is given twice",
        ),
    ],
)
def test_what_cannot_be_registered_is_refused(
    stand_in: AthenaStandIn, arguments: tuple[str, ...], said: str
) -> None:
    result = command("register", *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr


def test_a_dry_run_prints_the_calls_as_the_golden_file(stand_in: AthenaStandIn, lake: Lake) -> None:
    result = command(
        *("register", "radar_geometry", "events_per_minute", "--lake", stand_in.lake, "--dry-run")
    )
    assert result.exit_code == 0, result.output
    tokens = {
        call["parameters"]["ClientRequestToken"]: f"TOKEN-{number}"
        for number, call in enumerate(json.loads(result.stdout))
        if "ClientRequestToken" in call["parameters"]
    }
    check_golden("register", result.stdout, tokens | {stand_in.bucket: "BUCKET"}, GOLDEN)
    assert not stand_in.queries

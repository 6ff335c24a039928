"""Answers as a table, CSV and JSON, and what is not asked at all."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from stormlake.athena.answers import csv_lines, json_value
from tests.athena.conftest import Lake, command
from tests.fakes.athena.server import AthenaStandIn

HEAD = "-- Purpose     A test.\n-- Parameters  none\n-- Engines     {engines}.\n"
ECHO = "SELECT c.station, c.iy FROM radar_columns AS c\n"


@pytest.fixture
def asked(tmp_path: Path, registered: Lake) -> Any:
    """Ask a query with some options."""

    def ask(query: str, *options: str, engines: str = "Spark, Athena") -> Any:
        (tmp_path / "q.sql").write_text(HEAD.format(engines=engines) + query)
        return command("query", str(tmp_path / "q.sql"), *options)

    return ask


def test_null_is_told_from_an_empty_text_in_every_form(asked) -> None:
    query = "SELECT NULLIF(1, 1) AS a, '' AS b, 'x, \"y\"' AS c, TRUE AS d\n"
    assert asked(query, "--csv").stdout == 'a,b,c,d\n,"","x, ""y""",true\n'
    assert json.loads(asked(query, "--output", "json").stdout)["rows"] == [
        {"a": None, "b": "", "c": 'x, "y"', "d": True}
    ]
    assert asked(query).stdout.splitlines()[1].split() == ["NULL", "x,", '"y"', "true"]


def test_two_columns_of_one_name_are_both_shown(asked) -> None:
    assert asked("SELECT 1 AS n, 2 AS n\n").stdout.splitlines()[:2] == ["N  N", "1  2"]
    assert asked("SELECT 1 AS n, 2 AS n\n", "--csv").stdout == "n,n\n1,2\n"


def test_a_long_answer_is_cut_and_its_other_pages_are_not_fetched(
    stand_in: AthenaStandIn, asked
) -> None:
    # 12 ** 4 rows.
    query = "SELECT a.iy FROM radar_columns AS a, radar_columns AS b, radar_columns AS c, "
    query += "radar_columns AS d\n"
    stand_in.clear()
    told = asked(query, "--limit", "20")
    assert told.exit_code == 0, told.output
    assert told.stdout.splitlines()[21] == "20 rows shown, there are more"
    pages = [each for each in stand_in.requests if "GetQueryResults" in str(each.headers)]
    assert len(pages) == 1
    answer = json.loads(asked(query, "--limit", "20", "--output", "json").stdout)
    assert (len(answer["rows"]), answer["count"], answer["more"]) == (20, 20, True)
    assert len(asked(query, "--csv").stdout.splitlines()) == 12**4 + 1


def test_an_answer_that_is_as_long_as_the_limit_is_whole(asked) -> None:
    assert "12 rows\n" in asked(ECHO, "--limit", "12").stdout
    assert "11 rows shown, there are more" in asked(ECHO, "--limit", "11").stdout


def test_csv_and_json_at_once_are_refused(stand_in: AthenaStandIn, asked) -> None:
    result = asked(ECHO, "--csv", "--output", "json")
    assert (result.exit_code, "give one" in result.stderr) == (2, True)
    assert not stand_in.queries


def test_a_file_whose_head_does_not_name_athena_is_refused(stand_in: AthenaStandIn, asked) -> None:
    result = asked(ECHO, engines="Redshift, DuckDB")
    assert result.exit_code == 2
    assert "its head says `Engines  Redshift, DuckDB.`" in result.stderr
    assert not stand_in.queries


def test_a_lake_that_is_not_there_is_found_out_before_the_query(
    stand_in: AthenaStandIn, asked
) -> None:
    result = asked(ECHO, "--lake", f"s3://{stand_in.bucket}/lak")
    assert result.exit_code == 2
    assert "there is no lake at" in result.stderr
    assert not stand_in.queries


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("bigint", "-9223372036854775808", -(2**63)),
        ("boolean", "false", False),
        ("double", "1.0E10", 1e10),
        ("float", "NaN", "NaN"),
        ("double", "-Infinity", "-Infinity"),
        ("timestamp", "2026-05-01 12:00:07.250", "2026-05-01T12:00:07.250000Z"),
        ("date", "2026-05-01", "2026-05-01"),
        ("decimal", "1.10", "1.10"),
        ("varchar", "1", "1"),
        ("integer", None, None),
    ],
)
def test_a_value_has_the_type_that_the_metadata_say(kind: str, text, value) -> None:
    assert json_value(kind, text) == value
    assert type(json_value(kind, text)) is type(value)


@pytest.mark.parametrize("text", ["a", "", " a", "a\n", 'q"', "a,b", "\r", "日本"])
def test_csv_comes_back_as_it_was(text: str) -> None:
    lines = "".join(f"{line}\n" for line in csv_lines(["n", "m"], [(text, None)]))
    assert list(csv.reader(io.StringIO(lines, newline=""))) == [["n", "m"], [text, ""]]

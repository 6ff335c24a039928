from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.cli import main
from stormlake.errors import RefusedInput
from stormlake.lake.sql_files import (
    SqlFile,
    athena_text,
    bind,
    find_sql_file,
    literal,
    parse_parameter,
    parse_sql_file,
    sql_names,
)
from stormlake.sensors.views import RECORD_VIEWS

NOON = datetime(2019, 6, 25, 12, tzinfo=UTC)
HEAD = """\
-- Purpose     Count what
--             happened.
-- One row is  one: thing.
-- Parameters  :start  timestamp  first, e.g. :never
--             :name   string     who
-- Engines     Spark, Athena.
"""
QUERY = "SELECT r.name FROM unicorn_records AS r WHERE r.status_time >= :start AND r.name = :name"


def made(query: str = QUERY, head: str = HEAD) -> SqlFile:
    return parse_sql_file("made", head + query, RECORD_VIEWS)


def test_a_head_tells_purpose_parameters_engines_and_the_view_that_is_read() -> None:
    file = made()
    assert file.purpose == "Count what happened."
    assert file.parameters == {"start": "timestamp", "name": "string"}
    assert file.engines == "Spark, Athena."
    assert file.views == ("unicorn_records",)


def test_our_own_files_are_those_of_the_specification_with_its_parameters() -> None:
    times = {"start": "timestamp", "stop": "timestamp"}
    days = {"start_date": "date", "stop_date": "date"}
    assert {name: find_sql_file(name, RECORD_VIEWS).parameters for name in sql_names()} == {
        "unicorn_minutes": times,
        "wind_max": times,
        "events_per_minute": times,
        "unicorn_trip_points": {"name": "string", **times},
        "unicorn_points_after": {"after": "timestamp"},
        "unicorn_distance_total": {},
        "unicorn_low_vitals": {"limit": "int"},
        "requests_by_os": days,
        "os_totals": days,
    }


def test_a_file_of_the_users_is_found_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "mine.sql"
    path.write_bytes(b"\xef\xbb\xbf" + (HEAD + QUERY).replace("\n", "\r\n").encode())
    file = find_sql_file(str(path), RECORD_VIEWS)
    assert (file.name, file.purpose) == ("mine", "Count what happened.")
    with pytest.raises(RefusedInput, match=r"cannot read .*other\.sql"):
        find_sql_file(str(tmp_path / "other.sql"), RECORD_VIEWS)
    path.write_bytes(b"\xff")
    with pytest.raises(RefusedInput, match="cannot read"):
        find_sql_file(str(path), RECORD_VIEWS)


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(RefusedInput, match=r"'wind' is none of the queries: .*wind_max"):
        find_sql_file("wind", RECORD_VIEWS)


@pytest.mark.parametrize(
    ("head", "query", "message"),
    [
        ("", QUERY, "no line `-- Purpose"),
        (HEAD.replace("Engines", "Runs on"), QUERY, "no line `-- Engines"),
        (HEAD.replace("string", "text"), QUERY, "types are timestamp, date, string, int, double"),
        (HEAD.replace(":start ", ":name "), QUERY, "should be a new name and its type"),
        (HEAD, QUERY.replace(":name", ":who"), "declares :start, :name, the query uses :start,"),
        (HEAD, QUERY.replace("unicorn_", "pony_"), "reads no record view; it must read exactly"),
        (HEAD, QUERY + " -- wind_records\n, 'wind_records', wind_records", "wind_records; it must"),
    ],
)
def test_a_head_that_does_not_fit_its_query_is_refused(head: str, query: str, message: str) -> None:
    with pytest.raises(RefusedInput, match=message):
        made(query, head)


def test_a_query_over_records_is_told_apart_from_one_over_the_lake(tmp_path: Path) -> None:
    path = Path(__file__).parents[2] / "sql" / "sensors" / "wind_max.sql"
    done = CliRunner().invoke(main, ["sql", str(path), "--lake", str(tmp_path)])
    assert done.exit_code == 2
    assert "wind_records is made of an archive's records" in done.stderr
    assert "stormlake aggregate or to stormlake query" in done.stderr


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("timestamp", "2019-06-25T12:00", NOON),
        ("timestamp", "2019-06-25 14:00:00.5+02:00", NOON + timedelta(seconds=0.5)),
        ("timestamp", "2019-06-25", NOON - timedelta(hours=12)),
        ("date", "2019-06-25", date(2019, 6, 25)),
        ("string", "2019", "2019"),
        ("int", "-5", -5),
        ("double", "1e-3", 0.001),
        ("double", "7", 7.0),
    ],
)
def test_text_becomes_a_value_of_the_parameters_type(kind: str, text: str, value: object) -> None:
    found = parse_parameter(kind, text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timestamp", "noon"),
        ("timestamp", "0001-01-01T00:00:00+05:00"),
        ("date", "2019-06-25T12:00"),
        ("date", "2019-02-29"),
        ("int", "1_000"),
        ("int", "5.0"),
        ("int", " 5"),
        ("double", "nan"),
        ("double", "1,5"),
    ],
)
def test_text_that_is_no_value_of_the_type_is_refused(kind: str, text: str) -> None:
    with pytest.raises(RefusedInput, match=f"is no {kind}; a value looks like"):
        parse_parameter(kind, text)


def test_values_are_bound_in_the_order_of_the_head_and_times_in_utc() -> None:
    west = NOON.astimezone(timezone(-timedelta(hours=4)))
    found = bind(made(), {"name": "O'Hare", "start": west})
    assert list(found) == ["start", "name"]
    assert str(found["start"]) == "2019-06-25 12:00:00+00:00"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"start": NOON}, "made: :name has no value; its parameters are :start timestamp, :name"),
        ({"start": NOON, "name": "a", "to": 1}, "made: :to is not a parameter of it"),
        ({"start": datetime(2019, 6, 25), "name": "a"}, "time without a zone, 2019-06-25"),
        ({"start": date(2019, 6, 25), "name": "a"}, ":start must be a timestamp, .* it is date"),
        ({"start": NOON, "name": 5}, ":name must be a string, such as Shadowfax; it is int 5"),
        ({"start": NOON, "name": None}, "it is NoneType None"),
    ],
)
def test_values_that_do_not_fit_are_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedInput, match=message):
        bind(made(), given)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("int", 100, [True, 1.0, "100", 2**63]),
        ("double", 1, [True, float("nan"), float("inf"), "1"]),
        ("date", date(2019, 6, 25), [NOON, "2019-06-25"]),
    ],
)
def test_a_type_takes_its_own_values_only(kind: str, good: object, bad: list[object]) -> None:
    file = made(
        "SELECT r.name FROM unicorn_records AS r WHERE r.distance > :x",
        f"-- Purpose  Test.\n-- Parameters  :x  {kind}\n-- Engines  all\n",
    )
    assert bind(file, {"x": good}) == {"x": good}
    for value in bad:
        with pytest.raises(RefusedInput, match=f"must be a {kind}"):
            bind(file, {"x": value})


def test_athena_gets_a_question_mark_and_a_literal_for_each_use_in_order() -> None:
    query = (
        "SELECT ':name', r.name AS \":start\" /* :name */ FROM unicorn_records AS r -- :start\n"
        "WHERE r.name = :name AND r.status_time >= :start OR r.name = :name"
    )
    text, values = athena_text(made(query), {"start": NOON, "name": "it's"})
    assert text == HEAD + (
        "SELECT ':name', r.name AS \":start\" /* :name */ FROM unicorn_records AS r -- :start\n"
        "WHERE r.name = ? AND r.status_time >= ? OR r.name = ?"
    )
    assert values == ["'it''s'", "TIMESTAMP '2019-06-25 12:00:00'", "'it''s'"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NOON, "TIMESTAMP '2019-06-25 12:00:00'"),
        (NOON.replace(microsecond=426000), "TIMESTAMP '2019-06-25 12:00:00.426000'"),
        (NOON.astimezone(timezone(timedelta(hours=2))), "TIMESTAMP '2019-06-25 12:00:00'"),
        (date(2019, 6, 25), "DATE '2019-06-25'"),
        ("Aragorn\\'s", "'Aragorn\\''s'"),
        (-5, "-5"),
        (0.5, "0.5e0"),
        (1e22, "1e+22"),
    ],
)
def test_a_value_is_written_as_a_literal(value, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", [datetime(2019, 6, 25), float("nan"), True, None, b"a"])
def test_a_value_without_a_literal_is_refused(value) -> None:
    with pytest.raises(RefusedInput, match=r"has no (zone|literal)"):
        literal(value)


@settings(deadline=None, max_examples=60)
@given(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False, allow_infinity=False),
        st.dates(),
    )
)
def test_an_engine_reads_a_literal_as_the_value_it_was(value) -> None:
    assert duckdb.sql(f"SELECT {literal(value)}").fetchall() == [(value,)]

"""`stormlake athena query`: rows, what was scanned, what it cost, and what it should have been."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stormlake.athena.execution import Athena
from stormlake.athena.outcomes import (
    QueryFailed,
    QueryRefused,
    QueryStopped,
)
from stormlake.lake.ddl import lake_type
from stormlake.lake.sql_files import athena_text, find_sql_file
from stormlake.lake.tables import RADAR_COLUMNS, TABLES
from stormlake.lake.types import arrow_schema
from stormlake.sensors.views import RECORD_VIEWS
from tests.athena.conftest import DAYS, STARTED, Lake, command, put, record_run
from tests.emr.golden import check_golden
from tests.fakes.athena.engine import _text
from tests.fakes.athena.server import AthenaStandIn, Query
from tests.fakes.athena.tables import CatalogTable, QueryError
from tests.fakes.faults import Answer, LoseResponse, Rule
from tests.sql.engines import RADAR, SENSORS, add_views, open_duckdb, rows
from tests.sql.test_sensor_engines import EXPECTED, GIVEN, RECORDS, view_as_table
from tests.warehouse.prepared import row_of

GOLDEN = Path(__file__).parent / "golden"
HEAD = """-- Purpose     Echo of one station.
-- Parameters  :station  string  one station
--             :start  date  first day
--             :stop  date  last day
-- Engines     Athena
"""
ECHO = f"""{HEAD}SELECT c.date, COUNT(*) AS n, MAX(c.composite_reflectivity) AS high
FROM radar_columns AS c
WHERE c.station = :station AND c.date >= :start AND c.date <= :stop
GROUP BY c.date
ORDER BY c.date ASC NULLS LAST
"""
PARAMS = ("--param", "station=KTLX", "--param", "start=2026-05-02", "--param", "stop=2026-05-03")


@pytest.fixture
def echo(tmp_path: Path) -> str:
    path = tmp_path / "echo.sql"
    path.write_text(ECHO)
    return str(path)


def told(*arguments: str) -> dict[str, Any]:
    result = command(*arguments, "--output", "json")
    assert result.exit_code == 0, result.output
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def test_rows_come_with_what_was_scanned_and_what_should_have_been(
    stand_in: AthenaStandIn, registered: Lake, echo: str
) -> None:
    answer = told("query", echo, *PARAMS, "--lake", stand_in.lake)
    assert answer["rows"] == [
        {"date": "2026-05-02", "n": 2, "high": 41.0},
        {"date": "2026-05-03", "n": 2, "high": 51.0},
    ]
    assert answer["count"] == 2 and answer["pruned"]
    assert answer["expected"]["partitions"] == 2
    assert answer["expected"]["all_partitions"] == 6
    assert 0 < answer["scanned_bytes"] <= answer["expected"]["bytes"]
    # At 5 a TB, and for 10 MB at the least.
    assert answer["billed_bytes"] == 10 * 2**20
    assert answer["cost"] == pytest.approx(10 / 2**20 * 5, rel=1e-4)


def test_a_person_sees_a_table_and_three_lines(
    stand_in: AthenaStandIn, registered: Lake, echo: str
) -> None:
    result = command("query", echo, *PARAMS, "--lake", stand_in.lake)
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["DATE", "N", "HIGH"]
    assert lines[1].split() == ["2026-05-02", "2", "41.0"]
    assert lines[3] == "2 rows"
    assert lines[4].startswith("scanned  ") and "billed 10,485,760" in lines[4]
    assert lines[5].startswith("cost     0.000048 USD") and "EXAMPLE PRICES" in lines[5]
    assert lines[6].endswith("bytes: 2 of 6 partitions")


def test_a_query_that_does_not_prune_shows_at_once(
    stand_in: AthenaStandIn, registered: Lake, tmp_path: Path
) -> None:
    time = datetime(2026, 5, 1, 3, tzinfo=UTC)
    rows = [
        row_of(
            RADAR_COLUMNS,
            station="KTLX",
            date=day,
            volume_time=time,
            iy=n % 3000,
            ix=n,
            composite_reflectivity=float(n % 97),
        )
        for day in DAYS
        for n in range(3000)
    ]
    written = put(stand_in, RADAR_COLUMNS, rows)
    record_run(stand_in, "big", {RADAR_COLUMNS: written}, STARTED + timedelta(hours=1))
    window = "c.date >= :start AND c.date <= :stop"
    path = tmp_path / "all.sql"
    path.write_text(ECHO.replace(window, f"(({window}) OR c.iy + c.ix > 60000)"))
    day = ("--param", "station=KTLX", "--param", "start=2026-05-03", "--param", "stop=2026-05-03")
    pruned = tmp_path / "pruned.sql"
    pruned.write_text(ECHO)
    for query, expected in ((path, False), (pruned, True)):
        answer = told("query", str(query), *day, "--lake", stand_in.lake)
        assert answer["expected"]["partitions"] == 1
        assert answer["pruned"] is expected
    assert "does not prune" in command("query", str(path), *day, "--lake", stand_in.lake).stdout


def test_csv_holds_every_row_and_the_report_goes_to_stderr(
    stand_in: AthenaStandIn, registered: Lake, echo: str
) -> None:
    result = command("query", echo, *PARAMS, "--csv")
    assert result.stdout.splitlines() == [
        "date,n,high",
        "2026-05-02,2,41.0",
        "2026-05-03,2,51.0",
    ]
    assert "scanned" in result.stderr


def test_results_of_several_pages_are_whole_and_null_is_none(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena
) -> None:
    ended = athena.run(
        "WITH a AS (SELECT c.iy FROM radar_columns AS c WHERE c.station = 'KTLX'), "
        "b AS (SELECT x.iy FROM a AS x, a AS y, a AS z, a AS w, a AS v) "
        "SELECT ROW_NUMBER() OVER (ORDER BY b.iy) AS n, NULLIF(b.iy, 0) AS t FROM b"
    )
    columns, pages = athena.rows(ended.id)
    found = list(pages)
    assert [name for name, _ in columns] == ["n", "t"]
    assert sorted(int(str(n)) for n, _ in found) == list(range(1, 6**5 + 1))
    assert {t for _, t in found} == {None}


@pytest.mark.parametrize("path", RADAR, ids=lambda path: path.stem)
def test_every_radar_query_answers_as_duckdb_does(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena, path: Path
) -> None:
    text = path.read_text(encoding="utf-8")
    _, found = athena.rows(athena.run(text).id)
    memory = open_duckdb()
    for table, some in registered.items():
        memory.register(table.name, pa.Table.from_pylist(some, schema=arrow_schema(table)))
    add_views(memory)
    expected = [tuple(map(_text, row)) for row in rows(memory.sql(text))]
    assert expected
    if text.startswith("-- view:"):  # a view has no order
        assert sorted(found, key=str) == sorted(expected, key=str)
    else:
        assert list(found) == expected


@pytest.mark.parametrize("path", SENSORS, ids=lambda path: path.stem)
def test_every_sensor_query_answers_what_one_can_work_out(
    stand_in: AthenaStandIn, athena: Athena, path: Path, tmp_path: Path
) -> None:
    file = find_sql_file(path.stem, RECORD_VIEWS)
    if "Athena" not in file.engines:
        pytest.fail(f"{path.name} does not name Athena")
    view = file.views[0]
    schema = arrow_schema(view_as_table(view))
    columns = zip(*RECORDS[view], strict=True) if RECORDS[view] else [()] * len(schema.names)
    arrays = [pa.array(list(c), f.type) for c, f in zip(columns, schema, strict=True)]
    local = tmp_path / "records.parquet"
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), local)
    stand_in.s3.put_object(
        Bucket=stand_in.bucket, Key=f"lake/{view}/records.parquet", Body=local.read_bytes()
    )
    table = CatalogTable(
        view,
        [(c.name, lake_type(c).lower()) for c in RECORD_VIEWS[view]],
        [],
        f"{stand_in.lake}/{view}/",
        {"projection.enabled": "true"},
    )
    stand_in.engine.databases[stand_in.place.database] = {view: table}
    text, values = athena_text(file, GIVEN[path.stem])
    _, found = athena.rows(athena.run(text, values).id)
    expected = [tuple(map(_text, row)) for row in EXPECTED[path.stem]]
    # A table has no order of its own; the other queries say theirs.
    in_order = sorted if path.stem in TABLES else list
    assert in_order(map(_plain, found)) == in_order(map(_plain, expected))


def _plain(row: tuple[str | None, ...]) -> str:
    """A row as text, in which 30.0 and 30 are one number."""
    return "|".join("" if v is None else v.removesuffix(".0") for v in row)


def test_a_mistake_in_the_query_is_refused_and_its_reason_told(
    stand_in: AthenaStandIn, registered: Lake, tmp_path: Path
) -> None:
    path = tmp_path / "x.sql"
    path.write_text(
        "-- Purpose  x\n-- Parameters  none\n-- Engines  Athena\nSELECT a FROM nothing\n"
    )
    result = command("query", str(path))
    assert result.exit_code == 2
    assert "TABLE_NOT_FOUND" in result.stderr


def test_an_injected_partition_without_its_value_is_refused(
    stand_in: AthenaStandIn, lake: Lake, athena: Athena
) -> None:
    command("register", "radar_columns", "--lake", stand_in.lake)
    with pytest.raises(QueryRefused, match="injected projected partition column station"):
        athena.run("SELECT COUNT(*) AS n FROM radar_columns")
    athena.run("SELECT COUNT(*) AS n FROM radar_columns AS c WHERE c.station = 'KTLX'")


@pytest.mark.parametrize("failures", [1, 2])
def test_a_failure_that_may_be_tried_again_is(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena, failures: int
) -> None:
    before = len(stand_in.queries)

    def fail(query: Query) -> None:
        raise QueryError("GENERIC_INTERNAL_ERROR", category=1, retryable=True)

    for _ in range(failures):
        stand_in.next_query(fail)
    athena.run("SELECT 1 AS one")
    assert len(stand_in.queries) - before == failures + 1


def test_a_failure_that_may_not_be_tried_again_ends(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena
) -> None:
    before = len(stand_in.queries)

    def fail(query: Query) -> None:
        raise QueryError("HIVE_CURSOR_ERROR: a file is damaged", category=3)

    stand_in.next_query(fail)
    with pytest.raises(QueryFailed, match="HIVE_CURSOR_ERROR"):
        athena.run("SELECT 1 AS one")
    assert len(stand_in.queries) - before == 1


def test_a_submit_whose_answer_is_lost_runs_once(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena
) -> None:
    before = len(stand_in.queries)
    stand_in.inject(Rule(LoseResponse(), header=("x-amz-target", "StartQueryExecution$"), times=2))
    athena.run("SELECT 1 AS one")
    assert len(stand_in.queries) - before == 1


def test_the_same_question_twice_is_asked_twice(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena
) -> None:
    first, second = athena.run("SELECT 1 AS one"), athena.run("SELECT 1 AS one")
    assert first.id != second.id  # yesterday's answer is not today's


def test_a_query_over_the_workgroups_limit_is_said(
    stand_in: AthenaStandIn, registered: Lake, athena: Athena
) -> None:
    stand_in.cutoff = 10
    with pytest.raises(QueryStopped, match="Bytes scanned limit was exceeded"):
        athena.run("SELECT c.iy FROM radar_columns AS c WHERE c.station = 'KTLX'")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--param", "station=KTLX"), ":start, :stop has no value"),
        ((*PARAMS, "--param", "colour=red"), "has station (string)"),
        ((*PARAMS, "--param", "start=May"), "start"),
        ((*PARAMS, "--prices", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    stand_in: AthenaStandIn, echo: str, arguments: tuple[str, ...], said: str
) -> None:
    result = command("query", echo, *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr
    assert not stand_in.queries


def test_a_workgroup_that_limits_nothing_is_refused(stand_in: AthenaStandIn, echo: str) -> None:
    result = command("query", echo, *PARAMS, workgroup="open")
    assert result.exit_code == 2
    assert "lacks EnforceWorkGroupConfiguration and a place for results" in result.stderr
    assert not stand_in.queries


def test_athena_that_does_not_answer_is_unreachable(
    stand_in: AthenaStandIn, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormlake.running.aws.RETRIES", {"total_max_attempts": 1})
    error = Answer(500, b'{"__type": "InternalServerException", "Message": "later"}')
    stand_in.inject(Rule(error, header=("x-amz-target", "AmazonAthena"), times=None))
    result = command("query", echo, *PARAMS)
    assert result.exit_code == 5


def test_a_dry_run_prints_the_calls_as_the_golden_file(stand_in: AthenaStandIn, echo: str) -> None:
    result = command("query", echo, *PARAMS, "--dry-run")
    assert result.exit_code == 0, result.output
    token = json.loads(result.stdout)[1]["parameters"]["ClientRequestToken"]
    assert 32 <= len(token) <= 128
    check_golden("query", result.stdout, {token: "TOKEN"}, GOLDEN)
    assert not stand_in.queries


def test_values_go_beside_the_text_and_never_into_it(
    stand_in: AthenaStandIn, registered: Lake, echo: str
) -> None:
    evil = "K' OR '1'='1"
    answer = told("query", echo, "--param", f"station={evil}", *PARAMS[2:])
    assert answer["rows"] == []
    query = list(stand_in.queries.values())[-1]
    assert evil not in query.text and query.values[0] == "'K'' OR ''1''=''1'"

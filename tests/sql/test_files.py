"""Every .sql file says what it is for, and keeps to what all engines share."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import sqlglot
from sqlglot import ErrorLevel, exp

from stormlake.lake.sql_files import athena_text, find_sql_file
from stormlake.sensors.views import RECORD_VIEWS
from tests.sql.engines import RADAR, SENSORS, SQL, view_name
from tests.sql.lint import problems

ANY = {"timestamp": datetime(2019, 6, 25, tzinfo=UTC), "date": date(2019, 6, 25)} | {
    "string": "O'Hara",
    "int": -5,
}


def test_there_are_sql_files() -> None:
    assert {path.stem for path in RADAR} >= {"grid_located", "daily_echo", "storm_days"}


@pytest.mark.parametrize("path", sorted(SQL.rglob("*.sql")), ids=lambda path: path.name)
def test_a_file_begins_with_its_purpose_its_parameters_and_its_engines(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines[: next(i for i, line in enumerate(lines) if not line.startswith("--"))]
    text = "\n".join(head)
    for word in ("Purpose", "One row is", "Parameters", "Engines"):
        assert re.search(rf"^-- {word}\s+\S", text, re.MULTILINE), f"{path.name}: no {word}"
    # Generated: a column with its comment is one line.
    assert max(map(len, head if "ddl" in path.parts else lines)) <= 100


@pytest.mark.parametrize("path", RADAR + SENSORS, ids=lambda path: path.name)
def test_a_file_is_made_of_what_engines_agree_about(path: Path) -> None:
    assert problems(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SENSORS, ids=lambda path: path.name)
def test_a_file_transpiles_to_the_engines_that_its_head_names(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    tree = sqlglot.parse_one(text, read="spark")
    for engine in find_sql_file(path.stem, RECORD_VIEWS).engines.split(","):
        dialect = re.findall(r"[a-z]+", engine.lower())[0]
        made = tree.sql(dialect, identify=True, unsupported_level=ErrorLevel.RAISE)
        again = sqlglot.parse_one(made, read=dialect)
        assert [c.alias_or_name for c in again.selects] == [c.alias_or_name for c in tree.selects]
        if dialect == "hive":  # Hive 3 has no date_trunc
            assert not list(tree.find_all(exp.TimestampTrunc))


@pytest.mark.parametrize("path", SENSORS, ids=lambda path: path.name)
def test_the_text_for_athena_is_valid_there(path: Path) -> None:
    file = find_sql_file(path.stem, RECORD_VIEWS)
    text, values = athena_text(file, {name: ANY[kind] for name, kind in file.parameters.items()})
    tree = sqlglot.parse_one(text, read="athena")
    assert len(list(tree.find_all(exp.Placeholder))) == len(values)
    assert all(sqlglot.parse_one(value, read="athena") for value in values)


@pytest.mark.parametrize(
    "broken",
    [
        "SELECT CAST(t.a AS INT) FROM t",
        "SELECT CAST(t.a AS DATE) FROM t",
        "SELECT t.a::int FROM t",
        "SELECT t.a / t.b FROM t",
        "SELECT t.a % t.b FROM t",
        "SELECT t.a FROM t WHERE t.date >= '2019-01-01'",
        "SELECT t.a FROM t WHERE t.event_time BETWEEN '2019-01-01' AND '2019-01-02'",
        "SELECT t.a FROM t ORDER BY t.a",
        "SELECT t.a FROM t ORDER BY t.a DESC, t.b NULLS LAST",
        "SELECT t.a FROM t ORDER BY t.a NULLS FIRST",
        "SELECT t.a FROM t ORDER BY 1 NULLS LAST",
        "SELECT ROW_NUMBER() OVER (PARTITION BY t.a) AS n FROM t",
        "SELECT t.a AS b, COUNT(*) AS n FROM t GROUP BY b",
        "SELECT t.a, COUNT(*) AS n FROM t GROUP BY 1",
        "SELECT t.a, COUNT(*) AS n FROM t GROUP BY ALL",
        "SELECT t.a, COUNT(*) AS n FROM t GROUP BY ROLLUP (t.a)",
        "SELECT MAX_BY(t.a, t.b) AS a FROM t",
        "SELECT FIRST(t.a) AS a FROM t",
        "SELECT ANY_VALUE(t.a) AS a FROM t",
        "SELECT APPROX_PERCENTILE(t.a, 0.5) AS a FROM t",
        "SELECT APPROX_COUNT_DISTINCT(t.a) AS a FROM t",
        "SELECT e.a FROM t LATERAL VIEW EXPLODE(t.b) e AS a",
        "SELECT t.a[0] AS a FROM t",
        "SELECT t.a FROM t WHERE t.a <=> t.b",
        "SELECT NVL(t.a, 0) AS a FROM t",
        "SELECT IFNULL(t.a, 0) AS a FROM t",
        "SELECT IF(t.a > 0, 1, 2) AS a FROM t",
        "SELECT t.a FROM t WHERE t.a RLIKE 'x'",
        "SELECT UNIX_TIMESTAMP(t.a) AS a FROM t",
        "SELECT FROM_UNIXTIME(t.a) AS a FROM t",
        "SELECT DATE_ADD(t.a, 1) AS a FROM t",
        "SELECT TO_DATE(t.a) AS a FROM t",
        "SELECT DATE_TRUNC('week', t.a) AS a FROM t",
        "SELECT t.a + INTERVAL '1' MONTH AS a FROM t",
        "SELECT GET_JSON_OBJECT(t.a, '$.b') AS a FROM t",
        "SELECT ROUND(t.a) AS a FROM t",
        "SELECT /*+ BROADCAST(t) */ t.a FROM t",
        "SELECT * FROM t",
        "SELECT t.* FROM t",
        "SELECT DISTINCT t.* FROM t",
        "SELECT t.a FROM t CROSS JOIN u",
        "SELECT t.a FROM t LEFT SEMI JOIN u ON t.a = u.a",
        "SELECT t.a FROM t LIMIT 5",
        "SELECT t.a FROM t UNION ALL SELECT u.a FROM u",
        "SELECT t.a FROM t; SELECT u.a FROM u",
        "INSERT INTO t SELECT u.a FROM u",
        "SELECT FROM WHERE",
    ],
)
def test_the_lint_finds_what_it_looks_for(broken: str) -> None:
    assert problems(broken)


def test_the_lint_leaves_alone_what_is_portable() -> None:
    query = """
    WITH m AS (
        SELECT DISTINCT t.a, date_trunc('minute', t.event_time) AS start FROM t
        WHERE t.a IN ('x', 'CAST(') AND NOT t.b IS NULL AND t.date BETWEEN :first AND :last
    )
    SELECT
        DATE(m.start) AS date, m.start + INTERVAL '1' MINUTE AS stop,
        ROUND(SUM(m.b) * -1e0, 6) AS b, COUNT(DISTINCT m.a) AS n
    FROM m LEFT JOIN u ON u.a = m.a
    GROUP BY m.start
    ORDER BY m.start DESC NULLS LAST
    """
    assert problems(query) == []


def test_the_views_have_the_names_that_the_documents_use() -> None:
    names = {view_name(path) for path in RADAR} - {None}
    page = (SQL.parent / "docs" / "query.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"^\| `(radar_\w+)` \|.*view", page, re.MULTILINE))

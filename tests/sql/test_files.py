"""Every .sql file says what it is for, and keeps to what all engines share."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.sql.engines import RADAR, SQL, view_name

AVOID = {
    r"\bcast\s*\(|::": "CAST: types come from the tables",
    r"(?<!-)/": "division: engines disagree about integers and zero",
    r"select\s+(distinct\s+)?(\w+\.)?\*": "SELECT *: columns are named",
    r"group by\s+\d|order by\s+\d|,\s*\d+\s*(,|$)": "columns by number",
    r"\b(max_by|min_by|first|last|any_value|approx\w*)\s*\(": "ties and algorithms differ",
    r"\b(nvl|if|ifnull|unix_timestamp|from_unixtime|date_add|datediff)\s*\(": "one engine's own",
    r"\b(lateral|rlike|regexp|qualify|ilike)\b|<=>|/\*\+": "one engine's own",
}


def code(path: Path) -> str:
    return re.sub(r"--.*", "", path.read_text(encoding="utf-8"))


def test_there_are_sql_files() -> None:
    assert {path.stem for path in RADAR} >= {"grid_located", "daily_echo", "storm_days"}


@pytest.mark.parametrize("path", sorted(SQL.rglob("*.sql")), ids=lambda path: path.name)
def test_a_file_begins_with_its_purpose_its_parameters_and_its_engines(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    head = lines[: next(i for i, line in enumerate(lines) if not line.startswith("--"))]
    text = "\n".join(head)
    for word in ("Purpose", "One row is", "Parameters", "Engines"):
        assert re.search(rf"^-- {word}\s+\S", text, re.MULTILINE), f"{path.name}: no {word}"
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("path", RADAR, ids=lambda path: path.name)
def test_a_file_avoids_what_engines_disagree_about(path: Path) -> None:
    text = code(path).lower()
    found = [why for pattern, why in AVOID.items() if re.search(pattern, text)]
    assert not found
    for order in re.findall(r"order by([^)]*)", text):
        for term in order.split(","):
            assert term.strip().endswith("nulls last"), f"ORDER BY {term.strip()}"


@pytest.mark.parametrize("broken", ["SELECT a / b", "SELECT CAST(a AS INT)", "SELECT t.* FROM t"])
def test_the_lint_finds_what_it_looks_for(broken: str) -> None:
    assert any(re.search(pattern, broken.lower()) for pattern in AVOID)


def test_the_views_have_the_names_that_the_documents_use() -> None:
    names = {view_name(path) for path in RADAR} - {None}
    page = (SQL.parent / "docs" / "query.md").read_text(encoding="utf-8")
    assert names == set(re.findall(r"^\| `(radar_\w+)` \|.*view", page, re.MULTILINE))

"""docs/aggregations.md, followed to the letter in a copy of the tree: an aggregation is added."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlglot

from stormlake.lake.sql_files import parse_sql_file
from stormlake.sensors.views import RECORD_VIEWS
from tests.docs.blocks import ROOT, Block, blocks
from tests.sql.lint import problems

PAGE = ROOT / "docs" / "aggregations.md"
TEXT = PAGE.read_text(encoding="utf-8")
NAME = "wind_gusts_per_hour"


def only(language: str) -> Block:
    (block,) = blocks(PAGE, language)
    return block


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the tree with what the page adds to it."""
    tree = tmp_path_factory.mktemp("tree")
    for part in ("lib", "jobs", "sql"):
        shutil.copytree(ROOT / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    (file,) = re.findall(r"^`(sql/\S+\.sql)`:$", TEXT, re.MULTILINE)
    (tree / file).write_text(only("sql").code, encoding="utf-8")
    ((module, place),) = re.findall(
        r"^In \[.*\]\(\.\./(\S+)\), before `(.+)`:$", TEXT, re.MULTILINE
    )
    definitions = (tree / module).read_text(encoding="utf-8")
    assert definitions.count(f"\n{place}") == 1
    made = definitions.replace(place, f"{only('python').code}\n{place}")
    (tree / module).write_text(made, encoding="utf-8")
    return tree


@pytest.fixture(scope="module")
def shown(tree: Path) -> str:
    """What the page's commands print, with the copy in the place of what is installed."""
    # The copied jobs lie where a wheel has them: the installed ones must not be found.
    (tree / "lib" / "stormlake" / "jobs").symlink_to(tree / "jobs")
    stormlake = [sys.executable, "-m", "stormlake.cli"]
    printed = ""
    for line in only("sh").code.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "stormlake"
        printed += subprocess.run(
            [*stormlake, *arguments],
            cwd=tree,
            env=os.environ | {"PYTHONPATH": str(tree / "lib")},
            stdout=subprocess.PIPE,
            text=True,
            timeout=300,
            check=True,
        ).stdout
    return printed


@pytest.mark.spark
def test_the_page_shows_what_its_commands_print(shown: str) -> None:
    assert only("text").code in shown


@pytest.mark.spark
def test_the_new_table_holds_the_gusts_that_were_planted(shown: str, tree: Path) -> None:
    planted = json.loads((tree / "build/sensors/wind/_planted.json").read_text())["planted"]
    (file,) = (tree / "lake" / NAME / "date=2026-05-01").glob("*.parquet")
    rows = pq.ParquetFile(file).read().to_pylist()
    assert f"{len(planted)} gusts" in TEXT
    for row in rows:
        gusts = [gust for gust in planted if gust["location"] == row["location"]]
        assert row["gusts"] == len(gusts) > 0
        assert row["max_speed"] == max(gust["speed"] for gust in gusts)
        # Each farm sends 3,600 records in the hour; those that came twice count once.
        assert row["record_count"] == 3600
    assert [row["location"] for row in rows] == sorted({gust["location"] for gust in planted})


def test_the_query_of_the_page_keeps_to_what_engines_agree_about() -> None:
    text = only("sql").code
    file = parse_sql_file(NAME, text, RECORD_VIEWS)
    assert file.parameters == {"start": "timestamp", "stop": "timestamp"}
    assert problems(text) == []
    assert sqlglot.parse_one(text, read="spark").sql("athena")


def test_the_page_has_every_view_with_its_columns() -> None:
    rows = re.findall(r"^\| `(\w+_records)` \| .+? \| (.+) \|$", TEXT, re.MULTILINE)
    told = {view: columns.split(", ") for view, columns in rows}
    assert told == {view: [c.name for c in columns] for view, columns in RECORD_VIEWS.items()}

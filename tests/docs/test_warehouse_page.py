"""docs/warehouse.md: its load is run against the stand-in, and prints what the page shows.

To write the shown output anew after a change that was meant:

    STORMLAKE_GOLDEN=write python -m pytest tests/docs/test_warehouse_page.py
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from stormlake.cli import main
from stormlake.lake.tables import REQUESTS_BY_OS
from stormlake.running.text_table import text_table
from stormlake.warehouse.ledger import LEDGER
from tests.docs.blocks import README, ROOT, blocks
from tests.fakes.redshift_data.postgres import PostgresServer
from tests.fakes.redshift_data.server import WORKGROUP, RedshiftStandIn
from tests.fakes.s3 import S3Server
from tests.fakes.s3_jars import s3_class_path
from tests.warehouse.conftest import postgres, warehouse_s3
from tests.warehouse.lakes import leave
from tests.warehouse.prepared import os_rows

__all__ = ["postgres", "warehouse_s3"]

PAGE = ROOT / "docs" / "warehouse.md"
BUCKET = "stormlake-example"
_STEP = re.compile(
    r"^```(?P<language>bash|sql)\n(?P<code>.*?)^```$(\n+^```text\n(?P<shown>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
CHANGES = {
    r"[0-9a-f]{16}-\d{8}T\d{6}\.\d{3}Z": "RUN",
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?Z?": "TIME",
    r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b": "UUID",
    r"\b[0-9a-f]{16}\b": "HEX",
    r"exported [\d,]+ bytes": "exported N bytes",
    r"[\d.]+ s \([\d.]+ core-seconds\)": "SECONDS",
    r"[ \t]+": " ",
}
"""What is another in every run: ids, times, sizes of files; and the width of columns."""


@dataclass(frozen=True)
class Step:
    """A command or statement of the page, what it shows and where; None: it is only run."""

    language: str
    code: str
    shown: str | None
    place: tuple[int, int]


def steps() -> list[Step]:
    text = PAGE.read_text(encoding="utf-8")
    return [
        Step(m["language"], m["code"], m["shown"], m.span("shown")) for m in _STEP.finditer(text)
    ]


def plain(text: str) -> str:
    """A text without what changes from run to run."""
    for pattern, word in CHANGES.items():
        text = re.sub(pattern, word, text)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


@pytest.fixture(scope="module")
def printed(
    postgres: PostgresServer,
    warehouse_s3: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[str]]:
    """What every step prints, one after the other."""
    folder = tmp_path_factory.mktemp("reader")
    with RedshiftStandIn(warehouse_s3, postgres, BUCKET) as stand_in:
        yield [_run(step, folder, stand_in) for step in steps()]


def _run(step: Step, folder: Path, stand_in: RedshiftStandIn, workgroup: str = "analytics") -> str:
    if step.language == "sql":
        rows = stand_in.admin(step.code.strip().rstrip(";"))
        return text_table(rows, list(rows[0])) if rows else ""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("AWS_")}
    # The reader's workgroup and database are the stand-in's here.
    code = step.code.replace(f"--workgroup {workgroup}", f"--workgroup {WORKGROUP}")
    code = code.replace("--database dev", f"--database {stand_in.database}")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        cwd=folder,
        env={
            **kept,
            **s3_class_path(),
            **stand_in.environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "BUCKET": stand_in.bucket,
            "ROLE": stand_in.iam_role,
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{step.code}\n{done.stdout}\n{done.stderr}"
    return done.stdout.replace(f"{WORKGROUP}/{stand_in.database}", "analytics/dev")


@pytest.mark.spark
@pytest.mark.one_runtime
def test_the_page_shows_what_its_commands_print(printed: list[str]) -> None:
    if os.environ.get("STORMLAKE_GOLDEN") == "write":
        text = PAGE.read_text(encoding="utf-8")
        for step, out in reversed(list(zip(steps(), printed, strict=True))):
            start, end = step.place
            if step.shown is not None:
                text = f"{text[:start]}{out.strip()}\n{text[end:]}"
        PAGE.write_text(text, encoding="utf-8")
    for step, out in zip(steps(), printed, strict=True):
        if step.shown is not None:
            assert plain(out) == plain(step.shown), step.code


def test_the_page_shows_every_command_of_the_warehouse() -> None:
    group = main.get_command(click.Context(main), "warehouse")
    assert isinstance(group, click.Group)
    text = PAGE.read_text(encoding="utf-8")
    there = set(group.list_commands(click.Context(group)))
    assert there == set(re.findall(r"stormlake warehouse ([a-z-]+)", text))


@pytest.mark.parametrize("page", [PAGE, README], ids=lambda page: page.stem)
def test_every_option_that_is_named_with_a_command_is_one(page: Path) -> None:
    text = re.sub(r"\\\n\s*", "", page.read_text(encoding="utf-8"))
    group = main.get_command(click.Context(main), "warehouse")
    assert isinstance(group, click.Group)
    lines = re.findall(r"^ *stormlake warehouse ([a-z-]+) (.*)$", text, re.MULTILINE)
    assert lines
    for name, rest in lines:
        command = group.get_command(click.Context(group), name)
        assert command is not None, name
        known = {option for each in command.params for option in each.opts}
        assert set(re.findall(r"(?<=\s)--[a-z-]+", f" {rest}")) <= known, (name, rest)


@pytest.mark.spark
def test_the_commands_of_the_readme_run_as_written(
    postgres: PostgresServer, warehouse_s3: S3Server, tmp_path: Path
) -> None:
    lines = "".join(block.code for block in blocks(README, "bash")).splitlines()
    ours = [line for line in lines if re.match(r"stormlake (ddl|warehouse) ", line)]
    assert len(ours) == 5
    leave(tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7), run_id="first")
    with RedshiftStandIn(warehouse_s3, postgres, f"{BUCKET}-readme") as stand_in:
        for path in tmp_path.rglob("*"):
            if path.is_file():
                stand_in.put(f"lake/{path.relative_to(tmp_path).as_posix()}", path.read_bytes())
        said = [
            _run(Step("bash", line, None, (0, 0)), tmp_path, stand_in, workgroup='"$WORKGROUP"')
            for line in ours
        ]
        (entry,) = stand_in.rows(LEDGER, "public")
    assert (entry["scope"], entry["row_count"]) == ('{"date":"2026-04-01"}', 2)
    assert re.search(r"requests_by_os +1 +\d+ +2 +2 +equal", said[3]), said[3]


def test_what_changes_is_all_that_the_comparison_leaves_out() -> None:
    line = "wind_max  0123456789abcdef-20260501T030000.123Z  3  180  loaded"
    other = "wind_max  ffffffffffffffff-20270501T030000.999Z  3  180  loaded"
    assert plain(line) == plain(other)
    assert plain(line) != plain(other.replace("180", "181"))

"""The commands that docs/emr.md shows without running them are commands that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from stormlake.cli import main
from stormlake.emr.jobs import job_request
from stormlake.running.jobs import JOBS
from tests.docs.blocks import README, ROOT, blocks

PAGE = ROOT / "docs" / "emr.md"
SHOWN = [
    re.sub(r"\\\n\s+", "", found)
    for found in re.findall(
        r"^    (stormlake emr (?:.*\\\n)*.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
]


@pytest.mark.parametrize("line", SHOWN)
def test_a_command_of_the_page_is_taken_as_written(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prices.toml").touch()
    words = shlex.split(line.replace("BUCKET", "bucket"))[1:]
    context, command = click.Context(main), main
    while isinstance(command, click.Group):
        name = words.pop(0)
        found = command.get_command(context, name)
        assert found is not None, name
        context, command = click.Context(found, info_name=name, parent=context), found
    parsed = command.make_context(command.name or "", list(words), parent=context.parent)
    if "--" in words:
        job = words[words.index("--") + 1 :]
        assert parsed.params["arguments"] == tuple(job)
        assert job_request(context, words[0], job).command in JOBS


def test_the_page_shows_every_command_of_the_client() -> None:
    emr = main.get_command(click.Context(main), "emr")
    assert isinstance(emr, click.Group)
    code = "\n".join([*SHOWN, *(block.code for block in blocks(README, "bash"))])
    there = set(emr.list_commands(click.Context(emr)))
    # `run` is submit, wait and logs in one.
    assert there == {*re.findall(r"stormlake emr ([a-z]+)", code), "submit"}

"""docs/athena.md: its commands run as written, but for the bucket."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner

from stormlake.cli import main
from tests.athena.conftest import Lake
from tests.docs.blocks import ROOT, blocks
from tests.fakes.athena.server import AthenaStandIn

COMMANDS = [block.code for block in blocks(ROOT / "docs" / "athena.md", "bash")]


def test_the_commands_of_the_page_run_as_written(
    stand_in: AthenaStandIn, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    shown = ""
    for command in COMMANDS:
        words = shlex.split(command.replace("BUCKET", stand_in.bucket).replace("\\\n", " "))
        words = [
            "stand-in" if word == "stormlake" and at else word for at, word in enumerate(words)
        ]
        place = words.index("--database") + 1
        words[place] = "stormlake"
        result = CliRunner().invoke(main, words[1:])
        assert result.exit_code == 0, f"{command}\n{result.output}"
        shown += result.stdout
    assert len(COMMANDS) == 2
    # Both stations have two days with columns of 35 dBZ or more.
    assert re.search(r"^4 rows$", shown, re.MULTILINE), shown
    assert "of 14 partitions" in shown

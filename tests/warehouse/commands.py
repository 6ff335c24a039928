"""Commands run in process, as a person runs them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stormlake.cli import main
from tests.fakes.redshift_data.server import RedshiftStandIn

GOLDEN = Path(__file__).parent / "golden"


def run(stand_in: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Result:
    """Run a command against the stand-in; its options of the warehouse are added."""
    for name, value in stand_in.environment.items():
        monkeypatch.setenv(name, value)
    # The stand-in is done in milliseconds.
    monkeypatch.setattr("stormlake.warehouse.data_api._FIRST_LOOK", 0.005)
    return CliRunner().invoke(main, [*arguments, *stand_in.options])


def summary(result: Result) -> Any:
    """What a command printed with `--output json`."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout.splitlines()[-1])

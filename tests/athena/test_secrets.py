"""No command of Athena's shows a credential: not in an argument, a line, an error or a query."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from stormlake.cli import main
from tests.athena.conftest import Lake
from tests.docs.blocks import ROOT
from tests.fakes.athena.server import DATABASE, WORKGROUP, AthenaStandIn
from tests.fakes.faults import Answer, Rule
from tests.warehouse.secrets import ArgumentWatch, environment, found_in

ARGUMENTS = {
    "query": ["sql/radar/storm_days.sql"],
    "register": ["--all", "--values", "station=KTLX,KLBB"],
}


def test_every_command_has_arguments_here() -> None:
    group = main.get_command(click.Context(main), "athena")
    assert isinstance(group, click.Group)
    assert set(group.list_commands(click.Context(group))) == set(ARGUMENTS)


@pytest.mark.parametrize("denied", [False, True], ids=["succeeds", "is denied"])
@pytest.mark.parametrize("name", ARGUMENTS)
def test_a_command_shows_no_credential(
    name: str, denied: bool, stand_in: AthenaStandIn, registered: Lake
) -> None:
    if denied:
        body = b'{"__type": "AccessDeniedException", "Message": "not authorized"}'
        header = ("x-amz-target", "AmazonAthena|AWSGlue")
        stand_in.inject(Rule(Answer(400, body), header=header, times=None))
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "stormlake.cli", "athena", name, *ARGUMENTS[name]),
            *("--lake", stand_in.lake, "--workgroup", WORKGROUP, "--database", DATABASE),
            *("--log-json", "--region", "us-east-1", "--endpoint-url", stand_in.endpoint_url),
        ],
        env=environment(),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ArgumentWatch(process.pid) as watch:
        stdout, stderr = process.communicate(timeout=120)
    assert (process.returncode == 0) is not denied, stderr
    queries = "\n".join(query.text for query in stand_in.queries.values())
    shown = {"arguments": "\n".join(watch.seen), "stdout": stdout, "stderr": stderr}
    shown["queries"] = queries
    assert {where: found_in(text) for where, text in shown.items()} == {
        where: [] for where in shown
    }
    assert "Traceback" not in stderr

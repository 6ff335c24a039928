"""No command shows a credential: not in an argument, a line, a log, an error or a statement."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from stormlake.cli import main
from stormlake.lake.tables import REQUESTS_BY_OS
from stormlake.warehouse.loading import load
from stormlake.warehouse.tables import USERS
from tests.fakes.faults import Answer, Reset, Rule, internal_error
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.fakes.s3_jars import s3_class_path
from tests.warehouse.lakes import leave
from tests.warehouse.prepared import how, manifest_of, os_rows, quick, scope_of
from tests.warehouse.secrets import CREDENTIALS, ArgumentWatch, environment, forms, found_in
from tests.warehouse.vendor import users


@dataclass(frozen=True)
class Place:
    """Where a command is run: a folder with a lake, and the stand-in."""

    folder: Path
    stand_in: RedshiftStandIn

    @property
    def lake(self) -> list[str]:
        return ["--lake", str(self.folder)]

    @property
    def unload(self) -> list[str]:
        url = f"s3://{self.stand_in.bucket}/unload-{self.folder.name}"
        return ["--unload", url, "--iam-role", self.stand_in.iam_role]

    def options(self, endpoint_url: str) -> list[str]:
        """Those of the stand-in, at whatever address."""
        given = self.stand_in.options
        return [endpoint_url if word == self.stand_in.endpoint_url else word for word in given]


ARGUMENTS: dict[str, Callable[[Place], list[str]]] = {
    "ddl": lambda place: ["--engine", "redshift", "--all", "--apply"],
    "warehouse errors": lambda place: [],
    "warehouse load": lambda place: [
        *("requests_by_os", *place.lake, *place.unload, "--master", "local[1]")
    ],
    "warehouse load-text": lambda place: [
        *("users", "--source", f"s3://{place.stand_in.bucket}/users.txt", *place.unload)
    ],
    "warehouse status": lambda place: place.lake,
    "warehouse verify": lambda place: ["--all", *place.lake],
}
"""What each command is given beside the options of the warehouse."""


def discovered() -> list[str]:
    """Every command that speaks to a warehouse; tests/athena has Athena's."""
    group = main.get_command(click.Context(main), "warehouse")
    assert isinstance(group, click.Group)
    return ["ddl", *(f"warehouse {each}" for each in group.list_commands(click.Context(group)))]


def test_every_command_has_arguments_here() -> None:
    assert set(discovered()) == set(ARGUMENTS), "a command is new or gone: tell ARGUMENTS of it"


@pytest.fixture
def place(warehouse: RedshiftStandIn, tmp_path: Path) -> Place:
    """A lake of two days, one of which is loaded."""
    warehouse.create(REQUESTS_BY_OS, USERS)
    warehouse.put("users.txt", users(50)[1])
    rows = os_rows("2026-04-01", 5, 7)
    leave(tmp_path, REQUESTS_BY_OS, rows, run_id="first")
    leave(tmp_path, REQUESTS_BY_OS, os_rows("2026-04-02", 9), run_id="second")
    scope = scope_of(REQUESTS_BY_OS, rows, run_id="first")
    load(quick(warehouse), scope, manifest_of(warehouse, REQUESTS_BY_OS, rows, "m"), how(warehouse))
    return Place(tmp_path, warehouse)


def everything_sent(place: Place) -> str:
    """All SQL that arrived, and every object that lies in the bucket or the lake."""
    stand_in = place.stand_in
    listed = stand_in.s3.list_objects_v2(Bucket=stand_in.bucket).get("Contents", [])
    objects = [
        stand_in.s3.get_object(Bucket=stand_in.bucket, Key=each["Key"])["Body"].read()
        for each in listed
    ]
    files = [path.read_bytes() for path in place.folder.rglob("*") if path.is_file()]
    texts = [body.decode(errors="replace") for body in (*objects, *files)]
    return "\n".join([*stand_in.statements, *(each["Key"] for each in listed), *texts])


@pytest.mark.spark
@pytest.mark.one_runtime
@pytest.mark.parametrize("name", discovered())
def test_a_command_that_succeeds_shows_no_credential(name: str, place: Place) -> None:
    extra = ["--log-json", "--output", "json"]
    words = [*name.split(), *ARGUMENTS[name](place), *place.stand_in.options, *extra]
    if "--schema" not in words:
        words += ["--schema", place.stand_in.target.schema] if name != "ddl" else []
    process = subprocess.Popen(
        [sys.executable, "-m", "stormlake.cli", *words],
        env=environment() | s3_class_path() | {"AWS_REGION": "us-east-1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ArgumentWatch(process.pid) as watch:
        stdout, stderr = process.communicate(timeout=300)
    assert process.returncode == 0, stderr
    assert any("stormlake.cli" in line for line in watch.seen)
    assert name != "warehouse load" or any("SparkSubmit" in line for line in watch.seen)
    shown = {
        "arguments": "\n".join(watch.seen),
        "stdout": stdout,
        "stderr": stderr,
        "sent": everything_sent(place),
    }
    assert {where: found_in(text) for where, text in shown.items()} == {
        where: [] for where in shown
    }


def denied(place: Place) -> None:
    body = b'{"__type": "AccessDeniedException", "message": "User is not authorized"}'
    kind = {"Content-Type": "application/x-amz-json-1.1"}
    place.stand_in.inject(Rule(Answer(403, body, kind), times=None))


def broken(place: Place) -> None:
    place.stand_in.inject(Rule(internal_error(), times=None))


def cut(place: Place) -> None:
    place.stand_in.inject(Rule(Reset(), times=None))


def garbage(place: Place) -> None:
    place.stand_in.inject(Rule(Answer(200, b"\xff<html>no such thing</html>"), times=None))


@pytest.mark.parametrize(
    ("fault", "log"),
    [(denied, "text"), (denied, "json"), (broken, "json"), (cut, "json"), (garbage, "json")],
)
@pytest.mark.parametrize("name", discovered())
def test_a_command_that_fails_shows_no_credential(
    name: str,
    log: str,
    fault: Callable[[Place], None],
    place: Place,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    for each, value in environment().items():
        monkeypatch.setenv(each, value)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    for pause in ("_FIRST_LOOK", "_LAST_LOOK"):
        monkeypatch.setattr(f"stormlake.warehouse.data_api.{pause}", 0.001)
    traces: list[str] = []
    leave_as_ever = click.echo

    def echo(*arguments: Any, **options: Any) -> None:
        # Whatever is said of an error is said while it is handled.
        traces.append(traceback.format_exc())
        leave_as_ever(*arguments, **options)

    monkeypatch.setattr("stormlake.running.options.click.echo", echo)
    fault(place)
    extra = ["--log-json"] if log == "json" else []
    with caplog.at_level(logging.INFO):
        told = CliRunner().invoke(
            main, [*name.split(), *ARGUMENTS[name](place), *place.stand_in.options, *extra]
        )
    assert told.exit_code not in (0, 3), told.output
    chain = "".join(traceback.format_exception(told.exception)) if told.exception else ""
    shown = {"output": told.output, "stderr": told.stderr, "log": caplog.text,
             "exception": chain, "traces": "\n".join(traces)}  # fmt: skip
    assert {where: found_in(text) for where, text in shown.items()} == {
        where: [] for where in shown
    }


@pytest.mark.parametrize("name", CREDENTIALS)
def test_the_scan_finds_a_credential_however_it_is_written(name: str) -> None:
    for form in forms(CREDENTIALS[name]):
        assert found_in(f'{{"a": "x{form}y"}}') == [name]
    assert found_in("nothing of the kind") == []


def test_the_watch_sees_the_arguments_of_grandchildren() -> None:
    secret = CREDENTIALS["AWS_SECRET_ACCESS_KEY"]
    inner = f"import subprocess, sys; subprocess.run(['sleep', '0.5', *['0'] * 2]); '{secret}'"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"
    process = subprocess.Popen([sys.executable, "-c", code.replace(secret, secret)])
    with ArgumentWatch(process.pid) as watch:
        process.wait(timeout=30)
    assert found_in("\n".join(watch.seen)) == ["AWS_SECRET_ACCESS_KEY"]
    assert any(line.startswith("sleep\0") for line in watch.seen)

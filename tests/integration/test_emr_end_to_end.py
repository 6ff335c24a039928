"""From the laptop to EMR and back, by the README's own commands: the lake is the laptop's.

The archive is packaged as a user would, tried and uploaded; the stand-in for EMR unpacks it and
runs each step on a real Spark, from S3 to S3. What is scheduled runs through the state machine
itself.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs

import pyspark
import pytest

from stormlake.archive.s3 import DEFAULT_SOURCE
from stormlake.emr.package_command import OUT
from stormlake.emr.schedules import SCHEDULED_TIME
from stormlake.runtimes import RUNTIMES
from stormlake.simulate.radar import simulate_storm
from tests.docs.blocks import README, blocks
from tests.emr.stacks import DEFINITION, deploy
from tests.fakes.asl import Machine
from tests.fakes.asl_services import Integrations
from tests.fakes.emr import FakeAws
from tests.fakes.emr.server import Response
from tests.fakes.emr.spark import SparkRunner
from tests.fakes.faults import Request
from tests.fakes.s3 import s3_server
from tests.integration.cluster import standalone_cluster
from tests.integration.packaged import Packaged
from tests.integration.runs import JobServer, assert_same_lake, records, test_environment

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime, pytest.mark.timeout(1500)]

STACK = "stormlake"
(RELEASE,) = (each for each in RUNTIMES if each.spark == pyspark.__version__)
NIGHT = "2016-06-02T03:00:00Z"


class Account(FakeAws):
    """The stand-in for AWS, with a stack that really comes into being.

    moto makes the change set of our template and shows it, but cannot carry it out: here the stack
    gets the template's outputs and what the commands call.
    """

    def forward(self, request: Request) -> Response:
        asked = parse_qs(request.body.decode(errors="replace"))
        if asked.get("Action") != ["ExecuteChangeSet"]:
            return super().forward(request)
        cloudformation = self.client("cloudformation")
        cloudformation.delete_stack(StackName=STACK)
        deploy(self, STACK)
        answer = (
            '<ExecuteChangeSetResponse xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/">'
            "<ExecuteChangeSetResult/><ResponseMetadata><RequestId>1</RequestId>"
            "</ResponseMetadata></ExecuteChangeSetResponse>"
        )
        return 200, "OK", [("Content-Type", "text/xml")], answer.encode()


@dataclass(frozen=True)
class Terminal:
    """A reader's shell: what each of the README's commands said."""

    account: Account
    folder: Path
    said: dict[str, subprocess.CompletedProcess[str]]

    def lake(self, folder: Path) -> Path:
        """Bring the bucket's lake here."""
        pages = self.account.s3.get_paginator("list_objects_v2").paginate(
            Bucket=STACK, Prefix="lake/"
        )
        for key in (found["Key"] for page in pages for found in page.get("Contents", [])):
            path = folder / key
            if not key.endswith("/"):
                path.parent.mkdir(parents=True, exist_ok=True)
                self.account.s3.download_file(STACK, key, str(path))
        return folder / "lake"


@pytest.fixture(scope="module")
def volumes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Two volumes of the README's station-day, by key."""
    folder = tmp_path_factory.mktemp("public")
    start = dt.datetime(2016, 6, 1, 15, 0, 25, tzinfo=dt.UTC)
    made = simulate_storm("KLBB", start, 2, 1, folder)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in made}


@pytest.fixture(scope="module")
def terminal(
    volumes: dict[str, bytes], packaged: Packaged, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Terminal]:
    folder = tmp_path_factory.mktemp("emr")
    # What `package` would build and try here has been, by another test that asks what was seen.
    (folder / OUT).parent.mkdir()
    (folder / OUT).symlink_to(packaged.path.parent, target_is_directory=True)
    with s3_server() as s3, standalone_cluster(folder, workers=1, own_path=False) as spark:
        s3.seed(DEFAULT_SOURCE.removeprefix("s3://"), volumes, public=True)
        s3.seed(STACK, {})
        with Account(s3, SparkRunner(spark.url, s3, folder)) as account:
            account.logs.every = 1
            yield Terminal(account, folder, _follow_the_readme(account, folder))


def _follow_the_readme(
    account: Account, folder: Path
) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the commands of the README's part on EMR one after the other, as it has them."""
    environment = test_environment(account.environment) | {
        "PATH": f"{Path(sys.prefix) / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "BUCKET": STACK,
        "KEY": "arn:aws:kms:us-east-1:123456789012:key/0123",
        "SUBNETS": "subnet-1,subnet-2",
    }
    said = {}
    lines = "".join(block.code for block in blocks(README, "bash")).splitlines()
    # tests/docs has the other parts of the README.
    for line in (line for line in lines if line.startswith("stormlake emr ")):
        name = re.sub(r"^stormlake emr ([a-z]+).*", r"\1", line)
        # The README takes the default; on the other Spark its own release is named.
        taken = re.sub(
            r"^(stormlake emr (?:package|estimate|run|schedule))", rf"\1 {_release()}", line
        )
        started = time.monotonic()
        said[name] = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", taken],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        print(f"{name}: {time.monotonic() - started:.1f} s")  # pytest -rP shows it
    return said


def _release() -> str:
    return "" if RELEASE.label == RUNTIMES[0].label else f"--runtime {RELEASE.label}"


@pytest.fixture(scope="module")
def local(
    volumes: dict[str, bytes], job: JobServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The lake of the same job here, over the same volumes in a folder."""
    folder = tmp_path_factory.mktemp("local")
    for key, data in volumes.items():
        (folder / "archive" / key).parent.mkdir(parents=True, exist_ok=True)
        (folder / "archive" / key).write_bytes(data)
    lake = folder / "lake"
    job(
        *("--source", folder / "archive", "--lake", lake, "--station", "KLBB"),
        *("--start", "2016-06-01", "--end", "2016-06-02", "--master", "local[1]"),
    ).expect(0)
    return lake


def test_the_commands_of_the_readme_work_as_written(terminal: Terminal) -> None:
    assert [*terminal.said] == ["deploy", "package", "estimate", "run", "list", "schedule"]
    for name, done in terminal.said.items():
        assert done.returncode == 0, f"{name}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
    assert re.search(r"verified .*gates_kept \d{3,}", terminal.said["package"].stdout)
    assert re.search(r"ingest-radar.*COMPLETED", terminal.said["list"].stdout)


def test_what_ran_from_the_archive_alone_is_what_runs_here(
    terminal: Terminal, local: Path, tmp_path: Path
) -> None:
    lake = terminal.lake(tmp_path)
    assert_same_lake(lake, local)
    (record,) = records(lake)
    assert record["ok"] and record["summary"]["volumes"]["ok"] == 2
    (cluster,) = terminal.account.emr.clusters.values()
    assert cluster.state == "TERMINATED", "a transient cluster ends with its job"


def test_what_is_scheduled_is_what_was_tested(
    terminal: Terminal, local: Path, tmp_path: Path
) -> None:
    account = terminal.account
    kept = account.client("scheduler").get_schedule(Name="klbb", GroupName=STACK)
    given = kept["Target"]["Input"].replace(SCHEDULED_TIME, NIGHT)
    services = Integrations(account.session(), account.endpoint_url, poll=1.0)

    done = Machine(DEFINITION, services).run(json.loads(given), "night-1")
    twice = Machine(DEFINITION, services).run(json.loads(given), "night-2")

    assert done.status == "SUCCEEDED", done.cause
    assert (twice.status, len(account.emr.clusters)) == ("SUCCEEDED", 2), "a double fire"
    lake = terminal.lake(tmp_path)
    assert_same_lake(lake, local)
    assert [record["run_id"] for record in records(lake)][-1:] != [], "each run has its record"
    assert len(records(lake)) == 2

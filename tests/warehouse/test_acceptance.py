"""The tests for a real workgroup hold against the stand-in: they are ready for whoever has one."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.fakes.redshift_data.server import WORKGROUP, RedshiftStandIn

ROOT = Path(__file__).resolve().parents[2]


def run(environment: dict[str, str]) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/acceptance_aws"],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()[-1]


def test_every_test_for_a_real_workgroup_passes_against_the_stand_in(
    warehouse: RedshiftStandIn,
) -> None:
    given = {
        "STORMLAKE_AWS": "1",
        "STORMLAKE_AWS_WORKGROUP": WORKGROUP,
        "STORMLAKE_AWS_DATABASE": warehouse.database,
        "STORMLAKE_AWS_BUCKET": warehouse.bucket,
        "STORMLAKE_AWS_ROLE": warehouse.iam_role,
    }
    told = run(warehouse.environment | given)
    assert re.match(r"\d+ passed in", told), told


def test_without_being_asked_for_none_of_them_runs() -> None:
    assert re.match(r"\d+ skipped in", run({}))

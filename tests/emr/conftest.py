"""AWS for the tests of the EMR client: one stand-in for each test, one moto for them all.

    def test_a_failed_step_is_reported(fake, aws):
        cluster = waiting_cluster(fake)
        fake.scripts.expect(Script(exit_code=1, seconds=40))
        ...submit with `aws`, or `--endpoint-url fake.endpoint_url` and `fake.environment`...
        fake.clock.advance(40)

`fake.s3` is a client for looking at S3 past the faults; `fake.inject(Rule(throttling(), header=(
"X-Amz-Target", "ListSteps$")))` makes calls fail (tests/fakes/faults.py); `fake.requests` is what
came. `bucket` is empty and this test's own. Steps go as `fake.scripts.expect(Script(...))` says;
the clock is real until `fake.clock.freeze()` or `advance()`, which has the form of `time.sleep`.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from stormlake.running.aws import Aws
from tests.fakes.emr import FakeAws
from tests.fakes.s3 import S3Server, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    """moto, for all tests of the client."""
    with s3_server() as server:
        yield server


@pytest.fixture
def fake(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAws]:
    """AWS with no cluster; the process's environment has its address and credentials."""
    with FakeAws(s3) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.delenv("AWS_PROFILE", raising=False)
        yield server


@pytest.fixture
def aws(fake: FakeAws) -> Aws:
    """The client's calls, to the stand-in."""
    return Aws(fake.session(), fake.endpoint_url)


@pytest.fixture
def bucket(fake: FakeAws) -> str:
    """An empty bucket of this test's own."""
    name = f"test-{secrets.token_hex(8)}"
    fake.s3.create_bucket(Bucket=name)
    return name


def cluster_request(**changes: Any) -> dict[str, Any]:
    """RunJobFlow's parameters of a small cluster that stays, with `changes` in them.

    `Instances` in the changes is merged into the one here.
    """
    instances: dict[str, Any] = {
        "InstanceFleets": [
            {
                "InstanceFleetType": role,
                "TargetOnDemandCapacity": 1,
                "InstanceTypeConfigs": [{"InstanceType": "m7i.xlarge"}],
            }
            for role in ("MASTER", "CORE")
        ],
        "KeepJobFlowAliveWhenNoSteps": True,
    } | changes.pop("Instances", {})
    request = {
        "Name": "test",
        "ReleaseLabel": "emr-7.13.0",
        "Instances": instances,
        "JobFlowRole": "EMR_EC2_DefaultRole",
        "ServiceRole": "EMR_DefaultRole",
    }
    return request | changes


def waiting_cluster(fake: FakeAws, **changes: Any) -> str:
    """Make a cluster that is WAITING, and give its id."""
    cluster = str(fake.client("emr").run_job_flow(**cluster_request(**changes))["JobFlowId"])
    fake.tick()
    assert fake.emr.clusters[cluster].state == "WAITING"
    return cluster

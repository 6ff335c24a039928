"""Requests for the tests of the client: command lines, and submissions without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click
from click.testing import CliRunner, Result

from stormlake import cli
from stormlake.emr.artifacts import ArtifactPlace, Target, deps_key
from stormlake.emr.asked import Asked
from stormlake.emr.submissions import Clock
from stormlake.emr.submitting import Plan, make_plan
from stormlake.running.aws import Aws
from stormlake.runtimes import runtime
from tests.fakes.emr import FakeAws

ROLE = "arn:aws:iam::123456789012:role/stormlake"

CLUSTER = """\
log_uri = "s3://bucket/logs/"
subnets = ["subnet-1"]
service_role = "service"
instance_profile = "instances"
"""
"""A cluster file that says no more than it must."""


def invoke(*arguments: str, environment: Mapping[str, str] | None = None) -> Result:
    """Run `stormlake …` in this process."""
    return CliRunner().invoke(cli.main, [*arguments], env=environment)


def job_arguments(bucket: str) -> tuple[str, ...]:
    """A radar job on a day, from a bucket into a lake in it."""
    return (
        *("--source", f"s3://{bucket}/archive", "--lake", f"s3://{bucket}/lake"),
        *("--station", "KLBB", "--start", "2016-06-01", "--end", "2016-06-02"),
    )


def put_archive(fake: FakeAws, bucket: str, label: str = "emr-7.13.0") -> None:
    """Something where `stormlake emr package` would have put the dependencies."""
    target = Target(runtime(label))
    key = ArtifactPlace(bucket).full_key(deps_key(target, target.lock()))
    fake.s3.put_object(Bucket=bucket, Key=key, Body=b"")


def plan(aws: Aws, bucket: str, *, shown: bool = False, **given: Any) -> Plan:
    """A submission of the radar job."""
    context, arguments = click.Context(cli.main), job_arguments(bucket)
    return make_plan(context, Asked(**given), "ingest-radar", arguments, aws, shown=shown)


def clock_of(fake: FakeAws) -> Clock:
    """The stand-in's time, which passes when the client waits."""
    return Clock(
        now=lambda: datetime.fromtimestamp(fake.clock.now(), UTC), sleep=fake.clock.advance
    )


def names_of_steps(fake: FakeAws) -> list[str]:
    """Names of all that was ever started."""
    steps = [step.config["Name"] for one in fake.emr.clusters.values() for step in one.steps]
    return steps + [run.request["name"] for run in fake.serverless.runs.values()]


class Killed(BaseException):
    """The client's process is gone."""


@dataclass
class Murder:
    """Kill a client at one of its requests to AWS, whatever the service.

    Parameters
    ----------
    requests : list of str
        What was sent since `strike` or `spare`, `emr.AddJobFlowSteps`.
    """

    requests: list[str] = field(default_factory=list)
    at: int | None = None
    carried_out: bool = False

    def client(self, fake: FakeAws) -> Aws:
        """A client that can be killed."""
        session = fake.session()
        session.events.register("before-send", self._before)
        session.events.register("after-call", self._after)
        return Aws(session, fake.endpoint_url)

    def strike(self, at: int, carried_out: bool) -> None:
        """Kill it at this request from now, from 0; before or after the service has done it."""
        self.at, self.carried_out = at, carried_out
        self.requests.clear()

    def spare(self) -> None:
        """Let it live."""
        self.at = None
        self.requests.clear()

    def _before(self, request: Any, event_name: str, **_: Any) -> None:
        if len(self.requests) == self.at and not self.carried_out:
            raise Killed
        self.requests.append(event_name.removeprefix("before-send."))

    def _after(self, **_: Any) -> None:
        if len(self.requests) - 1 == self.at:
            raise Killed

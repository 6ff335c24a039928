"""`stormlake emr cost`, against the stand-in for EMR, with times that a reader can check."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from stormlake.cli import main
from stormlake.emr.costs import cost_of
from stormlake.emr.refs import ServerlessRef, StepRef
from stormlake.lake.store import open_store
from stormlake.running.aws import Aws
from stormlake.running.prices import parse_prices
from tests.emr.conftest import cluster_request
from tests.emr.golden import check_golden
from tests.fakes.emr import FakeAws, Script, Timing
from tests.fakes.emr.serverless import ServerlessTiming, Workers

KEY = "0123456789abcdef"
PRICES = """
region = "us-east-1"
currency = "USD"
date = 2026-11-01
[instances]
"m7i.xlarge" = { ec2 = 0.2, spot = 0.08, emr = 0.05 }
[serverless]
vcpu_hour = 0.05
memory_gb_hour = 0.005
storage_gb_hour = 0.0001
"""


def step(lake: str, attempt: int = 1, on_failure: str = "CONTINUE") -> dict[str, Any]:
    arguments = ["spark-submit", "s3://b/ingest_radar.py", "--run-id", f"{KEY}-{attempt}"]
    return {
        "Name": f"stormlake/ingest-radar/{KEY}/{attempt}",
        "ActionOnFailure": on_failure,
        "HadoopJarStep": {"Jar": "command-runner.jar", "Args": [*arguments, "--lake", lake]},
    }


def cluster(fake: FakeAws, **changes: Any) -> str:
    fake.emr.timing = Timing(starting=200, bootstrapping=40)
    return str(fake.client("emr").run_job_flow(**cluster_request(**changes))["JobFlowId"])


def add(fake: FakeAws, cluster: str, *steps: dict[str, Any]) -> list[StepRef]:
    answer = fake.client("emr").add_job_flow_steps(JobFlowId=cluster, Steps=list(steps))
    return [StepRef(cluster, each) for each in answer["StepIds"]]


def cost(*arguments: object) -> Result:
    typed = ["emr", "cost", *map(str, arguments)]
    return CliRunner().invoke(main, typed, prog_name="stormlake")


def now(fake: FakeAws) -> datetime:
    return datetime.fromtimestamp(fake.clock.now(), UTC)


@pytest.fixture
def prices(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(PRICES)
    return path


def test_a_cluster_made_for_a_run_is_all_the_runs_and_stands_beside_its_estimate(
    fake: FakeAws, aws: Aws, bucket: str, prices: Path
) -> None:
    fake.clock.freeze()
    lake = f"s3://{bucket}/radar"
    kept = {"hours": [0.5, 1.25], "cost": [0.3, 1.5], "currency": "USD", "at": "2026-11-25T00:00"}
    store = open_store(lake, session=aws.session, endpoint_url=aws.endpoint_url)
    path = f"_stormlake/estimates/ingest-radar/{KEY}.json"
    store.create(path, json.dumps(kept).encode())
    fake.scripts.expect(Script(seconds=3600))
    made = cluster(fake, Instances={"KeepJobFlowAliveWhenNoSteps": False}, Steps=[step(lake)])
    fake.clock.advance(240)
    fake.clock.advance(3600)
    fake.clock.advance(600)
    (found,) = fake.client("emr").list_steps(ClusterId=made)["Steps"]
    done = cost("--prices", prices, f"{made}/{found['Id']}")
    assert done.exit_code == 0, done.output
    assert "COMPLETED, cluster TERMINATED" in done.stdout
    assert "the whole cluster, which was made for this run" in done.stdout
    # Two instances, some 4 minutes to get ready each, an hour and a little longer.
    assert "m7i.xlarge      ON_DEMAND           2" in done.stdout
    assert "0.50 to 1.25 hours; it ran 1.00" in done.stdout
    assert "0.3000 to 1.50 USD, of 2026-11-25T00:00" in done.stdout
    assert "instance-hours from launch to ready, which EC2 bills" in done.stdout
    assert "so far" not in done.stdout


def test_two_steps_at_once_share_a_cluster_evenly_and_idle_time_is_nobodys(
    fake: FakeAws, aws: Aws
) -> None:
    fake.clock.freeze()
    fake.emr.page_size = 1
    made = cluster(fake, StepConcurrencyLevel=2)
    fake.clock.advance(240)
    fake.clock.advance(1800)  # idle
    fake.scripts.expect(Script(seconds=3600))
    fake.scripts.expect(Script(seconds=1800))
    first, second = add(fake, made, step("/lake"), step("/lake", attempt=2))
    fake.tick()
    fake.clock.advance(1800)
    fake.clock.advance(1800)
    fake.clock.advance(1800)  # idle again
    table = parse_prices(PRICES, "mine.toml")
    one, two = (cost_of(aws, ref, table, now(fake)) for ref in (first, second))
    # Half an hour of both instances together, shared; then the first one's alone.
    assert two.hours == pytest.approx(0.5, abs=0.01)
    assert one.hours == pytest.approx(1.5, abs=0.01)
    assert one.cost == pytest.approx(1.5 * 0.25, rel=0.01)
    assert one.final
    assert one.cluster_cost == one.lines[0].cost
    # Two hours since it was ready, of two instances.
    assert one.lines[0].hours == pytest.approx(2 * 2, rel=0.02)
    assert one.estimate is None


def test_a_step_that_runs_costs_so_much_so_far_and_one_that_waits_nothing(
    fake: FakeAws, aws: Aws, prices: Path
) -> None:
    fake.clock.freeze()
    made = cluster(fake)
    fake.clock.advance(240)
    fake.scripts.expect(Script(seconds=3600))
    running, waiting = add(fake, made, step("/lake"), step("/lake", attempt=2))
    fake.tick()
    fake.clock.advance(900)
    table = parse_prices(PRICES, "mine.toml")
    found = cost_of(aws, running, table, now(fake))
    assert found.hours == pytest.approx(0.5, abs=0.01)
    assert not found.final
    found = cost_of(aws, waiting, table, now(fake))
    assert (found.hours, found.cost, found.wall_hours) == (0, 0, None)
    assert found.share == "nothing: the step has not started"
    done = cost("--prices", prices, "--output", "json", running)
    assert json.loads(done.stdout)["final"] is False


def test_spot_has_its_own_price_and_a_type_without_one_its_hours(fake: FakeAws, aws: Aws) -> None:
    fake.clock.freeze()
    made = cluster(fake)
    fake.clock.advance(240)
    fake.emr.clusters[made].fleets[1].scale(fake.clock.now(), 3, "m7i.xlarge", "SPOT")
    fake.emr.clusters[made].fleets[1].scale(fake.clock.now(), 1, "x9.large", "ON_DEMAND")
    fake.scripts.expect(Script(seconds=3600))
    (ref,) = add(fake, made, step("/lake"))
    fake.tick()
    fake.clock.advance(3600)
    found = cost_of(aws, ref, parse_prices(PRICES, "mine.toml"), now(fake))
    run = {(line.type, line.market): (line.run_hours, line.run_cost) for line in found.lines}
    assert run["m7i.xlarge", "SPOT"] == (
        pytest.approx(3, abs=0.01),
        pytest.approx(0.39, abs=0.01),
    )
    assert run["x9.large", "ON_DEMAND"] == (pytest.approx(1, abs=0.01), None)
    assert found.cost is None
    assert "no price for x9.large in mine.toml: hours only" in found.notes


def test_serverless_costs_what_it_says_that_it_bills(
    fake: FakeAws, aws: Aws, bucket: str, prices: Path
) -> None:
    fake.clock.freeze()
    application = fake.serverless.application()
    fake.serverless.timing = ServerlessTiming(bill=60)
    fake.serverless.workers = Workers(vcpu=8, memory_gb=32, storage_gb=40)
    fake.scripts.expect(Script(seconds=1800))
    run = fake.client("emr-serverless").start_job_run(
        applicationId=application,
        clientToken="a",
        executionRoleArn="arn:aws:iam::123456789012:role/job",
        name=f"stormlake/ingest-radar/{KEY}/1",
        jobDriver={
            "sparkSubmit": {
                "entryPoint": "s3://b/ingest_radar.py",
                "entryPointArguments": ["--lake", f"s3://{bucket}"],
            }
        },
    )["jobRunId"]
    ref = ServerlessRef(application, run)
    fake.tick()
    fake.clock.advance(1800)
    done = cost("--prices", prices, ref)
    assert "tells what it bills when a job run has ended; not yet" in done.stdout
    assert "no price, so far" in done.stdout
    fake.clock.advance(60)
    found = cost_of(aws, ref, parse_prices(PRICES, "mine.toml"), now(fake))
    assert found.cost == pytest.approx(4 * 0.05 + 16 * 0.005 + 20 * 0.0001)
    assert found.final
    done = cost("--prices", prices, ref)
    assert "memoryGBHour                16.000" in done.stdout
    assert "this run    4.00 vCPU-hours, 0.2820 USD" in done.stdout
    assert "none was kept; stormlake emr estimate, with the same lake, keeps one" in done.stdout


def test_what_the_service_does_not_know_is_said(fake: FakeAws) -> None:
    done = cost("j-2AXXXXXXGAPLF/s-1XXXXXXXXXXA")
    assert done.exit_code == 1, done.output
    assert "emr DescribeCluster: InvalidRequestException" in done.stderr
    assert cost("j-2AXXXXXXGAPLF").exit_code == 2


@pytest.mark.parametrize(
    ("name", "ref"),
    [
        ("cost_cluster", "j-2AXXXXXXGAPLF/s-1XXXXXXXXXXA"),
        ("cost_serverless", "00f1a2b3c4d5e6f7/00f0e1d2c3b4a596"),
    ],
)
def test_a_golden_dry_run_asks_for_what_was_used(name: str, ref: str) -> None:
    done = cost("--dry-run", ref)
    assert done.exit_code == 0, done.output
    check_golden(name, done.stdout)

"""`stormlake emr list` and `status`: what is there, on every page, newest first."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from stormlake.running.text_table import text_table
from tests.emr.conftest import waiting_cluster
from tests.emr.golden import check_golden
from tests.emr.submitting import ROLE, invoke
from tests.fakes.emr import FakeAws, Loss, Script

OURS = "stormlake/{}/0123456789abcdef/{}"


def add_step(fake: FakeAws, cluster: str, name: str) -> str:
    """Add a step; the clock goes on by a minute, so that each is newer than the last."""
    fake.clock.advance(60)
    jar = {"Jar": "command-runner.jar", "Args": ["spark-submit", "x.py"]}
    added = fake.client("emr").add_job_flow_steps(
        JobFlowId=cluster,
        Steps=[{"Name": name, "ActionOnFailure": "CONTINUE", "HadoopJarStep": jar}],
    )
    fake.tick()
    return f"{cluster}/{added['StepIds'][0]}"


def listed(*options: str) -> list[dict[str, Any]]:
    result = invoke("emr", "list", "--output", "json", *options)
    assert result.exit_code == 0, result.stderr
    runs: list[dict[str, Any]] = json.loads(result.stdout)["runs"]
    return runs


def refs(*options: str) -> list[str]:
    return [run["ref"] for run in listed(*options)]


@pytest.mark.parametrize("page_size", [1, 2, 50])
def test_every_page_is_read_and_the_newest_run_comes_first(fake: FakeAws, page_size: int) -> None:
    fake.emr.page_size = page_size
    clusters = [waiting_cluster(fake) for _ in range(3)]
    made = [
        add_step(fake, cluster, OURS.format("ingest-radar", attempt))
        for attempt in (1, 2)
        for cluster in clusters
    ]
    assert refs() == made[::-1]
    assert refs("--cluster-id", clusters[1]) == [made[4], made[1]]


def test_steps_of_others_are_left_out(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake)
    add_step(fake, cluster, "theirs")
    add_step(fake, cluster, "stormlake/odd/name")
    ours = add_step(fake, cluster, OURS.format("ingest-radar", 1))
    assert refs() == [ours]


def test_runs_are_chosen_by_job_state_and_time(fake: FakeAws) -> None:
    fake.clock.freeze(1_780_000_000.0)  # 2026-05-28 20:26:40 UTC
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(exit_code=1))
    failed = add_step(fake, cluster, OURS.format("ingest-radar", 1))
    done = add_step(fake, cluster, OURS.format("aggregate-wind_max", 1))
    fake.scripts.expect(Script(seconds=math.inf))
    running = add_step(fake, cluster, OURS.format("ingest-radar", 2))
    ever = ("--since", "1970-01-01")
    assert refs(*ever) == [running, done, failed]
    assert refs(*ever, "--job", "ingest-radar") == [running, failed]
    assert refs(*ever, "--state", "running", "--state", "FAILED") == [running, failed]
    assert refs("--since", "2026-05-28T20:28:30") == [running, done]
    assert refs("--since", "2026-05-28T21:00") == []


def test_a_run_is_told_with_its_job_run_id_state_times_and_cause(fake: FakeAws) -> None:
    fake.clock.freeze(1_780_000_000.0)
    cluster = waiting_cluster(fake)
    failure = {"Reason": "Unknown Error.", "Message": "Exit code 1", "LogFile": "s3://b/x"}
    fake.scripts.expect(Script(exit_code=1, seconds=30, failure=failure))
    ref = add_step(fake, cluster, OURS.format("ingest-radar", 2))
    fake.clock.advance(30)
    fake.tick()
    assert listed("--since", "1970-01-01") == [
        {
            "ref": ref,
            "name": "stormlake/ingest-radar/0123456789abcdef/2",
            "job": "ingest-radar",
            "run_id": "0123456789abcdef-2",
            "state": "FAILED",
            "created": "2026-05-28T20:27:40Z",
            "started": "2026-05-28T20:27:40Z",
            "ended": "2026-05-28T20:28:10Z",
            "cause": "Unknown Error.: Exit code 1",
        }
    ]


def test_a_person_gets_a_table(fake: FakeAws) -> None:
    fake.clock.freeze(1_780_000_000.0)
    cluster = waiting_cluster(fake)
    ref = add_step(fake, cluster, OURS.format("ingest-radar", 1))
    result = invoke("emr", "list", "--since", "1970-01-01")
    heading, line = result.stdout.splitlines()
    assert heading.split() == ["REF", "JOB", "STATE", "CREATED", "STARTED", "ENDED", "CAUSE"]
    assert line.split() == [ref, "ingest-radar", "COMPLETED", *["2026-05-28T20:27:40Z"] * 3]


def test_nothing_is_said_as_nothing(fake: FakeAws) -> None:
    result = invoke("emr", "list", "--since", "2026-05-28")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "nothing was submitted since 2026-05-28 00:00 UTC\n"
    assert listed() == []


def test_a_cluster_that_ended_before_is_not_asked_for_its_steps(fake: FakeAws) -> None:
    old, young = waiting_cluster(fake), waiting_cluster(fake)
    add_step(fake, old, OURS.format("ingest-radar", 1))
    fake.client("emr").terminate_job_flows(JobFlowIds=[old])
    fake.clock.advance(10 * 86400)
    ref = add_step(fake, young, OURS.format("ingest-radar", 2))
    fake.clear()
    since = fake.client("emr").describe_cluster(ClusterId=old)["Cluster"]["Status"]["Timeline"]
    assert refs("--since", f"{since['EndDateTime'].isoformat()}"[:10] + "T23:59:59") == [ref]
    asked = [json.loads(r.body)["ClusterId"] for r in fake.requests if b"ClusterId" in r.body]
    assert asked.count(old) == 1  # this test's own question above


def test_runs_of_an_application_are_listed_too(fake: FakeAws) -> None:
    application = fake.serverless.application()
    fake.serverless.page_size = 1
    client = fake.client("emr-serverless")
    made = []
    for attempt in (1, 2, 3):
        fake.clock.advance(60)
        run = client.start_job_run(
            applicationId=application,
            clientToken=f"0123456789abcdef-{attempt}",
            executionRoleArn=ROLE,
            name=OURS.format("ingest-radar", attempt),
            jobDriver={"sparkSubmit": {"entryPoint": "s3://b/x.py"}},
        )
        made.append(f"{application}/{run['jobRunId']}")
    assert refs("--serverless", application) == made[::-1]
    result = invoke("emr", "status", made[0], "--output", "json")
    told = json.loads(result.stdout)
    assert (told["ref"], told["job"]) == (made[0], "ingest-radar")


@pytest.mark.parametrize("command", ["list", "status"])
def test_what_is_not_there_is_refused_by_its_name(fake: FakeAws, command: str) -> None:
    option = ("--cluster-id",) if command == "list" else ()
    result = invoke("emr", command, *option, "j-NEVER")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "j-NEVER: emr DescribeCluster: InvalidRequestException" in result.stderr
    assert "check it, and --region" in result.stderr


def test_a_cluster_and_an_application_at_once_are_refused() -> None:
    result = invoke("emr", "list", "--cluster-id", "j-1", "--serverless", "00f1")
    assert result.exit_code == 2
    assert "--cluster-id and --serverless do not go together" in result.stderr


def test_status_of_a_step_tells_the_cluster_too(fake: FakeAws) -> None:
    fake.clock.freeze(1_780_000_000.0)
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(seconds=math.inf))
    ref = add_step(fake, cluster, OURS.format("ingest-radar", 1))
    result = invoke("emr", "status", ref, "--output", "json")
    assert json.loads(result.stdout) == {
        "ref": ref,
        "name": "stormlake/ingest-radar/0123456789abcdef/1",
        "job": "ingest-radar",
        "run_id": "0123456789abcdef-1",
        "state": "RUNNING",
        "created": "2026-05-28T20:27:40Z",
        "started": "2026-05-28T20:27:40Z",
        "cluster_state": "RUNNING",
    }
    lines = invoke("emr", "status", ref).stdout.splitlines()
    assert lines[0].split() == ["ref", ref]
    assert ["state", "RUNNING"] in [line.split() for line in lines]


def test_a_step_that_waits_on_a_cluster_that_ended_has_failed_and_status_says_why(
    fake: FakeAws,
) -> None:
    cluster = waiting_cluster(fake)
    fake.scripts.expect(Script(seconds=math.inf))
    add_step(fake, cluster, OURS.format("ingest-radar", 1))
    waits = add_step(fake, cluster, OURS.format("ingest-radar", 2))
    fake.emr.lose(cluster, Loss("INSTANCE_FAILURE", "The primary is gone.", 1, leaves_pending=True))
    fake.clock.advance(600)
    told = json.loads(invoke("emr", "status", waits, "--output", "json").stdout)
    assert told["state"] == "FAILED"
    assert told["cluster_state"] == "TERMINATED_WITH_ERRORS"
    assert told["cause"] == "INSTANCE_FAILURE: The primary is gone."


def test_status_of_a_cluster_tells_its_steps_newest_first(fake: FakeAws) -> None:
    cluster = waiting_cluster(fake, Name="nightly")
    fake.emr.page_size = 1
    made = [add_step(fake, cluster, name) for name in ("theirs", OURS.format("ingest-radar", 1))]
    told = json.loads(invoke("emr", "status", cluster, "--output", "json").stdout)
    assert (told["cluster"], told["name"], told["state"]) == (cluster, "nightly", "WAITING")
    assert told["release"] == "emr-7.13.0"
    assert [step["ref"] for step in told["steps"]] == made[::-1]
    text = invoke("emr", "status", cluster).stdout
    assert text.splitlines()[1].split()[:3] == [cluster, "nightly", "WAITING"]
    assert [line.split()[0] for line in text.splitlines()[4:]] == made[::-1]


def test_a_table_keeps_every_cell_on_one_line() -> None:
    rows = [{"a": "x", "b_c": "two\nlines"}, {"a": None, "b_c": "1"}]
    assert text_table(rows, ("a", "b_c")) == "A  B C\nx  two lines\n   1"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list", ("list",)),
        ("list_cluster", ("list", "--cluster-id", "j-2AXXXXXXGAPLF", "--job", "ingest-radar")),
        ("list_serverless", ("list", "--serverless", "00f1r7g8h9", "--since", "2026-05-28")),
        ("status_cluster", ("status", "j-2AXXXXXXGAPLF")),
        ("status_step", ("status", "j-2AXXXXXXGAPLF/s-1XXXXXXXXXXA")),
        ("status_serverless", ("status", "00f1r7g8h9/00f1r7g8j0")),
        ("cancel_step", ("cancel", "j-2AXXXXXXGAPLF/s-1XXXXXXXXXXA")),
        ("cancel_serverless", ("cancel", "00f1r7g8h9/00f1r7g8j0", "--grace", "30")),
    ],
)
def test_a_dry_run_prints_the_golden_calls(
    fake: FakeAws, name: str, arguments: tuple[str, ...]
) -> None:
    result = invoke("emr", *arguments, "--dry-run")
    assert result.exit_code == 0, result.stderr
    check_golden(name, result.stdout)
    assert fake.requests == []

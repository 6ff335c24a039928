"""A run is started once: whoever dies, whoever else comes, whatever gets lost."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from stormlake.emr.submissions import Claimed, Submitted
from stormlake.emr.submitting import Plan
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.running.aws import Aws, CallFailed
from tests.emr.conftest import waiting_cluster
from tests.emr.submitting import (
    CLUSTER,
    ROLE,
    Killed,
    Murder,
    clock_of,
    names_of_steps,
    plan,
    put_archive,
)
from tests.fakes.emr import FakeAws, Loss, Script, internal_error, throttling
from tests.fakes.faults import LoseResponse, Reset, Rule

KINDS = ("cluster", "transient", "serverless")
CREATING = {"cluster": "AddJobFlowSteps", "transient": "RunJobFlow", "serverless": "StartJobRun"}

Where = Callable[[str], dict[str, Any]]


@pytest.fixture
def where(fake: FakeAws, tmp_path: Path) -> Where:
    """Options that name a place of a kind: a new cluster, a cluster to be made, an application."""

    def options(kind: str) -> dict[str, Any]:
        if kind == "cluster":
            return {"cluster_id": waiting_cluster(fake, StepConcurrencyLevel=4)}
        if kind == "serverless":
            return {"serverless": fake.serverless.application(), "execution_role": ROLE}
        path = tmp_path / "cluster.toml"
        path.write_text(CLUSTER)
        return {"transient": True, "cluster_file": path}

    return options


@pytest.fixture
def endless(fake: FakeAws) -> None:
    """What is started runs until it is cancelled."""
    for _ in range(40):
        fake.scripts.expect(Script(seconds=math.inf))


def creation(kind: str) -> dict[str, Any]:
    """What a rule of the proxy says to match the call that starts the job."""
    if kind == "serverless":
        return {"method": "POST", "path": r"/jobruns"}
    return {"header": ("X-Amz-Target", f"{CREATING[kind]}$")}


def ledger(fake: FakeAws, bucket: str) -> dict[str, dict[str, Any]]:
    """Entries of the ledger, by path below the lake."""
    prefix = "lake/_stormlake/submissions/"
    listed = fake.s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", [])
    return {
        each["Key"].removeprefix("lake/"): json.loads(
            fake.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        )
        for each in listed
    }


def submit(one: Plan, fake: FakeAws, aws: Aws) -> Submitted:
    return one.submit(aws, clock_of(fake))


def test_a_first_submission_claims_creates_and_notes_what_runs(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None
) -> None:
    put_archive(fake, bucket)
    given = where("cluster")
    one = plan(aws, bucket, **given)
    done = submit(one, fake, aws)
    key = one.run_key
    assert names_of_steps(fake) == [f"stormlake/ingest-radar/{key}/1"]
    ((path, entry),) = ledger(fake, bucket).items()
    assert path == f"_stormlake/submissions/ingest-radar/{key}/1.json"
    assert entry["state"] == "submitted"
    assert entry["ref"] == str(done.ref) == f"{given['cluster_id']}/{done.ref.step}"
    assert entry["run_id"] == f"{key}-1"
    assert not done.already
    step = fake.emr.clusters[given["cluster_id"]].steps[0]
    arguments = step.config["HadoopJarStep"]["Args"]
    assert arguments[arguments.index("--run-id") + 1] == f"{key}-1"


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_submission_again_gives_what_runs_and_starts_nothing(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None, kind: str
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where(kind))
    first, second = submit(one, fake, aws), submit(one, fake, aws)
    assert (first.already, second.already) == (False, True)
    assert first.ref == second.ref
    assert len(names_of_steps(fake)) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("carried_out", [False, True], ids=["before", "after"])
def test_a_client_that_is_killed_at_any_request_leaves_one_step(
    fake: FakeAws,
    aws: Aws,
    bucket: str,
    where: Where,
    endless: None,
    kind: str,
    carried_out: bool,
) -> None:
    """Every boundary: before and after each request that the client makes, whatever the service."""
    put_archive(fake, bucket)
    murder = Murder()
    client = murder.client(fake)
    submit(plan(client, bucket, **where(kind)), fake, client)
    requests = [*murder.requests]
    waits = []
    for at, request in enumerate(requests):
        _forget(fake, bucket)
        one = plan(client, bucket, **where(kind))
        murder.strike(at, carried_out)
        with pytest.raises(Killed):
            submit(one, fake, client)
        murder.spare()
        try:
            submit(one, fake, client)
        except Claimed as claimed:
            # The claim stands and nothing runs under it: it is taken over when it is old.
            assert not names_of_steps(fake), claimed
            waits.append(request)
            fake.clock.advance(10 * 60)
        final = submit(one, fake, client)
        started = names_of_steps(fake)
        assert started == [final.entry.name], f"killed at {request}"
        ((_, entry),) = ledger(fake, bucket).items()
        assert (entry["state"], entry["ref"]) == ("submitted", str(final.ref))
    # Only between the claim and the creating call must somebody wait.
    create = next(n for n, name in enumerate(requests) if name.endswith(CREATING[kind]))
    assert requests[create - 1] == "s3.PutObject"
    assert waits == [requests[create - 1 if carried_out else create]]


def _forget(fake: FakeAws, bucket: str) -> None:
    """Begin anew: no ledger, nothing was ever started."""
    for path in ledger(fake, bucket):
        fake.s3.delete_object(Bucket=bucket, Key=f"lake/{path}")
    fake.emr.clusters.clear()
    fake.serverless.runs.clear()


@pytest.mark.parametrize("kind", KINDS)
def test_many_clients_at_once_start_one_step_and_all_learn_which(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None, kind: str
) -> None:
    put_archive(fake, bucket)
    given = where(kind)
    clients = [Aws(fake.session(), fake.endpoint_url) for _ in range(6)]
    plans = [plan(client, bucket, **given) for client in clients]
    with ThreadPoolExecutor(len(clients)) as pool:
        done = [
            each.result()
            for each in [
                pool.submit(one.submit, client) for one, client in zip(plans, clients, strict=True)
            ]
        ]
    assert len(names_of_steps(fake)) == 1
    assert len({each.ref for each in done}) == 1
    assert sum(not each.already for each in done) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_lost_is_looked_for_not_asked_for_again(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None, kind: str
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where(kind))
    fake.inject(Rule(LoseResponse(), **creation(kind)))
    done = submit(one, fake, aws)
    assert names_of_steps(fake) == [done.entry.name]
    assert not done.already
    assert submit(one, fake, aws).ref == done.ref


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("fault", [throttling(), internal_error(), Reset()], ids=type)
def test_a_creation_that_never_arrived_is_tried_again_after_a_look(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None, kind: str, fault: Any
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where(kind))
    fake.inject(Rule(fault, **creation(kind), times=2))
    done = submit(one, fake, aws)
    assert names_of_steps(fake) == [done.entry.name]


def test_a_service_that_is_away_leaves_a_claim_which_the_next_call_takes_over(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where("cluster"))
    fake.inject(Rule(internal_error(), **creation("cluster"), times=3))
    with pytest.raises(ServiceUnreachable, match="looks again, and starts it after 10"):
        submit(one, fake, aws)
    fake.clock.advance(10 * 60)
    assert not submit(one, fake, aws).already
    assert len(names_of_steps(fake)) == 1


def test_a_creation_that_is_refused_leaves_no_claim(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where("cluster"), on_failure="terminate-cluster")
    with pytest.raises(CallFailed, match="ActionOnFailure"):
        submit(one, fake, aws)
    assert ledger(fake, bucket) == {}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "ending", [Script(exit_code=1), Script(seconds=math.inf)], ids=["failed", "cancelled"]
)
def test_what_failed_or_was_cancelled_gets_another_attempt(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, kind: str, ending: Script
) -> None:
    put_archive(fake, bucket)
    fake.scripts.expect(ending)
    one = plan(aws, bucket, **where(kind))
    first = submit(one, fake, aws)
    if ending.exit_code == 0:
        _cancel(fake, first)
    fake.clock.advance(3600)
    if kind == "cluster":
        one = plan(aws, bucket, **where(kind))
    second = submit(one, fake, aws)
    assert second.entry.attempt == 2
    assert second.entry.run_id == f"{one.run_key}-2"
    assert second.ref != first.ref
    assert sorted(names_of_steps(fake)) == [first.entry.name, second.entry.name]


def _cancel(fake: FakeAws, what: Submitted) -> None:
    if what.entry.place.kind == "serverless":
        fake.client("emr-serverless").cancel_job_run(
            applicationId=what.ref.application, jobRunId=what.ref.job_run
        )
    else:
        fake.tick()
        fake.client("emr").cancel_steps(ClusterId=what.ref.cluster, StepIds=[what.ref.step])


def test_what_is_being_cancelled_is_still_the_run(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    put_archive(fake, bucket)
    fake.scripts.expect(Script(seconds=math.inf, interrupt_seconds=math.inf))
    one = plan(aws, bucket, **where("cluster"))
    first = submit(one, fake, aws)
    _cancel(fake, first)
    second = submit(one, fake, aws)
    assert (second.already, second.state) == (True, "CANCEL_PENDING")


def test_what_ended_well_is_done_again_only_when_asked(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    put_archive(fake, bucket)
    given = where("cluster")
    one = plan(aws, bucket, **given)
    submit(one, fake, aws)
    second = submit(one, fake, aws)
    assert (second.already, second.state) == (True, "COMPLETED")
    third = submit(plan(aws, bucket, **given, again=True), fake, aws)
    assert (third.already, third.entry.attempt) == (False, 2)


def test_again_twice_in_a_row_is_one_further_attempt(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    put_archive(fake, bucket)
    given = where("cluster")
    submit(plan(aws, bucket, **given), fake, aws)
    fake.scripts.expect(Script(seconds=math.inf))
    one = plan(aws, bucket, **given, again=True)
    second, third = submit(one, fake, aws), submit(one, fake, aws)
    assert second.entry.attempt == third.entry.attempt == 2
    assert (third.already, third.state) == (True, "RUNNING")


def test_a_step_whose_cluster_was_lost_has_failed(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    put_archive(fake, bucket)
    given = where("cluster")
    fake.scripts.expect(Script(seconds=math.inf))
    first = submit(plan(aws, bucket, **given), fake, aws)
    fake.emr.lose(given["cluster_id"], Loss("INSTANCE_FAILURE", "lost", 1, leaves_pending=True))
    fake.clock.advance(3600)
    second = submit(plan(aws, bucket, **where("cluster")), fake, aws)
    assert (second.already, second.entry.attempt) == (False, 2)
    assert second.ref != first.ref


def test_a_claim_for_one_cluster_is_looked_for_there_by_who_names_another(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None
) -> None:
    put_archive(fake, bucket)
    first = where("cluster")
    with pytest.raises(Killed):
        _die_after_creating(fake, plan(aws, bucket, **first))
    (name,) = names_of_steps(fake)
    done = submit(plan(aws, bucket, **where("cluster")), fake, aws)
    assert (done.already, done.entry.name, done.ref.cluster) == (True, name, first["cluster_id"])
    assert names_of_steps(fake) == [name]


def _die_after_creating(fake: FakeAws, one: Plan) -> None:
    murder = Murder()
    client = murder.client(fake)
    client.session.events.register("after-call.emr.AddJobFlowSteps", _die)
    submit(one, fake, client)


def _die(**_: Any) -> None:
    raise Killed


def test_a_client_that_slept_renews_its_claim_and_gives_way_to_who_took_it_over(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None
) -> None:
    """A laptop is closed between the claim and the creating call, for longer than a claim lasts."""
    put_archive(fake, bucket)
    given = where("cluster")
    sleeper = plan(aws, bucket, **given)
    others: list[Submitted] = []

    def close_the_lid(**_: Any) -> None:
        if not others:
            fake.clock.advance(11 * 60)
            others.append(submit(plan(aws, bucket, **given), fake, aws))

    client = Murder().client(fake)
    client.session.events.register("after-call.s3.PutObject", _when(bucket, fake, close_the_lid))
    done = submit(sleeper, fake, client)
    assert names_of_steps(fake) == [done.entry.name]
    assert (done.already, done.ref) == (True, others[0].ref)


def _when(bucket: str, fake: FakeAws, act: Callable[..., None]) -> Callable[..., None]:
    """Act when the ledger has an entry: after the claim, not after an upload."""

    def handler(**_: Any) -> None:
        if ledger(fake, bucket):
            act()

    return handler


def test_two_claims_that_came_to_two_steps_are_told_not_hidden(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None, monkeypatch: Any
) -> None:
    """A clock that is wrong by more than the claim's time can do it; nothing else."""
    put_archive(fake, bucket)
    given = where("cluster")
    one = plan(aws, bucket, **given)
    client = Murder().client(fake)

    def meddle(**_: Any) -> None:
        ((path, entry),) = ledger(fake, bucket).items()
        body = json.dumps({**entry, "state": "submitted", "ref": "j-OTHER/s-OTHER"})
        fake.s3.put_object(Bucket=bucket, Key=f"lake/{path}", Body=body.encode())

    client.session.events.register("after-call.emr.AddJobFlowSteps", meddle)
    with pytest.raises(StormlakeError, match=r"another entry \(j-OTHER/s-OTHER\).*cancel one"):
        submit(one, fake, client)


def test_an_entry_of_a_later_version_is_refused(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    one = plan(aws, bucket, **where("cluster"))
    key = f"lake/_stormlake/submissions/ingest-radar/{one.run_key}/1.json"
    for body, said in ((b'{"format": 2}', "later Stormlake, form 2"), (b"{}", "no entry of the")):
        fake.s3.put_object(Bucket=bucket, Key=key, Body=body)
        with pytest.raises(RefusedInput, match=said):
            submit(one, fake, aws)


def test_a_run_that_emr_has_forgotten_counts_as_submitted_until_asked_again(
    fake: FakeAws, aws: Aws, bucket: str, where: Where
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where("cluster"))
    submit(one, fake, aws)
    fake.emr.clusters.clear()
    second = submit(one, fake, aws)
    assert (second.already, second.state) == (True, None)
    third = submit(plan(aws, bucket, **where("cluster"), again=True), fake, aws)
    assert third.entry.attempt == 2


def test_nothing_is_uploaded_for_what_is_submitted_already(
    fake: FakeAws, aws: Aws, bucket: str, where: Where, endless: None
) -> None:
    put_archive(fake, bucket)
    one = plan(aws, bucket, **where("cluster"))
    submit(one, fake, aws)
    fake.clear()
    submit(one, fake, aws)
    assert {request.method for request in fake.requests if "/lake" not in request.target} <= {
        "GET",
        "POST",
    }
    assert not [request for request in fake.requests if request.method == "PUT"]

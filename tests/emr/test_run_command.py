"""`stormlake emr run`: submit, wait and logs in one."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import Any

import pytest

from stormlake.emr.deliveries import until_complete
from stormlake.errors import ExitCode
from stormlake.lake.exits import RunExit, write_exit
from stormlake.lake.runs import write_record
from tests.emr.conftest import waiting_cluster
from tests.emr.followed import lake_store
from tests.emr.golden import check_golden
from tests.emr.submitting import invoke, job_arguments, names_of_steps, put_archive
from tests.emr.test_causes import LOGS
from tests.emr.test_submit import PLACES, key_of, placeholders
from tests.fakes.emr import FakeAws, Script, Work
from tests.lake.test_runs import RECORD, STARTED


@pytest.mark.parametrize("kind", PLACES)
def test_a_dry_run_prints_the_golden_calls_and_makes_none(fake: FakeAws, kind: str) -> None:
    done = invoke(
        *("emr", "run", "ingest-radar", *PLACES[kind], "--dry-run", "--"), *job_arguments("bucket")
    )

    assert done.exit_code == 0, done.stderr
    check_golden(f"run_{kind}", done.stdout, placeholders("bucket"))
    assert fake.requests == []


def run_on_a_cluster(fake: FakeAws, bucket: str, *options: str) -> Any:
    put_archive(fake, bucket)
    cluster = waiting_cluster(fake, LogUri=f"s3://{bucket}/logs/")
    return invoke(
        *("emr", "run", "ingest-radar", "--cluster-id", cluster, *options, "--"),
        *job_arguments(bucket),
    )


def leaves_a_record(fake: FakeAws, bucket: str, code: int) -> Script:
    """A step whose run ends with this code, as the job itself records it."""

    def effect(work: Work) -> None:
        run_id = work.arguments[list(work.arguments).index("--run-id") + 1]
        record = replace(RECORD, run_id=run_id, ok=code == 0, exit_code=code)
        write_record(lake_store(fake, bucket), record)

    return Script(exit_code=1 if code else 0, effect=effect)


def test_a_run_that_ends_well_prints_the_jobs_summary(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(leaves_a_record(fake, bucket, 0))

    done = run_on_a_cluster(fake, bucket)

    assert done.exit_code == 0, done.stderr
    assert f"run {key_of(bucket)}-1" in done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert (lines["state"], lines["exit_code"], lines["why"]) == ("COMPLETED", "0", "done")
    assert lines["volumes"] == "ok 1"


def test_a_run_over_the_reject_share_is_exit_3_with_its_summary(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(leaves_a_record(fake, bucket, 3))

    done = run_on_a_cluster(fake, bucket, "--output", "json")

    assert done.exit_code == ExitCode.TOO_MANY_REJECTS
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["state"], told["exit_code"]) == ("FAILED", 3)
    assert told["summary"] == {"volumes": {"ok": 1}}
    assert told["cause"] is None


def test_a_run_that_fails_prints_the_cause_of_its_logs(fake: FakeAws, bucket: str) -> None:
    log = (LOGS / "ansi_cast.spark-4.0.txt").read_text(encoding="utf-8")
    fake.scripts.expect(Script(exit_code=1, drivers=[{"stdout": log}]))

    done = run_on_a_cluster(fake, bucket)

    assert done.exit_code == ExitCode.FAILED
    told = done.stdout.splitlines()
    assert "cause    NumberFormatException: [CAST_INVALID_INPUT] The value '1O'" in done.stdout
    assert "where    fail.py, line 17, in cast" in told
    assert any(line.startswith("advice   a value does not fit") for line in told)


def test_a_run_that_left_word_itself_does_not_wait_for_logs(fake: FakeAws, bucket: str) -> None:
    fake.logs.delay = 3600

    def effect(work: Work) -> None:
        left = RunExit(5, "ServiceUnreachable: none of the 250 volumes could be read")
        write_exit(
            lake_store(fake, bucket), "ingest-radar", f"{key_of(bucket)}-1", left, started=STARTED
        )

    fake.scripts.expect(Script(exit_code=1, effect=effect))

    done = run_on_a_cluster(fake, bucket)

    assert done.exit_code == ExitCode.UNREACHABLE
    assert "cause    ServiceUnreachable: none of the 250 volumes" in done.stdout
    assert "not yet delivered" in done.stderr


def test_ctrl_c_while_logs_are_awaited_tells_what_is_known_by_then(
    fake: FakeAws, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    fake.logs.delay = 3600
    fake.scripts.expect(Script(exit_code=1, failure={"Reason": "Main Class not found."}))
    monkeypatch.setattr(
        "stormlake.emr.diagnosis.until_complete",
        functools.partial(until_complete, sleep=interrupted),
    )

    done = run_on_a_cluster(fake, bucket)

    assert done.exit_code == ExitCode.FAILED
    assert "cause    Main Class not found." in done.stdout
    assert "not yet delivered: step controller" in done.stderr


def test_a_run_that_is_there_is_followed_and_not_started_again(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(leaves_a_record(fake, bucket, 0))
    put_archive(fake, bucket)
    command = ("--cluster-id", waiting_cluster(fake), "--", *job_arguments(bucket))

    first = invoke("emr", "submit", "ingest-radar", *command)
    done = invoke("emr", "run", "ingest-radar", *command)

    assert (first.exit_code, done.exit_code) == (0, 0)
    assert "already submitted: " in done.stderr
    assert len(names_of_steps(fake)) == 1


def test_a_run_that_takes_longer_than_the_timeout_is_exit_4(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(seconds=3600))

    done = run_on_a_cluster(fake, bucket, "--timeout", "0")

    assert done.exit_code == ExitCode.STILL_RUNNING
    assert "stormlake emr wait j-" in done.stderr


def test_a_job_run_of_serverless_is_followed_too(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(leaves_a_record(fake, bucket, 0))
    put_archive(fake, bucket)
    application = fake.serverless.application()

    done = invoke(
        *("emr", "run", "ingest-radar", "--serverless", application),
        *("--execution-role", PLACES["serverless"][3], "--", *job_arguments(bucket)),
    )

    assert done.exit_code == 0, done.stderr
    assert "SUCCESS" in done.stdout

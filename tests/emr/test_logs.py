"""`stormlake emr logs`: which logs there are, what is new of them, and the cause they tell."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from stormlake.emr.deliveries import Follower, is_complete
from stormlake.emr.logs import Found, Log, Logs, NoLogs
from stormlake.emr.looks import Look, look
from stormlake.emr.refs import StepRef
from stormlake.emr.waiting import Waiting
from stormlake.errors import ExitCode
from stormlake.lake.exits import RunExit
from stormlake.running.aws import Aws
from tests.emr import followed
from tests.emr.followed import MAKERS, a_job_run, a_step, emr, ref_of
from tests.emr.golden import check_golden
from tests.emr.test_causes import LOGS
from tests.fakes.emr import FakeAws, Script, internal_error
from tests.fakes.faults import Cut, Rule

TARGETS = pytest.mark.parametrize("target", MAKERS)
DRIVERS = [{"stdout": "first\n", "stderr": "lost\n"}, {"stdout": "rows 12\n", "stderr": "stop\n"}]


@TARGETS
def test_the_golden_calls_of_a_dry_run(target: str) -> None:
    done = emr("logs", ref_of(target), "--dry-run")

    assert done.exit_code == 0
    check_golden(f"logs_{target}", done.stdout)


def heads(text: str) -> list[str]:
    return re.findall(r"^==> (.+): s3://\S+ <==$", text, re.MULTILINE)


def test_a_steps_logs_come_first_and_then_its_drivers_the_last_attempt_last(
    fake: FakeAws, bucket: str
) -> None:
    fake.scripts.expect(Script(logs={"controller": "exit 0\n"}, drivers=DRIVERS))

    done = emr("logs", a_step(fake, bucket))

    assert done.exit_code == 0, done.stderr
    assert heads(done.stdout) == [
        "step controller",
        "step stderr",
        "driver stderr, attempt 1",
        "driver stdout, attempt 1",
        "driver stderr, attempt 2",
        "driver stdout, attempt 2",
    ]
    assert done.stdout.endswith("stop\n\n" + done.stdout.splitlines()[-2] + "\nrows 12\n")
    assert "not yet delivered" not in done.stderr


def test_the_logs_of_a_job_run_are_its_drivers(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(drivers=DRIVERS[1:]))

    done = emr("logs", a_job_run(fake, bucket))

    assert heads(done.stdout) == ["driver stderr", "driver stdout"]
    assert "rows 12\n" in done.stdout


def test_containers_of_a_resource_manager_that_was_restarted_are_found(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    # Their ids carry an epoch, and attempts are numbers, not texts: 10 comes after 9.
    ref = a_step(fake, bucket)
    logs = Logs(aws, look(aws, ref))
    (application,) = {key.split("/")[3] for key in keys(fake, bucket) if "/containers/" in key}
    number = application.removeprefix("application_")
    folder = f"logs/{ref.cluster}/containers/{application}"
    for attempt in (9, 10):
        for container in ("000001", "000002"):
            key = f"{folder}/container_e17_{number}_{attempt:02}_{container}/stderr.gz"
            fake.s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"x"))

    titles = [log.title for log in logs.find().titled("driver")]

    assert titles == [
        "driver stderr, attempt 1",
        "driver stdout, attempt 1",
        "driver stderr, attempt 9",
        "driver stderr, attempt 10",
    ]


def keys(fake: FakeAws, bucket: str) -> list[str]:
    pages = fake.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return [entry["Key"] for page in pages for entry in page.get("Contents", [])]


@TARGETS
def test_logs_that_have_not_come_are_told_and_no_failure(
    fake: FakeAws, bucket: str, target: str
) -> None:
    fake.scripts.expect(Script(seconds=3600))

    done = emr("logs", MAKERS[target](fake, bucket), "--output", "json")

    assert done.exit_code == 0
    expected = {
        "cluster": [f"step {n}" for n in ("controller", "syslog", "stderr", "stdout")]
        + ["the driver's logs"],
        "serverless": ["driver stderr", "driver stdout"],
    }[target]
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["logs"], told["not_yet_delivered"]) == ([], expected)
    assert f"not yet delivered: {', '.join(expected)}; logs come to S3 up to 5" in done.stderr


@pytest.mark.parametrize("more", [[], ["--cause"]])
def test_a_cluster_without_a_log_address_says_so(
    fake: FakeAws, bucket: str, more: list[str]
) -> None:
    fake.scripts.expect(Script(exit_code=1))
    followed.leave_exit(fake, bucket, RunExit(1, "KeyError: 'cells'", "write.py, line 1, in w"))
    ref = a_step(fake, bucket, log_uri="")

    done = emr("logs", ref, *more)

    assert f"cluster {ref.cluster} has no LogUri" in done.stderr
    # What the run itself left is told all the same.
    assert done.exit_code == (0 if more else ExitCode.REFUSED)
    assert ("KeyError: 'cells'" in done.stdout) is bool(more)


def test_a_job_run_without_a_log_address_says_so(fake: FakeAws, bucket: str) -> None:
    done = emr("logs", a_job_run(fake, bucket, log_uri=None))

    assert done.exit_code == ExitCode.REFUSED
    assert "submit with --log-uri" in done.stderr


@pytest.mark.parametrize("uri", [None, "", "hdfs:///logs", "s3://", "/var/log"])
def test_a_log_address_that_is_not_in_s3_is_refused(aws: Aws, uri: str | None) -> None:
    with pytest.raises(NoLogs):
        Logs(aws, Look(StepRef("j-A", "s-A"), "FAILED", log_uri=uri))


def test_a_bucket_itself_may_be_the_log_address(fake: FakeAws, aws: Aws, bucket: str) -> None:
    ref = a_step(fake, bucket, log_uri=f"s3://{bucket}")

    logs = Logs(aws, look(aws, ref))

    assert logs.find().awaited == ()
    assert logs.address(logs.find().logs[0]).startswith(f"s3://{bucket}/{ref.cluster}/steps/")


# following

GROWING: dict[str, Any] = {
    "drivers": [
        {
            "stdout": [(0, "one\n"), (400, "two\n"), (1000, "zwö"), (1100, "lf\n")],
            "stderr": [(0, "start\n"), (1200, "end\n")],
        }
    ]
}


def follower(aws: Aws, seen: Look, written: list[str]) -> Follower:
    return Follower(Logs(aws, seen), written.append)


@TARGETS
@pytest.mark.parametrize("delay", [0.0, 240.0])
def test_following_shows_every_piece_once_as_it_comes_and_the_last_that_comes_late(
    fake: FakeAws, aws: Aws, bucket: str, target: str, delay: float
) -> None:
    fake.clock.freeze()
    fake.logs.delay = delay
    fake.scripts.expect(Script(seconds=1200, **GROWING))
    ref = MAKERS[target](fake, bucket)
    written: list[str] = []
    show = follower(aws, look(aws, ref), written)
    at: list[tuple[str, float]] = []

    def each(seen: Look) -> None:
        before = len(written)
        show.show_if_answered()
        at.extend((text, fake.clock.now()) for text in written[before:])

    def now() -> datetime:
        return datetime.fromtimestamp(fake.clock.now(), UTC)

    wait = Waiting.of(aws, ref, each=each, clock=fake.clock.now, sleep=fake.clock.advance)
    found = show.show_last(wait.until_ended(), now=now, sleep=fake.clock.advance)

    text = "".join(written)
    for piece in ("one\n", "two\n", "start\n", "end\n"):
        assert text.count(piece) == 1, piece
    # A character whose bytes came in two deliveries is whole.
    assert "zwö" in text and text.replace("\n", "").count("lf") == 1
    assert found.awaited == ()
    seen_at = {piece: when for piece, when in at for piece in piece.splitlines(keepends=True)}
    assert seen_at["two\n"] - seen_at["one\n"] > 200
    assert "end\n" in text[text.index("two\n") :]


def test_following_waits_no_longer_than_six_minutes_for_what_never_comes(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    start = fake.clock.freeze()
    fake.logs.delay = 1e6
    ref = a_step(fake, bucket)

    found = follower(aws, look(aws, ref), []).show_last(
        look(aws, ref),
        now=lambda: datetime.fromtimestamp(fake.clock.now(), UTC),
        sleep=fake.clock.advance,
    )

    assert "step stderr" in found.awaited
    assert 359 <= fake.clock.now() - start <= 362


def test_a_store_that_does_not_answer_for_a_while_loses_no_piece(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    fake.scripts.expect(Script(drivers=[{"stdout": "x" * 200_000 + "\nlast\n"}]))
    ref = a_step(fake, bucket)
    written: list[str] = []
    show = follower(aws, look(aws, ref), written)
    fake.inject(Rule(internal_error(), path=r"list-type=2", times=5))
    fake.inject(Rule(Cut(100, reset=True), path=r"containers/.*stdout\.gz", times=1))

    assert show.show_if_answered() is None
    assert show.show_if_answered() is not None

    assert "".join(written).count("last\n") == 1
    assert "".join(written).count("x") == 200_000


def test_the_command_follows_to_the_end(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(drivers=DRIVERS))

    done = emr("logs", a_step(fake, bucket), "--follow", "--output", "json")

    assert done.exit_code == 0, done.stderr
    assert done.stdout.count("rows 12\n") == 1
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["not_yet_delivered"] == []
    assert len(told["logs"]) == 8


def test_following_and_asking_for_the_cause_at_once_is_refused() -> None:
    assert emr("logs", ref_of("cluster"), "--follow", "--cause").exit_code == ExitCode.REFUSED


END = datetime(2026, 5, 1, 21, 14, 2, 345678, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delivered", "awaited", "complete"),
    [
        ({"step stderr": 5, "driver stderr, attempt 1": 5}, (), True),
        ({"step stderr": 5, "driver stderr, attempt 1": 5, "step stdout": -300}, (), True),
        ({"step stderr": 5, "driver stderr, attempt 1": -60}, (), False),
        (
            {"step stderr": 5, "driver stderr, attempt 1": -60, "driver stderr, attempt 2": 5},
            (),
            True,
        ),
        ({"step stderr": -60, "driver stderr, attempt 1": 5}, (), False),
        ({"step stderr": 5}, ("the driver's logs",), False),
        # S3 tells whole seconds: the same second counts.
        ({"step stderr": 0, "driver stderr": 0}, (), True),
    ],
)
def test_the_last_delivery_is_there_when_what_each_process_said_last_is(
    delivered: dict[str, float], awaited: tuple[str, ...], complete: bool
) -> None:
    times = {
        title: END.replace(microsecond=0) + timedelta(seconds=s) for title, s in delivered.items()
    }
    logs = tuple(Log(title, title, 1, "e", at) for title, at in times.items())
    seen = Look(StepRef("j-A", "s-A"), "COMPLETED", ended_at=END)

    assert is_complete(Found(logs, awaited), seen) is complete


def test_a_log_that_is_cut_short_is_shown_as_far_as_it_goes(
    fake: FakeAws, aws: Aws, bucket: str
) -> None:
    ref = a_step(fake, bucket)
    (key,) = [key for key in keys(fake, bucket) if key.endswith("steps/" + ref.step + "/stdout.gz")]
    whole = gzip.compress(bytes(range(10, 250)) * 100)
    fake.s3.put_object(Bucket=bucket, Key=key, Body=whole[: len(whole) - 12])
    logs = Logs(aws, look(aws, ref))
    (log,) = logs.find().titled("step stdout")

    assert b"".join(logs.pieces(log)).startswith(bytes(range(10, 250)))


# the cause


@TARGETS
def test_the_cause_names_exception_file_and_line_in_its_first_three_lines(
    fake: FakeAws, bucket: str, target: str
) -> None:
    log = (LOGS / "python_error.spark-4.0.txt").read_text(encoding="utf-8")
    fake.scripts.expect(
        Script(
            exit_code=1,
            failure={
                "Reason": "Unknown Error.",
                "Message": "User application exited with status 1",
                "LogFile": "s3://b/stderr.gz",
            },
            drivers=[{"stdout": log}],
        )
    )

    done = emr("logs", MAKERS[target](fake, bucket), "--cause")

    assert done.exit_code == 0, done.stderr
    first = done.stdout.splitlines()[:3]
    assert first[0] == "cause    KeyError: 'columns'"
    assert first[1] == "where    fail.py, line 21, in python"
    assert first[2].startswith("seen in  driver stdout")


def test_the_cause_as_json_has_the_advice(fake: FakeAws, bucket: str) -> None:
    log = (LOGS / "s3_forbidden.spark-3.5.txt").read_text(encoding="utf-8")
    fake.scripts.expect(Script(exit_code=1, drivers=[{"stdout": log}]))

    done = emr("logs", a_step(fake, bucket), "--cause", "--output", "json")

    told = json.loads(done.stdout)
    assert told["cause"]["where"] == "fail.py, line 27, in s3"
    assert "bucket forbidden-bucket" in told["cause"]["advice"]
    assert told["not_yet_delivered"] == []


def test_before_logs_come_the_runs_own_exit_names_the_line(fake: FakeAws, bucket: str) -> None:
    fake.logs.delay = 3600
    fake.scripts.expect(Script(exit_code=1))
    where = "stormlake/lake/write.py, line 12, in write_partitions"
    followed.leave_exit(fake, bucket, RunExit(1, "KeyError: 'cells'", where))

    done = emr("logs", a_step(fake, bucket), "--cause")

    assert done.stdout.splitlines() == [
        "cause    KeyError: 'cells'",
        f"where    {where}",
        "seen in  the run's exit in its lake",
    ]
    assert "not yet delivered: step controller" in done.stderr


@pytest.mark.parametrize("script", [Script(), Script(seconds=3600)], ids=["done", "running"])
def test_what_has_not_failed_has_no_cause(fake: FakeAws, bucket: str, script: Script) -> None:
    fake.scripts.expect(script)

    done = emr("logs", a_step(fake, bucket), "--cause")

    assert done.exit_code == 0
    assert done.stdout.startswith("cause    none, it has not failed: j-")


def test_what_nobody_knows_is_said_to_be_unknown(fake: FakeAws, bucket: str) -> None:
    fake.scripts.expect(Script(exit_code=1))

    done = emr("logs", a_step(fake, bucket), "--cause")

    assert done.stdout.startswith("cause    not known: j-")

"""`stormlake emr estimate`, as it is typed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from stormlake.cli import main
from stormlake.emr.jobs import job_request
from stormlake.lake.runs import lock_hash
from stormlake.running.aws import ApiCall
from stormlake.simulate.samples import copy_samples
from tests.emr.golden import check_golden
from tests.emr.validation import faults
from tests.fakes.s3 import CREDENTIALS, S3Server, s3_server

DAY = "2013/07/17/KATX/"
RADAR = ("--station", "KATX", "--start", "2013-07-17", "--end", "2013-07-18")


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with s3_server() as running:
        yield running


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("archive")
    copy_samples(folder)
    return folder


def estimate(*arguments: object, server: S3Server | None = None) -> Result:
    environment = {**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"}
    if server is not None:
        environment["AWS_ENDPOINT_URL"] = server.endpoint_url
    typed = ["emr", "estimate", *map(str, arguments)]
    return CliRunner(env=environment).invoke(main, typed, prog_name="stormlake")


def test_a_run_is_estimated_from_what_the_job_would_list(archive: Path, tmp_path: Path) -> None:
    done = estimate("ingest-radar", "--", "--source", archive, "--lake", tmp_path / "lake")
    assert done.exit_code == 0, done.output
    assert "listed      3 objects, 0 skipped, 2 tasks, 349,148 bytes" in done.stdout
    assert "EXAMPLE PRICES, give your own with --prices" in done.stdout
    assert "7 minutes of start-up, in hours and cost" in done.stdout
    assert "not kept    the lake is not in S3" in done.stdout
    assert not (tmp_path / "lake").exists()


def test_an_estimate_as_json_is_one_line_with_every_number(archive: Path, tmp_path: Path) -> None:
    prices = tmp_path / "mine.toml"
    prices.write_text(
        'region = "x"\ncurrency = "EUR"\ndate = 2026-11-01\n[instances]\n'
        '"m7i.xlarge" = { ec2 = 1, emr = 1, spot = 1 }\n'
    )
    done = estimate(
        *("--prices", prices, "--output", "json", "ingest-radar", "--"),
        *("--source", archive, "--lake", tmp_path / "lake"),
    )
    found = json.loads(done.stdout)
    assert found["listed"] == {"objects": 3, "skipped": 0, "tasks": 2, "bytes": 349_148}
    assert found["cost"] is None
    assert f"no price for m7i.2xlarge in {prices}: hours only" in found["notes"]
    assert found["hours"][0] > 7 / 60
    assert found["kept"] is None


def test_an_estimate_of_a_lake_in_s3_is_kept_under_the_runs_key(server: S3Server) -> None:
    volumes = {f"{DAY}KATX20130717_{hour:02}0000_V06": b"x" * 1000 for hour in range(24)}
    server.seed("archive-1", volumes | {f"{DAY}KATX20130717_010000_V06_MDM": b""})
    server.seed("lake-1", {})
    arguments = ("--source", "s3://archive-1", "--lake", "s3://lake-1/radar", *RADAR)
    done = estimate("--output", "json", "ingest-radar", "--", *arguments, server=server)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["listed"] == {"objects": 25, "skipped": 1, "tasks": 1, "bytes": 24_000}
    # One day is listed, 24 volumes are got.
    assert found["reading_cost"] == pytest.approx((0.005 + 24 * 0.0004) / 1000)
    key = f"radar/_stormlake/estimates/ingest-radar/{found['run_key']}.json"
    assert found["kept"] == f"s3://lake-1/{key}"
    kept = json.loads(server.client().get_object(Bucket="lake-1", Key=key)["Body"].read())
    assert kept["hours"] == found["hours"]
    # Again: the same run, the same place.
    again = estimate("ingest-radar", "--", *arguments, server=server)
    assert again.exit_code == 0, again.output
    assert f"kept        {found['kept']}" in again.stdout


@pytest.mark.parametrize(
    ("job", "said"),
    [
        (("ingest-radar", "--"), []),
        (("ingest-radar", "--", "--profile", "notebook"), ["profile notebook was not measured"]),
        (("aggregate", "--", "unicorn_minutes"), []),
        (("aggregate", "--", "wind_max"), ["aggregate-wind_max was not measured"]),
    ],
)
def test_an_estimate_says_what_was_not_measured(
    job: tuple[str, ...], said: list[str], archive: Path, tmp_path: Path
) -> None:
    places = ("--source", archive, "--lake", tmp_path / "lake")
    done = estimate("--output", "json", *job, *places)
    assert done.exit_code == 0, done.output
    assert [note.partition(";")[0] for note in json.loads(done.stdout)["notes"]] == said


def test_a_cluster_of_another_architecture_is_refused(archive: Path, tmp_path: Path) -> None:
    lake = ("--lake", tmp_path / "lake")
    done = estimate("--arch", "arm64", "ingest-radar", "--", "--source", archive, *lake)
    assert done.exit_code == 2, done.output
    assert "m7i.xlarge has x86_64 processors" in done.stderr


def test_a_sensor_archive_is_estimated_by_bytes_and_what_gzip_holds(server: S3Server) -> None:
    server.seed("sensors-1", {"2026/05/01/21/a.json": b"x" * 300, "2026/05/01/21/b.gz": b"x" * 50})
    server.seed("lake-2", {})
    done = estimate(
        *("--output", "json", "aggregate", "--", "unicorn_minutes"),
        *("--source", "s3://sensors-1", "--lake", "s3://lake-2"),
        server=server,
    )
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["listed"] == {"objects": 2, "bytes": 350, "gzip_bytes": 50}
    assert found["job"] == "aggregate-unicorn_minutes"
    assert found["lake_bytes"] is None


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("guess", "--"), "'guess' is no job; the jobs are aggregate, alert, ingest-radar"),
        (("ingest-radar", "--", "--lake", "s3://lake"), "needs --station, --start and --end"),
        (("--dry-run", "ingest-radar", "--", "--lake", "s3://lake"), "needs --station, --start"),
        (("ingest-radar", "--", "--lake"), "ingest-radar: Option '--lake' requires an argument"),
        (("--runtime", "emr-7.99.0", "ingest-radar", "--", "--lake", "x"), "use one of: emr-7.13"),
        (
            ("--serverless", "00f", "--cluster-file", "x", "ingest-radar", "--", "--lake", "x"),
            "exclude each other",
        ),
        (("--prices", "gone.toml", "ingest-radar", "--", "--lake", "x"), "gone.toml: No such file"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_a_reason(
    arguments: tuple[str, ...], said: str
) -> None:
    done = estimate(*arguments)
    assert done.exit_code == 2, done.output
    assert said in done.stderr
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("name", "target"),
    [("estimate_cluster", ()), ("estimate_serverless", ("--serverless", "00f1a2b3c4d5e6f7"))],
)
def test_a_golden_dry_run_names_every_listing_and_where_the_estimate_goes(
    name: str, target: tuple[str, ...]
) -> None:
    days = (
        "--station",
        "KLBB",
        "--station",
        "KATX",
        "--start",
        "2016-06-01",
        "--end",
        "2016-06-03",
    )
    arguments = ("--source", "s3://archive/level2", "--lake", "s3://lake/radar", *days)
    done = estimate("--dry-run", *target, "ingest-radar", "--", *arguments)
    assert done.exit_code == 0, done.output
    check_golden(name, done.stdout, {run_key("ingest-radar", *arguments): "RUN-KEY"})
    for call in json.loads(done.stdout):
        assert not faults(ApiCall(**call)), call


def test_a_golden_dry_run_of_a_sensor_archive_shows_where_its_walk_begins() -> None:
    arguments = ("wind_max", "--source", "s3://archive/wind", "--lake", "s3://lake")
    done = estimate("--dry-run", "aggregate", "--", *arguments)
    key = run_key("aggregate", *arguments)
    check_golden("estimate_sensors", done.stdout, {key: "RUN-KEY"})


def test_an_estimate_is_kept_under_the_key_that_the_submission_has(server: S3Server) -> None:
    server.seed("archive-3", {})
    server.seed("lake-3", {})
    arguments = ("--source", "s3://archive-3", "--lake", "s3://lake-3", *RADAR)
    for given in ((), ("--without-pyart",)):
        done = estimate(*given, "--output", "json", "ingest-radar", "--", *arguments, server=server)
        kept = json.loads(done.stdout)["run_key"]
        place = ("--serverless", "00f1", "--execution-role", "arn:aws:iam::123456789012:role/job")
        typed = ["emr", "submit", "--dry-run", *given, *place, "ingest-radar", "--", *arguments]
        shown = CliRunner(env=CREDENTIALS).invoke(main, typed, prog_name="stormlake")
        assert shown.exit_code == 0, shown.output
        (start,) = [c for c in json.loads(shown.stdout) if c["operation"] == "StartJobRun"]
        assert start["parameters"]["name"] == f"stormlake/ingest-radar/{kept}/1"


def run_key(command: str, *arguments: str) -> str:
    lock = lock_hash(Path(__file__).parents[2] / "requirements" / "emr-7.13.0.lock")
    return job_request(click.Context(main), command, arguments).key(lock)

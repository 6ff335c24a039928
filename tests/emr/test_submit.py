"""`stormlake emr submit`: what is sent, what is refused, what is told."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from pathlib import Path
from typing import Any

import pytest

from stormlake import __version__
from stormlake.emr.code_zip import code_zip
from stormlake.lake.runs import run_key
from stormlake.lake.sources import code_hash
from stormlake.radar.profiles import load_profile
from stormlake.running.aws import ApiCall
from tests.emr.conftest import waiting_cluster
from tests.emr.golden import check_golden
from tests.emr.submitting import CLUSTER, ROLE, invoke, job_arguments, names_of_steps, put_archive
from tests.emr.validation import faults
from tests.fakes.emr import FakeAws, Script

ROOT = Path(__file__).parents[2]
LOCK = (ROOT / "requirements" / "emr-7.13.0.lock").read_bytes()
JOB = (ROOT / "jobs" / "ingest_radar.py").read_bytes()

PLACES = {
    "cluster": ("--cluster-id", "j-2AXXXXXXGAPLF", "--execution-role", ROLE),
    "transient": ("--transient", "--stack", "stormlake"),
    "serverless": ("--serverless", "00f1r7g8h9", "--execution-role", ROLE),
}


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


def key_of(bucket: str) -> str:
    """The run key of `job_arguments(bucket)`, from what it is made of."""
    return run_key(
        "ingest-radar",
        {
            "stations": ["KLBB"],
            "start": "2016-06-01T00:00:00+00:00",
            "end": "2016-06-02T00:00:00+00:00",
        },
        code_hash(),
        sha(LOCK),
        load_profile("lake").hash,
        {
            "source": f"s3://{bucket}/archive",
            "lake": f"s3://{bucket}/lake",
            "dual_pol": None,
            "max_reject_share": 0.05,
            "stations_known": None,
        },
    )


def placeholders(bucket: str) -> dict[str, str]:
    """What changes with a commit, and with a lock."""
    code = code_zip()
    return {
        key_of(bucket): "RUN-KEY",
        sha(LOCK): "LOCK",
        f"stormlake-{__version__}-{sha(code)}": "CODE",
        f"{len(code)} bytes": "SIZE-OF-CODE",
        checksum(code): "CHECKSUM-OF-CODE",
        sha(JOB): "JOB",
        f"{len(JOB)} bytes": "SIZE-OF-JOB",
        checksum(JOB): "CHECKSUM-OF-JOB",
    }


@pytest.mark.parametrize("kind", PLACES)
def test_a_dry_run_prints_the_golden_calls_and_makes_none(fake: FakeAws, kind: str) -> None:
    result = invoke(
        *("emr", "submit", "ingest-radar", *PLACES[kind], "--dry-run", "--"),
        *job_arguments("bucket"),
    )
    assert result.exit_code == 0, result.stderr
    check_golden(f"submit_{kind}", result.stdout, placeholders("bucket"))
    assert fake.requests == []


@pytest.mark.parametrize("kind", PLACES)
def test_the_golden_calls_are_what_the_services_take(fake: FakeAws, kind: str) -> None:
    result = invoke(
        *("emr", "submit", "ingest-radar", *PLACES[kind], "--dry-run", "--"),
        *job_arguments("bucket"),
    )
    for call in json.loads(result.stdout):
        assert not faults(ApiCall(call["service"], call["operation"], call["parameters"]))


def test_submit_prints_a_ref_and_the_second_time_that_it_is_there(
    fake: FakeAws, bucket: str
) -> None:
    put_archive(fake, bucket)
    fake.scripts.expect(Script(seconds=math.inf))
    cluster = waiting_cluster(fake)
    command = ("emr", "submit", "ingest-radar", "--cluster-id", cluster, "--output", "json", "--")
    first = invoke(*command, *job_arguments(bucket))
    assert first.exit_code == 0, first.stderr
    step = fake.emr.clusters[cluster].steps[0]
    key = key_of(bucket)
    assert json.loads(first.stdout) == {
        "ref": f"{cluster}/{step.id}",
        "job": "ingest-radar",
        "run_id": f"{key}-1",
        "attempt": 1,
        "already_submitted": False,
    }
    second = invoke(*command, *job_arguments(bucket))
    assert second.exit_code == 0
    assert json.loads(second.stdout) == {
        **json.loads(first.stdout),
        "already_submitted": True,
        "state": "RUNNING",
    }
    assert second.stderr.startswith(f"already submitted: {cluster}/{step.id}")
    assert names_of_steps(fake) == [f"stormlake/ingest-radar/{key}/1"]


def test_a_transient_cluster_and_a_serverless_job_run_are_started_too(
    fake: FakeAws, bucket: str, tmp_path: Path
) -> None:
    put_archive(fake, bucket)
    (tmp_path / "cluster.toml").write_text(CLUSTER)
    made = invoke(
        *("emr", "submit", "ingest-radar", "--transient"),
        *("--cluster-file", str(tmp_path / "cluster.toml"), "--"),
        *job_arguments(bucket),
    )
    assert made.exit_code == 0, made.stderr
    (cluster,) = fake.emr.clusters.values()
    assert made.stdout.splitlines()[0].split() == ["ref", f"{cluster.id}/{cluster.steps[0].id}"]
    application = fake.serverless.application()
    ran = invoke(
        *("emr", "submit", "ingest-radar", "--serverless", application),
        *("--execution-role", ROLE, "--", *job_arguments(bucket), "--max-reject-share", "0.1"),
    )
    assert ran.exit_code == 0, ran.stderr
    (run,) = fake.serverless.runs.values()
    assert f"{application}/{run.id}" in ran.stdout
    key, attempt = run.request["name"].split("/")[2:]
    assert run.request["clientToken"] == f"{key}-{attempt}"


def test_files_of_this_machine_go_along_under_their_base_names(
    fake: FakeAws, bucket: str, tmp_path: Path
) -> None:
    put_archive(fake, bucket)
    cluster = waiting_cluster(fake)
    profile = tmp_path / "my near, one.toml"
    profile.write_text(
        'name = "near"\ncuts = "lowest"\nmin_reflectivity = 20.0\ndual_pol = "require"\n'
        "[grid]\nshape = [2, 3, 3]\nz_limits = [0, 1000]\ny_limits = [-1000, 1000]\n"
        "x_limits = [-1000, 1000]\n"
    )
    stations = tmp_path / "stations.csv"
    stations.write_text("station,latitude,longitude,altitude\nKXYZ,30.0,-90.0,10\n")
    result = invoke(
        *("emr", "submit", "ingest-radar", "--cluster-id", cluster, "--"),
        *(*job_arguments(bucket), f"--profile={profile}", "--station-file", str(stations)),
    )
    assert result.exit_code == 0, result.stderr
    arguments = fake.emr.clusters[cluster].steps[0].config["HadoopJarStep"]["Args"]
    shipped = [
        f"s3://{bucket}/artifacts/files/{sha(profile.read_bytes())}/my_near__one.toml",
        f"s3://{bucket}/artifacts/files/{sha(stations.read_bytes())}/stations.csv",
    ]
    assert arguments[arguments.index("--files") + 1].split(",") == shipped
    assert arguments[-3:] == ["--profile=my_near__one.toml", "--station-file", "stations.csv"]
    for address, path in zip(shipped, (profile, stations), strict=True):
        key = address.removeprefix(f"s3://{bucket}/")
        assert fake.s3.get_object(Bucket=bucket, Key=key)["Body"].read() == path.read_bytes()


def test_a_profile_that_is_built_in_is_no_file(
    fake: FakeAws, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = invoke(
        *("emr", "submit", "ingest-radar", "--cluster-id", "j-1", "--dry-run", "--"),
        *(*job_arguments(bucket), "--profile", "notebook"),
    )
    assert result.exit_code == 0, result.stderr
    assert "--files" not in result.stdout
    (step,) = next(
        call["parameters"]["Steps"]
        for call in json.loads(result.stdout)
        if call["operation"] == "AddJobFlowSteps"
    )
    assert step["HadoopJarStep"]["Args"][-2:] == ["--profile", "notebook"]


def test_two_files_of_one_name_are_refused(bucket: str, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    profile, stations = tmp_path / "a" / "x.y", tmp_path / "b" / "x.y"
    profile.write_text(
        'name = "near"\ncuts = "lowest"\nmin_reflectivity = 20.0\ndual_pol = "require"\n'
        "[grid]\nshape = [2, 3, 3]\nz_limits = [0, 1000]\ny_limits = [-1000, 1000]\n"
        "x_limits = [-1000, 1000]\n"
    )
    stations.write_text("station,latitude,longitude,altitude\nKXYZ,30.0,-90.0,10\n")
    result = invoke(
        *("emr", "submit", "ingest-radar", "--cluster-id", "j-1", "--dry-run", "--"),
        *(*job_arguments(bucket), "--profile", str(profile), "--station-file", str(stations)),
    )
    assert (result.exit_code, result.stdout) == (2, "")
    assert "two files are called x.y" in result.stderr


JOB_OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "a lake here": (
        ("--lake", "./lake", "--source", "s3://b/archive"),
        "--lake ./lake: a cluster finds it in S3 alone, nothing of this machine: give s3://BUCKET",
    ),
    "a source here": (
        ("--lake", "s3://b/lake", "--source", "archive"),
        "--source archive: a cluster finds it in S3 alone",
    ),
    "a lake of another scheme": (
        ("--lake", "s3a://b/lake", "--source", "s3://b/archive"),
        "--lake s3a://b/lake: a cluster finds it in S3 alone",
    ),
    "an option the job lacks": (
        ("--lake", "s3://b/lake", "--sauce", "x"),
        "ingest-radar: No such option '--sauce'",
    ),
    "no lake": (("--source", "s3://b/archive"), "ingest-radar: Missing option '--lake'"),
}


@pytest.mark.parametrize("case", JOB_OPTIONS)
def test_a_job_that_cannot_run_there_is_refused_here(fake: FakeAws, case: str) -> None:
    arguments, said = JOB_OPTIONS[case]
    result = invoke("emr", "submit", "ingest-radar", "--cluster-id", "j-1", "--", *arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr
    assert "Traceback" not in result.stderr
    assert fake.requests == []


OPTIONS: dict[str, tuple[tuple[str, ...], str]] = {
    "no place": ((), "name one place to run: --cluster-id ID, --transient, or --serverless"),
    "two places": (("--cluster-id", "j-1", "--transient", "--stack", "s"), "name one place to run"),
    "a transient cluster of nothing": (
        ("--transient",),
        "--transient needs --stack NAME, a deployed stack, or --cluster-file FILE",
    ),
    "a cluster file for a cluster": (
        ("--cluster-id", "j-1", "--cluster-file", "x.toml"),
        "--cluster-file belongs to --transient",
    ),
    "no role": (("--serverless", "00f1"), "--serverless needs --execution-role ARN"),
    "what a job run cannot end": (
        ("--serverless", "00f1", "--execution-role", ROLE, "--on-failure", "continue"),
        "--on-failure does not belong to --serverless",
    ),
    "logs of a cluster": (
        ("--cluster-id", "j-1", "--log-uri", "s3://b/l"),
        "--log-uri does not belong to a cluster, which has its own",
    ),
    "a role of a transient cluster": (
        ("--transient", "--stack", "s", "--execution-role", ROLE),
        "the role of a transient cluster's step is step_role",
    ),
    "an unknown runtime": (
        ("--cluster-id", "j-1", "--runtime", "emr-7.1.0"),
        "runtime 'emr-7.1.0' is not known; use one of: emr-7.13.0, emr-spark-8.0.0",
    ),
    "no setting": (
        ("--cluster-id", "j-1", "--conf", "executor.memory=8g"),
        "'executor.memory=8g' is no KEY=VALUE such as spark.executor.memory=8g",
    ),
    "a setting of ours": (
        ("--cluster-id", "j-1", "--dry-run", "--conf", "spark.sql.ansi.enabled=false"),
        "--conf spark.sql.ansi.enabled is set by Stormlake",
    ),
    "no such file": (
        ("--transient", "--cluster-file", "absent.toml"),
        "cannot read absent.toml: No such file or directory",
    ),
    "Graviton with Py-ART": (
        ("--cluster-id", "j-1", "--arch", "arm64"),
        "arm-pyart has no wheel for arm64",
    ),
    "no bucket": (
        ("--cluster-id", "j-1", "--artifacts", "bucket"),
        "'bucket': expected s3://BUCKET[/PREFIX]",
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_options_that_do_not_fit_are_refused(fake: FakeAws, case: str) -> None:
    options, said = OPTIONS[case]
    result = invoke("emr", "submit", "ingest-radar", *options, "--", *job_arguments("b"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in " ".join(result.stderr.split())
    assert fake.requests == []


def test_a_job_that_is_none_is_refused_with_those_that_are(fake: FakeAws) -> None:
    result = invoke("emr", "submit", "show", "--cluster-id", "j-1", "--", "--lake", "s3://b")
    assert result.exit_code == 2
    assert "'show' is no job; the jobs are aggregate, alert, ingest-radar" in result.stderr


def there(fake: FakeAws, bucket: str, **cluster: Any) -> tuple[str, ...]:
    """A command that would work, but for one thing that is in AWS."""
    made = waiting_cluster(fake, **cluster)
    return (
        *("emr", "submit", "ingest-radar", "--cluster-id", made, "--"),
        *job_arguments(bucket),
    )


def test_dependencies_that_nobody_packaged_are_missed_before_anything_starts(
    fake: FakeAws, bucket: str
) -> None:
    result = invoke(*there(fake, bucket))
    assert result.exit_code == 2
    address = f"s3://{bucket}/artifacts/deps/emr-7.13.0-py311-x86_64-{sha(LOCK)}.tar.gz"
    assert f"there is no {address}, the archive of dependencies" in result.stderr
    assert "stormlake emr package" in result.stderr
    assert names_of_steps(fake) == []


def test_a_cluster_of_another_release_is_refused(fake: FakeAws, bucket: str) -> None:
    put_archive(fake, bucket)
    result = invoke(*there(fake, bucket, ReleaseLabel="emr-spark-8.0.0"))
    assert result.exit_code == 2
    assert "has release emr-spark-8.0.0, and the dependency archive is for emr-7.13.0" in (
        result.stderr
    )


def test_a_cluster_that_has_ended_or_never_was_is_refused(fake: FakeAws, bucket: str) -> None:
    put_archive(fake, bucket)
    command = there(fake, bucket)
    fake.client("emr").terminate_job_flows(JobFlowIds=[command[4]])
    fake.tick()
    ended = invoke(*command)
    assert ended.exit_code == 2
    assert "and takes no step; name another, or --transient" in ended.stderr
    never = invoke(*command[:4], "j-NEVER", *command[5:])
    assert never.exit_code == 2
    assert "--cluster-id j-NEVER" in never.stderr
    assert "stormlake emr list shows clusters" in never.stderr


def test_an_application_of_another_cpu_or_release_is_refused(fake: FakeAws, bucket: str) -> None:
    put_archive(fake, bucket)
    for application, said in (
        (fake.serverless.application(architecture="ARM64"), "arm64 processors"),
        (fake.serverless.application("emr-spark-8.0.0"), "has release emr-spark-8.0.0"),
    ):
        result = invoke(
            *("emr", "submit", "ingest-radar", "--serverless", application),
            *("--execution-role", ROLE, "--", *job_arguments(bucket)),
        )
        assert result.exit_code == 2
        assert said in result.stderr


def test_options_of_emr_go_where_they_say(fake: FakeAws) -> None:
    result = invoke(
        *("emr", "submit", "aggregate", "--cluster-id", "j-1", "--dry-run"),
        *("--artifacts", "s3://shelf/of/ours", "--on-failure", "cancel-and-wait"),
        *("--conf", "spark.executor.memory=8g", "--conf", "spark.x=a=b c", "--"),
        *("wind_max", "--source", "s3://b/wind", "--lake", "s3://b/lake", "--time-zone", "UTC"),
    )
    assert result.exit_code == 0, result.stderr
    calls = {call["operation"]: call["parameters"] for call in json.loads(result.stdout)}
    assert calls["HeadObject"]["Key"].startswith("of/ours/artifacts/deps/emr-7.13.0-py311-x86_64-")
    (step,) = calls["AddJobFlowSteps"]["Steps"]
    assert step["ActionOnFailure"] == "CANCEL_AND_WAIT"
    assert step["Name"].startswith("stormlake/aggregate-wind_max/")
    arguments = step["HadoopJarStep"]["Args"]
    assert {"spark.executor.memory=8g", "spark.x=a=b c"} <= set(arguments)
    assert arguments[-7:] == [
        *("wind_max", "--source", "s3://b/wind", "--lake", "s3://b/lake", "--time-zone", "UTC")
    ]


def test_the_region_and_the_profile_are_those_of_the_client_not_of_the_job(fake: FakeAws) -> None:
    result = invoke(
        *("emr", "submit", "ingest-radar", "--cluster-id", "j-1", "--region", "eu-west-1"),
        *("--dry-run", "--", *job_arguments("b")),
    )
    assert result.exit_code == 0
    assert "eu-west-1" not in result.stdout

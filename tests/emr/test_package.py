"""`stormlake emr package`: what it builds, what it puts where, what it leaves alone."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest

from stormlake.emr import package_command
from stormlake.emr.artifacts import Target
from stormlake.emr.code_zip import code_zip
from stormlake.emr.local_cluster import SparkHome
from stormlake.emr.probe import ProbeFailed, Verified
from stormlake.runtimes import RUNTIMES, runtime
from tests.emr.golden import check_golden
from tests.emr.submitting import CLUSTER, invoke
from tests.emr.wheelhouse import lock, only, wheel
from tests.fakes.emr import FakeAws

JOBS = Path(__file__).parents[2] / "jobs"
NAMES = (
    *("aggregate_sensors.py", "ingest_radar.py", "load_redshift.py"),
    *("raise_alerts.py", "score_anomalies.py"),
)
SEEN = Verified("3.11.2", "3.5.6", 1, 3275, 97512)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


@pytest.fixture
def small_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
    """A lock of one small wheel in the place of the real one."""
    house = tmp_path / "wheels"
    house.mkdir()
    content = lock(wheel(house, "one"))
    only(house, monkeypatch)
    monkeypatch.setattr(Target, "lock", lambda self: content)
    return content


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the archives that were run on a cluster, which none is here."""
    tried: list[str] = []

    def verify(target, content, archive, spark):
        tried.append(archive.name)
        return SEEN

    monkeypatch.setattr(
        package_command, "find_spark", lambda target: SparkHome(Path("/"), Path("/"))
    )
    monkeypatch.setattr(package_command, "verify", verify)
    return tried


def no_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on pip finds no wheel at all."""
    monkeypatch.setenv("PIP_FIND_LINKS", "/proc/none")


def run(*arguments: object, code: int = 0) -> dict[str, object]:
    result = invoke("emr", "package", "--output", "json", *map(str, arguments))
    assert result.exit_code == code, result.output
    told: dict[str, object] = json.loads(result.stdout.splitlines()[-1])
    return told


def keys(fake: FakeAws, bucket: str) -> dict[str, bytes]:
    listed = fake.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
    return {
        each["Key"]: fake.s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()
        for each in listed
    }


def test_without_a_bucket_both_are_built_into_a_folder_and_tried(
    small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    told = run("--out", out)
    name = f"emr-7.13.0-py311-x86_64-{sha(small_lock)[:16]}.tar.gz"
    assert told["archive"] == str(out / name)
    assert told["sha256"] == sha((out / name).read_bytes())
    assert Path(str(told["code"])).read_bytes() == code_zip()
    assert told["verified"] == {
        "python": "3.11.2",
        "spark": "3.5.6",
        "packages": 1,
        "gates_kept": 3275,
        "rows": 97512,
    }
    assert tries == [name]


def test_what_was_built_and_tried_is_neither_built_nor_tried_again(
    small_lock: bytes, tries: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run("--out", tmp_path / "out")
    no_pip(monkeypatch)
    assert run("--out", tmp_path / "out") == first
    assert len(tries) == 1


def test_an_archive_that_was_built_untried_is_tried_by_the_next_run(
    small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    result = invoke("emr", "package", "--no-verify", "--out", str(tmp_path / "out"))
    assert result.exit_code == 0
    assert "was not tried" in result.stderr
    assert not tries
    run("--out", tmp_path / "out")
    assert len(tries) == 1


def test_other_bytes_under_the_name_of_a_tried_archive_are_tried(
    small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    told = run("--out", tmp_path / "out")
    Path(str(told["archive"])).write_bytes(b"another")
    run("--out", tmp_path / "out")
    assert len(tries) == 2


def test_for_arm_nothing_is_tried_because_nothing_could_run(
    small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    told = run("--arch", "arm64", "--without-pyart", "--out", tmp_path / "out")
    assert "emr-7.13.0-py311-arm64-nopyart-" in str(told["archive"])
    assert told["verified"] is False
    assert not tries


def test_both_are_put_where_submit_looks_for_them(
    fake: FakeAws, bucket: str, small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    told = run("--artifacts", f"s3://{bucket}/team/", "--out", tmp_path / "out")
    there = keys(fake, bucket)
    deps = f"team/artifacts/deps/emr-7.13.0-py311-x86_64-{sha(small_lock)[:16]}.tar.gz"
    code = f"team/artifacts/code/stormlake-0.1.0-{sha(code_zip())[:16]}.zip"
    assert told["archive"] == f"s3://{bucket}/{deps}"
    assert told["code"] == f"s3://{bucket}/{code}"
    assert there[deps] == next((tmp_path / "out").glob("*.tar.gz")).read_bytes()
    assert there[code] == code_zip()
    jobs = {
        f"team/artifacts/code/{sha(file.read_bytes())[:16]}-{file.name}": file.read_bytes()
        for file in (JOBS / name for name in NAMES)
    }
    assert jobs.items() <= there.items()
    assert tries == [deps.rpartition("/")[2]], "it was tried before it was put there"


def test_what_is_there_is_neither_built_nor_sent_again(
    fake: FakeAws,
    bucket: str,
    small_lock: bytes,
    tries: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = run("--artifacts", f"s3://{bucket}", "--out", tmp_path / "out")
    before = keys(fake, bucket)
    fake.clear()
    no_pip(monkeypatch)
    again = run("--artifacts", f"s3://{bucket}", "--out", tmp_path / "elsewhere")
    assert (again["archive"], again["code"]) == (first["archive"], first["code"])
    assert again["uploaded"] == 0
    assert not [each.target for each in fake.requests if "deps" in each.target and each.body]
    assert keys(fake, bucket) == before
    assert not (tmp_path / "elsewhere").exists()
    assert len(tries) == 1


def test_nothing_is_put_there_when_the_archive_does_not_run(
    fake: FakeAws,
    bucket: str,
    small_lock: bytes,
    tries: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*anything):
        raise ProbeFailed("ingest_radar.py does not run from it")

    monkeypatch.setattr(package_command, "verify", broken)
    result = invoke(
        *("emr", "package", "--artifacts", f"s3://{bucket}", "--out", str(tmp_path / "out"))
    )
    assert result.exit_code == 1
    assert "ProbeFailed: ingest_radar.py does not run from it" in result.stderr
    assert keys(fake, bucket) == {}


def test_a_bucket_that_is_not_there_is_told_before_anything_is_built(
    fake: FakeAws, small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    result = invoke(
        *("emr", "package", "--artifacts", "s3://no-such-bucket", "--out", str(tmp_path / "out"))
    )
    assert result.exit_code == 2
    assert "bucket no-such-bucket cannot be used" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("label", [each.label for each in RUNTIMES])
def test_dry_run_prints_the_calls_and_makes_none_golden(
    fake: FakeAws, tmp_path: Path, label: str
) -> None:
    result = invoke(
        *("emr", "package", "--runtime", label, "--artifacts", "s3://my-bucket/team"),
        *("--out", str(tmp_path / "out"), "--dry-run"),
    )
    assert result.exit_code == 0, result.output
    jobs = {name: (JOBS / name).read_bytes() for name in NAMES}
    changing = {"CODE": code_zip(), **jobs}
    placeholders = {
        sha(Target(runtime(label)).lock())[:16]: "LOCK",
        **{sha(content)[:16]: name for name, content in changing.items()},
        **{checksum(content): f"SHA-256 of {name}" for name, content in changing.items()},
        **{f"<{len(content)} bytes>": f"BYTES of {name}" for name, content in changing.items()},
    }
    check_golden(f"package_{label}", result.stdout, placeholders)
    assert not fake.requests
    assert not (tmp_path / "out").exists()


def test_dry_run_without_a_bucket_has_nothing_to_call(tmp_path: Path) -> None:
    result = invoke("emr", "package", "--out", str(tmp_path / "out"), "--dry-run")
    assert (result.exit_code, result.stdout.strip()) == (0, "[]")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--runtime", "emr-7.14.0"), "use one of: emr-7.13.0, emr-spark-8.0.0"),
        (("--artifacts", "my-bucket"), "expected s3://BUCKET[/PREFIX]"),
        (("--arch", "arm64"), "NoPyartForArm: arm-pyart has no wheel for arm64"),
    ],
)
def test_what_cannot_be_is_refused(arguments: tuple[str, ...], told: str) -> None:
    result = invoke("emr", "package", *arguments)
    assert result.exit_code == 2
    assert told in result.stderr


def test_a_cluster_whose_instances_could_not_run_it_is_refused(
    small_lock: bytes, tries: list[str], tmp_path: Path
) -> None:
    file = tmp_path / "cluster.toml"
    file.write_text(CLUSTER)
    run("--cluster-file", file, "--out", tmp_path / "out")
    file.write_text(
        CLUSTER + '[task]\non_demand = 8\ninstances = [{ type = "m7g.2xlarge", units = 8 }]\n'
    )
    result = invoke("emr", "package", "--cluster-file", str(file))
    assert result.exit_code == 2
    assert f"FleetOfOtherCpu: {file}: " in result.stderr
    assert "m7g.2xlarge has arm64 processors" in result.stderr

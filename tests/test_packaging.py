"""What is installed, from which versions, and that a wheel runs the files of the checkout."""

from __future__ import annotations

import io
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stormlake.emr.artifacts import Target
from stormlake.emr.code_zip import code_zip
from stormlake.runtimes import RUNTIMES, runtime

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("lib", "jobs", "sql", "emr", "requirements")


def locked(lock: Path) -> dict[str, str]:
    """Name -> version of a lock file."""
    text = lock.read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+) \\$", text, re.MULTILINE))


@pytest.mark.parametrize("each", RUNTIMES, ids=lambda each: each.label)
def test_a_lock_holds_the_versions_that_a_resolver_would_quietly_change(each) -> None:
    versions = locked(ROOT / each.lock)
    assert versions["pyspark"] == each.spark
    assert versions["arm-pyart"] == "2.3.0"
    assert versions["boto3"] == versions["botocore"] == "1.43.117"
    assert versions["recast-radar"] == "0.1.3"
    assert versions["s3fs"] > "2026", "an s3fs of 2020 comes with an arm-pyart of 2.1"


def test_the_runtimes_differ_in_spark_alone() -> None:
    first, second = (locked(ROOT / each.lock) for each in RUNTIMES)
    different = {name for name in first | second if first.get(name) != second.get(name)}
    assert different <= {"pyspark", "py4j"}


@pytest.mark.parametrize(
    "lock",
    sorted(set((ROOT / "requirements").glob("*.lock")) - {ROOT / "requirements" / "jars.lock"}),
    ids=str,
)
def test_every_locked_package_has_a_hash_and_no_registry_is_named(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert locked(lock)
    for block in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in block, block[:60]
    assert "://" not in text


def test_an_unknown_runtime_is_refused_with_the_known_ones() -> None:
    with pytest.raises(Exception, match=r"'emr-7\.14\.0'.*emr-7\.13\.0, emr-spark-8\.0\.0"):
        runtime("emr-7.14.0")


@pytest.mark.parametrize("each", RUNTIMES, ids=lambda each: each.label)
def test_a_lock_without_pyart_has_the_same_versions_and_none_of_its_chain(each) -> None:
    whole = locked(ROOT / "requirements" / Target(each).lock_name)
    without = locked(ROOT / "requirements" / Target(each, pyart=False).lock_name)
    assert without.items() < whole.items()
    assert not {"arm-pyart", "xradar", "scipy", "s3fs", "cartopy"} & without.keys()
    assert {"recast-radar", "numba", "pyarrow", "boto3", "isal", "click"} <= without.keys()


def tracked(*below: str) -> list[str]:
    """Names of the repository's files, or of those below some folders."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", *below], cwd=ROOT, capture_output=True, check=True
    ).stdout.decode()
    return [name for name in listed.rstrip("\0").split("\0") if (ROOT / name).is_file()]


def test_no_file_of_the_repository_holds_what_looks_like_an_access_key_of_aws() -> None:
    """`AKIA` and 16 more is a key, `ASIA` a temporary one (IAM User Guide, unique identifiers)."""
    key = re.compile(rb"(?<![A-Za-z0-9+/])(?:AKIA|ASIA)[A-Z0-9]{16}(?![A-Za-z0-9+/])")
    assert [name for name in tracked() if key.search((ROOT / name).read_bytes())] == []
    assert key.search(b"key = " + b"AKIA" + 16 * b"X")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    source = tmp_path_factory.mktemp("source")
    for name in tracked(*ROOMS, "setup.py", "pyproject.toml"):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(out), str(source)),
        ],
        check=True,
    )
    (built,) = out.glob("*.whl")
    return built


def test_a_wheel_carries_the_jobs_the_sql_and_all_data(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for part, package in (("jobs", "stormlake/jobs"), ("sql", "stormlake/sql")):
        for file in sorted((ROOT / part).rglob("*")):
            if file.suffix in {".py", ".sql"} and "__pycache__" not in file.parts:
                assert f"{package}/{file.relative_to(ROOT / part).as_posix()}" in names
    assert {
        "stormlake/py.typed",
        "stormlake/log4j2.properties",
        "stormlake/radar/stations.csv",
        "stormlake/plots/us_states.csv",
        "stormlake/requirements/jars.lock",
        *(
            f"stormlake/requirements/{Target(each, pyart=pyart).lock_name}"
            for each in RUNTIMES
            for pyart in (True, False)
        ),
    } <= names
    assert not any(name.startswith("stormlake/requirements/spark-") for name in names)


@pytest.mark.parametrize("each", RUNTIMES, ids=lambda each: each.label)
def test_a_cluster_gets_the_tested_versions_and_no_spark(each) -> None:
    tested, given = locked(ROOT / each.lock), locked(ROOT / "requirements" / each.cluster_lock)
    assert given.items() <= tested.items()
    assert {"arm-pyart", "recast-radar", "numba", "pyarrow", "boto3"} <= given.keys()
    assert not {"pyspark", "py4j", "pytest", "moto"} & given.keys()


def test_the_code_zip_of_a_cluster_holds_the_wheels_files(wheel: Path) -> None:
    theirs, ours = zipfile.ZipFile(wheel), zipfile.ZipFile(io.BytesIO(code_zip()))
    # What decides no row stays behind: metadata, the account's templates and the lock files.
    kept = [
        name
        for name in theirs.namelist()
        if name.startswith("stormlake/")
        and not name.startswith(("stormlake/account/", "stormlake/requirements/"))
    ]
    assert sorted(kept) == ours.namelist()
    assert all(ours.read(name) == theirs.read(name) for name in kept)


def test_a_wheel_and_the_checkout_have_one_code_hash(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    asked = "from stormlake.lake.sources import code_hash; print(code_hash())"
    hashes = {
        subprocess.run(
            [sys.executable, "-c", asked],
            cwd=tmp_path,
            env={"PYTHONPATH": str(place)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for place in (tmp_path, ROOT / "lib")
    }
    assert len(hashes) == 1

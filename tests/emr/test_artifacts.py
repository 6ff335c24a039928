"""Keys of artifacts, the code's zip, and that both are written once."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from stormlake import __version__
from stormlake.emr.artifacts import (
    ArtifactPlace,
    Target,
    code_key,
    deps_key,
    file_key,
    job_key,
)
from stormlake.emr.code_zip import code_zip, job_file
from stormlake.errors import RefusedInput
from stormlake.lake.runs import lock_hash
from stormlake.lake.sources import code_hash
from stormlake.runtimes import RUNTIMES, runtime

ROOT = Path(__file__).resolve().parents[2]
# echo -n abc | sha256sum
ABC = "ba7816bf8f01cfea"


def test_a_key_of_dependencies_names_runtime_python_cpu_and_lock() -> None:
    target = Target(runtime("emr-7.13.0"))
    assert deps_key(target, b"abc") == f"artifacts/deps/emr-7.13.0-py311-x86_64-{ABC}.tar.gz"
    arm = Target(runtime("emr-spark-8.0.0"), arch="arm64", pyart=False)
    assert (
        deps_key(arm, b"abc") == f"artifacts/deps/emr-spark-8.0.0-py311-arm64-nopyart-{ABC}.tar.gz"
    )


def test_other_keys_name_their_content_and_keep_the_files_name() -> None:
    assert code_key(b"abc") == f"artifacts/code/stormlake-{__version__}-{ABC}.zip"
    assert job_key("ingest_radar.py", b"abc") == f"artifacts/code/{ABC}-ingest_radar.py"
    assert file_key("my.toml", b"abc") == f"artifacts/files/{ABC}/my.toml"


@pytest.mark.parametrize("each", RUNTIMES, ids=lambda each: each.label)
def test_the_key_and_the_run_key_call_a_lock_by_one_hash(each) -> None:
    target = Target(each)
    assert target.lock() == (ROOT / "requirements" / each.cluster_lock).read_bytes()
    assert lock_hash(ROOT / "requirements" / target.lock_name) in deps_key(target, target.lock())


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("s3://my-bucket", "s3://my-bucket/artifacts/x"),
        ("s3://my-bucket/", "s3://my-bucket/artifacts/x"),
        ("s3://my-bucket/a/b/", "s3://my-bucket/a/b/artifacts/x"),
    ],
)
def test_an_artifact_lies_below_the_place_that_was_named(typed: str, expected: str) -> None:
    assert ArtifactPlace.parse(typed).uri("artifacts/x") == expected


@pytest.mark.parametrize("typed", ["", "my-bucket", "s3://", "s3:///a", "/tmp/x", "https://a/b"])
def test_a_place_without_a_bucket_is_refused(typed: str) -> None:
    with pytest.raises(RefusedInput, match=r"expected s3://BUCKET\[/PREFIX\]"):
        ArtifactPlace.parse(typed)


def test_the_code_is_laid_out_as_the_wheel_and_holds_no_cache() -> None:
    names = zipfile.ZipFile(io.BytesIO(code_zip())).namelist()
    assert names == sorted(names)
    assert {
        "stormlake/__init__.py",
        "stormlake/log4j2.properties",
        "stormlake/radar/stations.csv",
        "stormlake/jobs/__init__.py",
        "stormlake/jobs/ingest_radar.py",
        "stormlake/sql/sensors/os_totals.sql",
    } <= set(names)
    assert not [
        name for name in names if "__pycache__" in name or not name.startswith("stormlake/")
    ]
    assert len(code_zip()) < 1_000_000


def test_a_jobs_file_is_the_one_in_the_checkout() -> None:
    assert job_file("ingest_radar.py") == (ROOT / "jobs" / "ingest_radar.py").read_bytes()
    with pytest.raises(KeyError):
        job_file("no_such_job.py")


ASK = """\
import hashlib, stormlake
from stormlake.emr.code_zip import code_zip
from stormlake.lake.sources import code_hash
print(code_hash(), hashlib.sha256(code_zip()).hexdigest(), stormlake.__file__)
"""


def test_code_imported_from_the_zip_has_the_checkouts_hash_and_makes_the_same_zip(
    tmp_path: Path,
) -> None:
    (tmp_path / "code.zip").write_bytes(code_zip())
    said = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "code.zip")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert said[:2] == [code_hash(), hashlib.sha256(code_zip()).hexdigest()]
    assert "code.zip" in said[2], "it was not imported from the zip"


COMPILE = """\
import subprocess, sys
from stormlake.radar.isolation import child_environment
asked = "from stormlake.radar import geometry; geometry.warm_up(); print(geometry.__file__)"
sys.exit(subprocess.run([sys.executable, "-c", asked], env=child_environment()).returncode)
"""


def test_kernels_of_the_zip_are_compiled_once_though_home_cannot_be_written(
    tmp_path: Path,
) -> None:
    kept = []
    for application in ("first", "second"):
        (tmp_path / application).mkdir()
        (tmp_path / application / "code.zip").write_bytes(code_zip())
        done = subprocess.run(
            [sys.executable, "-c", COMPILE],
            cwd=tmp_path,
            # Not even root can make a folder there; a YARN container's user cannot in its /home.
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(tmp_path / application / "code.zip"),
                "HOME": "/proc/none",
                "TMPDIR": str(tmp_path),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert f"{application}/code.zip" in done.stdout
        folder = tmp_path / f"stormlake-kernels-{os.getuid()}"
        kept.append({path: path.stat().st_mtime_ns for path in folder.rglob("*.nb?")})
    assert kept[0], "the kernels were not kept"
    assert kept[0] == kept[1], "they were compiled again for another place of the same zip"

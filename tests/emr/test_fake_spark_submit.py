"""What the stand-in does of YARN's work, without starting Spark."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from tests.fakes.emr import FakeAws
from tests.fakes.emr.runners import Work
from tests.fakes.emr.spark_submit import BadSubmit, localize, read_submit


def test_settings_come_from_conf_and_from_options_that_mean_the_same() -> None:
    submit = read_submit(
        [
            *("spark-submit", "--master", "yarn", "--deploy-mode=cluster", "--name", "a b"),
            *(
                "--conf",
                "spark.x=1=2",
                "-c",
                "spark.yarn.appMasterEnv.KEY=v",
                "--files",
                "s3://b/f",
            ),
            *("s3://b/job.py", "--conf", "the job's own"),
        ]
    )
    assert submit.application == "s3://b/job.py"
    assert submit.arguments == ["--conf", "the job's own"]
    assert submit.settings["spark.x"] == "1=2"
    assert submit.settings["spark.submit.deployMode"] == "cluster"
    assert submit.driver_environment == {"KEY": "v"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bash", "-c", "spark-submit job.py"], "'bash'"),
        (["spark-submit", "--conf"], "Missing argument for option '--conf'"),
        (["spark-submit", "--conf", "spark.x"], "Spark config without '=': spark.x"),
        (["spark-submit", "--colour", "red", "job.py"], "Unrecognized option: --colour"),
        (["spark-submit", "--name", "x"], "Missing application resource"),
    ],
)
def test_what_spark_submit_refuses_is_refused(arguments: list[str], said: str) -> None:
    with pytest.raises(BadSubmit, match=said):
        read_submit(arguments)


@pytest.mark.parametrize(
    ("arguments", "cluster"),
    [
        (["spark-submit", "--deploy-mode", "cluster"], True),
        (["spark-submit", "--deploy-mode=cluster"], True),
        (["spark-submit", "--deploy-mode", "client"], False),
        (["spark-submit", "job.py"], False),
    ],
)
def test_the_deploy_mode_is_told(arguments: list[str], cluster: bool) -> None:
    assert Work("name", arguments, 0.0).cluster_mode == cluster


def test_only_master_and_mode_are_changed_and_files_are_local(
    fake: FakeAws, bucket: str, tmp_path: Path
) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo("marker")
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"yes"))
    objects = {
        "job.py": b"job",
        "code.zip": b"zip",
        "f.txt": b"file",
        "d.tar.gz": packed.getvalue(),
    }
    for key, body in objects.items():
        fake.s3.put_object(Bucket=bucket, Key=key, Body=body)
    (folder := tmp_path / "container").mkdir()
    (cache := tmp_path / "cache").mkdir()
    submit = read_submit(
        [
            *("spark-submit", "--master", "yarn", "--deploy-mode", "cluster"),
            *("--conf", f"spark.archives=s3://{bucket}/d.tar.gz#environment"),
            *("--conf", f"spark.submit.pyFiles=s3://{bucket}/code.zip"),
            *("--conf", "spark.yarn.appMasterEnv.PYSPARK_PYTHON=./environment/bin/python"),
            *("--conf", "spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python"),
            *("--conf", "spark.sql.ansi.enabled=true", "--files", f"s3://{bucket}/f.txt#g.txt"),
            *(f"s3://{bucket}/job.py", "--run-id", "x"),
        ]
    )
    ready = localize(submit, fake.s3, folder, cache, Path("spark-submit"), "spark://h:1")

    assert ready.command == [
        *("spark-submit", "--master", "spark://h:1", "--deploy-mode", "client"),
        *("--conf", "spark.executorEnv.PYSPARK_PYTHON=./environment/bin/python"),
        *("--conf", "spark.sql.ansi.enabled=true"),
        *("--conf", f"spark.files={folder}/g.txt"),
        *("--conf", f"spark.submit.pyFiles={folder}/code.zip"),
        *("--conf", f"spark.archives={cache}/d.tar.gz#environment"),
        *(f"{folder}/job.py", "--run-id", "x"),
    ]
    assert ready.environment == {
        "PYSPARK_PYTHON": "./environment/bin/python",
        "PYSPARK_DRIVER_PYTHON": f"{folder}/environment/bin/python",
    }
    assert (folder / "environment" / "marker").read_bytes() == b"yes"
    assert (folder / "g.txt").read_bytes() == b"file"


def test_what_s3_does_not_have_is_named(fake: FakeAws, bucket: str, tmp_path: Path) -> None:
    submit = read_submit(["spark-submit", f"s3://{bucket}/none.py"])
    with pytest.raises(BadSubmit, match=f"No such file: s3://{bucket}/none.py"):
        localize(submit, fake.s3, tmp_path, tmp_path, Path("spark-submit"), "spark://h:1")
    local = read_submit(["spark-submit", "/home/me/job.py"])
    with pytest.raises(BadSubmit, match="not on S3"):
        localize(local, fake.s3, tmp_path, tmp_path, Path("spark-submit"), "spark://h:1")

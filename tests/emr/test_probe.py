"""When an archive can be tried here, and what counts as running from it."""

from __future__ import annotations

import copy
import platform
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil
import pytest

from stormlake.emr import probe
from stormlake.emr.artifacts import Target
from stormlake.emr.local_cluster import ClusterNotStarted, SparkHome, end_tree, local_cluster
from stormlake.emr.probe import ProbeFailed, check_seen, find_spark
from stormlake.emr.refusals import CannotVerify
from stormlake.runtimes import RUNTIMES, Runtime, runtime

PYTHON = Path("/usr/bin/python3.11")


def installed() -> Runtime:
    """The runtime that this environment's PySpark is like."""
    minor = metadata.version("pyspark").split(".")[:2]
    (found,) = (each for each in RUNTIMES if each.spark.split(".")[:2] == minor)
    return found


def other() -> Runtime:
    (found,) = (each for each in RUNTIMES if each != installed())
    return found


@pytest.mark.skipif(not PYTHON.exists(), reason=f"no {PYTHON}")
def test_the_spark_of_this_environment_tries_an_archive_for_the_runtime_that_it_is_like() -> None:
    spark = find_spark(Target(installed()))
    assert Path(spark.submit).is_file()
    assert (spark.path / "jars").is_dir()
    assert (spark.java / "bin" / "java").exists()


def test_another_runtimes_spark_proves_nothing_and_the_message_says_where_to_package() -> None:
    with pytest.raises(CannotVerify) as caught:
        find_spark(Target(other()))
    said = str(caught.value)
    assert f"{other().label} has Spark {other().spark}" in said
    assert f"the PySpark here is {installed().spark}" in said
    assert f"make setup SPARK={other().short} VENV=.venv-spark-{other().short}" in said
    assert "--no-verify" in said


def test_without_pyspark_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    target = Target(installed())
    monkeypatch.setattr(probe.metadata, "version", missing)
    with pytest.raises(CannotVerify, match="the PySpark here is none"):
        find_spark(target)


def test_without_java_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "find_java_home", lambda: None)
    with pytest.raises(CannotVerify, match=r"no Java 17 here .*--no-verify"):
        find_spark(Target(installed()))


def test_without_the_images_python_nothing_is_tried() -> None:
    elsewhere = replace(installed(), python="/proc/none/python")
    with pytest.raises(CannotVerify, match=r"no /proc/none/python here, .*install Python 3\.11"):
        find_spark(Target(elsewhere))


def test_on_another_machine_nothing_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    with pytest.raises(CannotVerify, match="this is linux arm64, the archive is for linux x86_64"):
        find_spark(Target(installed()))


SPARK = SparkHome(Path("/opt/spark"), Path("/opt/java"))
VERSIONS = {"numpy": "2.4.6", "recast-radar": "0.1.3"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "work-0").mkdir()
    return tmp_path


def seen(folder: Path) -> dict[str, Any]:
    """What driver and executor of a good archive see."""
    one = {
        "executable": str(folder / "work-0" / "app-1" / "0" / "environment" / "bin" / "python"),
        "pyspark_file": "/opt/spark/python/lib/pyspark.zip/pyspark/__init__.py",
        "stormlake_file": str(folder / "work-0" / "app-1" / "0" / "stormlake.zip" / "a.py"),
        "packages": {"numpy": "2.4.6", "recast_radar": "0.1.3"},
        "volume": {"status": "partial", "why": "no_end_of_volume: None", "gates_kept": 3275},
    }
    driver = copy.deepcopy(one)
    del driver["volume"]
    return {"driver": driver, "executors": [one]}


def test_what_a_good_archive_shows_is_taken(folder: Path) -> None:
    check_seen(seen(folder), VERSIONS, SPARK, folder)


@pytest.mark.parametrize(
    ("who", "name", "value", "told"),
    [
        ("executors", "executable", "/usr/bin/python3", "an executor ran /usr/bin/python3"),
        (
            "executors",
            "executable",
            "/elsewhere/environment/bin/python",
            "an executor ran /elsewhere",
        ),
        ("executors", "pyspark_file", "/venv/pyspark/a.py", "PySpark came from /venv/pyspark/a.py"),
        ("driver", "pyspark_file", "/venv/pyspark/a.py", "PySpark came from /venv/pyspark/a.py"),
        ("driver", "stormlake_file", "/home/me/stormlake/a.py", "stormlake came from /home/me"),
        ("executors", "packages", {"numpy": "2.4.6"}, "recast-radar None (locked 0.1.3)"),
        (
            "executors",
            "packages",
            {"numpy": "2.4.5", "recast-radar": "0.1.3"},
            "numpy 2.4.5 (locked 2.4.6)",
        ),
        (
            "driver",
            "packages",
            {"numpy": "2.4.6", "recast-radar": "0.1.3", "pyspark": "3.5.6"},
            "pyspark 3.5.6 (locked None)",
        ),
        (
            "executors",
            "volume",
            {"status": "rejected", "why": "decode_error: no library", "gates_kept": None},
            "was rejected (decode_error: no library)",
        ),
        ("executors", "volume", {"status": "ok", "why": "", "gates_kept": 0}, "was ok"),
    ],
)
def test_what_did_not_run_on_the_archive_is_told(
    folder: Path, who: str, name: str, value: Any, told: str
) -> None:
    shown = seen(folder)
    (shown["driver"] if who == "driver" else shown["executors"][0])[name] = value
    with pytest.raises(ProbeFailed) as caught:
        check_seen(shown, VERSIONS, SPARK, folder)
    assert told in str(caught.value)


def test_a_cluster_that_does_not_start_says_what_its_log_says(tmp_path: Path) -> None:
    home = tmp_path / "spark"
    (home / "bin").mkdir(parents=True)
    script = home / "bin" / "spark-class"
    script.write_text("#!/bin/sh\necho no room on this machine\nexit 1\n")
    script.chmod(0o755)
    with (
        pytest.raises(ClusterNotStarted, match=r"master did not start.*no room on this"),
        local_cluster(SparkHome(home, tmp_path), tmp_path, {"PATH": "/usr/bin:/bin"}),
    ):
        pass


def test_the_runtime_table_names_the_interpreter_that_archives_link_to() -> None:
    assert {each.python for each in RUNTIMES} == {str(PYTHON)}
    assert runtime("emr-7.13.0").glibc == "2.34"


def test_what_a_process_started_ends_with_it() -> None:
    command = "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import time; "
    command += "time.sleep(600)'])"
    process = subprocess.Popen([sys.executable, "-c", command])
    started = psutil.Process(process.pid)
    end = time.monotonic() + 30
    while not started.children() and time.monotonic() < end:
        time.sleep(0.05)
    (child,) = started.children()

    end_tree(process)

    assert process.returncode == -signal.SIGKILL
    child.wait(timeout=10)
    end_tree(process)  # once more is no harm

"""Fetching what Spark needs for S3: whole and verified, or not at all, and why not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.runtimes import RUNTIMES, Runtime
from stormlake.s3_jars import (
    fetch_s3_jars,
    find_s3_jars,
    jar_folder,
    jar_name,
    main,
    runtime_of_spark,
)

ROOT = Path(__file__).resolve().parents[1]
SPARK_4 = RUNTIMES[1]
HADOOP_AWS, SDK, CLOUD = "hadoop-aws-3.4.1.jar", "bundle-2.24.6.jar", (
    "spark-hadoop-cloud_2.13-4.0.2.jar"
)  # fmt: skip

MAVEN = """\
#!/bin/sh
# As Maven does: what is asked for comes into the repository of this call.
for each in "$@"; do case $each in
  -Dmaven.repo.local=*) repository=${each#*=};;
  -Dartifact=*) artifact=${each#*=};;
esac; done
echo "$artifact" >> "$STORMLAKE_TEST_ASKED"
[ -z "$STORMLAKE_TEST_FAILS" ] || { echo "[ERROR] $STORMLAKE_TEST_FAILS -> [Help 1]"; exit 1; }
group=$(echo "${artifact%%:*}" | tr . /) rest=${artifact#*:}
name=${rest%%:*} version=${rest#*:}
mkdir -p "$repository/$group/$name/$version"
printf %s "$artifact" > "$repository/$group/$name/$version/$name-$version.jar"
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A Maven whose jars hold their coordinates; it notes what it was asked for in this file."""
    program = tmp_path / "bin" / "mvn"
    program.parent.mkdir()
    program.write_text(MAVEN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("STORMLAKE_TEST_ASKED", str(tmp_path / "asked"))
    monkeypatch.setenv("STORMLAKE_TEST_FAILS", "")
    return tmp_path / "asked"


def lock_of(runtime: Runtime) -> str:
    """A lock file for the jars of that Maven."""
    wanted = (*runtime.s3_jars, runtime.committer_jar)
    return "".join(
        f"{hashlib.sha256(jar.encode()).hexdigest()}  {jar_name(jar)}\n" for jar in wanted
    )


def test_jars_are_fetched_once_and_nothing_is_left_beside_them(asked: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    fetched = fetch_s3_jars([SPARK_4], folder, lock_of(SPARK_4))
    assert [path.name for path in fetched] == [HADOOP_AWS, SDK, CLOUD]
    assert sorted(path.name for path in folder.iterdir()) == sorted([HADOOP_AWS, SDK, CLOUD])
    assert asked.read_text().split() == [*SPARK_4.s3_jars, SPARK_4.committer_jar]

    (folder / SDK).unlink()
    assert [path.name for path in fetch_s3_jars([SPARK_4], folder, lock_of(SPARK_4))] == [SDK]
    assert fetch_s3_jars([SPARK_4], folder, lock_of(SPARK_4)) == []
    assert len(asked.read_text().split()) == 4


def test_a_jar_with_another_sum_is_not_kept(asked: Path, tmp_path: Path) -> None:
    lock = lock_of(SPARK_4).replace(hashlib.sha256(SPARK_4.s3_jars[1].encode()).hexdigest(), "0")
    with pytest.raises(RefusedInput, match=rf"{SDK} as it came is not the jar that was tested"):
        fetch_s3_jars([SPARK_4], tmp_path / "jars", lock)
    assert [path.name for path in (tmp_path / "jars").iterdir()] == [HADOOP_AWS]


def test_a_jar_that_was_damaged_since_is_refused(asked: Path, tmp_path: Path) -> None:
    folder = tmp_path / "jars"
    fetch_s3_jars([SPARK_4], folder, lock_of(SPARK_4))
    (folder / SDK).write_text("half")
    with pytest.raises(RefusedInput, match=rf"{SDK} is damaged; remove it and run again"):
        fetch_s3_jars([SPARK_4], folder, lock_of(SPARK_4))


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        (
            "Could not transfer artifact …: Connect to 127.0.0.1:9 failed: Connection refused",
            ServiceUnreachable,
            "check the network.*It said: Could not transfer.*refused$",
        ),
        ("Could not find artifact … in central", RefusedInput, "is not where Maven looks"),
        ("… No space left on device", RefusedInput, "no space left in .*set STORMLAKE_JARS"),
    ],
)
def test_a_maven_that_fails_says_why_and_leaves_nothing(
    asked: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    error: type[StormlakeError],
    told: str,
) -> None:
    monkeypatch.setenv("STORMLAKE_TEST_FAILS", said)
    with pytest.raises(error, match=told):
        fetch_s3_jars([SPARK_4], tmp_path / "jars", lock_of(SPARK_4))
    assert list((tmp_path / "jars").iterdir()) == []


def test_without_maven_the_message_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("STORMLAKE_JARS", str(tmp_path / "jars"))
    done = CliRunner().invoke(main, ["--spark", "4.0"])
    assert done.exit_code == 2
    assert "there is no mvn on PATH: install Maven (apt-get install maven" in done.stderr
    assert str(tmp_path / "jars") in done.stderr


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RefusedInput, match=r"jars cannot be kept in .*set STORMLAKE_JARS"):
        fetch_s3_jars([SPARK_4], tmp_path / "file" / "jars")


def test_jars_lie_where_the_user_says_else_in_the_user_s_cache(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("STORMLAKE_JARS", "/data/jars")
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/ann")
    monkeypatch.setenv("HOME", "/home/ann")
    assert jar_folder() == Path("/data/jars")
    monkeypatch.setenv("STORMLAKE_JARS", "")
    assert jar_folder() == Path("/var/cache/ann/stormlake/jars")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert jar_folder() == Path("/home/ann/.cache/stormlake/jars")


def test_a_session_without_its_jars_is_told_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STORMLAKE_JARS", str(tmp_path))
    (tmp_path / HADOOP_AWS).touch()
    with pytest.raises(RefusedInput, match=rf"without {SDK} in .*: make setup-s3, or python -m"):
        find_s3_jars(SPARK_4)


def test_the_jars_follow_from_the_hadoop_inside_spark(tmp_path: Path) -> None:
    jar = tmp_path / "jars" / "hadoop-client-api-3.3.4.jar"
    jar.parent.mkdir()
    jar.touch()
    assert runtime_of_spark(tmp_path) == RUNTIMES[0]
    jar.rename(jar.with_name("hadoop-client-api-3.5.0.jar"))
    with pytest.raises(RefusedInput, match=r"has Hadoop 3\.5\.0; .*3\.3\.4 \(PySpark 3\.5\.6\)"):
        runtime_of_spark(tmp_path)


def test_every_jar_is_in_the_lock_file_and_fits_its_hadoop() -> None:
    lines = (ROOT / "requirements" / "jars.lock").read_text().splitlines()
    assert lines == sorted(lines, key=lambda line: line.split()[1])
    assert all(re.fullmatch(r"[0-9a-f]{64}  \S+\.jar", line) for line in lines)
    wanted = {jar_name(jar) for each in RUNTIMES for jar in (*each.s3_jars, each.committer_jar)}
    assert {line.split()[1] for line in lines} == wanted
    for each in RUNTIMES:
        assert f"org.apache.hadoop:hadoop-aws:{each.hadoop}" in each.s3_jars

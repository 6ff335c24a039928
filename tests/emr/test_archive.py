"""The archive of dependencies: what is in it, that it is always the same, what is refused."""

from __future__ import annotations

import csv
import errno
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from stormlake.emr import archive as archive_module
from stormlake.emr.archive import Archive, build_archive, unpack
from stormlake.emr.artifacts import Target
from stormlake.emr.install import InstallFailed, NoRoom
from stormlake.emr.refusals import (
    FilesCollide,
    GlibcTooNew,
    NewerPythonOnly,
    NotOnIndex,
    OtherContent,
    OtherCpu,
    OtherPython,
    OtherSystem,
    SourceOnly,
    SparkInLock,
    WheelRefused,
)
from stormlake.errors import ServiceUnreachable
from stormlake.runtimes import runtime
from tests.emr.wheelhouse import lock, only, source, wheel

TARGET = Target(runtime("emr-7.13.0"))
SITE = "lib/python3.11/site-packages"
SCRIPT = b"#!python\nprint('hello')\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels, which is all that pip knows."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    only(folder, monkeypatch)
    return folder


def build(tmp_path: Path, content: bytes, name: str = "a.tar.gz") -> Archive:
    return build_archive(TARGET, content, tmp_path / "out" / name)


def some(house: Path) -> tuple[Path, Path]:
    """Two packages with all that a wheel may bring."""
    return (
        wheel(
            house,
            "one",
            files={
                "one/__init__.py": b"from one.part import ONE\n",
                "one/part.py": b"ONE = 1\n",
                "one/tests/test_one.py": b"assert True\n",
                "one/testing/data.txt": b"not a test: packages import such folders\n",
                "one-1.0.data/scripts/one-tool": SCRIPT,
                "one-1.0.data/data/share/one/table.txt": b"a table\n",
            },
        ),
        wheel(house, "two", tag="cp311-cp311-manylinux_2_28_x86_64"),
    )


def test_an_archive_is_an_environment_around_the_images_own_python(
    house: Path, tmp_path: Path
) -> None:
    archive = build(tmp_path, lock(*some(house)))
    with tarfile.open(archive.path) as tar:
        entries = {entry.name: entry for entry in tar}
        config = tar.extractfile("pyvenv.cfg")
        assert config is not None
        assert config.read().decode().splitlines() == [
            "home = /usr/bin",
            "version = 3.11",
            "include-system-site-packages = false",
        ]
    assert set(entries) == {
        "bin/python",
        "pyvenv.cfg",
        "share/one/table.txt",
        *(f"{SITE}/one/{name}" for name in ("__init__.py", "part.py", "testing/data.txt")),
        f"{SITE}/two.py",
        *(
            f"{SITE}/{package}-1.0.dist-info/{name}"
            for package in ("one", "two")
            for name in ("INSTALLER", "METADATA", "RECORD", "REQUESTED", "WHEEL")
        ),
    }
    python = entries["bin/python"]
    assert python.issym() and python.linkname == "/usr/bin/python3.11"
    for entry in entries.values():
        owner = (entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname)
        assert owner == (0, 0, 0, "", ""), entry.name
    assert archive.size == archive.path.stat().st_size
    assert archive.sha256 == hashlib.sha256(archive.path.read_bytes()).hexdigest()
    assert [path.name for path in archive.path.parent.iterdir()] == ["a.tar.gz"]


def test_the_same_lock_gives_the_same_bytes_and_so_do_the_same_wheels_in_another_order(
    house: Path, tmp_path: Path
) -> None:
    one, two = some(house)
    three = wheel(house, "three", files={"one/of_three.py": b"", "three/a.py": b"A = 1\n"})
    first = build(tmp_path, lock(one, two, three), "first.tar.gz")
    os.utime(one)
    again = build(tmp_path / "elsewhere", lock(one, two, three), "again.tar.gz")
    turned = build(tmp_path, lock(three, two, one), "turned.tar.gz")
    assert first.sha256 == again.sha256 == turned.sha256
    other = build(tmp_path, lock(one, two), "other.tar.gz")
    assert other.sha256 != first.sha256


def test_a_record_lists_what_is_left_of_its_package(house: Path, tmp_path: Path) -> None:
    archive = build(tmp_path, lock(*some(house)))
    unpack(archive.path, tmp_path / "env")
    site = tmp_path / "env" / SITE
    with (site / "one-1.0.dist-info" / "RECORD").open(newline="") as file:
        listed = {path for path, _, _ in csv.reader(file)}
    there = {
        os.path.relpath(path, site)
        for path in [*(site / "one").rglob("*"), *(site / "one-1.0.dist-info").rglob("*")]
        if path.is_file()
    }
    assert listed == there | {"../../../share/one/table.txt"}
    assert all((site / path).exists() for path in listed)


@pytest.mark.skipif(not Path("/usr/bin/python3.11").exists(), reason="no Python of the image's")
def test_its_interpreter_imports_what_is_inside_and_nothing_of_the_machine(
    house: Path, tmp_path: Path
) -> None:
    archive = build(tmp_path, lock(*some(house)))
    unpack(archive.path, tmp_path / "environment")
    ask = "import one, sys; print(one.ONE, sys.prefix, *(p for p in sys.path if 'packages' in p))"
    said = subprocess.run(
        [tmp_path / "environment" / "bin" / "python", "-c", ask],
        env={},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    environment = tmp_path / "environment"
    assert said == ["1", str(environment), str(environment / SITE)]


REFUSED = [
    ("cp311-cp311-manylinux_2_39_x86_64", GlibcTooNew),
    ("cp311-cp311-manylinux_2_28_aarch64", OtherCpu),
    ("cp310-cp310-manylinux_2_28_x86_64", OtherPython),
    ("cp312-cp312-manylinux_2_28_x86_64", NewerPythonOnly),
    ("cp311-cp311-macosx_11_0_arm64", OtherSystem),
]


@pytest.mark.parametrize(("tag", "error"), REFUSED, ids=[tag for tag, _ in REFUSED])
def test_a_wheel_that_would_not_run_there_is_refused_and_nothing_is_left(
    house: Path, tmp_path: Path, tag: str, error: type[WheelRefused]
) -> None:
    good, bad = wheel(house, "good"), wheel(house, "bad", tag=tag)
    with pytest.raises(error) as caught:
        build(tmp_path, lock(good, bad))
    assert type(caught.value) is error
    assert bad.name in str(caught.value)
    assert not list((tmp_path / "out").iterdir())


def test_a_source_distribution_is_refused(house: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceOnly, match=r"old==1\.0 of emr-7\.13\.0\.lock .*: old-1\.0\.tar\.gz"):
        build(tmp_path, lock(source(house, "old")))


def test_a_wheel_that_asks_for_a_newer_python_is_refused(house: Path, tmp_path: Path) -> None:
    index = house / "index.html"
    new = wheel(house, "new", python=">=3.12")
    # Only an index tells of Requires-Python before the wheel is there.
    index.write_text(f'<a href="{new.name}" data-requires-python="&gt;=3.12">{new.name}</a>')
    content = lock(new)
    os.environ["PIP_FIND_LINKS"] = str(index)  # `house` has set it, and takes it back
    with pytest.raises(NewerPythonOnly, match=r"new-1\.0-py3-none-any\.whl needs a newer Python"):
        build(tmp_path, content)


def test_another_version_that_would_run_is_not_taken_in_its_place(
    house: Path, tmp_path: Path
) -> None:
    wheel(house, "some", "1.0")
    new = wheel(house, "some", "2.0", tag="cp312-cp312-manylinux_2_28_x86_64")
    with pytest.raises(NewerPythonOnly, match=r"some==2\.0"):
        build(tmp_path, lock(new))


def test_a_package_that_the_index_lost_is_named(house: Path, tmp_path: Path) -> None:
    gone = wheel(house, "gone")
    content = lock(gone)
    gone.unlink()
    with pytest.raises(NotOnIndex, match=r"no gone==1\.0, which emr-7\.13\.0\.lock pins"):
        build(tmp_path, content)


def test_a_wheel_with_other_content_than_was_locked_is_refused(house: Path, tmp_path: Path) -> None:
    content = lock(wheel(house, "some"))
    wheel(house, "some", files={"some.py": b"VALUE = 'evil'\n"})
    with pytest.raises(OtherContent, match=r"some==1\.0: what the package index gave has none"):
        build(tmp_path, content)


def test_two_packages_with_one_file_are_refused_unless_it_is_the_same(
    house: Path, tmp_path: Path
) -> None:
    same = {"shared/__init__.py": b""}
    one = wheel(house, "one", files={**same, "shared/one.py": b"1"})
    two = wheel(house, "two", files={**same, "shared/two.py": b"2"})
    three = wheel(house, "three", files={"shared/one.py": b"another"})
    build(tmp_path, lock(one, two))
    with pytest.raises(FilesCollide, match=r"one-1\.0 and three-1\.0 both bring shared/one\.py"):
        build(tmp_path, lock(one, three), "b.tar.gz")


def test_spark_is_refused_before_pip_is_asked(house: Path, tmp_path: Path) -> None:
    with pytest.raises(SparkInLock):
        build(tmp_path, lock(wheel(house, "pyspark")))


def test_an_index_that_does_not_answer_is_a_service_out_of_reach(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.delenv("PIP_FIND_LINKS")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    with pytest.raises(
        ServiceUnreachable, match=r"does not answer: \[Errno 111\] Connection refused; check"
    ):
        build(tmp_path, lock(wheel(house, "some")))


def test_a_full_disk_is_told_as_one_and_leaves_nothing(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*anything):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(archive_module, "write_archive", no_room)
    with pytest.raises(NoRoom, match="building an archive needs 4 GB"):
        build(tmp_path, lock(wheel(house, "some")))
    assert not list((tmp_path / "out").iterdir())


def test_what_pip_says_of_anything_else_is_passed_on(
    house: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = house / "broken-1.0-py3-none-any.whl"
    broken.write_bytes(b"no zip")
    with pytest.raises(InstallFailed, match=r"pip could not install the 1 packages .*broken"):
        build(tmp_path, lock(broken))

"""Which wheels run on a runtime's image, and which lock files can become an archive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.tags import Tag

from stormlake.emr.artifacts import Target
from stormlake.emr.locks import check_lock
from stormlake.emr.refusals import (
    GlibcTooNew,
    LockUnreadable,
    LockWithoutHashes,
    NewerPythonOnly,
    NoPyartForArm,
    OtherCpu,
    OtherPython,
    OtherSystem,
    SourceOnly,
    SparkInLock,
    WheelRefused,
)
from stormlake.emr.wheels import (
    of_release,
    platforms,
    refuse_arm_with_pyart,
    refuse_release,
    supported_tags,
    why_not,
)
from stormlake.runtimes import RUNTIMES, runtime

X86 = Target(runtime("emr-7.13.0"))
ARM = Target(runtime("emr-7.13.0"), arch="arm64", pyart=False)


# The wheels of the real lock for x86_64, and what does not run on Amazon Linux 2023.
@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("numpy-2.4.6-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", None),
        ("recast_radar-0.1.3-cp310-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", None),
        ("psutil-7.2.2-cp36-abi3-manylinux2010_x86_64.manylinux_2_12_x86_64.whl", None),
        ("wrapt-2.5.2-cp311-cp311-manylinux1_x86_64.manylinux_2_5_x86_64.whl", None),
        ("six-1.17.0-py2.py3-none-any.whl", None),
        ("a-1-cp311-cp311-manylinux_2_34_x86_64.whl", None),
        ("a-1-cp311-cp311-manylinux_2_35_x86_64.whl", GlibcTooNew),
        ("a-1-cp311-cp311-manylinux_2_35_x86_64.manylinux_2_39_x86_64.whl", GlibcTooNew),
        ("a-1-cp311-cp311-manylinux_2_17_aarch64.manylinux2014_aarch64.whl", OtherCpu),
        ("a-1-cp311-cp311-manylinux_2_17_ppc64le.whl", OtherCpu),
        ("a-1-cp312-cp312-manylinux_2_17_x86_64.whl", NewerPythonOnly),
        ("a-1-cp312-abi3-manylinux_2_17_x86_64.whl", NewerPythonOnly),
        ("a-1-cp310-cp310-manylinux_2_17_x86_64.whl", OtherPython),
        ("a-1-pp311-pypy311_pp73-manylinux_2_17_x86_64.whl", OtherPython),
        ("a-1-cp311-cp311-macosx_11_0_arm64.whl", OtherSystem),
        ("a-1-cp311-cp311-win_amd64.whl", OtherSystem),
        ("a-1-cp311-cp311-musllinux_1_2_x86_64.whl", OtherSystem),
        ("a-1.tar.gz", SourceOnly),
    ],
)
def test_a_file_runs_on_the_image_or_there_is_one_reason_why_not(
    file: str, reason: type[WheelRefused] | None
) -> None:
    assert why_not(file, X86) is reason


def test_on_arm_the_other_cpu_is_the_other_one() -> None:
    assert why_not("a-1-cp311-cp311-manylinux_2_28_aarch64.whl", ARM) is None
    assert why_not("a-1-cp311-cp311-manylinux_2_28_x86_64.whl", ARM) is OtherCpu


@pytest.mark.parametrize("each", RUNTIMES, ids=lambda each: each.label)
def test_every_glibc_up_to_the_images_is_named_because_pip_takes_a_platform_literally(each) -> None:
    named = platforms(Target(each))
    assert named[0] == "manylinux_2_34_x86_64"
    # The ones that the specification of packaging lists.
    assert {f"manylinux_2_{n}_x86_64" for n in (34, 28, 27, 24, 17)} <= set(named)
    assert {"manylinux2014_x86_64", "manylinux2010_x86_64", "manylinux1_x86_64"} <= set(named)
    assert platforms(Target(each, arch="arm64"))[-2:] == [
        "manylinux_2_17_aarch64",
        "manylinux2014_aarch64",
    ]


@given(
    python=st.integers(6, 16),
    abi=st.sampled_from(["own", "abi3", "none"]),
    glibc=st.integers(5, 45),
    machine=st.sampled_from(["x86_64", "aarch64"]),
)
def test_what_is_accepted_is_not_newer_than_the_image_in_anything(
    python: int, abi: str, glibc: int, machine: str
) -> None:
    interpreter = f"cp3{python}"
    tag = Tag(interpreter, interpreter if abi == "own" else abi, f"manylinux_2_{glibc}_{machine}")
    # PEP 425 and 600, said again: an ABI of its own needs that very Python.
    python_fits = python == 11 or (abi == "abi3" and python < 11)
    expected = python_fits and glibc <= 34 and machine == "x86_64"
    assert (tag in supported_tags(X86)) == expected
    file = f"a-1-{tag}.whl"
    assert (why_not(file, X86) is None) == expected


@pytest.mark.parametrize(
    ("files", "error", "told"),
    [
        (["a-1-cp311-cp311-manylinux_2_39_x86_64.whl"], GlibcTooNew, "emr-7.13.0's 2.34"),
        (["a-1-cp311-cp311-manylinux_2_28_aarch64.whl"], OtherCpu, "another CPU than x86_64"),
        (["a-1-cp310-cp310-manylinux_2_28_x86_64.whl"], OtherPython, "another Python"),
        (["a-1-cp312-cp312-manylinux_2_28_x86_64.whl"], NewerPythonOnly, "the image's 3.11"),
        (["a-1-cp311-cp311-macosx_11_0_arm64.whl"], OtherSystem, "not for Linux with glibc"),
        (["a-1.tar.gz"], SourceOnly, "would have to be compiled"),
        # pip passed over one that fits by its tags: its Requires-Python does not.
        (["a-1-py3-none-any.whl"], NewerPythonOnly, "a-1-py3-none-any.whl needs a newer Python"),
        # The nearest is the one to tell of.
        (
            [
                "a-1.tar.gz",
                "a-1-cp311-cp311-win_amd64.whl",
                "a-1-cp311-cp311-manylinux_2_36_x86_64.whl",
                "a-1-cp312-cp312-manylinux_2_17_x86_64.whl",
            ],
            GlibcTooNew,
            "a-1-cp311-cp311-manylinux_2_36_x86_64.whl needs a newer glibc",
        ),
    ],
)
def test_a_release_that_does_not_fit_is_refused_with_its_nearest_file(
    files: list[str], error: type[WheelRefused], told: str
) -> None:
    with pytest.raises(error) as caught:
        refuse_release("a", "1", files, X86, "some.lock")
    assert type(caught.value) is error
    said = str(caught.value)
    assert said.startswith("a==1 of some.lock has no wheel for emr-7.13.0-py311-x86_64: ")
    assert told in said


@pytest.mark.parametrize(
    ("file", "belongs"),
    [
        ("python_dateutil-2.9.0.post0-py2.py3-none-any.whl", True),
        ("python-dateutil-2.9.0.post0.tar.gz", True),
        ("python_dateutil-2.9.0-py2.py3-none-any.whl", False),
        ("other-2.9.0.post0.tar.gz", False),
        ("not a file of any package.whl", False),
        ("python-dateutil-2.9.0-latest.zip", False),
    ],
)
def test_a_file_belongs_to_a_release_by_its_canonical_name_and_version(
    file: str, belongs: bool
) -> None:
    assert of_release(file, "Python.Dateutil", "2.9.0.post0") == belongs


def test_pyart_and_arm_do_not_go_together() -> None:
    with pytest.raises(NoPyartForArm, match="--without-pyart"):
        refuse_arm_with_pyart(Target(RUNTIMES[0], arch="arm64"))
    refuse_arm_with_pyart(ARM)
    refuse_arm_with_pyart(X86)


HASH = f"--hash=sha256:{'0' * 64}"


@pytest.mark.parametrize("target", [X86, ARM], ids=lambda target: target.lock_name)
def test_the_shipped_locks_are_taken(target: Target) -> None:
    versions = check_lock(target.lock(), target.lock_name)
    assert versions["recast-radar"] == "0.1.3"
    assert ("arm-pyart" in versions) == target.pyart
    assert len(versions) == (73 if target.pyart else 26)


def test_a_lock_is_read_as_pip_reads_it() -> None:
    text = f"# a comment\n\nA.b_c==1.0 \\\n    {HASH} \\\n    {HASH}\nd==2  # why\n".replace(
        "d==2", f"d==2 {HASH}"
    )
    assert check_lock(text.encode(), "x.lock") == {"a-b-c": "1.0", "d": "2"}


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        (f"a==1 {HASH}\nb==2\n", LockWithoutHashes, "x.lock: b==2 has no hash"),
        ("a==1 \\\n    \n", LockWithoutHashes, "x.lock: a==1 has no hash"),
        (f"pyspark==3.5.6 {HASH}\n", SparkInLock, "x.lock pins pyspark==3.5.6"),
        (f"Py4J==0.10.9 {HASH}\n", SparkInLock, "x.lock pins py4j==0.10.9"),
        ("", LockUnreadable, "x.lock pins no package"),
        (f"a>=1 {HASH}\n", LockUnreadable, "found 'a>=1"),
        ("-r other.txt\n", LockUnreadable, "found '-r other.txt'"),
        ("-e .\n", LockUnreadable, "found '-e .'"),
        (f"a @ https://example.org/a.whl {HASH}\n", LockUnreadable, "found 'a @"),
        ("a==1 --hash=sha256:abc\n", LockUnreadable, "found 'a==1 --hash"),
        (f"a==1 ; sys_platform {HASH}\n", LockUnreadable, "found 'a==1 ;"),
    ],
)
def test_a_lock_that_cannot_become_an_archive_is_refused(
    text: str, error: type[Exception], told: str
) -> None:
    with pytest.raises(error) as caught:
        check_lock(text.encode(), "x.lock")
    assert told in str(caught.value)

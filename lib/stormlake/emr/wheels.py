"""Which wheels run on a target: the tags that it takes, and why another wheel is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from typing import Final, NoReturn

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from stormlake.emr.artifacts import PYTHON, Arch, Target
from stormlake.emr.refusals import (
    GlibcTooNew,
    NewerPythonOnly,
    NoPyartForArm,
    OtherCpu,
    OtherPython,
    OtherSystem,
    SourceOnly,
    WheelRefused,
)

MACHINES: Final[dict[Arch, str]] = {"x86_64": "x86_64", "arm64": "aarch64"}
"""What tags of wheels call a CPU."""

LEGACY: Final = {17: "manylinux2014", 12: "manylinux2010", 5: "manylinux1"}
"""Older names of glibc 2.n (PEP 600)."""

NEAREST: Final[tuple[type[WheelRefused], ...]] = (
    GlibcTooNew,
    OtherCpu,
    OtherPython,
    NewerPythonOnly,
    OtherSystem,
    SourceOnly,
)
"""Of several wheels that do not fit, the one that fits best is the one to tell of."""

_MANYLINUX = re.compile(r"manylinux(?:_2_(?P<minor>\d+)|(?P<legacy>1|2010|2014))_(?P<machine>\w+)")


def platforms(target: Target) -> list[str]:
    """Platform tags that the target runs, the newest glibc first.

    Notes
    -----
    Each older glibc is named, because pip takes a platform literally: with `manylinux_2_34` alone
    it finds nothing that was built for 2.17.
    """
    machine = MACHINES[target.arch]
    newest = int(target.runtime.glibc.split(".")[1])
    found = []
    # Before 2.5 there was no manylinux; arm64 begins with 2.17.
    for minor in range(newest, 4 if target.arch == "x86_64" else 16, -1):
        found.append(f"manylinux_2_{minor}_{machine}")
        if minor in LEGACY:
            found.append(f"{LEGACY[minor]}_{machine}")
    return found


@cache
def supported_tags(target: Target) -> frozenset[Tag]:
    """Tags of the wheels that the target runs."""
    allowed = platforms(target)
    interpreter = "cp" + "".join(map(str, PYTHON))
    return frozenset(
        [
            *cpython_tags(PYTHON, [interpreter], allowed),
            *compatible_tags(PYTHON, interpreter, allowed),
        ]
    )


def why_not(file: str, target: Target) -> type[WheelRefused] | None:
    """Why a file of a package index does not run on a target; None when it does.

    Parameters
    ----------
    file : str
        Name of a wheel or of a source distribution.
    target : Target
    """
    if not file.endswith(".whl"):
        return SourceOnly
    tags = parse_wheel_filename(file)[3]
    if tags & supported_tags(target):
        return None
    return min((_why_not_tag(tag, target) for tag in tags), key=NEAREST.index)


def refuse_release(
    name: str, version: str, files: Iterable[str], target: Target, lock: str
) -> NoReturn:
    """Tell why no file of a release runs on the target.

    Parameters
    ----------
    name, version : str
        The locked package.
    files : iterable of str
        What the index has of this release; at least one.
    target : Target
    lock : str
        Name of the lock file.

    Raises
    ------
    WheelRefused
        Always; its class is the reason of the file that fits best.
    """
    # pip passed over a file whose tags fit: then the release asks for another Python.
    reasons = {file: why_not(file, target) or NewerPythonOnly for file in sorted(files)}
    file, reason = min(reasons.items(), key=lambda found: NEAREST.index(found[1]))
    needs = {
        GlibcTooNew: f"needs a newer glibc than {target.runtime.label}'s {target.runtime.glibc}; "
        "lock an older version",
        OtherCpu: f"is for another CPU than {target.arch}",
        OtherPython: "is for another Python than CPython 3.11",
        NewerPythonOnly: "needs a newer Python than the image's 3.11; lock an older version",
        OtherSystem: "is not for Linux with glibc",
        SourceOnly: "is source, which would have to be compiled for the image; lock a version "
        "that has wheels",
    }[reason]
    raise reason(f"{name}=={version} of {lock} has no wheel for {target.label}: {file} {needs}")


def of_release(file: str, name: str, version: str) -> bool:
    """Whether a file of a package index belongs to a release."""
    try:
        if file.endswith(".whl"):
            found: tuple[str, Version] = parse_wheel_filename(file)[:2]
        else:
            found = parse_sdist_filename(file)
        return found == (canonicalize_name(name), Version(version))
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return False


def refuse_arm_with_pyart(target: Target) -> None:
    """Refuse an archive for arm64 with Py-ART in it.

    Raises
    ------
    NoPyartForArm
    """
    if target.arch == "arm64" and target.pyart:
        raise NoPyartForArm(
            "arm-pyart has no wheel for arm64 (Linux aarch64): stay with --arch x86_64. Add "
            "--without-pyart to go as far as the other packages have one; of the two decoders "
            "recast-radar 0.1.3 has none either, so it takes a lock with a later one"
        )


def _why_not_tag(tag: Tag, target: Target) -> type[WheelRefused]:
    pairs = {(known.interpreter, known.abi) for known in supported_tags(target)}
    if (tag.interpreter, tag.abi) not in pairs:
        newer = re.fullmatch(r"cp3(\d+)", tag.interpreter)
        return NewerPythonOnly if newer and int(newer[1]) > PYTHON[1] else OtherPython
    named = _MANYLINUX.fullmatch(tag.platform)
    if named is None:
        return OtherSystem
    return GlibcTooNew if named["machine"] == MACHINES[target.arch] else OtherCpu

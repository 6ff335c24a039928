"""Install a lock's wheels into a folder with pip, for another machine than this one.

pip's own words are turned into ours: which package, what its wheels are for, what to do.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NoReturn
from urllib.parse import unquote

from stormlake.emr.artifacts import PYTHON, Target
from stormlake.emr.locks import check_lock
from stormlake.emr.refusals import NotOnIndex, OtherContent
from stormlake.emr.wheels import of_release, platforms, refuse_arm_with_pyart, refuse_release
from stormlake.errors import ServiceUnreachable, StormlakeError

NO_NETWORK: Final = re.compile(
    r"Retrying \(|Max retries exceeded|Could not fetch URL|ReadTimeoutError|Connection broken"
)
"""What pip and urllib3 say when the index does not answer."""

NO_ROOM: Final = re.compile(r"No space left on device|\[Errno 28\]")

_WHY_NOT = re.compile(r"\[Errno -?\d+\] [^')\"]+|[\w ]*timed out|Connection broken[^')\"]*")
_NOT_FOUND = re.compile(r"No matching distribution found for ([^=\s]+)==(\S+)")
_PASSED_OVER = re.compile(r"Skipping link: .*?/([^/\s#]+\.(?:whl|tar\.gz|zip))(?=[#\s]|$)")
_OTHER_HASH = re.compile(r"DO NOT MATCH THE HASHES.*?\n\s+([^=\s]+)==(\S+)", re.DOTALL)

logger = logging.getLogger(__name__)


class InstallFailed(StormlakeError):
    """pip failed for a reason that is neither the lock's nor the network's."""


class NoRoom(StormlakeError):
    """The disk is full."""

    def __init__(self) -> None:
        super().__init__(
            "no space left on the disk of --out: building an archive needs 4 GB; name a folder on "
            "another disk"
        )


def install(target: Target, lock: bytes, folder: Path) -> Path:
    """Install what a lock pins.

    Parameters
    ----------
    target : Target
        Whose Python, CPU and glibc the wheels are chosen for.
    lock : bytes
        Content of the lock file.
    folder : Path
        An empty folder of ours: temporary files and pip's log come there too, so that all of it
        lies on one disk.

    Returns
    -------
    Path
        `folder/site`: the packages, as they lie in `site-packages`.

    Raises
    ------
    PackageRefused
        A package does not run on the target; see `refusals`.
    ServiceUnreachable
        The package index does not answer.
    NoRoom, InstallFailed
        The disk is full; anything else that pip says.
    """
    refuse_arm_with_pyart(target)
    versions = check_lock(lock, target.lock_name)
    requirements, log, site = folder / target.lock_name, folder / "pip.log", folder / "site"
    temporary = folder / "tmp"
    temporary.mkdir()
    requirements.write_bytes(lock)
    logger.info("installing %d packages for %s", len(versions), target.label)
    command = [
        *(sys.executable, "-m", "pip", "install", "--target", str(site), "--no-deps"),
        *("--no-compile", "--require-hashes", "--only-binary=:all:", "--implementation", "cp"),
        *("--python-version", ".".join(map(str, PYTHON))),
        *(part for platform in platforms(target) for part in ("--platform", platform)),
        *("--no-input", "--disable-pip-version-check", "--progress-bar", "off"),
        *("--log", str(log), "--requirement", str(requirements)),
    ]
    done = subprocess.run(
        command,
        # A person's PIP_USER or `user = true` does not go with --target.
        env={**os.environ, "TMPDIR": str(temporary), "PIP_USER": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        written = log.read_text(errors="replace") if log.exists() else ""
        explain(done.stdout + done.stderr, written, versions, target)
    return site


def explain(said: str, log: str, versions: Mapping[str, str], target: Target) -> NoReturn:
    """Raise what pip's failure means.

    Parameters
    ----------
    said, log : str
        What pip printed, and its log with every file that it passed over.
    versions : mapping of str to str
        What was to be installed.
    target : Target
    """
    missing = _NOT_FOUND.search(said)
    if missing is not None:
        name, version = missing.groups()
        passed_over = {
            unquote(file)
            for file in _PASSED_OVER.findall(log)
            if of_release(unquote(file), name, version)
        }
        if passed_over:
            refuse_release(name, version, passed_over, target, target.lock_name)
    other = _OTHER_HASH.search(said)
    if other is not None:
        raise OtherContent(
            f"{other[1]}=={other[2]}: what the package index gave has none of the hashes in "
            f"{target.lock_name}; it was replaced, or the index is not to be trusted"
        )
    if NO_ROOM.search(said):
        raise NoRoom
    # Behind the rest: a try that was repeated with success is in the log as well.
    if NO_NETWORK.search(said + log):
        why = _WHY_NOT.findall(said + log)
        raise ServiceUnreachable(
            f"the package index does not answer: {(why or ['no connection'])[-1].strip()}; check "
            "the network and pip's settings (pip config list, PIP_INDEX_URL)"
        )
    if missing is not None:
        raise NotOnIndex(
            f"the package index has no {name}=={version}, which {target.lock_name} pins; was it "
            "withdrawn? Make the lock anew with `make lock`, or name another index to pip"
        )
    raise InstallFailed(
        f"pip could not install the {len(versions)} packages of {target.lock_name}: "
        f"{_last(said, 'ERROR|No module named')}"
    )


def _last(said: str, pattern: str) -> str:
    """Last line that matches; the last of all where none does."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    found = [line for line in lines if re.search(pattern, line)]
    return (found or lines or ["it said nothing"])[-1].removeprefix("ERROR: ")[:300]

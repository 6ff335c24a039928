"""Lock files as pip reads them with `--require-hashes`, and what must not stand in one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from packaging.utils import canonicalize_name

from stormlake.emr.refusals import LockUnreadable, LockWithoutHashes, SparkInLock

NEVER: Final = ("pyspark", "py4j")
"""The cluster's own."""

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)==(?P<version>[^\s;]+)(?P<rest>.*)", re.S)
_HASHES = re.compile(r"(?:\s+--hash=sha256:[0-9a-f]{64})*\s*")


def check_lock(content: bytes, name: str) -> Mapping[str, str]:
    """Read a lock file and refuse one that cannot become an archive.

    Parameters
    ----------
    content : bytes
        Pins `name==version` with `--hash=sha256:…`, one a line, continued with a backslash.
    name : str
        Of the file, for messages.

    Returns
    -------
    mapping of str to str
        Version by canonical name.

    Raises
    ------
    LockUnreadable, LockWithoutHashes, SparkInLock
    """
    versions: dict[str, str] = {}
    for line in content.decode().replace("\\\n", " ").splitlines():
        pin = re.sub(r"(^|\s)#.*", "", line).strip()
        if not pin:
            continue
        found = _PIN.fullmatch(pin)
        if found is None or not _HASHES.fullmatch(found["rest"]):
            raise LockUnreadable(
                f"{name}: expected name==version with --hash=sha256:…, found {pin[:80]!r}"
            )
        if not found["rest"].strip():
            raise LockWithoutHashes(
                f"{name}: {found['name']}=={found['version']} has no hash; make the lock with "
                "`make lock`"
            )
        versions[canonicalize_name(found["name"])] = found["version"]
    if not versions:
        raise LockUnreadable(f"{name} pins no package")
    for package in NEVER:
        if package in versions:
            raise SparkInLock(
                f"{name} pins {package}=={versions[package]}: an archive must not carry Spark, the "
                "cluster's own is patched and must win; take it out of the lock"
            )
    return versions

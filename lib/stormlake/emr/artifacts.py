"""Where the artifacts of a run lie: content addresses below one place in S3.

Two artifacts with two lives: the dependencies, which change with a lock file, and the code, which
changes with every commit. A key tells what is in the object, so an object is written once and
never replaced.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final, Literal, get_args

from stormlake import __version__
from stormlake.errors import RefusedInput
from stormlake.lake.sources import shipped_file
from stormlake.runtimes import Runtime

Arch = Literal["x86_64", "arm64"]
ARCHES: Final = get_args(Arch)

PYTHON: Final = (3, 11)
"""The only Python on the images of both runtimes."""

_S3: Final = "s3://"


@dataclass(frozen=True)
class Target:
    """What an archive of dependencies is made for.

    Parameters
    ----------
    runtime : Runtime
    arch : str
        CPU of the instances: `x86_64` or `arm64`.
    pyart : bool
        Whether Py-ART and its chain are in it, the fallback for volumes that recast refuses.
    """

    runtime: Runtime
    arch: Arch = "x86_64"
    pyart: bool = True

    @property
    def label(self) -> str:
        """Names the target in file names and messages: `emr-7.13.0-py311-x86_64`."""
        python = "".join(map(str, PYTHON))
        return f"{self.runtime.label}-py{python}-{self.arch}{'' if self.pyart else '-nopyart'}"

    @property
    def lock_name(self) -> str:
        """Its lock file in `requirements/`."""
        lock = self.runtime.cluster_lock
        return lock if self.pyart else f"{lock.removesuffix('.lock')}-nopyart.lock"

    def lock(self) -> bytes:
        """Read its lock file."""
        return shipped_file("requirements", self.lock_name).read_bytes()


@dataclass(frozen=True)
class ArtifactPlace:
    """`s3://BUCKET[/PREFIX]`: below which `artifacts/…` lies, or a lake.

    Parameters
    ----------
    bucket : str
    prefix : str
        Empty, or a path without slashes at its ends.
    """

    bucket: str
    prefix: str = ""

    @classmethod
    def parse(cls, uri: str) -> ArtifactPlace:
        """Read what a person typed.

        Raises
        ------
        RefusedInput
            It names no bucket.
        """
        bucket, _, prefix = uri.removeprefix(_S3).partition("/")
        if not uri.startswith(_S3) or not bucket:
            raise RefusedInput(f"{uri!r}: expected s3://BUCKET[/PREFIX]")
        return cls(bucket, prefix.strip("/"))

    def full_key(self, key: str) -> str:
        """Key in the bucket of an artifact's key."""
        return f"{self.prefix}/{key}" if self.prefix else key

    def uri(self, key: str) -> str:
        """Address of an artifact."""
        return f"{_S3}{self.bucket}/{self.full_key(key)}"


def deps_key(target: Target, lock: bytes) -> str:
    """Key of the archive of dependencies.

    Parameters
    ----------
    target : Target
    lock : bytes
        Content of the lock file; `target.lock()` gives the one that is shipped.
    """
    return f"artifacts/deps/{target.label}-{short_hash(lock)}.tar.gz"


def code_key(code: bytes) -> str:
    """Key of the code: `code_zip.code_zip()`."""
    return f"artifacts/code/stormlake-{__version__}-{short_hash(code)}.zip"


def job_key(file: str, content: bytes) -> str:
    """Key of a job's file, the application of spark-submit.

    Parameters
    ----------
    file : str
        Its name, `ingest_radar.py`.
    content : bytes
    """
    return f"artifacts/code/{short_hash(content)}-{file}"


def file_key(name: str, content: bytes) -> str:
    """Key of a local file that a job's option names; the name is kept.

    Parameters
    ----------
    name : str
        Without folders.
    content : bytes
    """
    return f"artifacts/files/{short_hash(content)}/{name}"


def short_hash(content: bytes) -> str:
    """16 hex digits of the SHA-256, as keys carry them."""
    return hashlib.sha256(content).hexdigest()[:16]

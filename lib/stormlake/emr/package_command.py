"""`stormlake emr package`: make the two artifacts of a run, try them, put them into S3."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import click

from stormlake.emr.archive import Archive, build_archive
from stormlake.emr.artifacts import ArtifactPlace, Target, code_key, deps_key, job_key
from stormlake.emr.cluster_file import cluster_spec, shown_outputs
from stormlake.emr.code_zip import code_zip, job_file
from stormlake.emr.local_cluster import SparkHome
from stormlake.emr.locks import check_lock
from stormlake.emr.options import PlaceOption, target_options
from stormlake.emr.probe import find_spark, verify
from stormlake.emr.upload import (
    bucket_call,
    check_bucket,
    head_call,
    is_there,
    large_calls,
    put_call,
    put_new,
    put_new_file,
)
from stormlake.emr.wheels import refuse_arm_with_pyart
from stormlake.running.aws import ApiCall, Aws, print_calls
from stormlake.running.jobs import JOBS
from stormlake.running.options import Common, StormlakeCommand, common_options, tell
from stormlake.runtimes import Runtime

OUT: Final = Path("build/emr")

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packing:
    """What is to be packed, and where it is built.

    Parameters
    ----------
    target : Target
    lock : bytes
        Content of the lock file.
    out : Path
        Folder where artifacts are kept between runs.
    """

    target: Target
    lock: bytes
    out: Path

    @property
    def deps(self) -> str:
        """Key of the archive of dependencies."""
        return deps_key(self.target, self.lock)

    @property
    def archive(self) -> Path:
        """Where it is built."""
        return self.out / self.deps.rpartition("/")[2]

    def small(self) -> Iterator[tuple[str, bytes]]:
        """Key and content of the code and the jobs' files."""
        yield code_key(code_zip()), code_zip()
        for job in JOBS.values():
            content = job_file(job.file)
            yield job_key(job.file, content), content


@click.command("package", cls=StormlakeCommand)
@target_options
@click.option(
    "--artifacts",
    type=PlaceOption(),
    metavar="URI",
    help="s3://BUCKET[/PREFIX] below which both are put, where they are not yet.  "
    "[default: build only]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=OUT,
    show_default=True,
    metavar="DIR",
    help="Where they are built and kept; needs 4 GB while it works.",
)
@click.option(
    "--cluster-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="The cluster they are for; one whose instances could not run them is refused.",
)
@click.option(
    "--no-verify",
    is_flag=True,
    help="Do not run the archive on a cluster of this machine; arm64 implies it.",
)
@common_options
def main(
    common: Common,
    runtime: Runtime,
    arch: Any,
    without_pyart: bool,
    artifacts: ArtifactPlace | None,
    out: Path,
    cluster_file: Path | None,
    no_verify: bool,
) -> None:
    """Package the dependencies and the code of the jobs, without Docker.

    The dependencies of the runtime's lock file become an archive of wheels for its image, never
    with Spark inside; the code becomes a zip. An archive is tried before it is uploaded: a probe
    and ingest-radar run from it alone on a Spark cluster of this machine. What is there already is
    neither built nor uploaded again.
    """
    target = Target(runtime, arch, pyart=not without_pyart)
    refuse_arm_with_pyart(target)
    packing = Packing(target, target.lock(), out)
    check_lock(packing.lock, target.lock_name)
    if cluster_file is not None:
        # Its instances are what matters here; the account's own names may come from a stack.
        cluster_spec(cluster_file, shown_outputs("STACK"), release=runtime.label, arch=arch)
    if common.dry_run:
        print_calls(calls(packing, artifacts) if artifacts else [])
        return
    trying = not no_verify and arch != "arm64"
    if artifacts is None:
        archive, tried = make(packing, trying)
        told = {"archive": str(archive.path), "code": str(keep_small(packing))}
        tell(common, **told, sha256=archive.sha256, bytes=archive.size, verified=tried)
        return
    aws = Aws.of(common)
    check_bucket(aws, artifacts)
    facts: dict[str, Any] = {"archive": artifacts.uri(packing.deps)}
    there = is_there(aws, artifacts, packing.deps)
    if not there:
        archive, tried = make(packing, trying)
        logger.info("uploading %d MB to %s", archive.size // 10**6, facts["archive"])
        put_new_file(aws, artifacts, packing.deps, archive.path)
        facts |= {"sha256": archive.sha256, "bytes": archive.size, "verified": tried}
    written = [put_new(aws, artifacts, key, content) for key, content in packing.small()]
    code = artifacts.uri(next(packing.small())[0])
    tell(common, **facts, code=code, uploaded=(not there) + sum(written))


def calls(packing: Packing, place: ArtifactPlace) -> list[ApiCall]:
    """What is asked of S3 when neither is there."""
    small = [put_call(place, key, content, shown=True) for key, content in packing.small()]
    look = [bucket_call(place), head_call(place, packing.deps)]
    return [*look, *large_calls(place, packing.deps), *small]


def make(packing: Packing, trying: bool) -> tuple[Archive, Any]:
    """Give the archive, built and tried unless it has been.

    Parameters
    ----------
    packing : Packing
    trying : bool
        Whether to run it on a cluster of this machine.

    Returns
    -------
    Archive, dict or bool
        The second: what its executors saw; False where nobody tried.

    Raises
    ------
    PackageRefused, ProbeFailed, ServiceUnreachable, InstallFailed
    """
    # Before minutes are spent on building: whether it could be tried at all.
    spark = find_spark(packing.target) if trying else None
    if packing.archive.exists():
        logger.info("%s is there", packing.archive)
        archive = Archive.at(packing.archive)
    else:
        archive = build_archive(packing.target, packing.lock, packing.archive)
    if spark is None:
        logger.warning("%s was not tried: what does not run shows on the cluster", archive.path)
        return archive, False
    return archive, _tried(packing, archive, spark)


def keep_small(packing: Packing) -> Path:
    """Write code and jobs' files into the folder; give the code's path."""
    for key, content in packing.small():
        (packing.out / key.rpartition("/")[2]).write_bytes(content)
    return packing.out / code_key(code_zip()).rpartition("/")[2]


def _tried(packing: Packing, archive: Archive, spark: SparkHome) -> dict[str, Any]:
    """What executors saw of an archive, noted beside it: the same bytes are tried once."""
    note = archive.path.with_name(f"{archive.path.name}.verified.json")
    if note.exists():
        noted: dict[str, Any] = json.loads(note.read_text())
        if noted.pop("sha256") == archive.sha256:
            return noted
    seen = asdict(verify(packing.target, packing.lock, archive.path, spark))
    note.write_text(json.dumps({"sha256": archive.sha256, **seen}, indent=1))
    return seen

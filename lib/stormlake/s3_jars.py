"""What a laptop's Spark needs to reach S3: fetched once, verified, kept outside the project.

`make setup-s3` and `python -m stormlake.s3_jars` are the same. Maven fetches each jar by itself,
without what it depends on: the AWS SDK is one jar, and all else is in Spark.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click

from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.java import use_java
from stormlake.lake.sources import shipped_file
from stormlake.runtimes import RUNTIMES, Runtime

LOCK: Final = "jars.lock"
"""In `requirements/`: a line `<sha256>  <file>` for each jar, as `sha256sum --check` reads it."""

_GET: Final = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:get"
_HOW: Final = "make setup-s3, or python -m stormlake.s3_jars"


def jar_folder() -> Path:
    """Where jars are kept: `$STORMLAKE_JARS`, else the user's cache folder."""
    named = os.environ.get("STORMLAKE_JARS")
    if named:
        return Path(named).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "stormlake" / "jars"


def jar_name(coordinates: str) -> str:
    """File name of `group:artifact:version`."""
    _, artifact, version = coordinates.split(":")
    return f"{artifact}-{version}.jar"


def find_s3_jars(runtime: Runtime) -> list[Path]:
    """Give the jars of a session that reaches S3.

    Raises
    ------
    RefusedInput
        One is not there; the message tells how to get it.
    """
    folder = jar_folder()
    found = [folder / jar_name(each) for each in runtime.s3_jars]
    missing = [path.name for path in found if not path.is_file()]
    if missing:
        raise RefusedInput(
            f"Spark cannot reach s3:// without {', '.join(missing)} in {folder}; fetch once with: "
            f"{_HOW}"
        )
    return found


def runtime_of_spark(home: Path) -> Runtime:
    """Which runtime's jars fit a Spark, by the Hadoop inside it.

    Parameters
    ----------
    home : Path
        Spark's folder, with `jars` in it.

    Raises
    ------
    RefusedInput
        It has another Hadoop than both runtimes.
    """
    stem = "hadoop-client-api-"
    versions = {path.stem.removeprefix(stem) for path in (home / "jars").glob(f"{stem}*.jar")}
    for runtime in RUNTIMES:
        if runtime.hadoop in versions:
            return runtime
    known = ", ".join(f"{each.hadoop} (PySpark {each.spark})" for each in RUNTIMES)
    raise RefusedInput(
        f"the Spark in {home} has Hadoop {', '.join(sorted(versions)) or 'of no known version'}; "
        f"jars for S3 are known for {known}"
    )


def fetch_s3_jars(runtimes: Sequence[Runtime], folder: Path, lock: str | None = None) -> list[Path]:
    """Fetch what the runtimes need to reach S3; parameters and errors as of `fetch_jars`.

    Parameters
    ----------
    runtimes : sequence of Runtime
    folder : Path
    lock : str, optional
        Text of a lock file; the one that is shipped when None.
    """
    if lock is None:
        lock = shipped_file("requirements", LOCK).read_text(encoding="utf-8")
    wanted = [jar for each in runtimes for jar in (*each.s3_jars, each.committer_jar)]
    return fetch_jars(wanted, folder, lock)


def fetch_jars(wanted: Sequence[str], folder: Path, lock: str) -> list[Path]:
    """Fetch the jars that are not there yet, and verify all.

    Parameters
    ----------
    wanted : sequence of str
        Maven coordinates, group:artifact:version.
    folder : Path
        Made where it is missing. A jar appears in it whole and verified, or not at all.
    lock : str
        Text of a lock file.

    Returns
    -------
    list of Path
        The jars that were fetched; empty when all were there.

    Raises
    ------
    RefusedInput
        No Maven, no Java, no room, a jar that Maven Central does not have or that is another than
        the lock says.
    ServiceUnreachable
        Maven Central was out of reach.
    """
    sums = {name: digest for digest, name in (line.split() for line in lock.splitlines())}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in map(jar_name, wanted):
            # It was verified when it came; it may have been damaged since.
            if (folder / name).is_file() and _sum(folder / name) != sums[name]:
                raise RefusedInput(f"{folder / name} is damaged; remove it and run again")
        missing = [jar for jar in wanted if not (folder / jar_name(jar)).is_file()]
        if missing:
            # Beside its place, so that the last step is a rename; a repository of its own, so
            # that Maven's does not keep a second half gigabyte.
            with tempfile.TemporaryDirectory(prefix=".fetching-", dir=folder) as repository:
                for jar in missing:
                    _fetch(jar, Path(repository), folder, sums[jar_name(jar)])
    except OSError as error:
        raise RefusedInput(
            f"jars cannot be kept in {folder}: {error.strerror or error}; set STORMLAKE_JARS to "
            "another folder"
        ) from error
    return [folder / jar_name(jar) for jar in missing]


def _fetch(coordinates: str, repository: Path, folder: Path, digest: str) -> None:
    _run_maven(coordinates, repository, folder)
    group, artifact, version = coordinates.split(":")
    name = jar_name(coordinates)
    jar = Path(repository, *group.split("."), artifact, version, name)
    found = _sum(jar)
    if found != digest:
        raise RefusedInput(
            f"{name} as it came is not the jar that was tested (sha256 {found}, {LOCK} says "
            f"{digest}): a proxy or mirror changed it, or the download broke; it was not kept"
        )
    jar.replace(folder / name)


def _sum(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _run_maven(coordinates: str, repository: Path, folder: Path) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise RefusedInput(
            f"{jar_name(coordinates)} must be fetched, and there is no mvn on PATH: install Maven "
            f"(apt-get install maven, brew install maven), or put the jars into {folder} by hand"
        )
    done = subprocess.run(
        [
            *(maven, "--quiet", "--batch-mode", f"-Dmaven.repo.local={repository}"),
            *(_GET, f"-Dartifact={coordinates}", "-Dtransitive=false"),
        ],
        env=os.environ | {"JAVA_HOME": str(use_java())},
        # Not in a folder that holds somebody's project.
        cwd=repository,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return
    said = done.stdout + done.stderr
    errors = [line.removeprefix("[ERROR] ") for line in said.splitlines() if "[ERROR]" in line]
    first = (errors or said.strip().splitlines() or [f"exit {done.returncode}"])[0]
    first = first.removesuffix(" -> [Help 1]").strip()
    if "No space left on device" in said:
        raise RefusedInput(
            f"{coordinates}: no space left in {folder}, {shutil.disk_usage(folder).free:,} bytes "
            "are free and the largest jar has 558,001,584; set STORMLAKE_JARS to another folder"
        )
    if "Could not find artifact" in said:
        raise RefusedInput(f"{coordinates} is not where Maven looks: {first}")
    raise ServiceUnreachable(
        f"Maven could not fetch {coordinates}; check the network, and proxy or mirror in "
        f"~/.m2/settings.xml, then run it again. It said: {first}"
    )


def _installed_runtime() -> Runtime:
    import importlib.util

    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise RefusedInput("PySpark is not installed; name a version: --spark 4.0")
    return runtime_of_spark(Path(spec.origin).parent)


@click.command()
@click.option(
    "--spark",
    "versions",
    type=click.Choice([each.short for each in RUNTIMES]),
    multiple=True,
    help="For this PySpark; may be repeated.  [default: the one that is installed]",
)
def main(versions: Sequence[str]) -> None:
    """Fetch what Spark needs to reach S3 from Maven Central, once."""
    try:
        wanted = [each for each in RUNTIMES if each.short in versions] or [_installed_runtime()]
        fetched = fetch_s3_jars(wanted, jar_folder())
        told = ", ".join(path.name for path in fetched) or "all there, nothing to do"
        versions_told = " and ".join(each.short for each in wanted)
        click.echo(f"jars of Spark {versions_told} for S3 in {jar_folder()}: {told}")
    except StormlakeError as error:
        click.echo(f"stormlake: {type(error).__name__}: {error}", err=True)
        raise SystemExit(int(error.exit_code)) from error


if __name__ == "__main__":
    main()

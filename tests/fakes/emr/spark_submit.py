"""What YARN does for a `spark-submit` before its driver starts, done for a standalone cluster.

On EMR, YARN copies the job file, `spark.archives`, py-files and files from S3 into the working
folder of the driver's container, unpacks archives there, and gives the driver the environment of
`spark.yarn.appMasterEnv.*` ("Running Spark on YARN", Spark's documentation). EMR Serverless does
the like, with `spark.emr-serverless.driverEnv.*` ("Spark job parameters", EMR Serverless User
Guide). Executors of a standalone cluster get archives and files from Spark itself.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

SETTING_OF_OPTION = {
    "--archives": "spark.archives",
    "--files": "spark.files",
    "--jars": "spark.jars",
    "--py-files": "spark.submit.pyFiles",
    "--name": "spark.app.name",
    "--driver-memory": "spark.driver.memory",
    "--executor-memory": "spark.executor.memory",
    "--executor-cores": "spark.executor.cores",
    "--num-executors": "spark.executor.instances",
    "--master": "spark.master",
    "--deploy-mode": "spark.submit.deployMode",
}
"""Options with a value that are another way to write a setting (`spark-submit --help`)."""

DRIVER_ENVIRONMENT = ("spark.yarn.appMasterEnv.", "spark.emr-serverless.driverEnv.")
FETCHED = ("spark.archives", "spark.files", "spark.submit.pyFiles")
REPLACED = ("spark.master", "spark.submit.deployMode")


class BadSubmit(Exception):
    """spark-submit would refuse these arguments, or YARN could not fetch what they name."""


@dataclass
class Submit:
    """A `spark-submit` taken apart.

    Parameters
    ----------
    application : str
        Address of the job file.
    arguments : list of str
        The job's own.
    settings : dict of str to str
        Of `--conf` and of options that mean the same.
    """

    application: str
    arguments: list[str]
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def driver_environment(self) -> dict[str, str]:
        """What the driver's container gets as environment."""
        return {
            key.removeprefix(prefix): value
            for prefix in DRIVER_ENVIRONMENT
            for key, value in self.settings.items()
            if key.startswith(prefix)
        }


def read_submit(arguments: Sequence[str]) -> Submit:
    """Take `spark-submit`'s arguments apart.

    Raises
    ------
    BadSubmit
    """
    if arguments[:1] != ["spark-submit"]:
        raise BadSubmit(f"the stand-in runs spark-submit alone, not {' '.join(arguments[:1])!r}")
    settings: dict[str, str] = {}
    rest = list(arguments[1:])
    while rest and rest[0].startswith("-"):
        option, equals, value = rest.pop(0).partition("=")
        if not equals:
            if not rest:
                raise BadSubmit(f"Missing argument for option '{option}'.")
            value = rest.pop(0)
        if option in ("--conf", "-c"):
            key, equals, value = value.partition("=")
            if not equals:
                raise BadSubmit(f"Spark config without '=': {key}")
            settings[key] = value
        elif option in SETTING_OF_OPTION:
            settings[SETTING_OF_OPTION[option]] = value
        else:
            raise BadSubmit(f"Unrecognized option: {option}")
    if not rest:
        raise BadSubmit("Missing application resource.")
    return Submit(rest[0], rest[1:], settings)


@dataclass(frozen=True)
class Localized:
    """A submit whose files lie in the driver's working folder."""

    command: list[str]
    environment: dict[str, str]


def localize(
    submit: Submit, s3: Any, folder: Path, cache: Path, spark_submit: Path, master: str
) -> Localized:
    """Fetch what the submit names, and write the command that runs it on a standalone cluster.

    Parameters
    ----------
    submit : Submit
    s3 : client
    folder : Path
        The driver's working folder.
    cache : Path
        For archives, by name: they are fetched and unpacked once, as YARN keeps them too.
    spark_submit : Path
    master : str
        `spark://...`.

    Raises
    ------
    BadSubmit
        S3 does not have one of them.
    """
    local = {key: list(_addresses(submit.settings.get(key, ""))) for key in FETCHED}
    settings = {
        key: value
        for key, value in submit.settings.items()
        if key not in (*FETCHED, *REPLACED) and not key.startswith(DRIVER_ENVIRONMENT)
    }
    archives = []
    for address, alias in local["spark.archives"]:
        packed, unpacked = _unpacked(s3, address, cache)
        name = alias or packed.name
        (folder / name).symlink_to(unpacked)
        archives.append(f"{packed}#{name}")
    fetched: dict[str, list[str]] = {}
    for key in ("spark.files", "spark.submit.pyFiles"):
        fetched[key] = []
        for address, alias in local[key]:
            path = folder / (alias or Path(urlsplit(address).path).name)
            _fetch(s3, address, path)
            fetched[key].append(str(path))
    job = folder / Path(urlsplit(submit.application).path).name
    _fetch(s3, submit.application, job)
    for key, values in {**fetched, "spark.archives": archives}.items():
        if values:
            settings[key] = ",".join(values)
    command = [str(spark_submit), "--master", master, "--deploy-mode", "client"]
    for key, value in settings.items():
        command += ["--conf", f"{key}={value}"]
    environment = submit.driver_environment
    # Client mode starts workers with PYSPARK_PYTHON, and the driver with the other of the two;
    # only the latter can be told where this driver's folder is.
    python = environment.get("PYSPARK_DRIVER_PYTHON") or environment.get("PYSPARK_PYTHON")
    if python is not None:
        environment["PYSPARK_DRIVER_PYTHON"] = os.path.normpath(folder / python)
    executors = submit.settings.get("spark.executorEnv.PYSPARK_PYTHON")
    if executors is not None:
        environment["PYSPARK_PYTHON"] = executors
    return Localized([*command, str(job), *submit.arguments], environment)


def _addresses(text: str) -> Iterator[tuple[str, str]]:
    """Address and alias (`address#alias`) of each element of a list."""
    for part in filter(None, text.split(",")):
        address, _, alias = part.partition("#")
        yield address, alias


def _fetch(s3: Any, address: str, path: Path) -> None:
    from botocore.exceptions import ClientError

    parts = urlsplit(address)
    if parts.scheme not in ("s3", "s3a"):
        raise BadSubmit(f"{address} is not on S3; the cluster cannot see it")
    try:
        s3.download_file(parts.netloc, parts.path.lstrip("/"), str(path))
    except ClientError as error:
        raise BadSubmit(f"java.io.FileNotFoundException: No such file: {address}") from error


def _unpacked(s3: Any, address: str, cache: Path) -> tuple[Path, Path]:
    """Give an archive and the folder with its content."""
    packed = cache / Path(urlsplit(address).path).name
    unpacked = cache / f"{packed.name}-unpacked"
    if not unpacked.exists():
        _fetch(s3, address, packed)
        unpacked.mkdir()
        # As Hadoop does; Python's own would refuse the link to /usr/bin/python3.11.
        subprocess.run(["tar", "-xzf", packed, "-C", unpacked], check=True)
    return packed, unpacked


def spark_defaults(settings: Mapping[str, str]) -> str:
    """Text of a spark-defaults.conf, which every submit of a cluster reads."""
    return "".join(f"{key} {value}\n" for key, value in settings.items())

"""What a submission puts into S3 before it starts: the code, the job, and files of this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click

from stormlake.emr.artifacts import ArtifactPlace, Target, code_key, deps_key, file_key, job_key
from stormlake.emr.code_zip import code_zip, job_file
from stormlake.emr.jobs import JobRequest
from stormlake.emr.steps import Shipped
from stormlake.emr.upload import head_call, is_there, put_call, put_new
from stormlake.errors import RefusedInput
from stormlake.running.aws import ApiCall, Aws

ADDRESSES: Final = ("source", "lake")
"""Parameters of a job that the cluster must be able to reach."""


@dataclass(frozen=True)
class Upload:
    """A small object, and its key below the artifacts."""

    key: str
    content: bytes


@dataclass(frozen=True)
class Shipment:
    """All that a step needs.

    Parameters
    ----------
    place : ArtifactPlace
    archive : str
        Key of the dependencies, which `stormlake emr package` has put there.
    code, job : Upload
    files : tuple of Upload
        Local files that the job's options name.
    arguments : tuple of str
        The job's, with those files as the cluster has them.
    """

    place: ArtifactPlace
    archive: str
    code: Upload
    job: Upload
    files: tuple[Upload, ...]
    arguments: tuple[str, ...]

    @property
    def uploads(self) -> tuple[Upload, ...]:
        """What is put there if it is not."""
        return (self.code, self.job, *self.files)

    @property
    def shipped(self) -> Shipped:
        """Addresses, as a step names them."""
        uri = self.place.uri
        files = tuple(uri(file.key) for file in self.files)
        return Shipped(uri(self.archive), uri(self.code.key), uri(self.job.key), files)

    def calls(self) -> list[ApiCall]:
        """Calls that `ship` makes, bodies left out."""
        puts = [put_call(self.place, each.key, each.content, shown=True) for each in self.uploads]
        return [head_call(self.place, self.archive), *puts]

    def ship(self, aws: Aws) -> None:
        """Put everything there that is not.

        Raises
        ------
        RefusedInput
            There is no archive of dependencies.
        """
        if not is_there(aws, self.place, self.archive):
            raise RefusedInput(
                f"there is no {self.place.uri(self.archive)}, the archive of dependencies; "
                "stormlake emr package makes it and puts it there (with the same --runtime, "
                "--arch and --artifacts)"
            )
        for each in self.uploads:
            put_new(aws, self.place, each.key, each.content)


def refuse_local(request: JobRequest) -> None:
    """Refuse a lake or a source that a cluster cannot see."""
    for name in ADDRESSES:
        address = request.parameters.get(name)
        if address is not None and not str(address).startswith("s3://"):
            raise RefusedInput(
                f"--{name} {address}: a cluster finds it in S3 alone, nothing of this machine: "
                "give s3://BUCKET[/PREFIX]"
            )


def shipment(
    request: JobRequest, command: click.Command, place: ArtifactPlace, target: Target
) -> Shipment:
    """Gather what a request needs; nothing is contacted.

    Parameters
    ----------
    request : JobRequest
    command : click.Command
        The job's.
    place : ArtifactPlace
    target : Target
        What the archive of dependencies is for.

    Raises
    ------
    RefusedInput
        A file cannot be read, or two have one name.
    """
    arguments, files = _ship_files(request, command)
    code, job = code_zip(), job_file(request.job.file)
    return Shipment(
        place,
        deps_key(target, target.lock()),
        Upload(code_key(code), code),
        Upload(job_key(request.job.file, job), job),
        tuple(files.values()),
        arguments,
    )


def _ship_files(
    request: JobRequest, command: click.Command
) -> tuple[tuple[str, ...], dict[str, Upload]]:
    """Arguments with base names in the place of local files, and those files by base name."""
    arguments = list(request.arguments)
    files: dict[str, Upload] = {}
    for given in _values(command, arguments):
        path = Path(given.value)
        if given.option not in request.job.file_options or not path.is_file():
            continue
        name = _safe(path.name)
        try:
            content = path.read_bytes()
        except OSError as error:
            raise RefusedInput(f"{given.option} {path}: {error.strerror}") from error
        upload = Upload(file_key(name, content), content)
        if files.setdefault(name, upload) != upload:
            raise RefusedInput(
                f"two files are called {name}, and the job has them in one folder: rename one"
            )
        arguments[given.position] = f"{given.before}{name}"
    return tuple(arguments), files


@dataclass(frozen=True)
class _Given:
    """An option's value: where it stands in the arguments, and what stands before it there."""

    option: str
    value: str
    position: int
    before: str = ""


def _values(command: click.Command, arguments: Sequence[str]) -> Iterator[_Given]:
    """Values of long options, read as click reads them: what follows an option is its value."""
    takes = {
        name: param.opts[0]
        for param in command.params
        if isinstance(param, click.Option) and not param.is_flag and not param.count
        for name in param.opts
    }
    position = 0
    while position < len(arguments):
        argument = arguments[position]
        if argument == "--":
            return
        name, equals, value = argument.partition("=")
        if equals and name in takes:
            yield _Given(takes[name], value, position, f"{name}=")
        elif argument in takes and position + 1 < len(arguments):
            position += 1
            yield _Given(takes[argument], arguments[position], position)
        position += 1


def _safe(name: str) -> str:
    """A name that `--files` can carry, and that is no name of something built in.

    Commas part the files and `#` begins an alias; a built-in profile has no dot in its name.
    """
    clean = re.sub(r"[^A-Za-z0-9._-]", "_", name)
    clean = clean if clean[0].isalnum() else f"file{clean}"
    return clean if "." in clean else f"{clean}.file"

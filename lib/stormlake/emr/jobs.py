"""A job as it is asked for: checked with the job's own options before anything is submitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake.runs import run_key
from stormlake.lake.sources import code_hash
from stormlake.radar.profiles import Profile
from stormlake.running.jobs import JOBS, Job
from stormlake.running.options import Common, unpack_arguments

SCOPE: Final = ("stations", "start", "end")
"""Parameters that say what part of an archive is meant."""

OURS: Final = {field.name for field in fields(Common)} | {"packed_options", "master"}
"""Parameters that decide how a job runs, not what rows come out."""


@dataclass(frozen=True)
class JobRequest:
    """What a person asked for.

    Parameters
    ----------
    command : str
        `ingest-radar`, `aggregate`, ...
    job : Job
        Its line in the table of jobs.
    name : str
        The job's name in records, locks and steps.
    arguments : tuple of str
        As they were typed, those of `--options` unpacked; a job takes the same ones everywhere.
    parameters : mapping
        What they come to, JSON values; those of `OURS` left out.
    """

    command: str
    job: Job
    name: str
    arguments: tuple[str, ...]
    parameters: Mapping[str, Any]

    @property
    def lake(self) -> str:
        """Where the job writes."""
        return str(self.parameters["lake"])

    def key(self, lock: str) -> str:
        """Run key: 16 hex digits that equal requests share.

        Parameters
        ----------
        lock : str
            Hash of the dependencies, `lake.runs.lock_hash(lock_file)`.
        """
        scope = {name: self.parameters[name] for name in SCOPE if name in self.parameters}
        others = {name: value for name, value in self.parameters.items() if name not in scope}
        profile = others.pop("profile", None)
        return run_key(self.name, scope, code_hash(), lock, profile and profile["hash"], others)


def job_request(context: click.Context, command: str, arguments: Sequence[str]) -> JobRequest:
    """Read a job's arguments as the job itself would.

    Parameters
    ----------
    context : click.Context
        Of a command below `stormlake`: its root knows the jobs.
    command : str
        Which job.
    arguments : sequence of str
        The job's arguments.

    Raises
    ------
    RefusedInput
        There is no such job, or it refuses the arguments, or they name what is ours to say.
    """
    try:
        typed = unpack_arguments(list(arguments))
        parsed = job_command(context, command).make_context(f"stormlake {command}", [*typed])
    except click.UsageError as error:
        raise RefusedInput(f"{command}: {error.format_message()}") from error
    except click.exceptions.Exit as error:  # --help, which has been printed
        raise RefusedInput(f"{command}: nothing was submitted") from error
    given = parsed.params
    if given.get("run_id"):
        raise RefusedInput(f"{command}: --run-id is given by the submission; leave it out")
    if given.get("dry_run"):
        raise RefusedInput(f"{command}: give --dry-run before the job's arguments, not among them")
    values = {name: _plain(value) for name, value in given.items() if name not in OURS}
    return JobRequest(
        command, JOBS[command], JOBS[command].name(command, values), tuple(typed), values
    )


def job_command(context: click.Context, command: str) -> click.Command:
    """The click command of a job.

    Raises
    ------
    RefusedInput
        There is no such job.
    """
    if command not in JOBS:
        raise RefusedInput(f"{command!r} is no job; the jobs are {', '.join(sorted(JOBS))}")
    root = context.find_root().command
    assert isinstance(root, click.Group)
    found = root.get_command(context, command)
    assert found is not None
    return found


def _plain(value: Any) -> Any:
    """Give a parameter as a JSON value, equal for equal meanings."""
    if isinstance(value, Profile):
        return {"name": value.name, "hash": value.hash}
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in sorted(value.items())}
    return value if value is None or isinstance(value, bool | int | float) else str(value)

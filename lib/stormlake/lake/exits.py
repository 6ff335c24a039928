"""Exits: how a run ended that has no record. No load reads them; people and `emr wait` do."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from stormlake.errors import RefusedInput
from stormlake.lake.runs import FORMAT, canonical, iso_utc
from stormlake.lake.store import Store, overwrite


@dataclass(frozen=True)
class RunExit:
    """How a run without a record ended.

    Parameters
    ----------
    exit_code : int
        What the command returned.
    message : str
        The error's class and words.
    where : str or None
        File, line and function of an error that nobody foresaw; None for one of ours, whose
        message says all.
    """

    exit_code: int
    message: str
    where: str | None = None


def exit_path(job: str, run_id: str) -> str:
    """Where the exit of a run without a record stands in the store."""
    return f"_stormlake/exits/{job}/{run_id}.json"


def write_exit(store: Store, job: str, run_id: str, left: RunExit, *, started: datetime) -> None:
    """Say how a run ended that has no record; a later attempt under the same id overwrites it."""
    lines = {
        "format": FORMAT,
        "job": job,
        "run_id": run_id,
        "exit_code": int(left.exit_code),
        "started": iso_utc(started),
        "finished": iso_utc(datetime.now(UTC)),
        "message": left.message,
    }
    if left.where is not None:
        lines["where"] = left.where
    overwrite(store, exit_path(job, run_id), canonical(lines, indent=1))


def read_exit(store: Store, job: str, run_id: str) -> RunExit | None:
    """Read how a run ended, None when it left no exit.

    Raises
    ------
    RefusedInput
        The object is no exit.
    """
    path = exit_path(job, run_id)
    stored = store.read(path)
    if stored is None:
        return None
    try:
        lines = json.loads(stored.data)
        where = lines.get("where")
        return RunExit(int(lines["exit_code"]), str(lines["message"]), where and str(where))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusedInput(f"{path} is not the exit of a run: {error!r}") from error

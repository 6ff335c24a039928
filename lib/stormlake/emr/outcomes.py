"""What became of a run, by what it left in its lake.

In YARN's cluster mode, and on EMR Serverless, the driver's exit code is lost on the way: the
service says FAILED whatever it was. The run's record or exit has it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from stormlake.emr.looks import Look, RunName
from stormlake.emr.states import CANCELLED, FINAL, GOOD, exit_code
from stormlake.errors import ExitCode, StormlakeError
from stormlake.lake.cancels import is_cancelled
from stormlake.lake.exits import RunExit, read_exit
from stormlake.lake.runs import read_record
from stormlake.lake.store import S3Store, Store
from stormlake.running.aws import Aws
from stormlake.running.progress import Seen, read_progress


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Parameters
    ----------
    code : ExitCode
        The job's own.
    why : str
        In a line.
    summary : mapping
        The job's numbers, as its `--output json` prints them; empty where it left no record.
    left : RunExit or None
        What a run without a record left.
    """

    code: ExitCode
    why: str
    summary: Mapping[str, Any] = field(default_factory=dict)
    left: RunExit | None = None


def outcome(aws: Aws, seen: Look) -> Outcome:
    """Judge a run that has ended: by its record, else by its exit, else by the state.

    Parameters
    ----------
    aws : Aws
    seen : Look
        The last one.
    """
    store, unread = _store(aws, seen.run), ""
    if store is not None and seen.run is not None:
        try:
            found = _in_lake(store, seen, seen.run)
        except StormlakeError as error:
            unread = f"; what the run left could not be read: {error}"
        else:
            if found is not None:
                return found
    code = exit_code(seen.state) if seen.state in FINAL else ExitCode.FAILED
    if seen.lost:
        why = f"the cluster is {seen.cluster_state}: {seen.cluster_reason or 'it gave no reason'}"
    else:
        why = seen.reason or f"the service says {seen.state}, and no more"
    return Outcome(code, why + unread)


def progress(aws: Aws, run: RunName | None) -> Seen | None:
    """How far a run says it is; None when it says nothing, or cannot be asked."""
    store = _store(aws, run, once=True)
    if store is None or run is None:
        return None
    try:
        return read_progress(store, run.job, run.run_id)
    except StormlakeError:  # the wait is worth more than its progress
        return None


def _in_lake(store: Store, seen: Look, run: RunName) -> Outcome | None:
    record = read_record(store, run.job, run.run_id)
    if record is not None:
        why = "done" if record.ok else "more of the input was rejected than --max-reject-share lets"
        if record.ok and seen.state not in GOOD:
            why = f"the run was done and recorded before it became {seen.state}"
        return Outcome(_known(record.exit_code), why, record.summary)
    if seen.state in GOOD:
        return None
    left = read_exit(store, run.job, run.run_id)
    # A run that somebody cancelled is cancelled, however it took it, and though its state says no
    # more than that its cluster was ended.
    cancelled = seen.state in CANCELLED or is_cancelled(store, run.job, run.run_id)
    if left is None:
        why = seen.reason or "it was cancelled"
        return Outcome(ExitCode.CANCELLED, why) if cancelled else None
    code = ExitCode.CANCELLED if cancelled else _known(left.exit_code)
    return Outcome(code, left.message + (f" ({left.where})" if left.where else ""), left=left)


def _known(code: int) -> ExitCode:
    """The exit code that a driver's means here: one interrupted over there was cancelled."""
    try:
        known = ExitCode(code)
    except ValueError:
        return ExitCode.FAILED
    return ExitCode.CANCELLED if known is ExitCode.INTERRUPTED else known


def _store(aws: Aws, run: RunName | None, *, once: bool = False) -> Store | None:
    """The store of a run's lake; None for a folder, which lies on a machine of the cluster."""
    parts = urlsplit(run.lake if run else "")
    if parts.scheme not in ("s3", "s3a"):
        return None
    return S3Store(aws.client("s3", once=once), parts.netloc, parts.path)

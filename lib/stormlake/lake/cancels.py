"""Stop a run from afar: a mark that it finds when it takes its locks, and the locks themselves.

A driver on YARN is nobody's child: who cancels the step that started it does not reach it. So
whoever cancels a run says so in its lake, and takes its locks: one that runs stops before it writes
again, one that is about to start, or that YARN starts again, does not.
"""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime

from stormlake.lake.locks import revoke
from stormlake.lake.store import AlreadyExists, Store


def cancel_path(job: str, run_id: str) -> str:
    """Where the mark of a run stands in the store."""
    return f"_stormlake/cancels/{job}/{run_id}.json"


def cancel_run(store: Store, job: str, run_id: str) -> int:
    """Stop a run, now or when it begins; gives how many locks it held.

    Parameters
    ----------
    store : Store
        The lake's.
    job, run_id : str
    """
    mark = {"job": job, "run_id": run_id, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    with contextlib.suppress(AlreadyExists):  # cancelled twice
        store.create(cancel_path(job, run_id), json.dumps(mark, indent=1).encode())
    # After the mark: a run takes its locks first and looks for the mark then.
    return revoke(store, job, run_id)


def is_cancelled(store: Store, job: str, run_id: str) -> bool:
    """Whether somebody has cancelled a run."""
    return store.read(cancel_path(job, run_id)) is not None

"""Pin this process, and the libraries in it, to one core; let children have all of them again.

Import and call `pin` before NumPy, Numba or recast are imported: they read these variables once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

ONE_THREAD = (
    "RAYON_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
"""Set to 1 in this process; the Spark job does not inherit them (`job_environment`)."""

_ALL_CORES = sorted(os.sched_getaffinity(0))


def pin() -> int:
    """Bind this process to one core and its libraries to one thread; gives the core."""
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    os.environ["PYART_QUIET"] = "1"
    core = _ALL_CORES[-1]
    os.sched_setaffinity(0, {core})
    return core


@contextmanager
def cores(count: int | None) -> Iterator[int]:
    """Let children started inside have this many cores (None: all that we were given)."""
    before = os.sched_getaffinity(0)
    chosen = _ALL_CORES if count is None else _ALL_CORES[-count:]
    os.sched_setaffinity(0, set(chosen))
    try:
        yield len(chosen)
    finally:
        os.sched_setaffinity(0, before)


def job_environment() -> dict[str, str]:
    """Environment of a job as a user starts it: without our pins."""
    return {name: value for name, value in os.environ.items() if name not in ONE_THREAD}

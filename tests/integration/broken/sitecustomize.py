"""Ends a driver at a named moment, or makes it or its workers less patient.

STORMLAKE_TEST_DIE=before:radar_grid   SIGKILL before this table is written
STORMLAKE_TEST_DIE=before:record       SIGKILL when all tables are there and the record is not
STORMLAKE_TEST_LOCK_WAIT=1.5           seconds that a run waits for a live lock
STORMLAKE_TEST_LEASE=20               seconds that a lease lasts
STORMLAKE_TEST_ANSWER=10               seconds that a worker waits for its decoder
"""

from __future__ import annotations

import functools
import os
import signal
import sys
from typing import Any


def _arrange() -> None:
    from stormlake.lake import locks
    from stormlake.running.job import JobRun

    moment = os.environ.get("STORMLAKE_TEST_DIE", "")
    write, finish = JobRun.write, JobRun.finish

    @functools.wraps(write)
    def dying_write(self: JobRun, frame: Any, table: Any, *args: Any, **kwargs: Any) -> None:
        if moment == f"before:{table.name}":
            os.kill(os.getpid(), signal.SIGKILL)
        write(self, frame, table, *args, **kwargs)

    @functools.wraps(finish)
    def dying_finish(self: JobRun, *args: Any, **kwargs: Any) -> None:
        if moment == "before:record":
            os.kill(os.getpid(), signal.SIGKILL)
        finish(self, *args, **kwargs)

    JobRun.write, JobRun.finish = dying_write, dying_finish  # type: ignore[method-assign]
    defaults = locks.hold.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    if "STORMLAKE_TEST_LEASE" in os.environ:
        defaults["lease"] = float(os.environ["STORMLAKE_TEST_LEASE"])
        defaults["renew"] = defaults["lease"] / 8
    if "STORMLAKE_TEST_LOCK_WAIT" in os.environ:
        defaults["wait"] = float(os.environ["STORMLAKE_TEST_LOCK_WAIT"])


def _hasten() -> None:
    from stormlake.radar.isolation import DecoderProcess

    DecoderProcess.__init__.__defaults__ = (None, float(os.environ["STORMLAKE_TEST_ANSWER"]))


if "stormlake.cli" in sys.orig_argv:
    _arrange()
elif "pyspark.daemon" in sys.orig_argv and "STORMLAKE_TEST_ANSWER" in os.environ:
    _hasten()

"""States of steps, clusters and Serverless job runs, and which of them are the last word.

As the API references of EMR (StepState, ClusterState) and EMR Serverless (JobRunState) list them.
What is being cancelled is still running: `CANCEL_PENDING`, `CANCELLING` and `TERMINATING` are not
final.
"""

from __future__ import annotations

from typing import Final

from stormlake.errors import ExitCode

STEP_FINAL: Final = frozenset({"COMPLETED", "FAILED", "CANCELLED", "INTERRUPTED"})
STEP_UNDER_WAY: Final = frozenset({"PENDING", "RUNNING", "CANCEL_PENDING"})

CLUSTER_FINAL: Final = frozenset({"TERMINATED", "TERMINATED_WITH_ERRORS"})
CLUSTER_ENDING: Final = frozenset({"TERMINATING"})
"""Takes no step any more, and has not ended."""
CLUSTER_ALIVE: Final = frozenset({"STARTING", "BOOTSTRAPPING", "RUNNING", "WAITING"})

JOB_RUN_FINAL: Final = frozenset({"SUCCESS", "FAILED", "CANCELLED"})
JOB_RUN_UNDER_WAY: Final = frozenset(
    {"SUBMITTED", "QUEUED", "PENDING", "SCHEDULED", "RUNNING", "CANCELLING"}
)

GOOD: Final = frozenset({"COMPLETED", "SUCCESS"})
"""Final states of what ended well."""

CANCELLED: Final = frozenset({"CANCELLED"})

STOPPED: Final = CANCELLED | {"INTERRUPTED"}
"""Final states of what somebody ended; INTERRUPTED is a step whose cluster was terminated."""

FINAL: Final = STEP_FINAL | JOB_RUN_FINAL
"""Final states of a step or a job run; the two services give no word two meanings."""


def exit_code(state: str) -> ExitCode:
    """What a command that followed a step or a job run to this final state returns.

    Raises
    ------
    ValueError
        The state is not final.
    """
    if state not in FINAL:
        raise ValueError(f"{state} is not final")
    if state in GOOD:
        return ExitCode.DONE
    return ExitCode.CANCELLED if state in CANCELLED else ExitCode.FAILED

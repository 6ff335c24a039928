"""How a query at Athena ended, in numbers and in words.

Source: Amazon Athena API Reference, QueryExecutionStatus, QueryExecutionStatistics, AthenaError.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from stormlake.errors import ExitCode, RefusedInput, StormlakeError

_USER_ERROR: Final = 2
"""AthenaError.ErrorCategory of a mistake in the query."""


class QueryFailed(StormlakeError):
    """Athena ended a query without a result."""


class QueryRefused(RefusedInput):
    """Athena does not take the query as it is."""


class QueryStopped(StormlakeError):
    """The query was stopped: its time was up, or somebody did."""

    exit_code = ExitCode.CANCELLED


class QueryRuns(StormlakeError):
    """The time was up and the query was told to stop, but it has not: it is still billed for."""

    exit_code = ExitCode.STILL_RUNNING


class Interrupted(StormlakeError):
    """Ctrl-C or SIGTERM while a query ran; the message says what became of it."""

    def __init__(self, message: str, *, terminated: bool) -> None:
        super().__init__(message)
        self.exit_code = ExitCode.CANCELLED if terminated else ExitCode.INTERRUPTED


@dataclass(frozen=True)
class Ended:
    """A query that succeeded.

    Parameters
    ----------
    id : str
    scanned_bytes : int
        What is billed by.
    queue_seconds, engine_seconds : float
    """

    id: str
    scanned_bytes: int
    queue_seconds: float
    engine_seconds: float


def ended_of(query: str, statistics: dict[str, Any]) -> Ended:
    """Read the numbers of a query that succeeded."""
    return Ended(
        query,
        int(statistics.get("DataScannedInBytes", 0)),
        statistics.get("QueryQueueTimeInMillis", 0) / 1000,
        statistics.get("EngineExecutionTimeInMillis", 0) / 1000,
    )


def how_it_stopped(query: str, found: dict[str, Any]) -> str:
    """Say what became of a query that was told to stop."""
    state = found["Status"]["State"]
    scanned = found.get("Statistics", {}).get("DataScannedInBytes", 0)
    ended = "was stopped" if state == "CANCELLED" else f"had just ended: {state}"
    return f"query {query} {ended}; {scanned:,} bytes were scanned"


def reason_of(status: dict[str, Any]) -> str:
    """Give Athena's own words."""
    error = status.get("AthenaError", {})
    return str(status.get("StateChangeReason") or error.get("ErrorMessage") or "no reason given")


def failure_of(query: str, status: dict[str, Any]) -> StormlakeError:
    """Give the error of a query that did not succeed: its mistake, or Athena's."""
    said = f"query {query}: {status['State']}: {reason_of(status)}"
    if status["State"] == "CANCELLED":
        return QueryStopped(said)
    if status.get("AthenaError", {}).get("ErrorCategory") == _USER_ERROR:
        return QueryRefused(said)
    return QueryFailed(said)

"""One query at Athena: sent once, waited for, stopped when nobody waits any more.

Source: Amazon Athena API Reference, StartQueryExecution, GetQueryExecution, GetQueryResults,
StopQueryExecution, AthenaError; Amazon Athena User Guide, "Using parameterized queries".
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stormlake.errors import ExitCode, RefusedInput, StormlakeError
from stormlake.lake.runs import canonical
from stormlake.running.aws import AnswerLost, ApiCall, Aws, CallFailed

SERVICE: Final = "athena"
TIMEOUT: Final = 1800.0
"""Seconds that a query is waited for; Athena itself ends a query after 30 minutes by default."""
PAGE: Final = 1000
"""Rows of one page of results at the most."""
ATTEMPTS: Final = 3
"""How often a query is sent whose failure Athena calls retryable."""
_FIRST_LOOK, _LAST_LOOK = 0.5, 10.0
_SUBMITS: Final = 5
_ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})
_USER_ERROR: Final = 2
"""AthenaError.ErrorCategory of a mistake in the query."""

logger = logging.getLogger(__name__)


class QueryFailed(StormlakeError):
    """Athena ended a query without a result."""


class QueryRefused(RefusedInput):
    """Athena does not take the query as it is."""


class QueryStopped(StormlakeError):
    """The query was stopped: its time was up, or somebody did."""

    exit_code = ExitCode.CANCELLED


@dataclass(frozen=True)
class Place:
    """Where a query runs.

    Parameters
    ----------
    workgroup, database : str
    """

    workgroup: str
    database: str


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


class Athena:
    """Athena in one workgroup and database.

    Parameters
    ----------
    aws : Aws
    place : Place
    timeout : float
        Seconds that a query is waited for before it is stopped.
    sleep, clock : callable
        Replaced by tests.
    """

    def __init__(
        self,
        aws: Aws,
        place: Place,
        *,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.aws, self.place, self.timeout = aws, place, timeout
        self._sleep, self._clock = sleep, clock

    def run(self, text: str, values: Sequence[str] = ()) -> Ended:
        """Run a statement and wait for its end.

        Parameters
        ----------
        text : str
            With a `?` for each parameter.
        values : sequence of str
            A literal for each `?`.

        Raises
        ------
        QueryRefused
            The mistake is in the query or its values.
        QueryFailed
            Athena failed, three times where it says that another try may help.
        QueryStopped
            The time was up, or more was scanned than the workgroup allows.
        ServiceUnreachable
            No answer.
        """
        until = self._clock() + self.timeout
        nonce = secrets.token_hex(4)
        for attempt in range(1, ATTEMPTS + 1):
            call = start_call(self.place, text, values, f"{nonce}-{attempt}")
            query = self._start(call)
            try:
                found = self._wait(query, until)
            except KeyboardInterrupt:
                self._stop(query)
                raise
            status = found["Status"]
            if status["State"] == "SUCCEEDED":
                return _ended(query, found.get("Statistics", {}))
            if not status.get("AthenaError", {}).get("Retryable") or attempt == ATTEMPTS:
                raise _failure(query, status)
            logger.info("query %s failed and may be tried again: %s", query, _reason(status))
        raise AssertionError("the last attempt returns or raises")

    def rows(self, query: str) -> tuple[list[tuple[str, str]], Iterator[tuple[str | None, ...]]]:
        """Give the columns of a result, name and type, and its rows as text; NULL is None."""
        first = self._page(query, {})
        columns = [
            (column["Name"], column["Type"])
            for column in first["ResultSet"]["ResultSetMetadata"].get("ColumnInfo", ())
        ]
        return columns, self._rows(query, first, [name for name, _ in columns])

    def _rows(
        self, query: str, page: dict[str, Any], names: list[str]
    ) -> Iterator[tuple[str | None, ...]]:
        header = True
        while True:
            for row in page["ResultSet"]["Rows"]:
                values = tuple(cell.get("VarCharValue") for cell in row.get("Data", ()))
                # The first row of a SELECT's first page is the names of its columns.
                if not (header and list(values) == names):
                    yield values
                header = False
            if not page.get("NextToken"):
                return
            page = self._page(query, {"NextToken": page["NextToken"]})

    def _page(self, query: str, more: dict[str, str]) -> dict[str, Any]:
        asked = {"QueryExecutionId": query, "MaxResults": PAGE, **more}
        return self.aws.make(ApiCall(SERVICE, "GetQueryResults", asked))

    def _start(self, call: ApiCall) -> str:
        """Send a query until there is an answer; its token makes the second of two harmless."""
        pause = _FIRST_LOOK
        for submit in range(1, _SUBMITS + 1):
            try:
                # Without botocore's own retries: they would multiply with these.
                return str(self.aws.make(call, once=True)["QueryExecutionId"])
            except AnswerLost:
                if submit == _SUBMITS:
                    raise
                self._sleep(pause)
                pause *= 2
            except CallFailed as error:
                raise QueryRefused(
                    f"{error}; check the query, --workgroup, --database, --region and the rights "
                    "of the AWS identity"
                ) from error
        raise AssertionError("the last submit returns or raises")

    def _wait(self, query: str, until: float) -> dict[str, Any]:
        pause = _FIRST_LOOK
        while True:
            found = self._look(query)
            if found["Status"]["State"] in _ENDED:
                return found
            if self._clock() >= until:
                self._stop(query)
                raise QueryStopped(
                    f"query {query} has not ended after {self.timeout:.0f} s and was stopped; "
                    "narrow it, or give a longer --timeout"
                )
            self._sleep(max(0.0, min(pause, until - self._clock())))
            pause = min(2 * pause, _LAST_LOOK)

    def _look(self, query: str) -> dict[str, Any]:
        asked = {"QueryExecutionId": query}
        answer = self.aws.make(ApiCall(SERVICE, "GetQueryExecution", asked))
        found: dict[str, Any] = answer["QueryExecution"]
        return found

    def _stop(self, query: str) -> None:
        try:
            self.aws.make(ApiCall(SERVICE, "StopQueryExecution", {"QueryExecutionId": query}))
            logger.warning("query %s was stopped", query)
        except StormlakeError as error:
            logger.warning("query %s could not be stopped: %s", query, error)


def start_call(place: Place, text: str, values: Sequence[str], attempt: str) -> ApiCall:
    """Make the request of one attempt at a query.

    Its token is of text, values, workgroup and attempt; the attempt has a part that only this
    process knows, or the same question would get yesterday's answer.
    """
    what = [text, list(values), place.workgroup, place.database, attempt]
    token = hashlib.sha256(canonical(what)).hexdigest()
    return ApiCall(
        SERVICE,
        "StartQueryExecution",
        {
            "QueryString": text,
            "ClientRequestToken": token,
            "QueryExecutionContext": {"Database": place.database},
            "WorkGroup": place.workgroup,
        }
        | ({"ExecutionParameters": list(values)} if values else {}),
    )


def workgroup_call(workgroup: str) -> ApiCall:
    """Ask how a workgroup is set up."""
    return ApiCall(SERVICE, "GetWorkGroup", {"WorkGroup": workgroup})


def refuse_open_workgroup(aws: Aws, workgroup: str) -> None:
    """Refuse a workgroup that does not decide where results go and how much a query may scan.

    Raises
    ------
    RefusedInput
        There is no such workgroup, or something of this is missing.
    """
    try:
        answer = aws.make(workgroup_call(workgroup))
    except CallFailed as error:
        raise RefusedInput(f"--workgroup {workgroup}: {error}") from error
    settings = answer["WorkGroup"].get("Configuration", {})
    managed = settings.get("ManagedQueryResultsConfiguration", {}).get("Enabled")
    place = managed or settings.get("ResultConfiguration", {}).get("OutputLocation")
    missing = [
        what
        for what, there in {
            "EnforceWorkGroupConfiguration": settings.get("EnforceWorkGroupConfiguration"),
            "a place for results": place,
            "BytesScannedCutoffPerQuery": settings.get("BytesScannedCutoffPerQuery"),
        }.items()
        if not there
    ]
    if missing:
        raise RefusedInput(
            f"workgroup {workgroup} lacks {' and '.join(missing)}: without them a query may scan "
            "and write what it likes. `aws athena update-work-group` sets them; see docs/athena.md"
        )


def _ended(query: str, statistics: dict[str, Any]) -> Ended:
    return Ended(
        query,
        int(statistics.get("DataScannedInBytes", 0)),
        statistics.get("QueryQueueTimeInMillis", 0) / 1000,
        statistics.get("EngineExecutionTimeInMillis", 0) / 1000,
    )


def _reason(status: dict[str, Any]) -> str:
    error = status.get("AthenaError", {})
    return str(status.get("StateChangeReason") or error.get("ErrorMessage") or "no reason given")


def _failure(query: str, status: dict[str, Any]) -> StormlakeError:
    said = f"query {query}: {status['State']}: {_reason(status)}"
    if status["State"] == "CANCELLED":
        return QueryStopped(said)
    if status.get("AthenaError", {}).get("ErrorCategory") == _USER_ERROR:
        return QueryRefused(said)
    return QueryFailed(said)

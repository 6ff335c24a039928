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

from stormlake.athena.outcomes import (
    Ended,
    Interrupted,
    QueryRefused,
    QueryRuns,
    QueryStopped,
    ended_of,
    failure_of,
    how_it_stopped,
    reason_of,
)
from stormlake.errors import ServiceUnreachable, StormlakeError
from stormlake.lake.runs import canonical
from stormlake.running.aws import AnswerLost, ApiCall, Aws, CallFailed
from stormlake.running.options import Terminated

SERVICE: Final = "athena"
TIMEOUT: Final = 1800.0
"""Seconds that a query is waited for; Athena itself ends a query after 30 minutes by default."""
PAGE: Final = 1000
"""Rows of one page of results at the most."""
ATTEMPTS: Final = 3
"""How often a query is sent whose failure Athena calls retryable."""
_FIRST_LOOK, _LAST_LOOK = 0.5, 10.0
_ASKS: Final = 5
"""How often one call is made where no answer comes."""
_LAST_LOOKS: Final = 10
"""Looks at a query that was told to stop."""
_ENDED: Final = frozenset({"SUCCEEDED", "FAILED", "CANCELLED"})

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Place:
    """Where a query runs.

    Parameters
    ----------
    workgroup, database : str
    """

    workgroup: str
    database: str


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

    def run(self, text: str, values: Sequence[str] = (), *, in_database: bool = True) -> Ended:
        """Run a statement and wait for its end.

        Parameters
        ----------
        text : str
            With a `?` for each parameter.
        values : sequence of str
            A literal for each `?`.
        in_database : bool
            False for the statement that makes the database.

        Raises
        ------
        QueryRefused
            The mistake is in the query or its values.
        QueryFailed
            Athena failed, three times where it says that another try may help.
        QueryStopped
            The time was up, or more was scanned than the workgroup allows.
        QueryRuns
            The time was up, and the query did not stop.
        Interrupted
            Somebody pressed Ctrl-C.
        ServiceUnreachable
            No answer; the query may run.
        """
        until = self._clock() + self.timeout
        nonce = secrets.token_hex(4)
        for attempt in range(1, ATTEMPTS + 1):
            attempt_name = f"{nonce}-{attempt}"
            call = start_call(self.place, text, values, attempt_name, in_database=in_database)
            query, found = self._to_its_end(call, until)
            status = found["Status"]
            if status["State"] == "SUCCEEDED":
                return ended_of(query, found.get("Statistics", {}))
            if not status.get("AthenaError", {}).get("Retryable") or attempt == ATTEMPTS:
                raise failure_of(query, status)
            logger.info("query %s failed and may be tried again: %s", query, reason_of(status))
        raise AssertionError("the last attempt returns or raises")

    def _to_its_end(self, call: ApiCall, until: float) -> tuple[str, dict[str, Any]]:
        """Send a query, wait for its end, and give its id and how it ended."""
        query: str | None = None
        found: dict[str, Any] | None = None
        interrupt: KeyboardInterrupt | None = None
        try:
            query = self._start(call)
            found = self._wait(query, until)
        except KeyboardInterrupt as given:
            interrupt = given
        except ServiceUnreachable as lost:
            which = f"query {query}" if query else "the query, if it has arrived,"
            raise ServiceUnreachable(f"{lost}; {which} may still run") from lost
        # Out of the handler: what is raised there is taken for the interrupt itself.
        if interrupt is not None:
            _, told = self._stop(call, query)
            terminated = isinstance(interrupt, Terminated)
            raise Interrupted(f"interrupted; {told}", terminated=terminated)
        if query is not None and found is not None:
            return query, found
        stopped, told = self._stop(call, query)
        said = f"not ended after {self.timeout:.0f} s; {told}"
        if not stopped:
            raise QueryRuns(said)
        raise QueryStopped(f"{said}; narrow it, or give a longer --timeout")

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
        return self._ask(ApiCall(SERVICE, "GetQueryResults", asked))

    def _start(self, call: ApiCall) -> str:
        """Send a query until there is an answer; its token makes the second of two harmless."""
        try:
            # Without botocore's own retries: they would multiply with these.
            return str(self._ask(call, once=True)["QueryExecutionId"])
        except CallFailed as error:
            raise QueryRefused(
                f"{error}; check the query, --workgroup, --database, --region and the rights of "
                "the AWS identity"
            ) from error

    def _wait(self, query: str, until: float) -> dict[str, Any] | None:
        """Look until a query has ended; None when the time is up."""
        pause = _FIRST_LOOK
        while True:
            found = self._look(query)
            if found["Status"]["State"] in _ENDED:
                return found
            if self._clock() >= until:
                return None
            self._sleep(max(0.0, min(pause, until - self._clock())))
            pause = min(2 * pause, _LAST_LOOK)

    def _look(self, query: str) -> dict[str, Any]:
        answer = self._ask(ApiCall(SERVICE, "GetQueryExecution", {"QueryExecutionId": query}))
        found: dict[str, Any] = answer["QueryExecution"]
        return found

    def _ask(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        """Make a call that may be made twice, again where no answer comes."""
        pause = _FIRST_LOOK
        for ask in range(1, _ASKS + 1):
            try:
                return self.aws.make(call, once=once)
            except AnswerLost as lost:
                if ask == _ASKS:
                    raise
                logger.info("%s; asking again", lost)
            self._sleep(pause)
            pause = min(2 * pause, _LAST_LOOK)
        raise AssertionError("the last one returns or raises")

    def _stop(self, call: ApiCall, query: str | None) -> tuple[bool, str]:
        """Stop a query; give whether it has ended, and in words what became of it."""
        told = "the query, if it has arrived, may still run"
        try:
            # The answer with the id did not come: the same token brings it.
            query = query or self._start(call)
            told = f"query {query} could not be told to stop and may still run"
            self._ask(ApiCall(SERVICE, "StopQueryExecution", {"QueryExecutionId": query}))
            told = f"query {query} was told to stop and may still run"
            for _ in range(_LAST_LOOKS):
                found = self._look(query)
                if found["Status"]["State"] in _ENDED:
                    return True, how_it_stopped(query, found)
                self._sleep(_FIRST_LOOK)
        except (KeyboardInterrupt, StormlakeError) as error:
            # A second Ctrl-C means: let me out.
            logger.info("%s: %r", told, error)
        return False, f"{told}; `aws athena stop-query-execution` stops it"


def start_call(
    place: Place, text: str, values: Sequence[str], attempt: str, *, in_database: bool = True
) -> ApiCall:
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
            "WorkGroup": place.workgroup,
        }
        # The database need not be there yet.
        | ({"QueryExecutionContext": {"Database": place.database}} if in_database else {})
        | ({"ExecutionParameters": list(values)} if values else {}),
    )

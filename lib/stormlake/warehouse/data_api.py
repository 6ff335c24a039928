"""The Redshift Data API: statements sent once, waited for, and stopped when nobody waits any more.

Source: Amazon Redshift Management Guide, "Using the Amazon Redshift Data API"; Amazon Redshift Data
API Reference.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.running.aws import THROTTLING, AnswerLost, ApiCall, Aws, CallFailed
from stormlake.warehouse.statements import Statement
from stormlake.warehouse.target import Target

SERVICE: Final = "redshift-data"
MAX_STATEMENTS: Final = 40
"""Statements of one batch at the most."""
TIMEOUT: Final = 3600.0
"""Seconds that a load is waited for."""
_FIRST_LOOK, _LAST_LOOK = 0.5, 30.0
"""Seconds between two looks at a statement: they double from the first to the last."""
_LOOKS_AFTER_CANCEL: Final = 10
_SUBMITS: Final = 6
"""How often one submit is asked for again, always with the same token."""
_ENDED: Final = frozenset({"FINISHED", "FAILED", "ABORTED"})
_BUSY: Final = THROTTLING | {
    "ActiveStatementsExceededException",
    "ActiveSessionsExceededException",
    "ActiveWaitingRequestsExceededException",
}
_REFUSED: Final = frozenset(
    {
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "InvalidSignatureException",
        "ResourceNotFoundException",
        "UnrecognizedClientException",
        "ValidationException",
    }
)
"""Codes that mean: no warehouse of that name, no right, or no such parameter. Nothing was run."""
_NOT_IN_A_TRANSACTION: Final = re.compile(
    r"\s*(TRUNCATE|VACUUM|(COPY|CREATE|ALTER)\s+JOB\b|ALTER\s+TABLE\s.*\bAPPEND\b|COMMIT|END|"
    r"ROLLBACK|ABORT|BEGIN|START)\b|\s*COPY\b.*\bJOB\s+CREATE\b",
    re.IGNORECASE | re.DOTALL,
)
"""TRUNCATE commits the batch's transaction, the others cannot run in one."""

logger = logging.getLogger(__name__)


class StatementFailed(StormlakeError):
    """A statement ended as FAILED or ABORTED; of a batch nothing was kept.

    Attributes
    ----------
    name : str
        Which statement, by our name.
    index : int
        Its place in the batch, from 0; -1 where no statement is said to have failed.
    error : str
        What the warehouse said, whole.
    query_id : int or None
        Its query there, by which load errors are looked up.
    status : str
        `FAILED` or `ABORTED`.
    """

    def __init__(
        self, name: str, index: int, error: str, query_id: int | None, status: str
    ) -> None:
        super().__init__(f"{name}: {status}: {error}")
        self.name, self.index, self.error = name, index, error
        self.query_id, self.status = query_id, status


class NotEnded(StormlakeError):
    """The time was up, and the statement could not be stopped: it may still be running."""

    exit_code = ExitCode.STILL_RUNNING


@dataclass(frozen=True)
class Finished:
    """A batch that was committed.

    Parameters
    ----------
    id : str
        Its id at the Data API.
    rows : mapping of str to list of dict
        What the last statement selected.
    """

    id: str
    rows: list[dict[str, Any]]


class DataApi:
    """One warehouse behind the Data API.

    Parameters
    ----------
    aws : Aws
    target : Target
    timeout : float
        Seconds that a statement is waited for before it is cancelled.
    sleep, clock : callable
        Replaced by tests.
    """

    def __init__(
        self,
        aws: Aws,
        target: Target,
        *,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.aws, self.target, self.timeout = aws, target, timeout
        self._sleep, self._clock = sleep, clock

    def run(self, statements: Sequence[Statement], token: str, name: str = "") -> Finished:
        """Run statements in one transaction and wait for its end.

        Parameters
        ----------
        statements : sequence of Statement
            At most 40.
        token : str
            1 to 64 characters: one token is run once, however often it is sent.
        name : str
            For whoever looks at the warehouse's list of statements.

        Raises
        ------
        StatementFailed
            Nothing was kept.
        ServiceUnreachable
            No answer: whether it was run is not known.
        NotEnded
            Not finished in time, and it did not stop either.
        RefusedInput
            The service does not take the call as it is.
        """
        call = batch_call(self.target, statements, token, name)
        described = self._to_its_end(call)
        if described["Status"] != "FINISHED":
            raise failure_of(described, [statement.name for statement in statements])
        last = described.get("SubStatements", [{}])[-1]
        rows = self._result(last["Id"]) if last.get("HasResultSet") else []
        return Finished(described["Id"], rows)

    def query(self, sql: str) -> list[dict[str, Any]]:
        """Run one SELECT and give its rows, by column name; NULL is None.

        Raises
        ------
        StatementFailed, ServiceUnreachable, NotEnded, RefusedInput
            As `run`.
        """
        described = self._to_its_end(query_call(self.target, sql, secrets.token_hex(16)))
        if described["Status"] != "FINISHED":
            raise failure_of(described)
        return self._result(described["Id"]) if described.get("HasResultSet") else []

    def _to_its_end(self, call: ApiCall) -> dict[str, Any]:
        """Send a call and wait until its statement has ended; when interrupted, stop it."""
        until = self._clock() + self.timeout
        statement = str(self._submit(call, until)["Id"])
        try:
            return self._wait(statement, until)
        except KeyboardInterrupt:
            self._withdraw(lambda: statement)
            raise

    def _submit(self, call: ApiCall, until: float) -> dict[str, Any]:
        """Send a call until there is an answer; its token makes the second of two harmless."""
        pause = _FIRST_LOOK
        lost = 0
        arrived = False  # Whether the service may have it.
        try:
            while True:
                before, arrived = arrived, True
                try:
                    # Without botocore's own retries: they would multiply with these.
                    return self._make(call, once=True)
                except AnswerLost:
                    lost += 1
                    if lost >= _SUBMITS:
                        raise
                except _Busy as busy:
                    arrived = before
                    if self._clock() + pause > until:
                        raise ServiceUnreachable(f"{self.target} is busy: {busy}") from busy
                self._sleep(pause)
                pause = min(2 * pause, _LAST_LOOK)
        except KeyboardInterrupt:
            if arrived:
                # The same token again: its id is needed to stop it.
                self._withdraw(lambda: str(self._make(call, once=True)["Id"]))
            raise

    def _wait(self, statement: str, until: float) -> dict[str, Any]:
        pause = _FIRST_LOOK
        while True:
            described = self._look(statement)
            if described["Status"] in _ENDED:
                return described
            if self._clock() >= until:
                return self._stopped(statement)
            self._sleep(max(0.0, min(pause, until - self._clock())))
            pause = min(2 * pause, _LAST_LOOK)

    def _stopped(self, statement: str) -> dict[str, Any]:
        """Cancel a statement whose time is up, and say how it ended."""
        self._cancel(statement)
        for _ in range(_LOOKS_AFTER_CANCEL):
            described = self._look(statement)
            if described["Status"] in _ENDED:
                return described
            self._sleep(_FIRST_LOOK)
        raise NotEnded(
            f"statement {statement} of {self.target} was told to stop, but runs on; look with "
            "`stormlake warehouse status` later"
        )

    def _withdraw(self, find: Callable[[], str]) -> None:
        """Stop a statement for somebody who leaves, and see it end: the ledger is read next."""
        try:
            self._stopped(find())
        except StormlakeError as error:
            logger.warning("what was sent to %s may still be running: %s", self.target, error)

    def _cancel(self, statement: str) -> None:
        try:
            self._make(ApiCall(SERVICE, "CancelStatement", {"Id": statement}))
        except StormlakeError as error:
            # It may have ended in this moment: whoever looks next will see.
            logger.info("statement %s was not cancelled: %s", statement, error)

    def _look(self, statement: str) -> dict[str, Any]:
        # What runs there for an hour must not be given up because the network is gone for a moment.
        return self.ask(ApiCall(SERVICE, "DescribeStatement", {"Id": statement}), patient=True)

    def ask(self, call: ApiCall, *, patient: bool = False) -> dict[str, Any]:
        """Make a call that only looks, again and again where the service is busy.

        Parameters
        ----------
        call : ApiCall
        patient : bool
            Also where there is no answer, for half a minute beyond botocore's own retries.

        Raises
        ------
        ServiceUnreachable, RefusedInput
            No answer; no such warehouse, or no right to ask it.
        """
        pause = _FIRST_LOOK
        while True:
            try:
                return self._make(call)
            except AnswerLost:
                if not patient or pause > _LAST_LOOK:
                    raise
            except _Busy as busy:
                if pause > _LAST_LOOK:
                    raise ServiceUnreachable(f"{self.target} is busy: {busy}") from busy
            self._sleep(pause)
            pause *= 2

    def _result(self, statement: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            page = self.ask(ApiCall(SERVICE, "GetStatementResult", {"Id": statement, **more}))
            names = [column["name"] for column in page["ColumnMetadata"]]
            rows += [
                dict(zip(names, map(_value, record), strict=True)) for record in page["Records"]
            ]
            if not page.get("NextToken"):
                return rows
            more = {"NextToken": page["NextToken"]}

    def _make(self, call: ApiCall, *, once: bool = False) -> dict[str, Any]:
        try:
            return self.aws.make(call, once=once)
        except CallFailed as error:
            if error.code in _BUSY:
                raise _Busy(str(error)) from error
            if error.code in _REFUSED:
                raise RefusedInput(
                    f"{self.target}: {error}; check --workgroup or --cluster, --database, "
                    "--region and the rights of the AWS identity"
                ) from error
            raise


class _Busy(ServiceUnreachable):
    """The service says: later."""


def batch_call(
    target: Target, statements: Sequence[Statement], token: str, name: str = ""
) -> ApiCall:
    """Make the one request of a transaction.

    Raises
    ------
    ValueError
        More statements than a batch may have, or one that ends or cannot be in a transaction.
    """
    if not 0 < len(statements) <= MAX_STATEMENTS:
        raise ValueError(f"a batch has 1 to {MAX_STATEMENTS} statements, not {len(statements)}")
    for statement in statements:
        if _NOT_IN_A_TRANSACTION.match(statement.sql):
            raise ValueError(f"{statement.name} cannot be in a transaction: {statement.sql[:80]}")
    return ApiCall(
        SERVICE,
        "BatchExecuteStatement",
        target.parameters()
        | {"Sqls": [statement.sql for statement in statements], "ClientToken": token}
        | ({"StatementName": name} if name else {}),
    )


def query_call(target: Target, sql: str, token: str) -> ApiCall:
    """Make the request of one statement."""
    return ApiCall(
        SERVICE, "ExecuteStatement", target.parameters() | {"Sql": sql, "ClientToken": token}
    )


def failure_of(described: dict[str, Any], names: Sequence[str] = ()) -> StatementFailed:
    """Find which statement of a batch failed: by its place, never by what is said.

    Parameters
    ----------
    described : dict
        Answer of DescribeStatement.
    names : sequence of str
        Our names of the batch's statements.
    """
    status = str(described["Status"])
    whole = str(described.get("Error", "no reason given"))
    for index, each in enumerate(described.get("SubStatements", ())):
        if each.get("Status") == "FAILED":
            name = names[index] if index < len(names) else f"statement {index + 1}"
            error = str(each.get("Error") or whole)
            return StatementFailed(name, index, error, _query_id(each), status)
    return StatementFailed("statement", -1, whole, _query_id(described), status)


def _query_id(described: dict[str, Any]) -> int | None:
    found = described.get("RedshiftQueryId")
    # 0 and -1: the statement did not get as far.
    return int(found) if found and int(found) > 0 else None


def _value(field: dict[str, Any]) -> Any:
    if field.get("isNull"):
        return None
    return next(iter(field.values()))

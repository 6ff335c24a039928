"""The operations of the Data API: statements that run by themselves, and what became of them."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.fakes.redshift_data.copy_manifest import Reach
from tests.fakes.redshift_data.errors import WarehouseError
from tests.fakes.redshift_data.postgres import PostgresServer
from tests.fakes.redshift_data.session import Result, Session, next_query_id
from tests.fakes.validation import Refusal, check_answer, check_request, service_model

PAGE = 1000
"""Rows of one page of a result; the vendor's pages are of up to 500 MB in all."""
STATEMENT_BYTES = 100_000
"""Longest statement ("Using the Amazon Redshift Data API", considerations)."""
_TEXT_BYTES = 65535


@dataclass
class SubStatement:
    sql: str
    status: str = "SUBMITTED"
    error: str = ""
    query_id: int = 0
    result: Result | None = None


@dataclass
class StatementState:
    """One statement or batch, as DescribeStatement tells of it."""

    id: str
    database: str
    where: dict[str, str]
    subs: list[SubStatement]
    batch: bool
    name: str = ""
    created: float = field(default_factory=time.time)
    updated: float = field(default_factory=time.time)
    status: str = "SUBMITTED"
    error: str = ""
    session: Session | None = None
    cancelled: threading.Event = field(default_factory=threading.Event)
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass
class Fault:
    """What befalls the next batch.

    Parameters
    ----------
    before : int or str
        Index of the statement before which it happens, the number of statements for just before
        the commit, or a word with which a statement begins (`COPY`).
    act : callable
        Is given the session; may raise WarehouseError.
    """

    before: int | str
    act: Callable[[StatementState], None]

    def due(self, index: int, statements: list[SubStatement]) -> bool:
        if isinstance(self.before, int):
            return self.before == index
        return index < len(statements) and statements[index].sql.startswith(self.before)


class RedshiftDataService:
    """The stand-in's Data API.

    Parameters
    ----------
    server : PostgresServer
    reach : Reach
    workgroup, cluster : str
        The names it answers to, with any database that PostgreSQL has.
    """

    def __init__(
        self, server: PostgresServer, reach: Reach, *, workgroup: str, cluster: str
    ) -> None:
        self._server, self._reach = server, reach
        self._names = {"WorkgroupName": workgroup, "ClusterIdentifier": cluster}
        self._model = service_model("redshift-data")
        self._lock = threading.RLock()
        self._states: dict[str, StatementState] = {}
        self._tokens: dict[str, str] = {}
        self._threads: list[threading.Thread] = []
        self.faults: list[Fault] = []
        self.broken: list[Exception] = []

    @property
    def statements(self) -> list[str]:
        """Every SQL text that was sent, in order."""
        with self._lock:
            return [sub.sql for state in self._states.values() for sub in state.subs]

    @property
    def batches(self) -> list[StatementState]:
        with self._lock:
            return [state for state in self._states.values() if state.batch]

    def call(self, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """Carry out one request.

        Raises
        ------
        Refusal
            As the service answers it.
        """
        if operation not in self._model.operation_names:
            raise Refusal("UnknownOperationException", f"no operation {operation}")
        shape = self._model.operation_model(operation)
        check_request(shape, parameters)
        method = {
            "ExecuteStatement": self._execute,
            "BatchExecuteStatement": self._batch,
            "DescribeStatement": self._describe,
            "GetStatementResult": self._result,
            "CancelStatement": self._cancel,
            "ListStatements": self._list,
        }.get(operation)
        if method is None:
            raise Refusal("ValidationException", f"the stand-in does not do {operation}")
        answer = method(parameters)
        check_answer(shape, _checkable(answer))
        return answer

    def close(self) -> None:
        """Stop what still runs."""
        with self._lock:
            states, threads = list(self._states.values()), list(self._threads)
        for state in states:
            if not state.ended.is_set():
                self._stop(state)
        for thread in threads:
            thread.join(timeout=20)

    def wait(self) -> None:
        """Wait until nothing runs any more."""
        with self._lock:
            threads = list(self._threads)
        for thread in threads:
            thread.join(timeout=60)

    def _execute(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        return self._start([parameters["Sql"]], parameters, batch=False)

    def _batch(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        if parameters.get("ExecutionMode", "TRANSACTION") != "TRANSACTION":
            raise Refusal("ValidationException", "the stand-in runs batches in one transaction")
        return self._start(parameters["Sqls"], parameters, batch=True)

    def _start(
        self, sqls: list[str], parameters: Mapping[str, Any], *, batch: bool
    ) -> dict[str, Any]:
        for sql in sqls:
            if len(sql.encode()) > STATEMENT_BYTES:
                raise Refusal(
                    "ValidationException", f"a statement is longer than {STATEMENT_BYTES}"
                )
        where = self._where(parameters)
        with self._lock:
            token = parameters.get("ClientToken")
            if token in self._tokens:
                return self._told(self._states[self._tokens[token]])
            state = StatementState(
                id=str(uuid.uuid4()),
                database=parameters.get("Database", ""),
                where=where,
                subs=[SubStatement(sql) for sql in sqls],
                batch=batch,
                name=parameters.get("StatementName", ""),
            )
            self._states[state.id] = state
            if token is not None:
                self._tokens[token] = state.id
            faults: list[Fault] = []
            if batch:
                faults, self.faults = self.faults, []
            thread = threading.Thread(target=self._run, args=(state, faults), daemon=True)
            self._threads.append(thread)
        thread.start()
        return self._told(state)

    def _where(self, parameters: Mapping[str, Any]) -> dict[str, str]:
        given = {name: parameters[name] for name in self._names if name in parameters}
        if len(given) != 1:
            raise Refusal("ValidationException", "give one of ClusterIdentifier and WorkgroupName")
        ((name, value),) = given.items()
        if value != self._names[name]:
            raise Refusal(
                "ResourceNotFoundException",
                f"Redshift endpoint doesn't exist in this region: {value}",
                ResourceId=value,
            )
        if name == "ClusterIdentifier" and not ({"DbUser", "SecretArn"} & parameters.keys()):
            raise Refusal("ValidationException", "a cluster needs DbUser or SecretArn")
        return given | {
            each: parameters[each] for each in ("DbUser", "SecretArn") if each in parameters
        }

    def _told(self, state: StatementState) -> dict[str, Any]:
        return {
            "Id": state.id,
            "CreatedAt": state.created,
            "Database": state.database,
            **state.where,
        }

    def _run(self, state: StatementState, faults: list[Fault]) -> None:
        try:
            self._carry_out(state, faults)
        except WarehouseError as error:
            state.error = str(error)
            state.status = "ABORTED" if state.cancelled.is_set() else "FAILED"
        except Exception as error:
            state.status, state.error = "FAILED", f"the stand-in broke: {error!r}"
            self.broken.append(error)
        finally:
            state.updated = time.time()
            if state.session is not None:
                state.session.close()
            state.ended.set()

    def _carry_out(self, state: StatementState, faults: list[Fault]) -> None:
        state.status = "PICKED"
        try:
            session = Session(self._server, state.database, self._reach, state.batch)
        except Exception as error:
            raise WarehouseError(f'FATAL: database "{state.database}" does not exist') from error
        state.session = session
        state.status = "STARTED"
        for index, sub in enumerate(state.subs):
            try:
                for fault in [each for each in faults if each.due(index, state.subs)]:
                    fault.act(state)
                if state.cancelled.is_set():
                    raise WarehouseError("ERROR: Query cancelled on user's request")
                sub.status, sub.query_id = "STARTED", next_query_id()
                sub.result = session.run(sub.sql, sub.query_id)
                sub.status = "FINISHED"
            except WarehouseError as error:
                sub.status, sub.error = "FAILED", str(error)
                if state.cancelled.is_set():
                    sub.status = "ABORTED"
                for rest in state.subs[index + 1 :]:
                    rest.status = "ABORTED"
                raise
        for fault in [each for each in faults if each.due(len(state.subs), state.subs)]:
            fault.act(state)
        session.commit()
        state.status = "FINISHED"

    def _stop(self, state: StatementState) -> None:
        state.cancelled.set()
        if state.session is not None:
            state.session.connection.cancel()

    def _find(self, identifier: str) -> tuple[StatementState, int | None]:
        whole, _, index = identifier.partition(":")
        with self._lock:
            state = self._states.get(whole)
        if state is None or (index and not 0 < int(index) <= len(state.subs)):
            raise Refusal(
                "ResourceNotFoundException", "Query does not exist.", ResourceId=identifier
            )
        return state, int(index) - 1 if index else None

    def _describe(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        state, _ = self._find(parameters["Id"])
        if "WaitTimeSeconds" in parameters:
            state.ended.wait(parameters["WaitTimeSeconds"])
        status = state.status
        if status not in ("SUBMITTED", "PICKED", "STARTED") and not state.ended.is_set():
            state.ended.wait(20)
        described: dict[str, Any] = {
            **self._told(state),
            "Status": state.status if state.ended.is_set() else status,
            "UpdatedAt": state.updated,
            "Duration": int((state.updated - state.created) * 1e9),
            "RedshiftPid": state.session.pid if state.session else 0,
            "HasResultSet": _has_result(state.subs[-1]),
            "ResultRows": _rows(state.subs[-1]),
            "ResultSize": -1,
            "RedshiftQueryId": -1 if state.batch else state.subs[0].query_id,
        }
        if state.error:
            described["Error"] = state.error
        if state.batch:
            described["SubStatements"] = [
                self._sub(state, index, sub) for index, sub in enumerate(state.subs)
            ]
        else:
            described["QueryString"] = state.subs[0].sql
        return described

    def _sub(self, state: StatementState, index: int, sub: SubStatement) -> dict[str, Any]:
        told = {
            "Id": f"{state.id}:{index + 1}",
            "Duration": 0,
            "Status": sub.status,
            "CreatedAt": state.created,
            "UpdatedAt": state.updated,
            "QueryString": sub.sql,
            "ResultRows": _rows(sub),
            "ResultSize": -1,
            "RedshiftQueryId": sub.query_id or -1,
            "HasResultSet": _has_result(sub),
        }
        return told | ({"Error": sub.error} if sub.error else {})

    def _result(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        state, index = self._find(parameters["Id"])
        if state.status != "FINISHED":
            raise Refusal("ValidationException", f"Query status is {state.status}")
        if index is None and state.batch:
            raise Refusal("ValidationException", "give the id of a sub-statement of a batch")
        result = state.subs[index or 0].result
        if result is None or result.columns is None:
            raise Refusal(
                "ResourceNotFoundException", "Query does not have result.", ResourceId=state.id
            )
        start = int(parameters.get("NextToken", "0"))
        page = result.rows[start : start + PAGE]
        answer: dict[str, Any] = {
            "ColumnMetadata": [
                {"name": name, "label": name, "typeName": kind} for name, kind in result.columns
            ],
            "Records": [[_field(value) for value in row] for row in page],
            "TotalNumRows": len(result.rows),
        }
        if start + PAGE < len(result.rows):
            answer["NextToken"] = str(start + PAGE)
        return answer

    def _cancel(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        state, _ = self._find(parameters["Id"])
        if state.ended.is_set():
            raise Refusal("ValidationException", f"Could not cancel a query that is {state.status}")
        self._stop(state)
        return {"Status": True}

    def _list(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        with self._lock:
            states = sorted(self._states.values(), key=lambda state: -state.created)
        wanted = parameters.get("Status", "ALL")
        prefix = parameters.get("StatementName", "")
        found = [
            state
            for state in states
            if wanted in ("ALL", state.status) and state.name.startswith(prefix)
        ]
        start = int(parameters.get("NextToken", "0"))
        size = parameters.get("MaxResults") or 100
        answer: dict[str, Any] = {
            "Statements": [
                {
                    "Id": state.id,
                    "Status": state.status,
                    "StatementName": state.name,
                    "CreatedAt": state.created,
                    "UpdatedAt": state.updated,
                    "IsBatchStatement": state.batch,
                    "QueryStrings": [sub.sql for sub in state.subs],
                }
                for state in found[start : start + size]
            ]
        }
        if start + size < len(found):
            answer["NextToken"] = str(start + size)
        return answer


def _field(value: Any) -> dict[str, Any]:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, datetime | date):
        return {"stringValue": str(value)}
    if isinstance(value, Decimal):
        return {"stringValue": format(value, "f")}
    return {"stringValue": str(value)}


def _rows(sub: SubStatement) -> int:
    return -1 if sub.result is None else sub.result.count


def _has_result(sub: SubStatement) -> bool:
    return sub.result is not None and sub.result.columns is not None


def _checkable(answer: Any) -> Any:
    """The answer with times as botocore's validator wants them, not as JSON writes them."""
    if isinstance(answer, dict):
        return {
            name: datetime.fromtimestamp(value) if name.endswith("edAt") else _checkable(value)
            for name, value in answer.items()
        }
    return [_checkable(each) for each in answer] if isinstance(answer, list) else answer

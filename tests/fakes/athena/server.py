"""Athena and Glue behind one address; S3 and the rest by moto."""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from types import TracebackType
from typing import Any

from stormlake.athena.execution import Place
from stormlake.running.aws import Aws
from tests.fakes.athena.engine import Answer, Engine
from tests.fakes.athena.tables import QueryError
from tests.fakes.faults import FaultProxy, Request
from tests.fakes.s3 import CREDENTIALS, S3Server
from tests.fakes.sessions import fake_session
from tests.fakes.validation import Refusal, check_answer, check_request, read_json, service_model

REGION = "us-east-1"
WORKGROUP, OPEN_WORKGROUP, DATABASE = "stand-in", "open", "stormlake"
SERVICES = {"AmazonAthena": "athena", "AWSGlue": "glue"}
CUTOFF = 1 << 30


@dataclass
class Query:
    """One query, as GetQueryExecution tells of it."""

    id: str
    text: str
    values: list[str]
    database: str
    state: str = "QUEUED"
    reason: str = ""
    error: QueryError | None = None
    answer: Answer | None = None
    submitted: float = field(default_factory=time.time)
    stopped: threading.Event = field(default_factory=threading.Event)


class AthenaStandIn(FaultProxy):
    """The stand-in; a context manager.

    Parameters
    ----------
    s3 : S3Server
    bucket : str
        Made, for lakes.
    """

    def __init__(self, s3: S3Server, bucket: str) -> None:
        super().__init__(s3.endpoint_url)
        self.s3 = fake_session(REGION).client("s3", endpoint_url=s3.endpoint_url)
        self.s3.create_bucket(Bucket=bucket)
        self.bucket = bucket
        self.place = Place(WORKGROUP, DATABASE)
        self.engine = Engine(self.s3)
        self.queries: dict[str, Query] = {}
        self.cutoff = CUTOFF
        self.acts: list[Callable[[Query], None]] = []
        self._tokens: dict[str, tuple[str, dict[str, Any]]] = {}
        self._guard = threading.RLock()
        self._broken: list[Exception] = []

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        for query in self.queries.values():
            query.stopped.set()
        if error is None and self._broken:
            raise self._broken[0]

    @property
    def environment(self) -> dict[str, str]:
        """What a client's process needs to reach this instead of AWS."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    @property
    def lake(self) -> str:
        return f"s3://{self.bucket}/lake"

    def aws(self) -> Aws:
        return Aws(fake_session(REGION), self.endpoint_url)

    def next_query(self, act: Callable[[Query], None]) -> None:
        """Let something happen to the next query before it runs; it may raise QueryError."""
        self.acts.append(act)

    def forward(self, request: Request) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """Answer the requests of both services here, send others on (called by the handler)."""
        target = request.headers.get("x-amz-target", "")
        prefix, _, operation = target.partition(".")
        if prefix not in SERVICES:
            return super().forward(request)
        try:
            return _response(200, self._call(SERVICES[prefix], operation, request.body))
        except Refusal as refusal:
            return _response(refusal.status, {"__type": refusal.code, "Message": refusal.message})
        except Exception as error:
            self._broken.append(error)
            return _response(400, {"__type": "StandInBroken", "Message": repr(error)})

    def _call(self, service: str, operation: str, body: bytes) -> dict[str, Any]:
        shape = service_model(service).operation_model(operation)
        parameters = read_json(body)
        check_request(shape, parameters)
        method: Callable[[dict[str, Any]], dict[str, Any]] | None = {
            "StartQueryExecution": self._start,
            "GetQueryExecution": self._get,
            "GetQueryResults": self._results,
            "StopQueryExecution": self._stop,
            "GetWorkGroup": self._workgroup,
            "GetDatabase": self._database,
            "GetTable": self._table,
            "BatchCreatePartition": self._partitions,
        }.get(operation)
        if method is None:
            raise Refusal("InvalidRequestException", f"the stand-in does not do {operation}")
        with self._guard:
            answer = method(parameters)
        check_answer(shape, _checkable(answer))
        return answer

    def _start(self, parameters: dict[str, Any]) -> dict[str, Any]:
        token = parameters.get("ClientRequestToken")
        if token in self._tokens:
            first, asked = self._tokens[token]
            if asked != parameters:
                raise Refusal("InvalidRequestException", "Idempotent parameters do not match")
            return {"QueryExecutionId": first}
        if parameters.get("WorkGroup") not in (WORKGROUP, OPEN_WORKGROUP):
            raise Refusal("InvalidRequestException", "WorkGroup is not found.")
        query = Query(
            str(uuid.uuid4()),
            parameters["QueryString"],
            parameters.get("ExecutionParameters", []),
            parameters.get("QueryExecutionContext", {}).get("Database", ""),
        )
        self.queries[query.id] = query
        if token is not None:
            self._tokens[token] = (query.id, parameters)
        acts, self.acts = self.acts[:1], self.acts[1:]
        threading.Thread(target=self._run, args=(query, acts), daemon=True).start()
        return {"QueryExecutionId": query.id}

    def _run(self, query: Query, acts: list[Callable[[Query], None]]) -> None:
        query.state = "RUNNING"
        try:
            for act in acts:
                act(query)
            answer = self.engine.run(query.database, query.text, query.values)
            if answer.scanned > self.cutoff:
                query.reason = "Query cancelled! : Bytes scanned limit was exceeded"
                query.stopped.set()
            query.answer = answer
        except QueryError as error:
            query.error, query.reason = error, str(error)
        except Exception as error:
            query.error, query.reason = QueryError(f"the stand-in broke: {error!r}", 1), repr(error)
            self._broken.append(error)
        query.state = (
            "CANCELLED" if query.stopped.is_set() else "FAILED" if query.error else "SUCCEEDED"
        )

    def _find(self, parameters: dict[str, Any]) -> Query:
        query = self.queries.get(parameters["QueryExecutionId"])
        if query is None:
            raise Refusal("InvalidRequestException", "QueryExecution was not found")
        return query

    def _get(self, parameters: dict[str, Any]) -> dict[str, Any]:
        query = self._find(parameters)
        status: dict[str, Any] = {"State": query.state, "SubmissionDateTime": query.submitted}
        if query.state in ("FAILED", "CANCELLED") and query.reason:
            status["StateChangeReason"] = query.reason
        if query.state == "FAILED" and query.error is not None:
            status["AthenaError"] = {
                "ErrorCategory": query.error.category,
                "ErrorType": 1,
                "Retryable": query.error.retryable,
                "ErrorMessage": str(query.error),
            }
        scanned = query.answer.scanned if query.answer else 0
        statistics = {
            "EngineExecutionTimeInMillis": 120,
            "DataScannedInBytes": scanned,
            "QueryQueueTimeInMillis": 30,
        }
        return {
            "QueryExecution": {
                "QueryExecutionId": query.id,
                "Query": query.text,
                "Status": status,
                "Statistics": statistics,
            }
        }

    def _results(self, parameters: dict[str, Any]) -> dict[str, Any]:
        query = self._find(parameters)
        if query.state != "SUCCEEDED" or query.answer is None:
            raise Refusal("InvalidRequestException", f"Query did not finish: {query.state}")
        answer = query.answer
        rows: list[tuple[str | None, ...]] = list(answer.rows)
        if answer.is_select:
            rows.insert(0, tuple(name for name, _ in answer.columns))
        start, size = int(parameters.get("NextToken", "0")), parameters.get("MaxResults", 1000)
        page: dict[str, Any] = {
            "ResultSet": {
                "Rows": [
                    {"Data": [{} if v is None else {"VarCharValue": v} for v in row]}
                    for row in rows[start : start + size]
                ],
                "ResultSetMetadata": {
                    "ColumnInfo": [{"Name": name, "Type": kind} for name, kind in answer.columns]
                },
            }
        }
        return page | ({"NextToken": str(start + size)} if start + size < len(rows) else {})

    def _stop(self, parameters: dict[str, Any]) -> dict[str, Any]:
        self._find(parameters).stopped.set()
        return {}

    def _workgroup(self, parameters: dict[str, Any]) -> dict[str, Any]:
        name = parameters["WorkGroup"]
        if name not in (WORKGROUP, OPEN_WORKGROUP):
            raise Refusal("InvalidRequestException", "WorkGroup is not found.")
        settings: dict[str, Any] = {"EnforceWorkGroupConfiguration": False}
        if name == WORKGROUP:
            settings = {
                "EnforceWorkGroupConfiguration": True,
                "ResultConfiguration": {"OutputLocation": f"s3://{self.bucket}/results/"},
                "BytesScannedCutoffPerQuery": self.cutoff,
            }
        return {"WorkGroup": {"Name": name, "Configuration": settings}}

    def _database(self, parameters: dict[str, Any]) -> dict[str, Any]:
        if parameters["Name"] not in self.engine.databases:
            raise Refusal("EntityNotFoundException", f"Database {parameters['Name']} not found.")
        return {"Database": {"Name": parameters["Name"]}}

    def _table(self, parameters: dict[str, Any]) -> dict[str, Any]:
        database = parameters["DatabaseName"]
        table = self.engine.databases.get(database, {}).get(parameters["Name"])
        if table is None:
            raise Refusal("EntityNotFoundException", f"Entity Not Found: {parameters['Name']}")
        return {"Table": table.glue(database)}

    def _partitions(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = parameters["PartitionInputList"]
        if len(given) > 100:
            raise Refusal("InvalidInputException", "more than 100 partitions")
        table = self.engine.databases[parameters["DatabaseName"]][parameters["TableName"]]
        errors = []
        for each in given:
            values = tuple(each["Values"])
            if values in table.registered:
                detail = {"ErrorCode": "AlreadyExistsException", "ErrorMessage": "there already"}
                errors.append({"PartitionValues": list(values), "ErrorDetail": detail})
            table.registered.add(values)
        return {"Errors": errors} if errors else {}


def _checkable(answer: Any) -> Any:
    """The answer with times as botocore's validator wants them."""
    if isinstance(answer, dict):
        return {
            name: datetime.fromtimestamp(value) if name.endswith("DateTime") else _checkable(value)
            for name, value in answer.items()
        }
    return [_checkable(each) for each in answer] if isinstance(answer, list) else answer


def _response(status: int, document: Any) -> tuple[int, str, list[tuple[str, str]], bytes]:
    kind = [("Content-Type", "application/x-amz-json-1.1")]
    return status, HTTPStatus(status).phrase, kind, json.dumps(document).encode()

"""All of AWS for tests behind one address: EMR and EMR Serverless here, the rest by moto.

`FakeAws` is a `FaultProxy` whose EMR requests never reach the server behind it. Whatever the proxy
can do to a request it can do to EMR's: reset, cut, delay, answer in its place (`throttling()`,
`internal_error()` below), or lose the response after the request was carried out.
"""

from __future__ import annotations

import json
import re
import threading
from http import HTTPStatus
from types import TracebackType
from typing import Any

from tests.fakes.emr.clock import Clock
from tests.fakes.emr.ids import REGION
from tests.fakes.emr.logs import LogStore
from tests.fakes.emr.runners import Runner, ScriptedRunner
from tests.fakes.emr.serverless import ServerlessService
from tests.fakes.emr.service import EmrService
from tests.fakes.faults import Answer, FaultProxy, Request
from tests.fakes.s3 import CREDENTIALS, S3Server
from tests.fakes.sessions import fake_session
from tests.fakes.validation import Refusal, read_json

TARGET = "ElasticMapReduce."
Response = tuple[int, str, list[tuple[str, str]], bytes]


class FakeAws(FaultProxy):
    """The stand-in for AWS; a context manager.

    Parameters
    ----------
    s3 : S3Server
        moto, which gets all that is not EMR's, byte for byte.
    runner : Runner, optional
        Carries out steps and job runs; a `ScriptedRunner` if not given.
    clock : Clock, optional
        Real time if not given.

    Attributes
    ----------
    endpoint_url : str
        For `AWS_ENDPOINT_URL` or `--endpoint-url`.
    emr : EmrService
    serverless : ServerlessService
    logs : LogStore
        Its `every` and `delay` may be set.
    """

    def __init__(
        self, s3: S3Server, runner: Runner | None = None, clock: Clock | None = None
    ) -> None:
        super().__init__(s3.endpoint_url)
        self._state = threading.RLock()
        self._broken: list[Exception] = []
        self._clients: dict[str, Any] = {}
        self.s3 = self.session().client("s3", endpoint_url=s3.endpoint_url)
        self.clock = clock or Clock()
        self.runner = runner or ScriptedRunner()
        self.runner.environment = self.environment
        self.logs = LogStore(self.s3)
        self.emr = EmrService(self.clock, self.runner, self.logs)
        self.serverless = ServerlessService(self.clock, self.runner, self.logs)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self.runner.close()
        if error is None and self._broken:
            raise self._broken[0]

    @property
    def scripts(self) -> ScriptedRunner:
        """The scripted runner, to be told how steps go."""
        assert isinstance(self.runner, ScriptedRunner)
        return self.runner

    @property
    def environment(self) -> dict[str, str]:
        """What a client's process needs to reach this instead of AWS."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    def session(self) -> Any:
        """A boto3 session with credentials and region, as `stormlake.running.aws.Aws` takes one."""
        return fake_session(REGION)

    def client(self, service: str) -> Any:
        """A boto3 client of any service, at this address; made once."""
        if service not in self._clients:
            self._clients[service] = self.session().client(service, endpoint_url=self.endpoint_url)
        return self._clients[service]

    def tick(self) -> None:
        """Let happen what is due by now; every request does so first."""
        with self._state:
            self.emr.tick()
            self.serverless.tick()

    def forward(self, request: Request) -> Response:
        """Answer EMR's requests here, send others on (called by the handler)."""
        try:
            with self._state:
                self.tick()
                target = request.headers.get("x-amz-target", "")
                if target.startswith(TARGET):
                    return self._emr(target.removeprefix(TARGET), request.body)
                if _signed_for(request) == "emr-serverless":
                    return self._serverless(request)
        except Exception as error:
            # A fault of the stand-in's own must fail the test, whatever the client makes of it. No
            # 5xx, which clients try again.
            self._broken.append(error)
            return _response(400, {"__type": "StandInBroken", "message": repr(error)}, [])
        return super().forward(request)

    def _emr(self, operation: str, body: bytes) -> Response:
        try:
            return _response(200, self.emr.call(operation, read_json(body)), [], "1.1")
        except Refusal as refusal:
            document = {"__type": refusal.code, "Message": refusal.message, **refusal.members}
            return _response(refusal.status, document, [], "1.1")

    def _serverless(self, request: Request) -> Response:
        try:
            answer = self.serverless.call(request.method, request.target, request.body)
            return _response(200, answer, [])
        except Refusal as refusal:
            kind = [("x-amzn-ErrorType", refusal.code)]
            return _response(refusal.status, {"message": refusal.message}, kind)


def throttling() -> Answer:
    """Answer as EMR does to too many requests."""
    return _injected(400, "ThrottlingException", "Rate exceeded")


def internal_error() -> Answer:
    """Answer with EMR's 500."""
    return _injected(500, "InternalFailure", "An internal error occurred.")


def _injected(status: int, code: str, message: str) -> Answer:
    """An error that both protocols understand: type in the body and in a header."""
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(
        status, body, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}
    )


def _signed_for(request: Request) -> str | None:
    """Service of the signature's scope: `Credential=KEY/DATE/REGION/SERVICE/aws4_request`."""
    found = re.search(
        r"Credential=[^/]+/\d+/[^/]+/([^/]+)/aws4_request", request.headers.get("authorization", "")
    )
    return found and found.group(1)


def _response(
    status: int, document: Any, headers: list[tuple[str, str]], version: str | None = None
) -> Response:
    kind = "application/json" if version is None else f"application/x-amz-json-{version}"
    body = json.dumps(document).encode()
    return status, HTTPStatus(status).phrase, [("Content-Type", kind), *headers], body

"""The one place where tests make a network go wrong: a proxy in front of any HTTP server.

    with FaultProxy("http://127.0.0.1:5000") as proxy:
        proxy.inject(Rule(slow_down(), method="GET", path=r"\\?list-type=2", times=3))
        client = session.client("s3", endpoint_url=proxy.endpoint_url)
        ...
        assert [request.status for request in proxy.requests] == [503, 503, 503, 200]

The proxy knows nothing of what it carries, so it stands before S3, EMR or Redshift servers alike.
It runs in threads of the test's process, listens on a free port of the loopback interface, passes
every request on byte for byte (with the caller's Host header, which signatures cover), and keeps
a record of each. The first rule, in the order injected, that matches a request and is due decides
its fate; without one the request passes.
"""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import urlsplit

HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"}
ONCE_PER_HOP = HOP_BY_HOP | {"expect", "content-length"}


@dataclass(frozen=True)
class Answer:
    """The proxy answers itself; the server never sees the request."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Reset:
    """The connection is reset before any answer; the server never sees the request."""


@dataclass(frozen=True)
class Cut:
    """The answer's headers promise the whole body, but only `after` bytes of it arrive.

    `reset`: end with a TCP reset instead of an orderly close.
    """

    after: int
    reset: bool = False


@dataclass(frozen=True)
class Delay:
    """The request passes after `seconds`."""

    seconds: float


@dataclass(frozen=True)
class LoseResponse:
    """The server accepts the request and answers; the connection is reset before the answer."""


Fault = Answer | Reset | Cut | Delay | LoseResponse


def s3_error(status: int, code: str, message: str = "injected by the test") -> Answer:
    """Build an error as S3 words it."""
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    )
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})


def slow_down() -> Answer:
    """S3's throttling."""
    return s3_error(503, "SlowDown", "Please reduce your request rate.")


def internal_error() -> Answer:
    """S3's 500."""
    return s3_error(500, "InternalError", "We encountered an internal error. Please try again.")


@dataclass(frozen=True)
class Rule:
    """Which requests a fault befalls.

    Parameters
    ----------
    fault : Fault
    method : str or None
        `GET`, ...; None matches all.
    path : str or None
        Regular expression, searched in path and query as sent (percent-encoded).
    header : (str, str) or None
        Header name and a regular expression searched in its value, e.g.
        `("X-Amz-Target", "AddJobFlowSteps$")`.
    skip : int
        Matching requests that pass before the first fault.
    every : int
        Of the matching requests after those, the first of every `every` is hit.
    times : int or None
        Faults in all; None never ends.
    """

    fault: Fault
    method: str | None = None
    path: str | None = None
    header: tuple[str, str] | None = None
    skip: int = 0
    every: int = 1
    times: int | None = 1

    def matches(self, request: Request) -> bool:
        return (
            (self.method is None or self.method == request.method)
            and (self.path is None or re.search(self.path, request.target) is not None)
            and (
                self.header is None
                or re.search(self.header[1], request.headers.get(self.header[0].lower(), ""))
                is not None
            )
        )


@dataclass
class Request:
    """One request as the proxy got it, and what became of it.

    Parameters
    ----------
    method, target : str
        `target` is path and query as sent.
    headers : mapping of str to str
        Names in lower case.
    body : bytes
    fault : Fault or None
        What befell it.
    status : int or None
        What the caller was told; None where the connection was reset first.
    """

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    fault: Fault | None = None
    status: int | None = None


class FaultProxy:
    """A reverse proxy with scripted faults; a context manager.

    Parameters
    ----------
    upstream : str
        `http://host:port` of the real server.
    """

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        assert parts.scheme == "http" and parts.hostname and parts.port, upstream
        self._upstream = (parts.hostname, parts.port)
        self._lock = threading.Lock()
        self._rules: list[tuple[Rule, _Count]] = []
        self._requests: list[Request] = []
        handler = type("BoundHandler", (_Handler,), {"proxy": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.endpoint_url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def inject(self, *rules: Rule) -> None:
        """Add rules behind those that are there."""
        with self._lock:
            self._rules += [(rule, _Count()) for rule in rules]

    def clear(self) -> None:
        """Forget all rules and the record."""
        with self._lock:
            self._rules.clear()
            self._requests.clear()

    @property
    def requests(self) -> list[Request]:
        """The record so far, in order of arrival."""
        with self._lock:
            return list(self._requests)

    @property
    def faults(self) -> int:
        """How many requests a fault befell."""
        return sum(request.fault is not None for request in self.requests)

    def decide(self, request: Request) -> Fault | None:
        """Record a request and choose its fate (called by the handler)."""
        with self._lock:
            self._requests.append(request)
            for rule, count in self._rules:
                if rule.matches(request) and count.due(rule):
                    request.fault = rule.fault
                    break
            return request.fault

    def forward(self, request: Request) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """Send a request on; give status, reason, headers, body (called by the handler)."""
        connection = http.client.HTTPConnection(*self._upstream, timeout=60)
        try:
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in request.headers.items():
                if name not in ONCE_PER_HOP:
                    connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            answer = connection.getresponse()
            return answer.status, answer.reason, answer.getheaders(), answer.read()
        finally:
            connection.close()


@dataclass
class _Count:
    matched: int = 0
    hit: int = 0

    def due(self, rule: Rule) -> bool:
        position = self.matched - rule.skip
        self.matched += 1
        if (
            position < 0
            or position % rule.every
            or (rule.times is not None and self.hit >= rule.times)
        ):
            return False
        self.hit += 1
        return True


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a caller's idle keep-alive connection would hold up the test
    request_queue_size = 128

    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that hangs up is part of the game."""


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar[FaultProxy]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __getattr__(self, name: str) -> object:
        # BaseHTTPRequestHandler looks up do_GET, do_PUT, ...: every method is handled alike.
        if name.startswith("do_"):
            return self._handle
        raise AttributeError(name)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean; the record says more."""

    def _handle(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.command, self.path, headers, self._body(headers))
        fault = self.proxy.decide(request)
        match fault:
            case Reset():
                return self._reset()
            case Answer(status, body, extra):
                return self._answer(request, status, None, list(extra.items()), body)
            case Delay(seconds):
                time.sleep(seconds)
        status, reason, answered, body = self.proxy.forward(request)
        if isinstance(fault, LoseResponse):
            return self._reset()
        cut = fault if isinstance(fault, Cut) else None
        return self._answer(request, status, reason, answered, body, cut)

    def _body(self, headers: Mapping[str, str]) -> bytes:
        if headers.get("transfer-encoding", "").lower() != "chunked":
            return self.rfile.read(int(headers.get("content-length", 0)))
        body = bytearray()
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():  # trailers
            pass
        return bytes(body)

    def _answer(
        self,
        request: Request,
        status: int,
        reason: str | None,
        headers: list[tuple[str, str]],
        body: bytes,
        cut: Cut | None = None,
    ) -> None:
        request.status = status
        self.send_response_only(status, reason)
        length = str(len(body))
        for name, value in headers:
            if name.lower() == "content-length":
                # The answer to HEAD says the length of a body that does not come.
                length = value if request.method == "HEAD" else length
            elif name.lower() not in HOP_BY_HOP:
                self.send_header(name, value)
        if status >= 200 and status != 204:
            self.send_header("Content-Length", length)
        self.end_headers()
        if request.method == "HEAD":
            return
        self.wfile.write(body if cut is None else body[: cut.after])
        if cut is not None:
            self.close_connection = True
            if cut.reset:
                # Let the bytes arrive first: a reset may overtake what is still unread.
                time.sleep(0.05)
                self._reset()

    def _reset(self) -> None:
        """Close so that the caller gets a TCP reset (RFC 9293, 3.10.7.1; SO_LINGER of 0 s)."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.rfile.close()
        self.wfile.close()
        self.connection.close()

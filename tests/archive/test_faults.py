"""The fault proxy itself, in front of the smallest of servers: it answers with what it was sent."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.fakes.faults import (
    Answer,
    Cut,
    Delay,
    FaultProxy,
    LoseResponse,
    Reset,
    Rule,
    internal_error,
    slow_down,
)


class Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("X-Host", self.headers["Host"])
        self.send_header("X-Path", self.path)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_HEAD(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "12345")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def proxy(upstream: str) -> Iterator[FaultProxy]:
    with FaultProxy(upstream) as running:
        yield running


def post(
    proxy: FaultProxy, body: bytes = b"hello", path: str = "/", **headers: str
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(proxy.endpoint_url.removeprefix("http://"), timeout=20)
    try:
        connection.request("POST", path, body, {k.replace("_", "-"): v for k, v in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_without_rules_requests_and_answers_pass_byte_for_byte(proxy: FaultProxy) -> None:
    body = bytes(range(256)) * 1000
    host = proxy.endpoint_url.removeprefix("http://")
    connection = http.client.HTTPConnection(host)
    connection.request("POST", "/a%20b?x=%2F&y", body, {"X-Amz-Target": "Do.It"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (201, body)
    assert answer.headers["X-Path"] == "/a%20b?x=%2F&y"
    assert answer.headers["X-Host"] == host  # a signature covers it
    connection.request("HEAD", "/")  # on the same connection
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Content-Length"], answer.read()) == (200, "12345", b"")
    connection.close()
    first, second = proxy.requests
    assert (first.method, first.target, first.body) == ("POST", "/a%20b?x=%2F&y", body)
    assert (first.headers["x-amz-target"], first.fault, first.status) == ("Do.It", None, 201)
    assert second.method == "HEAD"


def test_a_chunked_request_arrives_whole(proxy: FaultProxy) -> None:
    connection = http.client.HTTPConnection(proxy.endpoint_url.removeprefix("http://"))
    connection.request("POST", "/", iter([b"hel", b"lo"]), encode_chunked=True)
    assert connection.getresponse().read() == b"hello"
    connection.close()


def test_an_answer_is_given_as_often_as_its_rule_says_and_the_server_does_not_see_it(
    proxy: FaultProxy,
) -> None:
    proxy.inject(Rule(Answer(418, b"teapot", {"X-Why": "test"}), times=2))
    assert [post(proxy) for _ in range(3)] == [(418, b"teapot"), (418, b"teapot"), (201, b"hello")]
    assert proxy.faults == 2


def test_s3_errors_are_worded_as_s3_does(proxy: FaultProxy) -> None:
    proxy.inject(Rule(slow_down()), Rule(internal_error()))
    (busy, slow), (broken, internal) = post(proxy), post(proxy)
    assert (busy, broken) == (503, 500)
    assert b"<Code>SlowDown</Code>" in slow
    assert b"<Code>InternalError</Code>" in internal


def test_a_rule_chooses_by_method_path_and_header(proxy: FaultProxy) -> None:
    proxy.inject(
        Rule(Answer(500), method="GET", times=None),
        Rule(Answer(501), path=r"^/one\?", times=None),
        Rule(Answer(502), header=("X-Amz-Target", "AddSteps$"), times=None),
    )
    assert post(proxy)[0] == 201
    assert post(proxy, path="/one?x")[0] == 501
    assert post(proxy, path="/two/one")[0] == 201
    assert post(proxy, X_Amz_Target="Emr.AddSteps")[0] == 502
    assert post(proxy, X_Amz_Target="Emr.AddStepsNot")[0] == 201


def test_a_rule_skips_then_hits_every_nth_so_many_times(proxy: FaultProxy) -> None:
    proxy.inject(Rule(Answer(500), skip=1, every=2, times=2))
    assert [post(proxy)[0] for _ in range(7)] == [201, 500, 201, 500, 201, 201, 201]


def test_a_reset_reaches_the_caller_and_not_the_server(proxy: FaultProxy) -> None:
    proxy.inject(Rule(Reset()))
    with pytest.raises(ConnectionResetError):
        post(proxy)
    assert post(proxy) == (201, b"hello")
    assert [request.status for request in proxy.requests] == [None, 201]


@pytest.mark.parametrize("reset", [False, True])
def test_a_cut_body_promises_more_than_it_gives(proxy: FaultProxy, reset: bool) -> None:
    proxy.inject(Rule(Cut(2, reset)))
    with pytest.raises(ConnectionResetError if reset else http.client.IncompleteRead) as caught:
        post(proxy)
    if isinstance(caught.value, http.client.IncompleteRead):
        assert (caught.value.partial, caught.value.expected) == (b"he", 3)


def test_a_lost_response_was_accepted_by_the_server(upstream: str) -> None:
    with FaultProxy(upstream) as inner, FaultProxy(inner.endpoint_url) as outer:
        outer.inject(Rule(LoseResponse()))
        with pytest.raises(ConnectionResetError):
            post(outer)
        assert [request.status for request in inner.requests] == [201]
        assert [request.status for request in outer.requests] == [None]


def test_a_delay_comes_before_the_answer(proxy: FaultProxy) -> None:
    proxy.inject(Rule(Delay(0.3)))
    begun = time.monotonic()
    assert post(proxy) == (201, b"hello")
    assert time.monotonic() - begun >= 0.3


def test_clearing_forgets_rules_and_record(proxy: FaultProxy) -> None:
    proxy.inject(Rule(Answer(500), times=None))
    post(proxy)
    proxy.clear()
    assert proxy.requests == []
    assert post(proxy)[0] == 201

"""A real S3 protocol server for tests: moto's server in a process of its own.

    with s3_server() as server:
        server.seed("archive", {"2016/06/01/KLBB/KLBB20160601_150025_V06": data}, public=True)
        client = server.client()

Nothing inside the test's process is patched, so Spark's workers and commands started by a test
reach it as they would reach S3. It listens on a free port of the loopback interface and ends with
the process that started it, whichever way that one ends. It serves unsigned reads of
public objects and takes any signature: who signs what is seen in the proxy's record
(`tests/fakes/faults.py`).
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
"""For the environment of whoever has to sign; the server takes any."""


@dataclass(frozen=True)
class S3Server:
    """A running server.

    Parameters
    ----------
    endpoint_url : str
        `http://127.0.0.1:port`.
    """

    endpoint_url: str

    def client(self, endpoint_url: str | None = None) -> Any:
        """Return a signing client, for seeding and looking; `endpoint_url` may be a proxy's."""
        import boto3

        return boto3.session.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name="us-east-1",
        ).client("s3", endpoint_url=endpoint_url or self.endpoint_url)

    def seed(self, bucket: str, objects: Mapping[str, bytes], *, public: bool = False) -> None:
        """Create the bucket where it is missing and put the objects.

        `public` objects can be read without a signature, others get 403, as at AWS.
        """
        client = self.client()
        acl = "public-read" if public else "private"
        client.create_bucket(Bucket=bucket)
        with ThreadPoolExecutor(8) as pool:
            for done in [
                pool.submit(client.put_object, Bucket=bucket, Key=key, Body=body, ACL=acl)
                for key, body in objects.items()
            ]:
                done.result()


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Start a server with no buckets; stop it in the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__],
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        endpoint_url = process.stdout.readline().strip()
        assert endpoint_url, (
            "moto's server did not start; run `python -m tests.fakes.s3` to see why"
        )
        yield S3Server(endpoint_url)
    finally:
        process.stdin.close()  # the server waits for this
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


class _Atomic:
    """moto behind a lock for conditional writes: at S3 and DynamoDB one of many at once succeeds.

    moto looks whether the condition holds and then writes, with nothing to keep another from
    writing in between. A race of eight threads seems to have had two winners once.
    """

    def __init__(self, app: Any) -> None:
        self._app = app
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        to_dynamodb = "DynamoDB" in environ.get("HTTP_X_AMZ_TARGET", "")
        if not to_dynamodb and not {"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"} & environ.keys():
            return self._app(environ, start_response)
        with self._lock:
            return list(self._app(environ, start_response))


def _serve() -> None:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    assert server._server is not None
    server._server.app = _Atomic(server._server.app)
    host, port = server.get_host_and_port()
    print(f"http://{host}:{port}", flush=True)
    sys.stdin.read()
    server.stop()


if __name__ == "__main__":
    _serve()

"""Reading an object of S3, whole or a part of it, although its body may break off.

botocore retries a request until its response has begun; a body that breaks off after that is
ours to read again.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any, Final

from stormlake.archive.objects import FetchFailed, refuse_large
from stormlake.archive.s3 import PATIENT, failures, status_of

_SINCE_LISTED: Final = {404: "gone", 412: "changed", 416: "became shorter"}
"""What an answer of this status says of an object that was listed before."""

_LOG = logging.getLogger(__name__)


def read_object(
    client: Any,
    bucket: str,
    key: str,
    attempts: int = PATIENT.body_attempts,
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """Read a whole object, again when its body breaks off.

    Raises
    ------
    FetchFailed
        The store refuses it, or every attempt broke off.
    """
    wanted = {"Bucket": bucket, "Key": key}
    return _read(client, wanted, lambda length: refuse_large(key, length), attempts, sleep)


def read_range(
    client: Any,
    bucket: str,
    key: str,
    offset: int,
    size: int,
    etag: str | None = None,
    attempts: int = PATIENT.body_attempts,
    sleep: Callable[[float], None] = time.sleep,
) -> bytes:
    """Read a part of an object, again when its body breaks off.

    Parameters
    ----------
    client
        From `make_client`.
    bucket, key : str
    offset, size : int
        Bytes; all of them have to lie in the object, and there is at least one.
    etag : str or None
        As listed, with its quotes; an object that has another one now is not read.

    Raises
    ------
    FetchFailed
        The object is gone or has changed, the store refuses it, or every attempt broke off.
    """
    wanted = {"Bucket": bucket, "Key": key, "Range": f"bytes={offset}-{offset + size - 1}"}
    if etag:
        wanted["IfMatch"] = etag

    def check(length: int) -> None:
        # A server that takes no ranges would send the whole object, however large it is.
        if length != size:
            raise FetchFailed(
                f"s3://{bucket}/{key}: {length} bytes came for the {size} at byte {offset}; "
                "it changed while it was read, or the server takes no ranges"
            )

    return _read(client, wanted, check, attempts, sleep)


def _read(
    client: Any,
    wanted: dict[str, str],
    check: Callable[[int], None],
    attempts: int,
    sleep: Callable[[float], None],
) -> bytes:
    """Ask for an object until its body came whole; `check` may refuse the length announced."""
    name = f"s3://{wanted['Bucket']}/{wanted['Key']}"
    for attempt in range(attempts):
        try:
            response = client.get_object(**wanted)
        except failures() as error:  # botocore has retried what may pass
            status = status_of(error)
            since = _SINCE_LISTED.get(status)
            what = f"{since} since it was listed: {error}" if since else str(error)
            raise FetchFailed(f"{name}: {what}", lasting=status == 404) from error
        check(response["ContentLength"])
        try:
            # closing(), as botocore's own context manager gives the raw stream, without its checks.
            with closing(response["Body"]) as body:
                data: bytes = body.read()
            if len(data) == response["ContentLength"]:
                return data
            problem = f"{len(data)} of {response['ContentLength']} bytes"
        except failures() as error:
            problem = str(error)
        _LOG.warning("%s broke off (%s), attempt %d", name, problem, attempt + 1)
        if attempt + 1 < attempts:
            # Full jitter: a thousand tasks that were cut together must not come back together.
            sleep(random.random() * min(2.0**attempt, 20.0))
    raise FetchFailed(f"{name} broke off {attempts} times, last: {problem}")

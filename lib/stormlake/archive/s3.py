"""An archive in S3: a client, a listing of station-days, and a fetch that survives a cut body.

botocore retries a request until its response has begun; a body that breaks off after that is
ours to read again. Errors become ours here, so that nobody else needs to know botocore's.
"""

from __future__ import annotations

import datetime as dt
import logging
import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from stormlake.archive.keys import ArchiveKey, parse_key, station_day_prefix
from stormlake.archive.objects import ArchiveObject, FetchFailed, refuse_large
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError

DEFAULT_SOURCE: Final = "s3://unidata-nexrad-level2"
"""The public archive. Reads of it are unsigned; every other bucket's are signed."""

DEFAULT_REGION: Final = "us-east-1"
"""Where the public archive lies."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Patience:
    """How long to try before a service counts as out of reach.

    Parameters
    ----------
    attempts : int
        Requests in all for one call, the first one included; botocore waits between them
        (mode "standard": random * min(2 ** n, 20) s).
    body_attempts : int
        Times that an object is asked for when its body breaks off.
    connect_timeout, read_timeout : float
        Seconds.
    """

    attempts: int = 9
    body_attempts: int = 5
    connect_timeout: float = 5.0
    read_timeout: float = 60.0


PATIENT: Final = Patience()
PROBE: Final = Patience(attempts=4, read_timeout=20.0)
"""For the first request of a run: a wrong endpoint or no network is told within seconds."""


def make_client(
    session: Any, *, endpoint_url: str | None, unsigned: bool, patience: Patience = PATIENT
) -> Any:
    """S3 client of a session, for the archive's reads.

    Parameters
    ----------
    session : boto3.session.Session
        Owns region and credentials.
    endpoint_url : str or None
        Another S3 server than AWS.
    unsigned : bool
        Whether to send no signature, as a public bucket wants it.
    patience : Patience

    Raises
    ------
    RefusedInput
        The endpoint or region cannot be used as given.
    """
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        signature_version=UNSIGNED if unsigned else None,
        retries={"mode": "standard", "total_max_attempts": patience.attempts},
        connect_timeout=patience.connect_timeout,
        read_timeout=patience.read_timeout,
    )
    try:
        return session.client("s3", endpoint_url=endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise RefusedInput(f"no S3 client for endpoint {endpoint_url!r}: {error}") from error


def make_session(region: str | None, aws_profile: str | None) -> Any:
    """Session for a region and a named AWS profile (None: the environment's)."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        return boto3.session.Session(region_name=region, profile_name=aws_profile)
    except BotoCoreError as error:
        raise RefusedInput(f"AWS profile {aws_profile!r}: {error}") from error


def probe(client: Any, bucket: str, prefix: str) -> None:
    """Raise what `list_station_days` would, soon, when the bucket is out of reach or refused.

    A server that answers "later" (throttling, 5xx) passes: the patient client deals with it.
    """
    try:
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except _failures() as error:
        if _status(error) < 500:
            raise listing_error(error, bucket, client.meta.endpoint_url) from error


def list_station_days(
    client: Any,
    *,
    bucket: str,
    prefix: str,
    stations: Collection[str],
    start: dt.date,
    end: dt.date,
    page_size: int = 1000,
) -> Iterator[ArchiveObject]:
    """Objects of the archive, one prefix per station and day, one page in memory at a time.

    Parameters
    ----------
    client
        From `make_client`.
    bucket, prefix : str
        Where the archive's layout begins; `prefix` is empty or ends in `/`.
    stations : collection of str
    start, end : date
        Half-open window of UTC days.
    page_size : int
        Keys per request, at most 1000.

    Yields
    ------
    ArchiveObject
        Keys without `prefix`, in order of station, day, key.

    Raises
    ------
    RefusedInput, ServiceUnreachable
        See `listing_error`.
    """
    pages = client.get_paginator("list_objects_v2")
    for station in sorted(set(stations)):
        for day in _days(start, end):
            wanted = prefix + station_day_prefix(station, day)
            try:
                for page in pages.paginate(
                    Bucket=bucket, Prefix=wanted, PaginationConfig={"PageSize": page_size}
                ):
                    for entry in page.get("Contents", ()):
                        key = entry["Key"].removeprefix(prefix)
                        yield _object(key, entry["Size"], station, day)
            except _failures() as error:
                raise listing_error(error, bucket, client.meta.endpoint_url) from error


def listing_error(error: Exception, bucket: str, endpoint: str) -> StormlakeError:
    """Turn botocore's error of a listing into ours: refused input, or out of reach."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if _status(error) >= 500 or code in {"SlowDown", "RequestTimeout", "Throttling"}:
            return ServiceUnreachable(f"{endpoint} kept answering {code} for {bucket!r}: {error}")
        return RefusedInput(
            f"bucket {bucket!r} cannot be listed at {endpoint}: {error}; check --source, --region, "
            f"--aws-profile (the public archive is {DEFAULT_SOURCE}, all others need credentials)"
        )
    if isinstance(error, ConnectionError | HTTPClientError | ResponseParserError | OSError):
        return ServiceUnreachable(
            f"no answer from {endpoint} for {bucket!r}: {error}; check network and --endpoint-url"
        )
    return RefusedInput(
        f"bucket {bucket!r} cannot be listed at {endpoint}: {error}; check --source, --region and "
        "the AWS credentials"
    )


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
    for attempt in range(attempts):
        try:
            response = client.get_object(Bucket=bucket, Key=key)
        except _failures() as error:  # botocore has retried what may pass
            raise FetchFailed(f"s3://{bucket}/{key}: {error}") from error
        refuse_large(key, response["ContentLength"])
        try:
            # closing(), as botocore's own context manager gives the raw stream, without its checks.
            with closing(response["Body"]) as body:
                data: bytes = body.read()
            if len(data) == response["ContentLength"]:
                return data
            problem = f"{len(data)} of {response['ContentLength']} bytes"
        except _failures() as error:
            problem = str(error)
        _LOG.warning("s3://%s/%s broke off (%s), attempt %d", bucket, key, problem, attempt + 1)
        if attempt + 1 < attempts:
            # Full jitter: a thousand tasks that were cut together must not come back together.
            sleep(random.random() * min(2.0**attempt, 20.0))
    raise FetchFailed(f"s3://{bucket}/{key} broke off {attempts} times, last: {problem}")


def _failures() -> tuple[type[Exception], ...]:
    """All that a request can raise; imported late, since a local folder needs none of it."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, ResponseParserError, OSError


def _object(key: str, size: int, station: str, day: dt.date) -> ArchiveObject:
    parsed = parse_key(key, size)
    if isinstance(parsed, ArchiveKey):
        return ArchiveObject(key, size, station, day, parsed.key_time)
    return ArchiveObject(key, size, station, day, skip=parsed.reason)


def _days(start: dt.date, end: dt.date) -> Iterator[dt.date]:
    return (start + dt.timedelta(days=n) for n in range((end - start).days))


def _status(error: Exception) -> int:
    """HTTP status of a service's answer; 0 where there was none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return 0
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

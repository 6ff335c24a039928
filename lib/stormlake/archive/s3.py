"""An archive in S3: a client, and listings. `s3_read` reads the objects.

Errors become ours in these two modules, so that nobody else needs to know botocore's.
"""

from __future__ import annotations

import datetime as dt
import os
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from stormlake.archive.keys import ArchiveKey, parse_key, station_day_prefix
from stormlake.archive.objects import ArchiveObject
from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError

DEFAULT_SOURCE: Final = "s3://unidata-nexrad-level2"
"""The public archive. Reads of it are unsigned; every other bucket's are signed."""

DEFAULT_REGION: Final = "us-east-1"
"""Where the public archive lies."""

_LAST_MODIFIED: Final = re.compile(rb"<LastModified>[^<]*</LastModified>")

PAGE_KEYS: Final = 1000
"""Keys of one answer to a listing; S3 gives no more."""


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
        client = session.client("s3", endpoint_url=endpoint_url, config=config)
    except (BotoCoreError, ValueError) as error:
        raise RefusedInput(f"no S3 client for endpoint {endpoint_url!r}: {error}") from error
    client.meta.events.register("before-parse.s3.ListObjectsV2", _drop_times)
    return client


def _drop_times(response_dict: dict[str, Any], **_: Any) -> None:
    """Take the times of objects out of a listing before botocore reads it: nobody asks for them,
    and reading them is two thirds of what a listing costs (benchmarks/listing.py).
    """
    response_dict["body"] = _LAST_MODIFIED.sub(b"", response_dict["body"])


def make_session(region: str | None, aws_profile: str | None) -> Any:
    """Session for a region and a named AWS profile (None: the environment's)."""
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.session.Session(region_name=region, profile_name=aws_profile)
        # Lambda, EMR and other SDKs know it by this name alone, which boto3 does not read.
        elsewhere = os.environ.get("AWS_REGION")
        if session.region_name is None and elsewhere:
            session = boto3.session.Session(region_name=elsewhere, profile_name=aws_profile)
        return session
    except BotoCoreError as error:
        raise RefusedInput(f"AWS profile {aws_profile!r}: {error}") from error


def probe(client: Any, bucket: str, prefix: str) -> None:
    """Raise what `list_station_days` would, soon, when the bucket is out of reach or refused.

    A server that answers "later" (throttling, 5xx) passes: the patient client deals with it.
    """
    try:
        client.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)
    except failures() as error:
        if status_of(error) < 500:
            raise listing_error(error, bucket, client.meta.endpoint_url) from error


def list_station_days(
    client: Any,
    *,
    bucket: str,
    prefix: str,
    stations: Collection[str],
    start: dt.date,
    end: dt.date,
    page_size: int = PAGE_KEYS,
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
    for station, day, wanted in station_day_prefixes(prefix, stations, start, end):
        for page in list_pages(client, bucket, wanted, page_size=page_size):
            for entry in page.get("Contents", ()):
                key = entry["Key"].removeprefix(prefix)
                yield archive_object(key, entry["Size"], station, day)


def station_day_prefixes(
    prefix: str, stations: Collection[str], start: dt.date, end: dt.date
) -> Iterator[tuple[str, dt.date, str]]:
    """What is listed: station, day, and the prefix of that day's objects in the bucket.

    Parameters
    ----------
    prefix, stations, start, end
        As of `list_station_days`.
    """
    for station in sorted(set(stations)):
        for day in _days(start, end):
            yield station, day, prefix + station_day_prefix(station, day)


def archive_object(key: str, size: int, station: str, day: dt.date) -> ArchiveObject:
    """Describe an object below the prefix of one station and day; `key` is without the source's."""
    parsed = parse_key(key, size)
    if isinstance(parsed, ArchiveKey):
        return ArchiveObject(key, size, station, day, parsed.key_time)
    return ArchiveObject(key, size, station, day, skip=parsed.reason)


def list_pages(
    client: Any, bucket: str, prefix: str, *, delimiter: str = "", page_size: int = PAGE_KEYS
) -> Iterator[dict[str, Any]]:
    """Answers of S3 to one listing, as they come; `listing_error` says what is raised.

    Parameters
    ----------
    client
        From `make_client`.
    bucket, prefix : str
    delimiter : str
        `/` lists one folder alone, with the folders in it as `CommonPrefixes`.
    page_size : int
        Keys and folders per answer, at most 1000.
    """
    grouped = {"Delimiter": delimiter} if delimiter else {}
    try:
        yield from client.get_paginator("list_objects_v2").paginate(
            Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": page_size}, **grouped
        )
    except failures() as error:
        raise listing_error(error, bucket, client.meta.endpoint_url) from error


def listing_error(error: Exception, bucket: str, endpoint: str) -> StormlakeError:
    """Turn botocore's error of a listing into ours: refused input, or out of reach."""
    from botocore.exceptions import ClientError, ConnectionError, HTTPClientError
    from botocore.parsers import ResponseParserError

    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
        if status_of(error) >= 500 or code in {"SlowDown", "RequestTimeout", "Throttling"}:
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


def failures() -> tuple[type[Exception], ...]:
    """All that a request can raise; imported late, since a local folder needs none of it."""
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError

    return BotoCoreError, ClientError, ResponseParserError, OSError


def _days(start: dt.date, end: dt.date) -> Iterator[dt.date]:
    return (start + dt.timedelta(days=n) for n in range((end - start).days))


def status_of(error: Exception) -> int:
    """HTTP status of a service's answer; 0 where there was none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return 0
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))

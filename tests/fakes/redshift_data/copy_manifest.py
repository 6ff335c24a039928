"""The manifest of a COPY and the files it names, fetched from the S3 server.

Amazon Redshift Database Developer Guide: "Using a manifest to specify data files" (mandatory is
false where it is not said; COPY fails when no file at all is found), "COPY from columnar data
formats" (`meta.content_length` is needed and must be the size), "COPY from Amazon S3" (REGION).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.fakes.redshift_data.copy_options import Copy
from tests.fakes.redshift_data.errors import WarehouseError


@dataclass(frozen=True)
class DataFile:
    url: str
    body: bytes


@dataclass(frozen=True)
class Reach:
    """What the warehouse can read: the S3 server, its own Region, and the roles that it has."""

    s3: Any
    region: str
    roles: frozenset[str]


def read_files(copy: Copy, reach: Reach) -> list[DataFile]:
    """Fetch the files of a COPY.

    Raises
    ------
    WarehouseError
        The role is not the warehouse's, a bucket is elsewhere, a file is missing or of another
        size, or the manifest is none.
    """
    if copy.iam_role not in reach.roles:
        raise WarehouseError(
            f"ERROR: User is not authorized to assume IAM Role {copy.iam_role} (error 8001)"
        )
    body = _fetch(reach, copy.source)
    if body is None:
        raise WarehouseError(
            f"ERROR: Problem reading manifest file - S3ServiceException: The specified key does "
            f"not exist., {copy.source}"
        )
    try:
        entries = json.loads(body)["entries"]
        assert isinstance(entries, list)
    except (ValueError, KeyError, TypeError, AssertionError) as error:
        raise WarehouseError(
            f"ERROR: manifest file is not in correct json format: {error!r}"
        ) from error
    files = [file for file in (_file(entry, copy, reach) for entry in entries) if file is not None]
    if not files:
        raise WarehouseError(f"ERROR: the manifest {copy.source} names no file that exists")
    return files


def _file(entry: dict[str, Any], copy: Copy, reach: Reach) -> DataFile | None:
    url = entry.get("url")
    if not isinstance(url, str) or not url.startswith("s3://"):
        raise WarehouseError(f"ERROR: manifest entry without a valid url: {entry}")
    length = entry.get("meta", {}).get("content_length")
    if copy.parquet and length is None:
        raise WarehouseError(
            f"ERROR: COPY with MANIFEST parameter requires full path of an S3 object and "
            f"meta.content_length: {url}"
        )
    body = _fetch(reach, url)
    if body is None:
        if entry.get("mandatory", False):
            raise WarehouseError(f"ERROR: Mandatory url is not present in manifest file. {url}")
        return None
    if copy.parquet and length != len(body):
        raise WarehouseError(
            f"ERROR: file size {len(body)} of {url} does not match content_length {length}"
        )
    return DataFile(url, body)


def _fetch(reach: Reach, url: str) -> bytes | None:
    bucket, _, key = url.removeprefix("s3://").partition("/")
    try:
        # None means us-east-1 (Amazon S3 API, "GetBucketLocation").
        found = reach.s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
        if found != reach.region:
            raise WarehouseError(
                "ERROR: S3ServiceException: The bucket you are attempting to access must be "
                f"addressed using the specified endpoint: {bucket} is in {found}, the warehouse "
                f"in {reach.region}; Error 301, PermanentRedirect"
            )
        body: bytes = reach.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404", "NoSuchBucket"):
            return None
        raise WarehouseError(f"ERROR: S3ServiceException: {error}") from error

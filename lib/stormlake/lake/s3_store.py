"""Control objects in a bucket, by conditional requests."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from stormlake.errors import ServiceUnreachable
from stormlake.lake.objects import AlreadyExists, Changed, Entry, Stored, StoreRefused, checked
from stormlake.lake.s3_advice import BY_CODE, NO_ANSWER, NO_CREDENTIALS

CONFLICTS: Final = 5
"""Puts that are tried while S3 answers 409 ConditionalRequestConflict, after which one is to
try again (Amazon S3 User Guide, conditional writes)."""


class S3Store:
    """Control objects in a bucket, by conditional puts (`If-None-Match`, `If-Match`).

    Parameters
    ----------
    client : botocore S3 client
        Made by the caller, who owns endpoint, region and credentials.
    bucket, prefix : str
        The lake's bucket and the path in it, without slashes at the ends.
    """

    _WRITE = "stormlake-write"

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = prefix.strip("/")

    def read(self, path: str) -> Stored | None:
        """Give the object, None when there is none."""
        with self._errors(path, missing_is_none=True):
            answer = self.client.get_object(Bucket=self.bucket, Key=self._key(path))
            return Stored(answer["Body"].read(), answer["ETag"])
        return None

    def create(self, path: str, data: bytes) -> str:
        """Write a new object and give its etag; raise AlreadyExists when there is one."""
        etag = self._put(path, data, IfNoneMatch="*")
        if etag is None:
            raise AlreadyExists(f"{self._url(path)} exists")
        return etag

    def replace(self, path: str, data: bytes, etag: str) -> str:
        """Write over the version `etag` and give the new one; raise Changed when it is not that."""
        new = self._put(path, data, IfMatch=etag)
        if new is None:
            raise Changed(f"{self._url(path)} is gone or another version")
        return new

    def delete(self, path: str, etag: str | None = None) -> None:
        """Remove the object; with `etag` only that version, else raise Changed."""
        condition = {} if etag is None else {"IfMatch": etag}
        try:
            with self._errors(path):
                self.client.delete_object(Bucket=self.bucket, Key=self._key(path), **condition)
        except _ConditionFailed:
            raise Changed(f"{self._url(path)} is gone or another version") from None

    def list(self, prefix: str) -> Iterator[Entry]:
        """Give the objects whose path starts with `prefix`, by path."""
        start = len(self._key(""))
        with self._errors(prefix):
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self._key(prefix)
            )
            for page in pages:
                for found in page.get("Contents", []):
                    yield Entry(found["Key"][start:], found["Size"])

    def _put(self, path: str, data: bytes, **condition: str) -> str | None:
        """Give the new etag, None when the condition did not hold."""
        key, mark = self._key(checked(path)), uuid.uuid4().hex
        for _ in range(CONFLICTS):
            try:
                return self._put_once(path, key, data, mark, condition)
            except _Conflict:
                # Another conditional put was under way; it may have failed since.
                time.sleep(random.uniform(0.1, 0.5))
        raise ServiceUnreachable(
            f"{self._url(path)}: S3 said {CONFLICTS} times that another write of it is under way"
        )

    def _put_once(
        self, path: str, key: str, data: bytes, mark: str, condition: Mapping[str, str]
    ) -> str | None:
        try:
            with self._errors(path):
                answer = self.client.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=data,
                    Metadata={self._WRITE: mark},
                    **condition,
                )
                return str(answer["ETag"])
        except _Conflict:
            raise
        except _ConditionFailed:
            # botocore repeats a put whose answer was lost; the second then meets our own first.
            with self._errors(path, missing_is_none=True):
                there = self.client.head_object(Bucket=self.bucket, Key=key)
                if there["Metadata"].get(self._WRITE) == mark:
                    return str(there["ETag"])
            return None

    def _key(self, path: str) -> str:
        return f"{self.prefix}/{path}" if self.prefix else path

    def _url(self, path: str) -> str:
        return f"s3://{self.bucket}/{self._key(path)}"

    @contextmanager
    def _errors(self, path: str, missing_is_none: bool = False) -> Iterator[None]:
        from botocore.exceptions import (
            BotoCoreError,
            ClientError,
            ConnectionError,
            HTTPClientError,
            NoCredentialsError,
        )

        try:
            yield
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code != "NoSuchBucket" and status == 404 and missing_is_none:
                return
            if code == "ConditionalRequestConflict":
                raise _Conflict from error
            # 404: If-Match on an object that is gone.
            if code != "NoSuchBucket" and status in (404, 412):
                raise _ConditionFailed from error
            if status < 500 and code not in ("SlowDown", "RequestTimeout", "Throttling"):
                advice = BY_CODE.get(code, code)
                raise StoreRefused(f"{self._url(path)}: {advice}. S3 said: {error}") from error
            raise ServiceUnreachable(f"{self._url(path)}: {error}") from error
        except (ConnectionError, HTTPClientError) as error:
            raise ServiceUnreachable(f"{self._url(path)}: {NO_ANSWER}. {error}") from error
        except NoCredentialsError as error:
            raise StoreRefused(f"{self._url(path)}: {NO_CREDENTIALS}") from error
        except BotoCoreError as error:
            # No request was made: a login that has ended, a name that S3 forbids.
            raise StoreRefused(
                f"{self._url(path)}: {error}; check --aws-profile and the address"
            ) from error


class _ConditionFailed(Exception):
    """S3 refused a conditional request."""


class _Conflict(_ConditionFailed):
    """Another conditional request was under way; neither need have succeeded."""

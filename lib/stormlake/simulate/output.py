"""Where simulated objects go: a folder, or a prefix of a bucket."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from stormlake.errors import RefusedInput, ServiceUnreachable, StormlakeError

_S3: Final = "s3://"


class Output(Protocol):
    """A place that takes whole objects."""

    def put(self, key: str, data: bytes) -> None:
        """Write an object, in place of an older one of that key."""

    def place(self, key: str) -> str:
        """Say where an object lies, as a path or a URI."""


class FolderOutput:
    """A local folder.

    Parameters
    ----------
    root : Path
        Made when the first object is written.
    """

    def __init__(self, root: Path) -> None:
        if root.exists() and not root.is_dir():
            raise RefusedInput(f"--out {root} is no folder; name another place")
        self.root = root

    def put(self, key: str, data: bytes) -> None:
        """Write a file whole or not at all."""
        replace_file(self.root / key, data)

    def place(self, key: str) -> str:
        """Path of an object."""
        return str(self.root / key)


class BucketOutput:
    """A prefix of a bucket.

    Parameters
    ----------
    client : botocore S3 client
        Made by the caller, who owns endpoint, region and credentials.
    bucket, prefix : str
        The prefix is empty or ends in `/`.
    """

    def __init__(self, client: Any, bucket: str, prefix: str) -> None:
        self.client = client
        self.bucket = bucket
        self.prefix = prefix

    def put(self, key: str, data: bytes) -> None:
        """Put an object; raise RefusedInput or ServiceUnreachable where S3 does not take it."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self.client.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=data)
        except (BotoCoreError, ClientError, OSError) as error:
            raise self._error(error, key) from error

    def place(self, key: str) -> str:
        """URI of an object."""
        return f"{_S3}{self.bucket}/{self.prefix}{key}"

    def _error(self, error: Exception, key: str) -> StormlakeError:
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        endpoint = self.client.meta.endpoint_url
        if isinstance(error, ClientError):
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code == "NoSuchBucket":
                return RefusedInput(
                    f"there is no bucket {self.bucket!r} at {endpoint}; create it, or name another "
                    "one in --out"
                )
            if status >= 500 or code in {"SlowDown", "RequestTimeout", "Throttling"}:
                return ServiceUnreachable(f"{endpoint} kept answering {code} for {self.place(key)}")
        elif isinstance(error, ConnectionError | HTTPClientError | OSError):
            return ServiceUnreachable(
                f"no answer from {endpoint} for {self.place(key)}: {error}; check network and "
                "--endpoint-url"
            )
        return RefusedInput(
            f"{self.place(key)} cannot be written: {error}; check --out, --region, --aws-profile "
            "and the AWS credentials"
        )


def open_output(uri: str, new_client: Callable[[], Any]) -> Output:
    """Make an output of what a person typed; nothing is contacted.

    Parameters
    ----------
    uri : str
        `s3://BUCKET[/PREFIX]` or a local folder.
    new_client : callable
        Makes the S3 client; called for a bucket alone.

    Raises
    ------
    RefusedInput
        Neither of both.
    """
    if uri.startswith(_S3):
        bucket, _, prefix = uri.removeprefix(_S3).partition("/")
        if not bucket:
            raise RefusedInput(f"--out {uri!r} names no bucket; write s3://BUCKET[/PREFIX]")
        prefix = prefix.strip("/")
        return BucketOutput(new_client(), bucket, f"{prefix}/" if prefix else "")
    if "://" in uri or not uri:
        raise RefusedInput(f"--out {uri!r}: expected s3://BUCKET[/PREFIX] or a local folder")
    return FolderOutput(Path(uri).expanduser())


def replace_file(path: Path, data: bytes) -> None:
    """Write a file whole or not at all, in place of an older one; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix="_")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

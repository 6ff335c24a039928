"""Lakes in a bucket of the S3 server, and how a test looks into them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tests.fakes.s3 import S3Server

BUCKET = "stormlake-lakes"


def keys(server: S3Server, prefix: str) -> dict[str, int]:
    """Size of every object of the bucket below a prefix, by key."""
    pages = server.client().get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return {found["Key"]: found["Size"] for page in pages for found in page.get("Contents", ())}


def download(server: S3Server, prefix: str, folder: Path) -> Path:
    """Copy a lake to a folder, to be read as any other; what stands for a folder is left out."""
    client = server.client()
    for key in keys(server, f"{prefix}/"):
        if not key.endswith("/"):
            place = folder / key.removeprefix(f"{prefix}/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    return folder


def upload(server: S3Server, prefix: str, files: Mapping[str, Path]) -> None:
    """Put files into the bucket, by their path below the prefix."""
    for path, file in files.items():
        server.client().put_object(Bucket=BUCKET, Key=f"{prefix}/{path}", Body=file.read_bytes())

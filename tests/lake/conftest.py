"""Stores to test the seam with: a folder, and a bucket of a real S3 protocol server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from stormlake.lake.store import LocalStore, S3Store, Store
from tests.fakes.s3 import S3Server, s3_server


@pytest.fixture(scope="session")
def s3() -> Iterator[S3Server]:
    with s3_server() as server:
        server.client().create_bucket(Bucket="lake")
        yield server


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return LocalStore(tmp_path / "lake")
    server: S3Server = request.getfixturevalue("s3")
    return S3Store(server.client(), "lake", f"team/{uuid.uuid4().hex}")

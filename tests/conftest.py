"""Fixtures that every part of the test-suite shares."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stormlake.spark import start_session
from tests.fakes.s3 import CREDENTIALS
from tests.fakes.s3_jars import s3_class_path
from tests.integration.archives import PROFILE
from tests.integration.runs import JobServer


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """One local session with the settings of every job; it can reach S3."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in s3_class_path().items():
            patch.setenv(name, value)
        session = start_session(
            "stormlake-tests",
            "local[2]",
            {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "4"},
        )
    yield session
    session.stop()


@pytest.fixture(scope="session")
def job() -> Iterator[JobServer]:
    """One process, and one JVM, for all runs that need no process of their own; far from UTC.

    The first run costs 30 core-seconds, a later one on `local[1]` 8, on `local[2]` 14: each core
    has a worker and a decoder to start.
    """
    environment = {**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1", "TZ": "America/New_York"}
    # Its JVM may begin with a run over folders; a user's would be another then.
    environment |= s3_class_path()
    with JobServer(environment) as server:
        yield server


@pytest.fixture(scope="session")
def coarse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with a small grid."""
    path = tmp_path_factory.mktemp("profile") / "coarse.toml"
    path.write_text(PROFILE)
    return path


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A boto3 session that finds no credentials anywhere."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return boto3.session.Session(region_name="us-east-1")

"""What the integration tests share: a job server, a small archive, and its lake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.s3 import CREDENTIALS
from tests.integration.archives import PROFILE, small_volumes, write_archive
from tests.integration.runs import JobServer


@pytest.fixture(scope="session")
def job() -> Iterator[JobServer]:
    """One process, and one JVM, for all runs that need no process of their own."""
    with JobServer({**CREDENTIALS, "AWS_DEFAULT_REGION": "us-east-1"}) as server:
        yield server


@pytest.fixture(scope="session")
def coarse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A profile with a small grid."""
    path = tmp_path_factory.mktemp("profile") / "coarse.toml"
    path.write_text(PROFILE)
    return path


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six real volumes of four stations in the archive's layout."""
    return write_archive(tmp_path_factory.mktemp("archive"), small_volumes())


@pytest.fixture(scope="session")
def clean(
    job: JobServer, archive: Path, coarse: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The lake of an undisturbed run over `archive` with `coarse`, on one core."""
    lake = tmp_path_factory.mktemp("clean") / "lake"
    job("--source", archive, "--lake", lake, "--profile", coarse, "--master", "local[1]").expect(0)
    return lake

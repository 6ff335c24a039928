"""What the integration tests share: a small archive and its lake."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.archives import small_volumes, write_archive
from tests.integration.packaged import Packaged, package
from tests.integration.runs import JobServer


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


@pytest.fixture(scope="session")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Packaged:
    """The real archive of dependencies for this environment's runtime; a minute on two cores."""
    return package(tmp_path_factory.mktemp("packaged"))

"""One small lake for the SQL tests, made by the job itself."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from stormlake.simulate.radar import simulate_storm
from stormlake.simulate.samples import copy_samples
from tests.integration.runs import JobServer

EVENING = dt.datetime(2026, 5, 1, 23, 55, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def lake(job: JobServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two volumes of a storm, before and after midnight; the real samples; an error page.

    KATX has a partial volume and, of the same time, a duplicate.
    """
    folder = tmp_path_factory.mktemp("sql")
    archive = folder / "archive"
    simulate_storm("KTLX", EVENING, 2, 3, archive)
    copy_samples(archive / "samples")
    (archive / "KTLX20260501_210000_V06").write_text("<Error><Code>AccessDenied</Code></Error>")
    job(
        *("--source", archive, "--lake", folder / "lake"),
        *("--master", "local[1]", "--max-reject-share", "1"),
    ).expect(0)
    return folder / "lake"

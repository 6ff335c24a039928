"""One small lake for the SQL tests, made by the job itself."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from pathlib import Path

import pytest

from stormlake.simulate.radar import simulate_storm
from stormlake.simulate.samples import copy_samples

EVENING = dt.datetime(2026, 5, 1, 23, 55, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two volumes of a storm, before and after midnight; the real samples; an error page.

    KATX has a partial volume and, of the same time, a duplicate.
    """
    folder = tmp_path_factory.mktemp("sql")
    archive = folder / "archive"
    simulate_storm("KTLX", EVENING, 2, 3, archive)
    copy_samples(archive / "samples")
    (archive / "KTLX20260501_210000_V06").write_text("<Error><Code>AccessDenied</Code></Error>")
    command = [sys.executable, "-m", "stormlake.cli", "ingest-radar", "--master", "local[2]"]
    command += ["--source", str(archive), "--lake", str(folder / "lake")]
    done = subprocess.run(
        [*command, "--max-reject-share", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "lake"

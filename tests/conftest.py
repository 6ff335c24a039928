"""Fixtures that every part of the test-suite shares."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stormlake.spark import start_session


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """One local session with the settings of every job."""
    session = start_session(
        "stormlake-tests",
        "local[2]",
        {"spark.driver.memory": "2g", "spark.sql.shuffle.partitions": "4"},
    )
    yield session
    session.stop()

"""The job server of the integration tests, for tests of a job's options and numbers."""

from __future__ import annotations

from tests.integration.conftest import coarse, job

__all__ = ["coarse", "job"]

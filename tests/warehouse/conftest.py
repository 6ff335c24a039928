"""A warehouse for each test: the stand-in, with a database of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest

from tests.fakes.redshift_data.postgres import MISSING, PostgresServer, is_there, postgres_server
from tests.fakes.redshift_data.server import RedshiftStandIn, make_template
from tests.fakes.s3 import S3Server, s3_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    if not is_there():
        # In CI a missing part is a failure: nobody reads what was skipped there.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(MISSING)
    with postgres_server() as server:
        make_template(server)
        yield server


@pytest.fixture(scope="session")
def warehouse_s3() -> Iterator[S3Server]:
    with s3_server() as server:
        yield server


@pytest.fixture
def warehouse(postgres: PostgresServer, warehouse_s3: S3Server) -> Iterator[RedshiftStandIn]:
    with RedshiftStandIn(warehouse_s3, postgres, f"warehouse-{uuid.uuid4().hex[:12]}") as stand_in:
        yield stand_in

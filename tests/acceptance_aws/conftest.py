"""A real workgroup of Redshift Serverless, named by the environment.

| variable | means |
| --- | --- |
| `STORMLAKE_AWS` | `1`: yes, run against AWS, and pay for it |
| `STORMLAKE_AWS_WORKGROUP` | workgroup of Redshift Serverless |
| `STORMLAKE_AWS_DATABASE` | its database, in which a schema is made and dropped |
| `STORMLAKE_AWS_BUCKET` | bucket in the same Region; a prefix `stormlake-acceptance/` is written |
| `STORMLAKE_AWS_ROLE` | ARN of the role by which COPY reads that bucket |

Region and credentials are those of the shell (`AWS_REGION`, `AWS_PROFILE`, ...). The identity needs
the Data API, and CREATE in the database.
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from stormlake.lake.ddl_redshift import redshift_statements
from stormlake.lake.quoting import quote_identifier
from stormlake.lake.types import Table
from stormlake.running.aws import Aws
from stormlake.warehouse.data_api import DataApi
from stormlake.warehouse.ledger import LEDGER
from stormlake.warehouse.statements import Statement
from stormlake.warehouse.target import Target

NEEDED = ("WORKGROUP", "DATABASE", "BUCKET", "ROLE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave everything here out unless it is asked for in so many words."""
    if os.environ.get("STORMLAKE_AWS") != "1":
        why = "STORMLAKE_AWS=1 is not set: these tests use a real workgroup, which costs money"
        for item in items:
            if "acceptance_aws" in str(item.path):
                item.add_marker(pytest.mark.skip(reason=why))


@dataclass(frozen=True)
class Workgroup:
    """A schema of its own in a real warehouse, as the tests of the stand-in see theirs."""

    api: DataApi
    bucket: str
    iam_role: str
    prefix: str
    s3: Any

    @property
    def target(self) -> Target:
        return self.api.target

    def aws(self) -> Aws:
        return self.api.aws

    def put(self, key: str, body: bytes) -> str:
        self.s3.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=body)
        return f"s3://{self.bucket}/{self.prefix}/{key}"

    def run(self, *sql: str) -> None:
        """Run statements in one transaction."""
        self.api.run([Statement("test", each) for each in sql], uuid.uuid4().hex)

    def create(self, *tables: Table) -> None:
        for table in (*tables, LEDGER):
            self.run(*redshift_statements(table, self.target.schema))


def client(aws: Aws, target: Target) -> DataApi:
    """A client; against the stand-in, which is done in milliseconds, one that looks at once."""
    if "//127.0.0.1" in os.environ.get("AWS_ENDPOINT_URL", ""):
        return DataApi(aws, target, timeout=600, sleep=lambda _: time.sleep(0.005))
    return DataApi(aws, target, timeout=600)


@pytest.fixture
def workgroup() -> Iterator[Workgroup]:
    """A real warehouse with a schema of this test's own, dropped in the end."""
    missing = [name for name in NEEDED if not os.environ.get(f"STORMLAKE_AWS_{name}")]
    if missing:
        pytest.fail(f"set STORMLAKE_AWS_{', STORMLAKE_AWS_'.join(missing)}; see conftest.py")
    given = {name: os.environ[f"STORMLAKE_AWS_{name}"] for name in NEEDED}
    schema = f"acceptance_{uuid.uuid4().hex[:12]}"
    session = boto3.session.Session()
    target = Target(given["DATABASE"], workgroup=given["WORKGROUP"], schema=schema)
    api = client(Aws(session), target)
    prefix = f"stormlake-acceptance/{schema}"
    made = Workgroup(api, given["BUCKET"], given["ROLE"], prefix, session.client("s3"))
    made.run(f"CREATE SCHEMA {quote_identifier(schema)}")
    try:
        yield made
    finally:
        made.run(f"DROP SCHEMA {quote_identifier(schema)} CASCADE")
        pages = made.s3.get_paginator("list_objects_v2").paginate(Bucket=made.bucket, Prefix=prefix)
        for page in pages:
            for each in page.get("Contents", []):
                made.s3.delete_object(Bucket=made.bucket, Key=each["Key"])

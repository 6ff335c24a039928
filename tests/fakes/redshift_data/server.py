"""The stand-in for Redshift behind one address: its Data API here, S3 and the rest by moto."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from types import TracebackType
from typing import Any

from stormlake.lake.ddl_redshift import redshift_statements
from stormlake.lake.quoting import qualified, quote_identifier
from stormlake.lake.types import Table
from stormlake.running.aws import Aws
from stormlake.warehouse.ledger import LEDGER
from stormlake.warehouse.target import Target
from tests.fakes.faults import Answer, FaultProxy, Request
from tests.fakes.redshift_data.catalog import SETUP
from tests.fakes.redshift_data.copy_manifest import Reach
from tests.fakes.redshift_data.errors import WarehouseError
from tests.fakes.redshift_data.postgres import PostgresServer
from tests.fakes.redshift_data.service import Fault, RedshiftDataService, StatementState
from tests.fakes.redshift_data.session import Session
from tests.fakes.s3 import CREDENTIALS, S3Server
from tests.fakes.sessions import fake_session
from tests.fakes.validation import Refusal, read_json

TARGET = "RedshiftData."
REGION = "us-east-1"
WORKGROUP, CLUSTER = "stand-in", "stand-in-cluster"
ROLE = "arn:aws:iam::123456789012:role/stand-in-copy"
TEMPLATE = "stand_in"
SCHEMA = "stormlake"


class RedshiftStandIn(FaultProxy):
    """The stand-in for one warehouse; a context manager.

    Parameters
    ----------
    s3 : S3Server
        moto, which gets all that is not the Data API's.
    server : PostgresServer
    bucket : str
        Made if it is not there, for archives, lakes and unloads.

    Attributes
    ----------
    database : str
        Of this stand-in alone.
    target : Target
        The workgroup, as the commands' options name it.
    """

    def __init__(self, s3: S3Server, server: PostgresServer, bucket: str = "warehouse") -> None:
        super().__init__(s3.endpoint_url)
        self.s3 = fake_session(REGION).client("s3", endpoint_url=s3.endpoint_url)
        self.bucket, self.iam_role, self.region = bucket, ROLE, REGION
        self._postgres = server
        self.database = server.new_database(TEMPLATE)
        self.target = Target(self.database, workgroup=WORKGROUP, schema=SCHEMA)
        self.cluster = Target(self.database, cluster=CLUSTER, db_user="loader", schema=SCHEMA)
        reach = Reach(self.s3, REGION, frozenset({ROLE}))
        self.service = RedshiftDataService(server, reach, workgroup=WORKGROUP, cluster=CLUSTER)
        self.s3.create_bucket(Bucket=bucket)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        super().__exit__(kind, error, trace)
        self.service.close()
        self._postgres.drop_database(self.database)
        if error is None and self.service.broken:
            raise self.service.broken[0]

    @property
    def environment(self) -> dict[str, str]:
        """What a client's process needs to reach this instead of AWS."""
        return {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }

    @property
    def options(self) -> list[str]:
        """The options of a command that name this warehouse."""
        return [
            *("--workgroup", WORKGROUP, "--database", self.database),
            *("--region", REGION, "--endpoint-url", self.endpoint_url),
        ]

    def aws(self) -> Aws:
        """Clients of this address."""
        return Aws(fake_session(REGION), self.endpoint_url)

    @property
    def statements(self) -> list[str]:
        """Every SQL text that was sent, in order."""
        return self.service.statements

    def put(self, key: str, body: bytes) -> str:
        """Put an object and give its address."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)
        return f"s3://{self.bucket}/{key}"

    def create(self, *tables: Table, schema: str = SCHEMA) -> None:
        """Make tables as their definitions say, and the ledger."""
        self.admin(f"CREATE SCHEMA IF NOT EXISTS {quote_identifier(schema)}")
        for table in (*tables, LEDGER):
            self.admin(redshift_statements(table, schema)[0])

    def rows(self, table: Table, schema: str = SCHEMA) -> list[dict[str, Any]]:
        """All rows of a table, sorted by all columns, NULL last."""
        columns = ", ".join(quote_identifier(column.name) for column in table.load_columns)
        order = ", ".join(str(at + 1) for at in range(len(table.load_columns)))
        return self.admin(f"SELECT {columns} FROM {qualified(schema, table.name)} ORDER BY {order}")

    def admin(self, sql: str) -> list[dict[str, Any]]:
        """Run a statement as somebody beside the client, and give its rows."""
        session = Session(self._postgres, self.database, self.service._reach, in_batch=False)
        try:
            result = session.run(sql, 0)
            session.commit()
        finally:
            session.close()
        names = [name for name, _ in result.columns or ()]
        return [dict(zip(names, row, strict=True)) for row in result.rows]

    def before(self, at: int | str, act: Callable[[StatementState], None]) -> None:
        """Let something happen before a statement of the next batch (see `Fault`)."""
        self.service.faults.append(Fault(at, act))

    def kill_backend(self, state: StatementState) -> None:
        """End the server process of a batch, as a crash or a failover does."""
        assert state.session is not None
        with self._postgres.connect("postgres", autocommit=True) as aside:
            aside.execute("SELECT pg_terminate_backend(%s, 5000)", (state.session.pid,))

    def forward(self, request: Request) -> tuple[int, str, list[tuple[str, str]], bytes]:
        """Answer the Data API's requests here, send others on (called by the handler)."""
        target = request.headers.get("x-amz-target", "")
        if not target.startswith(TARGET):
            return super().forward(request)
        try:
            operation = target.removeprefix(TARGET)
            return _response(200, self.service.call(operation, read_json(request.body)))
        except Refusal as refusal:
            document = {"__type": refusal.code, "Message": refusal.message, **refusal.members}
            return _response(refusal.status, document)
        except Exception as error:
            self.service.broken.append(error)
            return _response(400, {"__type": "StandInBroken", "message": repr(error)})


def serialization_error(state: StatementState) -> None:
    """Fail as "Serializable isolation" says."""
    raise WarehouseError(
        "ERROR: 1023 Detail: Serializable isolation violation on table in Redshift"
    )


def hold(state: StatementState, released: threading.Event | None = None) -> None:
    """Do not go on until the batch is cancelled, or released."""
    while not state.cancelled.wait(0.01):
        if released is not None and released.is_set():
            return


def throttling() -> Answer:
    """Answer as the service does to too many requests."""
    return _injected(400, "ThrottlingException", "Rate exceeded")


def too_many_statements() -> Answer:
    """Answer as the service does when 500 statements are under way."""
    return _injected(400, "ActiveStatementsExceededException", "Active statements limit reached.")


def internal_error() -> Answer:
    """Answer with the service's 500."""
    return _injected(500, "InternalServerException", "An internal error occurred.")


def make_template(server: PostgresServer) -> None:
    """Make the database that every stand-in's own is a copy of."""
    server.new_database(name=TEMPLATE)
    with server.connect(TEMPLATE, autocommit=True) as connection:
        connection.execute(SETUP)


def _injected(status: int, code: str, message: str) -> Answer:
    body = json.dumps({"__type": code, "message": message}).encode()
    return Answer(status, body, {"Content-Type": "application/x-amz-json-1.1"})


def _response(status: int, document: Any) -> tuple[int, str, list[tuple[str, str]], bytes]:
    body = json.dumps(document).encode()
    kind = [("Content-Type", "application/x-amz-json-1.1")]
    return status, HTTPStatus(status).phrase, kind, body

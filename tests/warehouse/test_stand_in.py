"""The stand-in refuses what Redshift and its Data API refuse, and keeps their promises."""

from __future__ import annotations

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stormlake.lake.ddl_redshift import redshift_statements
from stormlake.lake.tables import RADAR_VOLUMES, REQUESTS_BY_OS
from stormlake.warehouse.data_api import DataApi, StatementFailed, batch_call
from stormlake.warehouse.statements import Statement
from tests.fakes.redshift_data.classify import classify
from tests.fakes.redshift_data.ddl import read_alter_table, read_create_table
from tests.fakes.redshift_data.errors import WarehouseError
from tests.fakes.redshift_data.server import RedshiftStandIn, hold
from tests.warehouse.prepared import quick


class Client:
    """The Data API as boto3 gives it."""

    def __init__(self, stand_in: RedshiftStandIn) -> None:
        self.stand_in = stand_in
        self.boto = stand_in.aws().client("redshift-data", once=True)

    def batch(self, *sqls: str, **more: Any) -> str:
        given = self.stand_in.target.parameters() | {"Sqls": list(sqls)} | more
        return str(self.boto.batch_execute_statement(**given)["Id"])

    def ended(self, statement: str) -> dict[str, Any]:
        while True:
            found: dict[str, Any] = self.boto.describe_statement(Id=statement)
            if found["Status"] in ("FINISHED", "FAILED", "ABORTED"):
                return found
            time.sleep(0.005)


@pytest.fixture
def client(warehouse: RedshiftStandIn) -> Client:
    return Client(warehouse)


def test_a_batch_is_one_transaction(client: Client) -> None:
    client.stand_in.create(REQUESTS_BY_OS)
    insert = 'INSERT INTO "stormlake"."requests_by_os" VALUES (NULL, NULL, 1, \'2026-01-01\')'
    found = client.ended(client.batch(insert, "SELECT CAST('x' AS INTEGER)", insert))
    assert found["Status"] == "FAILED" and "invalid input syntax" in found["Error"]
    assert [sub["Status"] for sub in found["SubStatements"]] == ["FINISHED", "FAILED", "ABORTED"]
    assert client.stand_in.rows(REQUESTS_BY_OS) == []


def test_a_token_is_run_once(client: Client) -> None:
    client.stand_in.create(REQUESTS_BY_OS)
    insert = 'INSERT INTO "stormlake"."requests_by_os" VALUES (NULL, NULL, 1, \'2026-01-01\')'
    ids = {client.batch(insert, ClientToken="once") for _ in range(3)}
    assert len(ids) == 1
    client.ended(ids.pop())
    assert len(client.stand_in.rows(REQUESTS_BY_OS)) == 1


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Sqls": ["SELECT 1"] * 41}, "Sqls"),
        ({"ClientToken": "x" * 65}, "ClientToken"),
        ({"WorkgroupName": "another"}, "doesn't exist"),
        ({"ClusterIdentifier": "stand-in-cluster"}, "one of ClusterIdentifier"),
        ({"Sqls": ["SELECT '" + "x" * 100_000 + "'"]}, "longer than 100000"),
    ],
)
def test_the_service_refuses_what_its_limits_forbid(
    client: Client, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(ClientError, match=said):
        client.batch("SELECT 1", **more)


def test_a_database_that_is_not_there_fails_the_statement(client: Client) -> None:
    found = client.ended(client.batch("SELECT 1", Database="nothing"))
    assert found["Status"] == "FAILED" and "does not exist" in found["Error"]


def test_a_statement_that_is_held_can_be_cancelled(client: Client) -> None:
    client.stand_in.before(0, hold)
    statement = client.batch("SELECT 1")
    assert client.boto.cancel_statement(Id=statement)["Status"]
    assert client.ended(statement)["Status"] == "ABORTED"
    with pytest.raises(ClientError, match="Could not cancel"):
        client.boto.cancel_statement(Id=statement)


def test_a_statement_that_runs_can_be_cancelled(client: Client) -> None:
    statement = client.batch("SELECT pg_sleep(60)")
    time.sleep(0.2)
    client.boto.cancel_statement(Id=statement)
    assert client.ended(statement)["Status"] == "ABORTED"


def test_a_result_has_pages_and_every_kind_of_value(client: Client) -> None:
    api = quick(client.stand_in)
    rows = api.query("SELECT n, n IS NULL AS b, n / 2.0 AS d FROM generate_series(1, 2500) AS g(n)")
    assert [row["n"] for row in rows] == list(range(1, 2501))
    (row,) = api.query(
        "SELECT CAST(1.5 AS DOUBLE PRECISION) AS f, NULL AS n, DATE '2026-01-02' AS d"
    )
    assert row == {"f": 1.5, "n": None, "d": "2026-01-02"}


def test_statements_are_listed_by_name_and_state(client: Client) -> None:
    for name, sql in (("a one", "SELECT 1"), ("a two", "SELECT x"), ("b", "SELECT y")):
        client.ended(client.batch(sql, StatementName=name))
    listed = client.boto.list_statements(StatementName="a ", Status="FAILED")["Statements"]
    assert [each["StatementName"] for each in listed] == ["a two"]


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("TRUNCATE t", "it would commit it"),
        ("VACUUM t", "cannot run inside a transaction block"),
        ("COMMIT", "not allowed in a batch"),
        ("ALTER TABLE a APPEND FROM b", "cannot run inside a transaction block"),
        ("COPY t FROM 's3://x' IAM_ROLE 'r' JOB CREATE j AUTO ON", "cannot run inside"),
        ("INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING", "conflict"),
        ("DELETE FROM t RETURNING a", "returning"),
        ("CREATE UNLOGGED TABLE t (a INTEGER)", "unlogged"),
        ("CREATE TABLE t (a SERIAL)", "serial"),
        ("CREATE TABLE t (a INTEGER[])", "array"),
        ("CREATE TABLE t (a INTEGER PRIMARY KEY)", "constraints"),
        ("SELECT ARRAY[1]", "array"),
        ("SELECT 1; DROP TABLE t", "multiple commands"),
        ("SELEC 1 FROM", "syntax error"),
        ("MERGE INTO t AS x USING s ON x.a = s.a WHEN MATCHED THEN UPDATE SET a = s.a "
         "WHEN NOT MATCHED THEN INSERT VALUES (s.a)", "cannot have an alias"),
        ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET a = s.a",
         "one WHEN MATCHED and one WHEN NOT MATCHED"),
        ("MERGE INTO t USING s ON t.a > s.a WHEN MATCHED THEN UPDATE SET a = s.a "
         "WHEN NOT MATCHED THEN INSERT VALUES (s.a)", "only equality"),
        ("MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET t.a = s.a "
         "WHEN NOT MATCHED THEN INSERT VALUES (s.a)", "no table name before a column"),
    ],
)  # fmt: skip
def test_what_redshift_refuses_is_refused(sql: str, said: str) -> None:
    with pytest.raises(WarehouseError, match=said):
        if sql.startswith("CREATE TABLE") and "PRIMARY" not in sql and "[" not in sql:
            classify(sql, in_batch=True)
            read_create_table(sql)
        else:
            classify(sql, in_batch=True)


def test_words_in_quotes_and_comments_are_not_looked_at() -> None:
    assert classify("SELECT 'ON CONFLICT; TRUNCATE' AS \"returning\" -- VACUUM;", True) == "other"


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ('CREATE TABLE t ("a" REAL ENCODE az64)', "invalid encoding"),
        ('CREATE TABLE t ("a" VARCHAR(65536))', "cannot exceed 65535"),
        ('CREATE TABLE t ("a" CHAR(4097))', "cannot exceed 4096"),
        ('CREATE TABLE t ("a" TINYINT)', "unsupported"),
        ('CREATE TABLE t ("a" INTEGER) DISTSTYLE KEY', "go together"),
        ('CREATE TABLE t ("a" INTEGER) SORTKEY ("b")', "does not exist"),
        ('CREATE TABLE t ("a" INTEGER, "a" DATE)', "more than once"),
        ('CREATE TABLE t ("a" INTEGER ENCODE zzz)', "ENCODE zzz does not exist"),
        ('CREATE TABLE t ("a" INTEGER) PARTITION BY RANGE', "syntax error"),
    ],
)
def test_ddl_that_redshift_refuses_is_refused(sql: str, said: str) -> None:
    with pytest.raises(WarehouseError, match=said):
        read_create_table(sql)


def test_a_column_that_is_added_cannot_be_required() -> None:
    with pytest.raises(WarehouseError, match="must have a default"):
        read_alter_table('ALTER TABLE "t" ADD COLUMN "a" INTEGER NOT NULL')
    with pytest.raises(WarehouseError, match="only the size of a VARCHAR"):
        read_alter_table('ALTER TABLE "t" ALTER COLUMN "a" TYPE BIGINT')


def test_a_table_keeps_what_its_ddl_says_and_counts_bytes(warehouse: RedshiftStandIn) -> None:
    warehouse.create(RADAR_VOLUMES)
    declared = warehouse.admin(
        "SELECT column_name, encoding, sortkey FROM stand_in.declared WHERE sortkey IS NOT NULL "
        "AND table_name = 'radar_volumes' ORDER BY sortkey"
    )
    assert [row["column_name"] for row in declared] == list(RADAR_VOLUMES.warehouse.sort)
    with pytest.raises(WarehouseError, match="check constraint"):
        warehouse.admin(
            'INSERT INTO "stormlake"."radar_volumes" ("key", "size", "status", "profile", '
            '"profile_hash", "software", "run_id", "station", "date") VALUES '
            f"('k', 1, '{'ü' * 9}', 'p', 'h', 's', 'r', 'KTLX', '2026-01-01')"
        )


def test_a_backslash_in_a_text_is_an_escape_as_in_redshift(warehouse: RedshiftStandIn) -> None:
    (row,) = quick(warehouse).query(r"SELECT 'a\\b' AS t")
    assert row["t"] == "a\\b"


def test_a_temporary_table_is_gone_with_its_batch(client: Client) -> None:
    client.ended(client.batch("CREATE TEMP TABLE stormlake_stage (a INTEGER)"))
    found = client.ended(client.batch("SELECT * FROM stormlake_stage"))
    assert found["Status"] == "FAILED" and "does not exist" in found["Error"]


def test_the_clients_batch_has_the_form_that_aws_describes(warehouse: RedshiftStandIn) -> None:
    call = batch_call(warehouse.target, [Statement("x", "SELECT 1")], "token", "name")
    answer = warehouse.aws().make(call)
    assert set(answer) >= {"Id", "CreatedAt", "Database", "WorkgroupName"}


@pytest.mark.parametrize(
    "sql",
    [
        *("TRUNCATE t", " vacuum", "ALTER TABLE a APPEND FROM b", "COMMIT", "begin"),
        *("END", "ROLLBACK", "COPY t FROM 'x' JOB CREATE j"),
    ],
)
def test_the_client_itself_refuses_what_would_end_the_transaction(
    warehouse: RedshiftStandIn, sql: str
) -> None:
    with pytest.raises(ValueError, match="cannot be in a transaction"):
        batch_call(warehouse.target, [Statement("x", sql)], "token")
    with pytest.raises(ValueError, match="1 to 40 statements"):
        batch_call(warehouse.target, [], "token")


def test_a_cluster_is_asked_by_its_user(warehouse: RedshiftStandIn) -> None:
    api = DataApi(warehouse.aws(), warehouse.cluster)
    assert api.query("SELECT 1 AS one") == [{"one": 1}]
    call = batch_call(warehouse.cluster, [Statement("x", "SELECT 1")], "t")
    assert call.parameters["DbUser"] == "loader" and "WorkgroupName" not in call.parameters


def test_every_statement_of_a_tables_ddl_is_taken(warehouse: RedshiftStandIn) -> None:
    warehouse.create()
    statements = [
        Statement("ddl", text) for text in redshift_statements(RADAR_VOLUMES, "stormlake")
    ]
    quick(warehouse).run(statements, "ddl")
    with pytest.raises(StatementFailed, match="does not exist"):
        quick(warehouse).run([Statement("x", "COMMENT ON TABLE \"nothing\" IS 'x'")], "x")

"""The batch of a load, as text: of every kind of table, whole, and within the service's limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stormlake.lake.tables import (
    ALERTS,
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    REJECTS,
    REQUESTS_BY_OS,
    TABLES,
)
from stormlake.lake.types import Table
from stormlake.running.aws import canonical_calls
from stormlake.warehouse.copy_text import TextFormat
from stormlake.warehouse.data_api import MAX_STATEMENTS, batch_call
from stormlake.warehouse.manifest import Manifest, ManifestFile
from stormlake.warehouse.scope import MAX_SCOPE_ROWS
from stormlake.warehouse.statements import How, Statement, load_statements
from stormlake.warehouse.tables import USERS
from stormlake.warehouse.target import Target
from tests.emr.golden import check_golden
from tests.warehouse.prepared import row_of, scope_of

FOLDER = Path(__file__).parent / "golden"
ROLE = "arn:aws:iam::123456789012:role/copy"
URL = "s3://bucket/unload/manifest.json"


def batch(
    table: Table, *values: tuple[str, ...], empty: bool = False, rows: int | None = 1, **how: Any
) -> tuple[Statement, ...]:
    """The batch for partitions of these values, one row in each, or none in any."""
    lines = [row_of(table, **dict(zip(table.partition_names, v, strict=True))) for v in values]
    scope = scope_of(table, [] if empty else lines, empty=values if empty else ())
    known = None if rows is None else len(lines)
    files = () if empty else (ManifestFile("s3://bucket/part.parquet", 9, known),)
    return load_statements(
        scope, Manifest(URL, '"etag"', files), "stormlake", How(ROLE, **how), "attempt"
    )


def names(statements: tuple[Statement, ...]) -> list[str]:
    return [each.name for each in statements]


BATCHES = {
    "radar_columns": batch(RADAR_COLUMNS, ("KTLX", "2026-05-01"), ("KDOX", "2026-05-02")),
    "radar_geometry": batch(RADAR_GEOMETRY, ("KTLX", "lake-0123abcd")),
    "rejects": batch(REJECTS, ("ingest-radar", "2026-05-01")),
    "emptied": batch(REQUESTS_BY_OS, ("2026-05-01",), empty=True),
    "alerts_merge": batch(ALERTS, ("wind", "2026-05-01")),
    "alerts_delete_insert": batch(ALERTS, ("wind", "2026-05-01"), merge_strategy="delete_insert"),
    "users": batch(USERS, (), rows=None, copy=TextFormat(empty_as_null=True)),
}


@pytest.mark.parametrize("name", BATCHES)
def test_the_batch_of_each_kind_of_load_golden(name: str) -> None:
    call = batch_call(Target("dev", workgroup="lake"), BATCHES[name], "TOKEN", "a load")
    check_golden(f"batch_{name}", canonical_calls([call]) + "\n", folder=FOLDER)


def test_the_order_is_lock_guards_stage_copy_guards_replace_ledger_count() -> None:
    before = ["lock", "create_scope", "fill_scope", "guard_not_loaded", "guard_newest"]
    stage = ["create_stage", "copy", "guard_rows", "guard_scope"]
    assert names(BATCHES["radar_columns"]) == [
        *(*before, *stage),
        *("delete", "insert", "ledger", "count"),
    ]
    assert names(BATCHES["alerts_merge"]) == [
        *(*before, *stage, "guard_keys"),
        *("merge", "ledger", "count"),
    ]
    assert names(BATCHES["users"]) == [
        *(*before, "create_stage", "copy", "guard_keys"),
        *("merge", "ledger", "count"),
    ]


def test_a_scope_without_files_is_emptied_without_a_copy() -> None:
    assert "copy" not in names(BATCHES["emptied"])
    assert "delete" in names(BATCHES["emptied"])


def test_a_table_without_partitions_has_one_row_of_scope() -> None:
    (fill,) = (each.sql for each in BATCHES["users"] if each.name == "fill_scope")
    assert fill == "INSERT INTO \"stormlake_scope\" VALUES\n('{}', NULL)"


def test_every_column_of_an_insert_is_named_in_the_order_of_the_load() -> None:
    (insert,) = (each.sql for each in BATCHES["radar_geometry"] if each.name == "insert")
    listed = '"iy", "ix", "x", "y", "latitude", "longitude", "station", "grid"'
    assert insert == (
        f'INSERT INTO "stormlake"."radar_geometry" ({listed})\n'
        f'SELECT {listed} FROM "stormlake_stage"'
    )


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
@pytest.mark.parametrize("letter", ["x", "é", "'"])
def test_the_largest_scope_is_within_the_limits_of_the_service(table: Table, letter: str) -> None:
    scope = scope_of(table, [row_of(table)])
    # Every text as long as its column takes.
    values = [
        "2026-05-01"
        if column.type == "date"
        else (letter * 999).encode()[: column.bytes].decode(errors="ignore")
        for column in table.partitions
    ]
    many = tuple(replace(scope.partitions[0], values=tuple(values)) for _ in range(MAX_SCOPE_ROWS))
    files = (ManifestFile("s3://bucket/part.parquet", 9, MAX_SCOPE_ROWS),)
    statements = load_statements(
        replace(scope, partitions=many), Manifest(URL, "e", files), "stormlake", How(ROLE), "a"
    )
    assert len(statements) <= MAX_STATEMENTS
    assert max(len(each.sql.encode()) for each in statements) < 100_000
    filled = sum(each.sql.count("\n(") for each in statements if each.name == "fill_scope")
    assert filled == MAX_SCOPE_ROWS

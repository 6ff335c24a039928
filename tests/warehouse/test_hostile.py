"""Names and values made to break out of their quotes do no harm, from end to end."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from stormlake.lake.tables import REQUESTS_BY_OS
from stormlake.lake.types import Column, Table, Warehouse
from stormlake.warehouse.checksums import checksum_queries
from stormlake.warehouse.definitions import read_definition
from stormlake.warehouse.loading import load
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.commands import run, summary
from tests.warehouse.lakes import leave
from tests.warehouse.prepared import how, manifest_of, os_rows, quick, scope_of

HOSTILE = 'users"; drop table x'
VALUES = [HOSTILE, "'; drop table x; --", "\\'; drop table x; --", "$$;drop table x;$$", "\\", "%s"]
EVIL = Table(
    name=HOSTILE,
    description="It's named to break out; 'quotes' and \\ in its description too.",
    partitions=(Column('part"; drop table x', "string", "", "'; drop table x; --", False, 64),),
    columns=(
        Column('id"); drop table x; --', "long", "1", "'; drop table x; --", False),
        Column("select", "string", "", "A reserved word.", bytes=64),
    ),
    sort=("select",),
    warehouse=Warehouse("replace", sort=("select",)),
)


@pytest.fixture
def bystander(warehouse: RedshiftStandIn) -> RedshiftStandIn:
    """A warehouse with a table `x`, in the search path, that somebody might drop."""
    warehouse.admin("CREATE TABLE x (a INTEGER)")
    warehouse.admin("INSERT INTO x VALUES (42)")
    return warehouse


def unharmed(stand_in: RedshiftStandIn) -> bool:
    return stand_in.admin("SELECT a FROM x") == [{"a": 42}]


@pytest.mark.parametrize("merge_strategy", ["merge", "delete_insert"])
@pytest.mark.parametrize("mode", ["replace", "merge"])
def test_a_hostile_table_is_made_loaded_and_compared_and_nothing_else_happens(
    mode: str, merge_strategy: str, bystander: RedshiftStandIn
) -> None:
    key = (EVIL.columns[0].name,) if mode == "merge" else ()
    hints = dataclasses.replace(EVIL.warehouse, mode=mode, key=key)  # type: ignore[arg-type]
    table = dataclasses.replace(EVIL, warehouse=hints)
    part, ident, text = (column.name for column in table.all_columns)
    bystander.create(table)
    rows = [{ident: n, text: value, part: value} for n, value in enumerate(VALUES)]
    scope = scope_of(table, rows, run_id="'; drop table x; --", job='job"; drop table x')
    manifest = manifest_of(bystander, table, rows, "it's")
    ended = load(quick(bystander), scope, manifest, how(bystander, merge_strategy=merge_strategy))
    assert (ended.outcome, ended.rows) == ("loaded", len(VALUES))
    assert load(quick(bystander), scope, manifest, how(bystander)).outcome == "already_loaded"
    assert bystander.rows(table) == rows
    partitions = [(value,) for value in VALUES]
    ((_, sql),) = checksum_queries(table, "stormlake", partitions)
    assert {row["part_0"] for row in quick(bystander).query(sql)} == set(VALUES)
    assert unharmed(bystander)


COMMANDS = [
    ("warehouse", "status"),
    ("warehouse", "verify"),
    ("warehouse", "errors"),
    ("ddl", "--engine", "redshift", "--apply"),
    ("warehouse", "load-text", "--source", "s3://b/u", "--unload", "s3://b/u", "--iam-role", "arn"),
    ("warehouse", "load", "--lake", "lake", "--unload", "s3://b/u", "--iam-role", "arn"),
]


def test_a_hostile_definition_of_text_is_loaded_and_nothing_else_happens(
    bystander: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    definition = tmp_path / "evil.toml"
    definition.write_text(
        """
        name = 'users"; drop table x'
        description = "It's a table; '); drop table x; --"
        sort = ['id"; drop table x']
        [[columns]]
        name = 'id"; drop table x'
        type = "string"
        bytes = 64
        description = "'; drop table x; --"
        """
    )
    table = read_definition(definition)
    assert table.name == HOSTILE
    bystander.create(table, schema="public")
    bystander.put("evil.txt", "".join(f"{value}\n" for value in VALUES).encode())
    told = run(
        bystander,
        monkeypatch,
        *("warehouse", "load-text", str(definition)),
        *("--source", f"s3://{bystander.bucket}/evil.txt"),
        *("--unload", f"s3://{bystander.bucket}/it's; drop table x"),
        *("--iam-role", bystander.iam_role),
    )
    assert told.exit_code == 0, told.output
    assert [row['id"; drop table x'] for row in bystander.rows(table, "public")] == sorted(VALUES)
    assert unharmed(bystander)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "-".join(words[:2]))
def test_a_hostile_table_name_as_an_argument_is_refused_or_only_a_name(
    command: tuple[str, ...],
    bystander: RedshiftStandIn,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lake").mkdir()
    lake = ("--lake", "lake") if command[1] in ("status", "verify") else ()
    told = run(bystander, monkeypatch, *command, *lake, HOSTILE)
    if command[1] == "errors":
        assert told.exit_code == 0  # it is no failed load's name
    else:
        assert told.exit_code == 2
        assert "no table" in told.stderr and HOSTILE in told.stderr
        assert bystander.statements == []
    assert unharmed(bystander)


def test_a_hostile_schema_is_only_a_schema(
    bystander: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    schema = ("--schema", HOSTILE)
    told = run(
        bystander,
        monkeypatch,
        *("ddl", "--engine", "redshift", "requests_by_os", "--apply", *schema),
    )
    assert told.exit_code == 0, told.output
    api = quick(bystander)
    api.target = dataclasses.replace(api.target, schema=HOSTILE)
    if not _has_ledger(bystander):
        told = run(
            bystander,
            monkeypatch,
            *("ddl", "--engine", "redshift", "--all", "--apply", *schema),
        )
        assert told.exit_code == 0, told.output
    rows = os_rows("2026-04-01", 5, 7)
    leave(tmp_path, REQUESTS_BY_OS, rows)
    scope = scope_of(REQUESTS_BY_OS, rows)
    load(api, scope, manifest_of(bystander, REQUESTS_BY_OS, rows, "m"), how(bystander))
    asked = ("--lake", str(tmp_path), *schema, "--output", "json")
    assert summary(run(bystander, monkeypatch, "warehouse", "verify", "--all", *asked))["equal"]
    told = run(bystander, monkeypatch, "warehouse", "status", "requests_by_os", *asked)
    assert [each["state"] for each in summary(told)["runs"]] == ["loaded"]
    assert bystander.rows(REQUESTS_BY_OS, schema=HOSTILE) == rows
    assert unharmed(bystander)


def _has_ledger(stand_in: RedshiftStandIn) -> bool:
    found = stand_in.admin("SELECT table_schema FROM svv_columns WHERE table_name = 'load_ledger'")
    return HOSTILE in {row["table_schema"] for row in found}

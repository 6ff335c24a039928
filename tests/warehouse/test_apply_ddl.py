"""`stormlake ddl --engine redshift --apply`: tables are made, and never changed."""

from __future__ import annotations

import json
import re

import pytest

from stormlake.lake.ddl_redshift import redshift_statements, redshift_type
from stormlake.lake.tables import TABLES
from stormlake.warehouse.apply_ddl import differences
from stormlake.warehouse.tables import WAREHOUSE_TABLES
from tests.emr.golden import check_golden
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.commands import GOLDEN, run, summary

ALL = {**TABLES, **WAREHOUSE_TABLES}
APPLY = ("ddl", "--engine", "redshift", "--apply", "--schema", "lab")


def test_every_table_is_made_and_found_as_defined(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = summary(run(warehouse, monkeypatch, *APPLY, "--all", "--output", "json"))
    assert set(made["made"].split(", ")) == set(ALL)
    again = summary(run(warehouse, monkeypatch, *APPLY, "--all", "--output", "json"))
    assert (again["made"], set(again["kept"].split(", "))) == ("none", set(ALL))
    found = warehouse.admin(
        "SELECT table_name, column_name FROM svv_columns WHERE table_schema = 'lab' "
        "ORDER BY table_name, ordinal_position"
    )
    expected = [
        {"table_name": name, "column_name": column.name}
        for name in sorted(ALL)
        for column in ALL[name].load_columns
    ]
    assert found == expected


def test_the_meaning_of_a_column_is_its_comment(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(warehouse, monkeypatch, *APPLY, "wind_max")
    (row,) = warehouse.admin(
        'SELECT col_description(\'"lab"."wind_max"\'::regclass, ordinal_position) AS said '
        "FROM svv_columns WHERE table_name = 'wind_max' AND column_name = 'max_speed'"
    )
    assert row["said"].startswith("[mile h-1]")


def altered(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, table: str, old: str, new: str
) -> str:
    """Make a table by a changed definition, apply the right one, and give what is said."""
    warehouse.admin('CREATE SCHEMA "lab"')
    text = redshift_statements(ALL[table], "lab")[0]
    assert old in text
    warehouse.admin(text.replace(old, new, 1))
    result = run(warehouse, monkeypatch, *APPLY, table, "users")
    assert result.exit_code == 2, result.output
    assert "(users made)" in result.stderr or table == "users"
    return result.stderr


def mended(warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, said: str) -> int:
    """Run what was said to mend it, and apply again."""
    for statement in said.split("outside a transaction:\n")[1].strip().split(";\n"):
        warehouse.admin(statement.rstrip(";"))
    return run(warehouse, monkeypatch, *APPLY, "users").exit_code


def test_a_shorter_varchar_is_told_with_the_alter_that_mends_it(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = altered(
        warehouse, monkeypatch, "users", '"firstname" VARCHAR(30)', '"firstname" VARCHAR(20)'
    )
    assert re.search(r"users +firstname +3 VARCHAR\(30\) +3 VARCHAR\(20\)", said)
    assert 'ALTER TABLE "lab"."users" ALTER COLUMN "firstname" TYPE VARCHAR(30);' in said
    assert mended(warehouse, monkeypatch, said) == 0


def test_a_missing_last_column_is_told_with_the_alter_that_mends_it(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    last = ',\n    "likemusicals" BOOLEAN ENCODE zstd'
    said = altered(warehouse, monkeypatch, "users", last, "")
    assert 'ALTER TABLE "lab"."users" ADD COLUMN "likemusicals" BOOLEAN;' in said
    assert mended(warehouse, monkeypatch, said) == 0


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"requests" BIGINT', '"requests" INTEGER'),
        ('"requests" BIGINT NOT NULL', '"requests" BIGINT'),
        # COPY goes by position: a column before the partition columns cannot be added.
        ('    "os_family" VARCHAR(16) ENCODE zstd,\n', ""),
    ],
    ids=["type", "required", "in the middle"],
)
def test_what_no_alter_mends_is_told_with_a_copy_of_the_rows(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, old: str, new: str
) -> None:
    said = altered(warehouse, monkeypatch, "requests_by_os", old, new)
    assert 'ALTER TABLE "lab"."requests_by_os" RENAME TO "requests_by_os_before";' in said
    assert 'SELECT "os", ' in said
    columns = warehouse.admin(
        "SELECT column_name FROM svv_columns WHERE table_name = 'requests_by_os'"
    )
    assert len(columns) >= 3  # untouched


def test_a_definition_compared_with_itself_has_no_difference() -> None:
    words = {"VARCHAR": "character varying", "CHAR": "character"}
    words["TIMESTAMP"] = "timestamp without time zone"
    for table in ALL.values():
        there = []
        for column in table.load_columns:
            kind = redshift_type(column).split("(")[0]
            there.append(
                {
                    "column_name": column.name,
                    "data_type": words.get(kind, kind.lower()),
                    "character_maximum_length": column.bytes,
                    "is_nullable": "YES" if column.nullable else "NO",
                }
            )
        assert list(differences(table, there)) == []


def test_a_dry_run_prints_the_calls_as_the_golden_file(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run(warehouse, monkeypatch, *APPLY, "requests_by_os", "--dry-run")
    assert result.exit_code == 0, result.output
    check_golden("apply", result.stdout, {warehouse.database: "DATABASE"}, GOLDEN)
    assert warehouse.statements == []
    assert json.loads(result.stdout)[0]["operation"] == "ExecuteStatement"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--engine", "spark", "--apply", "wind_max"), "--apply means nothing to spark"),
        (("--engine", "redshift", "wind_max"), "with --apply alone"),
        (("--engine", "redshift", "--apply", "--out", "x", "wind_max"), "do not go together"),
        (("--engine", "redshift", "--apply", "nothing"), "no table nothing"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    warehouse: RedshiftStandIn,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    result = run(warehouse, monkeypatch, "ddl", *arguments)
    assert (result.exit_code, said in result.stderr) == (2, True), result.stderr

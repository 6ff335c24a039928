"""SQL is put together in the statement builders alone: elsewhere a value would go unquoted."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sql.built import built_sql, is_sql

ROOT = Path(__file__).resolve().parents[2]
BUILDERS = {
    "lib/stormlake/athena/statements.py": "CREATE DATABASE and VIEW for Athena",
    "lib/stormlake/lake/ddl.py": "CREATE TABLE for Spark, Athena and Hive",
    "lib/stormlake/lake/ddl_redshift.py": "CREATE TABLE and COMMENT for Redshift",
    "lib/stormlake/sensors/archives.py": "CREATE TABLE over raw archives",
    "lib/stormlake/warehouse/apply_ddl.py": "CREATE SCHEMA, ALTER TABLE, what columns there are",
    "lib/stormlake/warehouse/checksums.py": "what is asked of both sides of a comparison",
    "lib/stormlake/warehouse/copy_text.py": "COPY",
    "lib/stormlake/warehouse/ledger.py": "what the ledger is asked",
    "lib/stormlake/warehouse/load_errors.py": "what the load errors are asked",
    "lib/stormlake/warehouse/statements.py": "the transaction of a load",
}
"""Modules that may put SQL together, and what they build."""


def builders() -> dict[str, list[str]]:
    """Every module of ours that does, with the places."""
    found = {}
    for room in ("lib", "jobs"):
        for path in sorted((ROOT / room).rglob("*.py")):
            places = built_sql(path.read_text(encoding="utf-8"))
            if places:
                name = path.relative_to(ROOT).as_posix()
                found[name] = [f"{name}:{each.line}: {each.text[:80]!r}" for each in places]
    return found


def test_no_sql_is_put_together_outside_the_builders() -> None:
    outside = [place for name, places in builders().items() if name not in BUILDERS
               for place in places]  # fmt: skip
    assert outside == [], (
        "put it into a builder, with quote_identifier and quote_literal, or name the module in "
        "BUILDERS if it is one:\n" + "\n".join(outside)
    )


def test_every_builder_of_the_list_builds_sql() -> None:
    # One that is gone from the tree, or builds none any more, must not stay allowed.
    assert set(BUILDERS) <= set(builders())


@pytest.mark.parametrize(
    "line",
    [
        'api.query(f"SELECT count(*) FROM {table}")',
        'api.query(f"select * from {schema}.{table}")',
        'api.query("DELETE FROM " + table)',
        'api.query("DELETE FROM %s WHERE a = 1" % table)',
        'api.query("DROP TABLE IF EXISTS {}".format(table))',
        'api.query("DROP TABLE TABLE_NAME".replace("TABLE_NAME", table))',
        'api.query(" ".join(["INSERT INTO", table, "VALUES (1)"]))',
        'api.query(head + f"COPY {table} FROM {url}")',
        'log(f"{a} and {b}"); x = [f"TRUNCATE {table}"]',
        'where = f" WHERE {name} = {value}"',
        'f"""\n  MERGE INTO {table} USING stage ON true\n"""',
        'f"CREATE TEMP TABLE {name} (LIKE {table})"',
        'f"GRANT ALL ON {table} TO {user}"',
    ],
)
def test_sql_that_is_put_together_is_found(line: str) -> None:
    assert len(built_sql(f"def f(api, table):\n    {line}\n")) == 1


@pytest.mark.parametrize(
    "line",
    [
        'api.query("SELECT 1 FROM t")',
        'api.query("SELECT 1 " "FROM t")',
        'say(f"lock lost: {path}")',
        'say(f"select {name} in the list")',
        'say(f"{count} rows of {table} come from {source} where they lay")',
        'say("copy it to %s and run it again" % place)',
        '"/".join([root, "from"])',
        'f"{a}{b}"',
    ],
)
def test_constants_and_messages_are_no_finding(line: str) -> None:
    assert built_sql(f"def f(api, table):\n    {line}\n") == []


def test_the_place_of_a_finding_is_its_line() -> None:
    (found,) = built_sql('a = 1\n\nb = f"DROP TABLE {a}"\n')
    assert found.line == 3
    assert is_sql(found.text)

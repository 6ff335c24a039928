"""`stormlake warehouse verify`: lake and warehouse side by side, and what differs by name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from stormlake.lake.quoting import qualified
from stormlake.lake.tables import ALERTS, RADAR_COLUMNS, REQUESTS_BY_OS, TABLES
from stormlake.lake.types import Table
from stormlake.warehouse.loading import load
from tests.emr.golden import check_golden
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.commands import GOLDEN, run
from tests.warehouse.lakes import leave
from tests.warehouse.prepared import (
    STARTED,
    alert_rows,
    how,
    manifest_of,
    os_rows,
    quick,
    row_of,
    scope_of,
)

Row = dict[str, Any]


def cell_rows() -> list[Row]:
    """Two station-days of two cells each."""
    return [
        row_of(
            RADAR_COLUMNS,
            volume_time=datetime(2026, 5, 1, 21, minute, tzinfo=UTC),
            iy=minute,
            ix=minute + 1,
            composite_reflectivity=20.1 + minute,
            station=station,
            date=date(2026, 5, 1),
        )
        for station in ("KLBB", "KTLX")
        for minute in (3, 8)
    ]


def bring(
    stand_in: RedshiftStandIn,
    table: Table,
    rows: Sequence[Row],
    run_id: str = "run-1",
    **others: Any,
) -> None:
    scope = scope_of(table, rows, run_id=run_id, **others)
    load(quick(stand_in), scope, manifest_of(stand_in, table, rows, run_id), how(stand_in))


@pytest.fixture
def verify(warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    def call(*arguments: str) -> Result:
        lake = ("--lake", str(tmp_path), "--schema", "stormlake")
        return run(warehouse, monkeypatch, "warehouse", "verify", *arguments, *lake)

    return call


@pytest.fixture
def loaded(warehouse: RedshiftStandIn, tmp_path: Path) -> RedshiftStandIn:
    """Two tables, the same on both sides."""
    warehouse.create(*TABLES.values())
    for table, rows in (
        (RADAR_COLUMNS, cell_rows()),
        (REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7) + os_rows("2026-04-02", 9)),
    ):
        leave(tmp_path, table, rows, run_id=table.name)
        bring(warehouse, table, rows, table.name)
    return warehouse


def differences(told: Result) -> list[tuple[str, ...]]:
    summary = json.loads(told.stdout.splitlines()[-1])
    assert summary["equal"] == (not summary["differences"])
    return [(each["partition"], each["column"]) for each in summary["differences"]]


def test_what_was_loaded_is_what_the_lake_has(loaded: RedshiftStandIn, verify: Any) -> None:
    told = verify("--all")
    assert told.exit_code == 0, told.output
    assert [line.split() for line in told.stdout.splitlines()] == [
        ["TABLE", "PARTITIONS", "COLUMNS", "LAKE", "ROWS", "WAREHOUSE", "ROWS", "RESULT"],
        ["radar_columns", "2", str(len(RADAR_COLUMNS.load_columns)), "4", "4", "equal"],
        ["requests_by_os", "2", str(len(REQUESTS_BY_OS.load_columns)), "3", "3", "equal"],
    ]


@pytest.mark.parametrize("name", [c.name for c in RADAR_COLUMNS.columns])
def test_a_value_changed_behind_our_back_is_named(
    name: str, loaded: RedshiftStandIn, verify: Any
) -> None:
    change = "+ INTERVAL '1 microsecond'" if name == "volume_time" else "+ 1"
    loaded.admin(
        f'UPDATE "stormlake"."radar_columns" SET "{name}" = COALESCE("{name}" {change}, 0) '
        "WHERE station = 'KTLX' AND iy = 8"
        if name not in ("volume_time", "iy")
        else f'UPDATE "stormlake"."radar_columns" SET "{name}" = "{name}" {change} '
        "WHERE station = 'KTLX' AND iy = 8"
    )
    told = verify("radar_columns", "--output", "json")
    assert told.exit_code == 1
    assert differences(told) == [("station=KTLX/date=2026-05-01", name)]


def test_a_row_that_is_lost_or_twice_there_is_told_by_the_counts(
    loaded: RedshiftStandIn, verify: Any
) -> None:
    table = qualified("stormlake", "radar_columns")
    loaded.admin(f"DELETE FROM {table} WHERE station = 'KTLX' AND iy = 8")
    loaded.admin(f"INSERT INTO {table} SELECT * FROM {table} WHERE station = 'KLBB' AND iy = 3")
    told = verify("radar_columns", "--output", "json")
    found = json.loads(told.stdout)["differences"]
    assert [(d["partition"], d["column"], d["lake"], d["warehouse"]) for d in found] == [
        ("station=KLBB/date=2026-05-01", "(rows)", "2", "3"),
        ("station=KTLX/date=2026-05-01", "(rows)", "2", "1"),
    ]


def test_values_in_each_others_rows_are_told_by_the_rows_checksum(
    loaded: RedshiftStandIn, verify: Any
) -> None:
    loaded.admin(
        'UPDATE "stormlake"."requests_by_os" SET requests = 12 - requests '
        "WHERE date = '2026-04-01'"
    )
    assert differences(verify("requests_by_os", "--output", "json")) == [
        ("date=2026-04-01", "(row)")
    ]


def test_days_outside_the_window_are_not_looked_at(loaded: RedshiftStandIn, verify: Any) -> None:
    loaded.admin('DELETE FROM "stormlake"."requests_by_os" WHERE date = \'2026-04-02\'')
    first = ("--start", "2026-04-01", "--end", "2026-04-02")
    assert verify("requests_by_os", *first).exit_code == 0
    told = verify("requests_by_os")
    assert told.exit_code == 1
    (_, line, _, _, difference) = told.stdout.splitlines()
    assert line.split()[-1] == "differs"
    assert difference.split() == ["requests_by_os", "date=2026-04-02", "(rows)", "1", "0"]


def test_a_partition_that_is_empty_on_both_sides_is_equal(
    warehouse: RedshiftStandIn, verify: Any, tmp_path: Path
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    leave(tmp_path, REQUESTS_BY_OS, [], empty=[("2026-04-01",)])
    bring(warehouse, REQUESTS_BY_OS, [], empty=[("2026-04-01",)])
    told = verify("requests_by_os", "--output", "json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["tables"][0]["partitions"] == 1


def test_a_later_run_that_is_not_loaded_is_named_where_its_rows_differ(
    loaded: RedshiftStandIn, verify: Any, tmp_path: Path
) -> None:
    later = STARTED + timedelta(hours=1)
    leave(tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7), run_id="again", started=later)
    assert verify("requests_by_os").exit_code == 0  # another run, the same rows
    later += timedelta(hours=1)
    leave(tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 8), run_id="third", started=later)
    told = verify("requests_by_os", "--output", "json")
    assert told.exit_code == 1
    assert differences(told) == [("date=2026-04-01", "requests"), ("date=2026-04-01", "(run)")]
    last = json.loads(told.stdout)["differences"][-1]
    assert (last["lake"], last["warehouse"]) == ("third", "requests_by_os")


def test_a_merged_table_says_why_it_may_hold_more(
    warehouse: RedshiftStandIn, verify: Any, tmp_path: Path
) -> None:
    warehouse.create(ALERTS)
    bring(warehouse, ALERTS, alert_rows("2026-05-01", a="one", b="two"))
    leave(tmp_path, ALERTS, alert_rows("2026-05-01", a="one"))
    told = verify("alerts")
    assert told.exit_code == 1
    assert "alerts: rows are merged by key" in told.stdout


@pytest.mark.parametrize(
    "asked", [("alerts",), ("--all",), ("requests_by_os", "--end", "2020-01-01")]
)
def test_where_nothing_is_loaded_the_exit_code_is_2(
    asked: tuple[str, ...], warehouse: RedshiftStandIn, verify: Any, tmp_path: Path
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    if "--all" not in asked:
        bring(warehouse, REQUESTS_BY_OS, os_rows("2026-04-01", 5))
    told = verify(*asked)
    assert told.exit_code == 2
    assert "has no load of" in told.stderr


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ((), "name the tables, or give --all"),
        (("alerts", "--all"), "name the tables, or give --all"),
        (("no_such",), "no table no_such; there are"),
    ],
)
def test_other_questions_are_refused(asked: tuple[str, ...], said: str, verify: Any) -> None:
    told = verify(*asked)
    assert told.exit_code == 2
    assert said in told.stderr


def test_a_file_that_is_gone_is_named(loaded: RedshiftStandIn, verify: Any, tmp_path: Path) -> None:
    (file,) = tmp_path.glob("requests_by_os/date=2026-04-01/*.parquet")
    file.unlink()
    told = verify("requests_by_os")
    assert told.exit_code == 2
    assert file.name in told.stderr and "run the job again" in told.stderr


def test_a_warehouse_without_the_table_is_refused_with_what_to_do(
    loaded: RedshiftStandIn, verify: Any
) -> None:
    loaded.admin('DROP TABLE "stormlake"."requests_by_os"')
    told = verify("requests_by_os")
    assert told.exit_code == 2
    assert "ddl --engine redshift requests_by_os --apply" in told.stderr


def test_a_lake_in_a_bucket_is_read_by_its_own_protocol(
    loaded: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for path in tmp_path.rglob("*"):
        if path.is_file():
            loaded.put(f"lake/{path.relative_to(tmp_path).as_posix()}", path.read_bytes())
    lake = ("--lake", f"s3://{loaded.bucket}/lake", "--schema", "stormlake")
    told = run(loaded, monkeypatch, "warehouse", "verify", "--all", *lake)
    assert told.exit_code == 0, told.output
    loaded.s3.delete_object(
        Bucket=loaded.bucket, Key="lake/requests_by_os/date=2026-04-02/part-requests_by_os.parquet"
    )
    told = run(loaded, monkeypatch, "warehouse", "verify", "requests_by_os", *lake)
    assert told.exit_code == 2 and "is gone" in told.stderr


def test_golden_dry_run_prints_the_questions(warehouse: RedshiftStandIn, verify: Any) -> None:
    told = verify("requests_by_os", "radar_geometry", "--dry-run")
    assert told.exit_code == 0
    assert not warehouse.statements
    check_golden("verify", told.stdout, {warehouse.database: "DATABASE"}, GOLDEN)


def test_it_starts_no_spark() -> None:
    code = (
        "import sys; import stormlake.warehouse.verify_command; sys.exit('pyspark' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=dict(os.environ), check=False)
    assert done.returncode == 0

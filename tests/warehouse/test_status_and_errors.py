"""`stormlake warehouse status` and `errors`: what is loaded, what is not, and why."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.runs import RunRecord, write_record
from stormlake.lake.store import LocalStore
from stormlake.lake.tables import REQUESTS_BY_OS
from stormlake.warehouse.loading import LoadFailed, load
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.warehouse.commands import run, summary
from tests.warehouse.prepared import STARTED, how, manifest_of, os_rows, quick, row_of, scope_of

JOB = "aggregate-requests_by_os"


def record(lake: Path, run_id: str, started: datetime, **rows: int) -> None:
    """Leave the record of a run: rows by day, `d2026_04_01=3`."""
    partitions = tuple(
        PartitionWritten((day[1:].replace("_", "-"),), (FileWritten(f"{day}.parquet", count, 9),))
        for day, count in rows.items()
    )
    write_record(
        LocalStore(lake),
        RunRecord(
            *(JOB, run_id, "0123456789abcdef", started, started + timedelta(minutes=1), True, 0),
            *("stormlake", "c", "l", "s3://logs", {"requests_by_os": partitions}),
            partitions={"requests_by_os": ("date",)},
        ),
    )


def bring(stand_in: RedshiftStandIn, rows: list[dict[str, Any]], run_id: str) -> None:
    scope = scope_of(REQUESTS_BY_OS, rows, run_id=run_id, job=JOB)
    manifest = manifest_of(stand_in, REQUESTS_BY_OS, rows, run_id)
    load(quick(stand_in), scope, manifest, how(stand_in))


def test_each_run_that_counts_is_loaded_in_part_or_not(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    record(tmp_path, "first", STARTED, d2026_04_01=2, d2026_04_02=1)
    record(tmp_path, "second", STARTED + timedelta(hours=1), d2026_04_02=4, d2026_04_03=1)
    record(tmp_path, "third", STARTED + timedelta(hours=2), d2026_04_04=1)
    bring(warehouse, os_rows("2026-04-01", 5, 7), "first")
    bring(warehouse, os_rows("2026-04-02", 1, 2, 3, 4), "second")
    told = run(
        warehouse,
        monkeypatch,
        *("warehouse", "status", "--lake", str(tmp_path), "--schema", "stormlake"),
        *("--output", "json"),
    )
    keys = ("run_id", "state", "partitions", "loaded", "rows")
    assert [tuple(each[key] for key in keys) for each in summary(told)["runs"]] == [
        ("third", "not loaded", 1, 0, 1),
        ("second", "in part", 2, 1, 5),
        # Its second day was rewritten by the second run.
        ("first", "loaded", 1, 1, 2),
    ]
    told = run(
        warehouse,
        monkeypatch,
        *("warehouse", "status", "requests_by_os", "--lake", str(tmp_path)),
        *("--schema", "stormlake"),
    )
    assert told.exit_code == 0
    first, *rest = told.stdout.splitlines()
    assert first.split()[:3] == ["TABLE", "STATE", "PARTITIONS"] and len(rest) == 3


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--lake", "nowhere"), "nowhere: `stormlake ingest-radar`"),
        (("no_such_table", "--lake", "."), "no table no_such_table"),
        (("--lake", ".", "--cluster", "x"), "--workgroup NAME (Serverless) or --cluster"),
    ],
)
def test_status_refuses_what_it_cannot_use(
    warehouse: RedshiftStandIn,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    said: str,
) -> None:
    told = run(warehouse, monkeypatch, "warehouse", "status", *arguments)
    assert (told.exit_code, said in told.stderr) == (2, True), told.stderr


def test_errors_tell_file_line_column_and_reason_of_a_failed_load(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    nothing = run(warehouse, monkeypatch, "warehouse", "errors")
    assert (nothing.exit_code, nothing.stdout) == (0, "")
    with pytest.raises(LoadFailed):
        bring(warehouse, [row_of(REQUESTS_BY_OS, os="y" * 1025)], "bad")
    told = run(warehouse, monkeypatch, "warehouse", "errors", "requests_by_os")
    assert told.exit_code == 0
    head, _, error = told.stdout.splitlines()
    assert head.startswith("requests_by_os bad  FAILED 20")
    assert error.strip() == (
        f"s3://{warehouse.bucket}/unload/bad/part-0.parquet, line 1, column os varchar: "
        "String length exceeds DDL length (error 1204)"
    )
    loads = summary(run(warehouse, monkeypatch, "warehouse", "errors", "--output", "json"))["loads"]
    assert loads[0]["load_errors"][0]["code"] == 1204
    assert run(warehouse, monkeypatch, "warehouse", "errors", "wind_max").stdout == ""


def test_errors_of_one_run_are_found_among_many_and_over_many_pages(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    for run_id in ("bad", "worse", "xbad", "worst"):
        with pytest.raises(LoadFailed):
            bring(warehouse, [row_of(REQUESTS_BY_OS, os="y" * 1025)], run_id)
    monkeypatch.setattr("stormlake.warehouse.errors_command.PAGE", 1)

    def names(*options: str) -> list[str]:
        told = run(warehouse, monkeypatch, "warehouse", "errors", "--output", "json", *options)
        return [each["load"].split()[1] for each in summary(told)["loads"]]

    assert names("--limit", "3") == ["worst", "xbad", "worse"]
    assert names("requests_by_os", "--from-run", "bad") == ["bad"]
    assert names("--from-run", "bad") == ["bad"]
    assert names("--from-run", "none") == []


def test_commands_say_that_a_service_does_not_answer(
    warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stormlake.running.aws.RETRIES", {"total_max_attempts": 1})
    monkeypatch.setattr(RedshiftStandIn, "options", ["--workgroup", "stand-in", "--database", "x"])
    told = run(
        warehouse, monkeypatch, "warehouse", "errors", "--endpoint-url", "http://127.0.0.1:9"
    )
    assert told.exit_code == 5, told.output
    assert "check the network and --endpoint-url" in told.stderr

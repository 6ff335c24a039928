"""`stormlake warehouse load`: what a person types, sees, and may type again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result

from stormlake.cli import main
from stormlake.emr.jobs import job_request
from stormlake.lake.partitions import FileWritten, PartitionWritten
from stormlake.lake.runs import RunRecord, write_record
from stormlake.lake.store import LocalStore
from stormlake.lake.tables import ALERTS, REQUESTS_BY_OS, TABLES, WIND_MAX
from stormlake.lake.types import Table
from stormlake.running.job import JobRun
from stormlake.warehouse.exporting import ExportFailed, export
from stormlake.warehouse.ledger import LEDGER
from stormlake.warehouse.loading import load
from stormlake.warehouse.selection import scopes
from tests.emr.golden import check_golden
from tests.fakes.faults import Rule, s3_error
from tests.fakes.redshift_data.server import RedshiftStandIn
from tests.fakes.s3_jars import need_s3_jars
from tests.warehouse.exports import reach, scope_in, unload_to, write_lake
from tests.warehouse.prepared import alert_rows, as_loaded, how, os_rows, quick, row_of

STARTED = datetime(2026, 5, 1, 3, tzinfo=UTC)
GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture
def to_s3(spark: Any, warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The test's Spark in the place of one that a run starts."""
    need_s3_jars()
    reach(spark, warehouse)
    monkeypatch.setattr(JobRun, "start_spark", lambda *given, **named: spark)
    return spark


@pytest.fixture
def stormlake(warehouse: RedshiftStandIn, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run a command against the stand-in."""
    for name, value in warehouse.environment.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: object, unload: str | None = None) -> Result:
        unload = unload or f"s3://{warehouse.bucket}/unload"
        options = ["--unload", unload, "--iam-role", warehouse.iam_role, *warehouse.options]
        options += ["--schema", warehouse.target.schema]
        return CliRunner().invoke(main, ["warehouse", "load", *map(str, arguments), *options])

    return call


def record(
    lake: Path, table: Table, partitions: Sequence[PartitionWritten], run_id: str, **changed: Any
) -> None:
    """Write the record of a run that left these partitions."""
    started = changed.pop("started", STARTED)
    facts: dict[str, Any] = {
        "job": f"aggregate-{table.name}",
        "ok": True,
        "exit_code": 0,
        "software": "stormlake",
        "code_hash": "c",
        "lock_hash": "l",
        "source": "s3://archive",
    }
    left = RunRecord(
        run_id=run_id,
        run_key="k",
        started=started,
        finished=started + timedelta(minutes=1),
        tables={table.name: tuple(partitions)},
        partitions={table.name: table.partition_names},
        **facts | changed,
    )
    write_record(LocalStore(lake), left)


def summary(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.spark
def test_a_load_is_told_and_its_repeat_changes_nothing_and_says_so(
    to_s3: Any,
    warehouse: RedshiftStandIn,
    stormlake: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    rows = [*os_rows("2026-04-01", 5, 7), *os_rows("2026-04-02", 9)]
    record(tmp_path, REQUESTS_BY_OS, write_lake(to_s3, tmp_path, REQUESTS_BY_OS, rows), "run-1")

    first = summary(stormlake("requests_by_os", "--lake", tmp_path, "--output", "json"))
    (one,) = first["loads"]
    assert (one["table"], one["run"], one["partitions"]) == ("requests_by_os", "run-1", 2)
    assert (one["rows"], one["in_table"], one["outcome"]) == (3, 3, "loaded")
    assert first["rows_loaded"] == 3 and first["bytes_exported"] == one["bytes"] > 0
    assert warehouse.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows)

    def no_spark(*given: Any, **named: Any) -> Any:
        raise AssertionError("there is nothing to export")

    monkeypatch.setattr(JobRun, "start_spark", no_spark)
    before = _keys(warehouse)
    again = stormlake("requests_by_os", "--lake", tmp_path)
    assert again.exit_code == 0, again.output
    assert "everything is in" in again.output and "nothing was changed" in again.output
    assert _keys(warehouse) == before
    assert len(warehouse.rows(LEDGER)) == 2
    # A load is a run, too, but brings nothing into the lake.
    assert [scope.run_id for scope in scopes(LocalStore(tmp_path), REQUESTS_BY_OS)] == ["run-1"]
    retried = stormlake("requests_by_os", "--lake", tmp_path, "--run-id", first["run_id"])
    assert retried.exit_code == 0 and "loaded 3 rows" in retried.output


@pytest.mark.spark
def test_all_loads_what_has_a_record_and_names_what_has_none(
    to_s3: Any, warehouse: RedshiftStandIn, stormlake: Callable[..., Result], tmp_path: Path
) -> None:
    warehouse.create(*TABLES.values())
    alerts = alert_rows("2026-04-01", a="one", b="two")
    wind = [row_of(WIND_MAX, date=date(2026, 4, 1))]
    for table, rows in ((ALERTS, alerts), (WIND_MAX, wind)):
        record(tmp_path, table, write_lake(to_s3, tmp_path, table, rows), f"of-{table.name}")
    grid = TABLES["radar_grid"]
    record(tmp_path, grid, [PartitionWritten(("KLBB", "2026-04-01"))], "grid")

    told = summary(stormlake("--all", "--lake", tmp_path, "--output", "json"))

    assert {each["table"] for each in told["loads"]} == {"alerts", "wind_max"}
    assert "radar_columns" in told["not_recorded"] and "radar_grid" not in told["not_recorded"]
    assert warehouse.rows(ALERTS) == as_loaded(ALERTS, alerts)
    named = summary(stormlake("radar_grid", "--lake", tmp_path, "--output", "json"))
    assert [each["outcome"] for each in named["loads"]] == ["loaded"], "an emptied partition"


@pytest.mark.parametrize("table", [REQUESTS_BY_OS, ALERTS], ids=lambda table: table.name)
def test_dry_run_prints_sql_and_calls_and_makes_none_golden(
    warehouse: RedshiftStandIn, stormlake: Callable[..., Result], tmp_path: Path, table: Table
) -> None:
    values = ("2026-04-01",) if table is REQUESTS_BY_OS else ("it's", "2026-04-01")
    written = [
        PartitionWritten(values, (FileWritten(f"{table.name}/part-0.parquet", 3, 900),)),
        PartitionWritten((*values[:-1], "2026-04-02")),
    ]
    record(tmp_path, table, written, "run-1")
    printed = stormlake(table.name, "--lake", tmp_path, "--dry-run")
    assert printed.exit_code == 0, printed.output
    names = {warehouse.bucket: "BUCKET", warehouse.database: "DATABASE"}
    check_golden(f"load_{table.name}", printed.stdout, names, GOLDEN)
    assert warehouse.requests == []
    assert list((tmp_path / "_stormlake").iterdir()) == [tmp_path / "_stormlake" / "runs"]


@pytest.mark.spark
def test_a_partition_that_was_rewritten_since_ends_the_load_with_what_to_do(
    to_s3: Any, warehouse: RedshiftStandIn, stormlake: Callable[..., Result], tmp_path: Path
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    written = write_lake(to_s3, tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7), files=2)
    record(tmp_path, REQUESTS_BY_OS, written, "run-1")
    (tmp_path / written[0].files[1].path).unlink()

    ended = stormlake("requests_by_os", "--lake", tmp_path)

    assert ended.exit_code == 1
    assert "the partition was rewritten since; run again" in ended.output
    assert warehouse.rows(REQUESTS_BY_OS) == [] and warehouse.rows(LEDGER) == []


@pytest.mark.spark
def test_a_file_with_other_rows_than_the_record_says_is_refused(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    (part,) = write_lake(to_s3, tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7))
    write_lake(to_s3, tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5))
    with pytest.raises(Exception, match=r"says 2 rows, its files hold 1.*run again"):
        export(lambda: to_s3, str(tmp_path), scope_in(REQUESTS_BY_OS, [part]), unload_to(warehouse))
    assert not _keys(warehouse, "manifest.json")


@pytest.mark.spark
def test_files_that_another_run_put_beside_those_of_the_record_are_not_read(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    rows = os_rows("2026-04-01", 5, 7)
    written = write_lake(to_s3, tmp_path, REQUESTS_BY_OS, rows)
    write_lake(to_s3, tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 1, 2, 3), mark="stray")
    scope = scope_in(REQUESTS_BY_OS, written)
    exported = export(lambda: to_s3, str(tmp_path), scope, unload_to(warehouse))
    assert exported.manifest.rows == 2


@pytest.mark.spark
def test_of_two_exports_at_once_both_load_from_the_first_manifest(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    written = write_lake(to_s3, tmp_path, REQUESTS_BY_OS, os_rows("2026-04-01", 5, 7))
    scope, unload = scope_in(REQUESTS_BY_OS, written), unload_to(warehouse)
    first = []

    def another_is_faster() -> Any:
        first.append(export(lambda: to_s3, str(tmp_path), scope, unload))
        return to_s3

    second = export(another_is_faster, str(tmp_path), scope, unload)
    assert first[0].new and not second.new
    assert second.manifest == first[0].manifest

    def no_spark() -> Any:
        raise AssertionError("the manifest is there")

    assert export(no_spark, str(tmp_path), scope, unload) == second
    # Its files expire: then it is made anew, in the same place.
    gone = second.manifest.files[0].url.removeprefix(f"s3://{warehouse.bucket}/")
    warehouse.s3.delete_object(Bucket=warehouse.bucket, Key=gone)
    anew = export(lambda: to_s3, str(tmp_path), scope, unload)
    assert anew.new and anew.manifest.url == second.manifest.url
    assert anew.manifest.files != second.manifest.files and anew.manifest.rows == 2


@pytest.mark.spark
@pytest.mark.one_runtime
def test_an_export_that_fails_at_any_call_of_s3_is_made_good_by_the_next(
    to_s3: Any, warehouse: RedshiftStandIn, tmp_path: Path
) -> None:
    """Every call of boto3, Arrow and Spark's S3A is refused once, each in an export of its own."""
    warehouse.create(REQUESTS_BY_OS)
    failed = hits = at = 0
    while hits == at:
        rows = os_rows("2026-04-01", at, at + 1)
        lake = tmp_path / str(at)
        scope = scope_in(
            REQUESTS_BY_OS,
            write_lake(to_s3, lake, REQUESTS_BY_OS, rows),
            f"run-{at}",
            run_started=STARTED + timedelta(minutes=at),
        )
        warehouse.clear()
        in_bucket = f"^/{warehouse.bucket}"
        warehouse.inject(Rule(s3_error(403, "AccessDenied"), path=in_bucket, skip=at))
        try:
            exported = export(lambda: to_s3, str(lake), scope, unload_to(warehouse))
        except Exception:
            failed += 1
            hits += warehouse.faults
            warehouse.clear()
            exported = export(lambda: to_s3, str(lake), scope, unload_to(warehouse))
        else:
            hits += warehouse.faults
        load(quick(warehouse), scope, exported.manifest, how(warehouse))
        assert warehouse.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows), at
        at += 1
    assert failed >= 10, f"{failed} of {at} exports failed"
    assert len(warehouse.rows(LEDGER)) == at


def test_a_bucket_in_another_region_is_refused_before_anything_is_exported(
    warehouse: RedshiftStandIn, stormlake: Callable[..., Result], tmp_path: Path
) -> None:
    record(tmp_path, REQUESTS_BY_OS, [PartitionWritten(("2026-04-01",))], "run-1")
    warehouse.s3.create_bucket(
        Bucket=f"{warehouse.bucket}-eu",
        CreateBucketConfiguration={"LocationConstraint": "eu-west-1"},
    )
    other = f"s3://{warehouse.bucket}-eu"
    ended = stormlake("requests_by_os", "--lake", tmp_path, unload=other)
    assert ended.exit_code == 2 and "is in eu-west-1, the warehouse in us-east-1" in ended.output
    assert warehouse.statements == []
    local = stormlake("requests_by_os", "--lake", tmp_path, unload=str(tmp_path))
    assert local.exit_code == 2 and "Redshift reads from nowhere else" in local.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["wind"], "no table wind; there are radar_volumes"),
        ([], "name one table, or give --all"),
        (["wind_max", "--all"], "name one table, or give --all"),
        (["--all", "--from-run", "x"], "name the table, too"),
        (["wind_max", "--start", "2026-04-02", "--end", "2026-04-02"], "--start is not before"),
        (["wind_max"], "no run has left a record of wind_max"),
        (["--all"], "no run has left a record of any of these tables"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_exit_2(
    stormlake: Callable[..., Result], tmp_path: Path, arguments: Sequence[str], said: str
) -> None:
    ended = stormlake(*arguments, "--lake", tmp_path)
    assert ended.exit_code == 2 and said in ended.output


def test_the_job_is_shown_once_and_can_be_submitted() -> None:
    context = click.Context(main, info_name="stormlake")
    assert "load-redshift" not in main.list_commands(context)
    assert "load" in CliRunner().invoke(main, ["warehouse", "--help"]).output
    arguments = [
        *("wind_max", "--lake", "s3://lake", "--unload", "s3://lake/unload"),
        *("--workgroup", "w", "--database", "d", "--iam-role", "arn:aws:iam::1:role/copy"),
        *("--day-before", "2026-04-02T03:00:00Z"),
    ]
    request = job_request(context, "load-redshift", arguments)
    assert (request.name, request.job.file) == ("load-redshift", "load_redshift.py")
    assert request.lake == "s3://lake"
    assert request.parameters["start"] == "2026-04-01T00:00:00+00:00"


def test_a_file_with_other_columns_is_never_listed() -> None:
    """COPY goes by position: two columns of one type in the other order would load swapped."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from stormlake.lake.types import arrow_fields
    from stormlake.warehouse.exporting import _check_columns

    good = arrow_fields(WIND_MAX.load_columns)
    swapped = pa.schema([good.field(1), good.field(0), *list(good)[2:]])
    for schema in (swapped, pa.schema(list(good)[:-1])):
        sink = pa.BufferOutputStream()
        pq.write_table(schema.empty_table(), sink)
        found = pq.ParquetFile(pa.BufferReader(sink.getvalue())).schema
        with pytest.raises(ExportFailed, match="no manifest was written"):
            _check_columns(WIND_MAX, found, "s3://bucket/part-0.parquet")


def _keys(warehouse: RedshiftStandIn, ending: str = "") -> list[str]:
    listed = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket).get("Contents", [])
    return [each["Key"] for each in listed if each["Key"].endswith(ending)]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_a_lake_that_is_not_there_is_refused_and_not_made(
    warehouse: RedshiftStandIn,
    stormlake: Callable[..., Result],
    tmp_path: Path,
    more: tuple[str, ...],
) -> None:
    ended = stormlake("wind_max", "--lake", tmp_path / "nowhere", *more)
    assert ended.exit_code == 2 and "there is no lake at" in ended.output
    assert not (tmp_path / "nowhere").exists()
    assert warehouse.statements == []

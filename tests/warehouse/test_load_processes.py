"""Loads as processes of their own: two at once, and through spark-submit from a lake in S3."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from stormlake.java import find_java_home
from stormlake.lake.tables import REQUESTS_BY_OS
from stormlake.s3_access import hadoop_settings
from stormlake.warehouse.ledger import LEDGER
from tests.fakes.redshift_data.server import REGION, RedshiftStandIn
from tests.fakes.s3_jars import need_s3_jars, s3_class_path
from tests.integration.cluster import spark_home
from tests.integration.runs import ROOT, start_job
from tests.warehouse.exports import write_lake
from tests.warehouse.prepared import as_loaded, os_rows
from tests.warehouse.test_load_command import record

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]

ROWS = [*os_rows("2026-04-01", 5, 7), *os_rows("2026-04-02", 9)]


@pytest.fixture
def lake(spark: Any, warehouse: RedshiftStandIn, tmp_path: Path) -> Path:
    """A lake with one run, as a folder."""
    need_s3_jars()
    warehouse.create(REQUESTS_BY_OS)
    written = write_lake(spark, tmp_path, REQUESTS_BY_OS, ROWS)
    record(tmp_path, REQUESTS_BY_OS, written, "run-1")
    return tmp_path


def arguments(warehouse: RedshiftStandIn, lake: object) -> list[object]:
    return [
        *("requests_by_os", "--lake", lake, "--unload", f"s3://{warehouse.bucket}/unload"),
        *("--iam-role", warehouse.iam_role, "--schema", warehouse.target.schema),
        *("--output", "json", *warehouse.options),
    ]


def check(warehouse: RedshiftStandIn) -> None:
    """The table equals the lake, loaded once."""
    assert warehouse.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, ROWS)
    assert [row["scope"] for row in warehouse.rows(LEDGER)] == [
        '{"date":"2026-04-01"}',
        '{"date":"2026-04-02"}',
    ]


def test_of_two_loads_at_once_one_loads_and_the_other_says_that_it_is_loaded(
    warehouse: RedshiftStandIn, lake: Path
) -> None:
    command = [sys.executable, "-m", "stormlake.cli", "warehouse", "load"]
    given = [*arguments(warehouse, lake), "--master", "local[1]"]
    with (
        start_job(*given, command=command, env=warehouse.environment) as first,
        start_job(*given, command=command, env=warehouse.environment) as second,
    ):
        told = [running.finish().expect(0).summary for running in (first, second)]
    outcomes = sorted(each["loads"][0]["outcome"] for each in told)
    assert outcomes == ["already loaded", "loaded"]
    check(warehouse)


def test_through_spark_submit_a_lake_in_s3_is_loaded(
    warehouse: RedshiftStandIn, lake: Path
) -> None:
    for path in lake.rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            key = f"lake/{path.relative_to(lake).as_posix()}"
            warehouse.put(key, path.read_bytes())
    settings = hadoop_settings(warehouse.endpoint_url, REGION)
    command = [
        *(str(spark_home() / "bin" / "spark-submit"), "--master", "local[1]"),
        *(word for name, value in settings.items() for word in ("--conf", f"{name}={value}")),
        str(ROOT / "jobs" / "load_redshift.py"),
    ]
    environment = {
        **warehouse.environment,
        **s3_class_path(),
        "JAVA_HOME": str(find_java_home()),
        "SPARK_HOME": str(spark_home()),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "PYSPARK_DRIVER_PYTHON": sys.executable,
    }
    given = arguments(warehouse, f"s3://{warehouse.bucket}/lake")
    with start_job(*given, command=command, env=environment) as running:
        told = running.finish().expect(0).summary
        assert running.left_over() == []
    assert told["loads"][0]["outcome"] == "loaded"
    check(warehouse)

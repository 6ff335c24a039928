"""A load whose process is killed: run again, and the table equals the lake, loaded once."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from stormlake.lake.tables import REQUESTS_BY_OS
from stormlake.warehouse.ledger import LEDGER
from tests.fakes.redshift_data.server import RedshiftStandIn, hold
from tests.integration.runs import Running, start_job
from tests.warehouse.exports import write_lake
from tests.warehouse.prepared import as_loaded, os_rows
from tests.warehouse.test_load_command import record, stormlake, summary, to_s3

__all__ = ["stormlake", "to_s3"]

pytestmark = [pytest.mark.spark, pytest.mark.one_runtime]

Moment = Callable[[Running, RedshiftStandIn], None]


def keys(warehouse: RedshiftStandIn) -> list[str]:
    listed = warehouse.s3.list_objects_v2(Bucket=warehouse.bucket).get("Contents", [])
    return [each["Key"] for each in listed]


def in_the_export(run: Running, warehouse: RedshiftStandIn) -> None:
    """Spark has begun to write, and there is no manifest yet."""
    run.until(lambda: bool(keys(warehouse)), "the first object of the export")
    run.send(signal.SIGKILL)


def before_the_rows_are_put(run: Running, warehouse: RedshiftStandIn) -> None:
    """The transaction is under way, and goes down with its server."""
    reached, held = threading.Event(), []

    def wait(state: Any) -> None:
        held.append(state)
        reached.set()
        hold(state)

    warehouse.before("DELETE", wait)
    run.until(reached.is_set, "the DELETE of the batch")
    run.send(signal.SIGKILL)
    warehouse.kill_backend(held[0])
    held[0].cancelled.set()


def before_the_answer(run: Running, warehouse: RedshiftStandIn) -> None:
    """The transaction commits, and nobody is there to hear it."""
    reached, released = threading.Event(), threading.Event()

    def wait(state: Any) -> None:
        reached.set()
        hold(state, released)

    warehouse.before('INSERT INTO "stormlake"."load_ledger"', wait)
    run.until(reached.is_set, "the ledger of the batch")
    run.send(signal.SIGKILL)
    run.finish()
    released.set()


@pytest.mark.parametrize("moment", [in_the_export, before_the_rows_are_put, before_the_answer])
def test_after_a_sigkill_the_next_load_leaves_the_table_equal_to_the_lake(
    to_s3: Any,
    warehouse: RedshiftStandIn,
    stormlake: Callable[..., Result],
    tmp_path: Path,
    moment: Moment,
) -> None:
    warehouse.create(REQUESTS_BY_OS)
    rows = [*os_rows("2026-04-01", 5, 7), *os_rows("2026-04-02", 9)]
    record(tmp_path, REQUESTS_BY_OS, write_lake(to_s3, tmp_path, REQUESTS_BY_OS, rows), "run-1")
    arguments = [
        *("requests_by_os", "--lake", tmp_path, "--unload", f"s3://{warehouse.bucket}/unload"),
        *("--iam-role", warehouse.iam_role, "--schema", warehouse.target.schema),
        *("--master", "local[1]", *warehouse.options),
    ]
    command = [sys.executable, "-m", "stormlake.cli", "warehouse", "load"]
    with start_job(*arguments, command=command, env=warehouse.environment) as running:
        moment(running, warehouse)
        assert running.finish().code == -signal.SIGKILL
        assert running.left_over() == []
    warehouse.service.faults.clear()

    again = summary(stormlake("requests_by_os", "--lake", tmp_path, "--output", "json"))

    (one,) = again["loads"]
    assert one["outcome"] == ("already loaded" if moment is before_the_answer else "loaded")
    assert warehouse.rows(REQUESTS_BY_OS) == as_loaded(REQUESTS_BY_OS, rows)
    assert [row["scope"] for row in warehouse.rows(LEDGER)] == [
        '{"date":"2026-04-01"}',
        '{"date":"2026-04-02"}',
    ]

"""What a person reads when a run cannot go on: the cause, not the machinery."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from stormlake.lake.objects import StoreRefused
from stormlake.lake.store import LocalStore
from stormlake.running.options import Common, StormlakeCommand, common_options

JAVA = """An error occurred while calling o318.parquet.
: org.apache.spark.SparkException: [TASK_WRITE_FAILED] Task failed while writing rows
\tat org.apache.spark.sql.errors.QueryExecutionErrors$.taskFailed(QueryExecutionErrors.scala:772)
Caused by: org.apache.hadoop.fs.FSError: java.io.IOException: No space left on device
\tat org.apache.hadoop.fs.RawLocalFileSystem.write(RawLocalFileSystem.java:487)
Caused by: java.io.IOException: No space left on device
\tat java.base/java.io.FileOutputStream.writeBytes(Native Method)
"""


@click.command(cls=StormlakeCommand)
@common_options
def failing(common: Common) -> None:
    """Fail as Spark does."""
    raise RuntimeError(JAVA)


def test_of_a_java_error_the_deepest_cause_is_told_first() -> None:
    result = CliRunner().invoke(failing, [])

    assert result.exit_code == 1
    told = result.stderr.strip().splitlines()
    assert len(told) == 1, "one line for a person"
    assert told[0].startswith(
        "stormlake: unexpected RuntimeError: java.io.IOException: No space left on device"
    )


def test_with_log_json_the_last_word_is_a_json_line_too() -> None:
    result = CliRunner().invoke(failing, ["--log-json"])

    last = json.loads(result.stderr.strip().splitlines()[-1])
    assert last["level"] == "error"
    assert "No space left on device" in last["message"]


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, OSError), (errno.EROFS, StoreRefused)])
def test_a_control_object_that_cannot_be_written_leaves_nothing_and_names_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, kind: type[Exception]
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(kind) as caught:
        LocalStore(tmp_path).create("_stormlake/locks/a.json", b"{}")

    assert os.strerror(number) in str(caught.value)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []

"""An error that nobody foresaw names its file and line."""

from __future__ import annotations

import click
from click.testing import CliRunner

from stormlake.errors import ExitCode
from stormlake.running.failures import own_place, place_of
from stormlake.running.options import StormlakeCommand


def test_an_unforeseen_error_ends_a_command_with_its_file_line_and_function() -> None:
    @click.command("fails", cls=StormlakeCommand)
    def fails() -> None:
        raise KeyError("cells")

    line = fails.callback.__code__.co_firstlineno + 2
    done = CliRunner().invoke(fails, [])

    assert done.exit_code == ExitCode.FAILED
    assert done.stderr == (
        f"stormlake: unexpected KeyError: 'cells' (test_failures.py, line {line}, in fails)\n"
    )


def test_the_place_of_an_error_of_the_jvm_is_the_line_that_asked_for_it() -> None:
    frames = [
        ("/mnt/yarn/c_1/0f-ingest_radar.py", 430, "<module>"),
        ("/mnt/yarn/c_1/stormlake-0.1.0-aa.zip/stormlake/lake/write.py", 61, "write_partitions"),
        ("/usr/lib/spark/python/lib/pyspark.zip/pyspark/sql/dataframe.py", 1263, "collect"),
        ("/usr/lib/spark/python/lib/py4j-0.10.9.7-src.zip/py4j/protocol.py", 326, "get_return"),
    ]

    assert own_place(frames) == "stormlake/lake/write.py, line 61, in write_partitions"
    assert own_place(frames[:1]) == "0f-ingest_radar.py, line 430, in <module>"
    assert own_place(frames[3:]) == "protocol.py, line 326, in get_return"
    assert own_place([]) is None


def test_the_place_in_an_installed_package_begins_with_the_package() -> None:
    path = "/mnt/environment/lib/python3.11/site-packages/pandas/core/frame.py"

    assert own_place([(path, 5, "merge")]) == "pandas/core/frame.py, line 5, in merge"


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert place_of(ValueError()) is None

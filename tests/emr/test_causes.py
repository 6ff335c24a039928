"""The cause of a failure, by logs of Spark; `logs/README.md` says which of them are real."""

from __future__ import annotations

import json
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from stormlake.emr.causes import PATTERNS, Cause, find_cause, read_evidence
from stormlake.emr.log_scan import Failure, scan
from stormlake.errors import RefusedInput, TooManyRejects
from stormlake.lake.exits import RunExit
from stormlake.lake.locks import hold
from stormlake.lake.store import LocalStore
from stormlake.running.options import Common, StormlakeCommand, common_options

LOGS = Path(__file__).parent / "logs"


def lines_of(name: str) -> list[str]:
    return (LOGS / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def cause_of(*names: str) -> Cause:
    cause = find_cause({}, [read_evidence(name, lines_of(name)) for name in names], None, "")
    assert cause is not None
    return cause


@pytest.mark.parametrize("spark", ["spark-3.5", "spark-4.0"])
@pytest.mark.parametrize(
    ("log", "what", "where"),
    [
        ("python_error", "KeyError: 'columns'", "fail.py, line 21, in python"),
        # Of the worker, not of the driver that asked: there the mistake is.
        ("udf_error", "ZeroDivisionError: division by zero", "fail.py, line 9, in speed"),
    ],
)
def test_a_python_error_is_named_with_its_file_and_line(
    log: str, what: str, where: str, spark: str
) -> None:
    cause = cause_of(f"{log}.{spark}")

    assert (cause.what, cause.where, cause.advice) == (what, where, None)


@pytest.mark.parametrize(
    ("log", "what", "where", "advice"),
    [
        (
            "ansi_cast.spark-3.5",
            "org.apache.spark.SparkNumberFormatException: [CAST_INVALID_INPUT] The value '1O' of",
            "fail.py, line 17, in cast",
            "a value does not fit (CAST_INVALID_INPUT)",
        ),
        (
            "ansi_cast.spark-4.0",
            "NumberFormatException: [CAST_INVALID_INPUT] The value '1O' of the type",
            "fail.py, line 17, in cast",
            "a value does not fit (CAST_INVALID_INPUT)",
        ),
        (
            "s3_forbidden.spark-3.5",
            "com.amazonaws.services.s3.model.AmazonS3Exception: FORBIDDEN",
            "fail.py, line 27, in s3",
            "the job's role may not use bucket forbidden-bucket, key 2016/06/01/x.txt:",
        ),
        (
            "s3_forbidden.spark-4.0",
            "software.amazon.awssdk.services.s3.model.S3Exception: null (Service: S3, Status Code",
            "fail.py, line 27, in s3",
            "the job's role may not use bucket forbidden-bucket, key 2016/06/01/x.txt:",
        ),
        (
            "archive_not_found.spark-4.0",
            "java.io.FileNotFoundException: No such file or directory: s3a://forbidden-bucket/art",
            "fail.py, line 5, in <module>",
            "the archive of the dependencies is not there: stormlake emr package uploads it",
        ),
        (
            "interpreter_not_found.spark-4.0",
            "java.io.IOException: error=2, No such file or directory",
            "fail.py, line 13, in udf",
            "./environment/bin/python does not start: the archive was not unpacked",
        ),
        (
            "heap_full.spark-4.0",
            "org.apache.spark.SparkException: Job 0 cancelled because SparkContext was shut down",
            "fail.py, line 24, in heap",
            "the heap of the JVM that says so is full (Java heap space)",
        ),
        (
            "executor_memory.reconstructed",
            "Container killed by YARN for exceeding physical memory limits. 5.6 GB of 5.5 GB",
            None,
            "an executor's processes used 5.6 GB of 5.5 GB: give each more beside its heap",
        ),
        (
            "driver_memory.reconstructed",
            "Container [pid=28408,containerID=container_1777669200000_0007_02_000001] is running",
            None,
            "the container used 2.4 GB of 2.4 GB: of a driver raise --conf spark.driver.memoryOv",
        ),
        ("exit_137.yarn-stderr", "Exit status: 137.", None, "exit 137 is SIGKILL"),
        (
            "exit_137.yarn-stdout",
            "org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage",
            "fail_yarn.py, line 26, in <module>",
            "exit 137 is SIGKILL",
        ),
    ],
)
def test_a_known_failure_is_told_with_a_line_of_advice(
    log: str, what: str, where: str | None, advice: str
) -> None:
    cause = cause_of(log)

    assert cause.what.startswith(what)
    assert cause.where == where
    assert cause.advice is not None and cause.advice.startswith(advice)
    assert "\n" not in cause.what + cause.advice


def test_a_full_heap_stands_behind_the_error_that_came_of_it() -> None:
    assert cause_of("heap_full.spark-4.0").because == "java.lang.OutOfMemoryError: Java heap space"


def test_the_drivers_log_speaks_before_the_steps() -> None:
    # spark-submit's own log only says that the application failed.
    cause = cause_of("python_error.yarn-stdout", "python_error.yarn-stderr", "step_stderr.yarn")

    assert cause.what == "KeyError: 'columns'"
    assert cause.where == "fail_yarn.py, line 21, in <module>"
    assert cause.source == "python_error.yarn-stdout"
    assert find_cause({}, [read_evidence("", lines_of("step_stderr.yarn"))], None, "") is None


def test_every_pattern_has_a_log() -> None:
    logs = [line for path in LOGS.glob("*.txt") for line in path.read_text("utf-8").splitlines()]
    logs += [*our_lines("rejects"), *our_lines("lock")]

    for pattern in PATTERNS:
        assert any(pattern.line.search(line) for line in logs), pattern.name


# our own errors


def our_lines(kind: str, *, log_json: bool = False) -> Iterator[str]:
    """What a command of ours writes on stderr as it fails, by the code that writes it."""

    @click.command(kind, cls=StormlakeCommand)
    @common_options
    def fails(common: Common) -> None:
        if kind == "rejects":
            raise TooManyRejects("17 of 250 volumes were rejected (6.8%); the tables are written")
        if kind == "lock":
            with tempfile.TemporaryDirectory() as folder:
                store = LocalStore(Path(folder))
                first = hold(store, "ingest-radar", ["KLBB"], run_id="r-1", wait=0)
                second = hold(store, "ingest-radar", ["KLBB"], run_id="r-2", wait=0)
                with first, second:
                    pass
        if kind == "unforeseen":
            raise KeyError("cells")

    done = CliRunner().invoke(fails, ["--log-json"] if log_json else [])
    return iter(done.stderr.splitlines())


@pytest.mark.parametrize("log_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize(
    ("kind", "what", "advice"),
    [
        ("rejects", "TooManyRejects: 17 of 250 volumes were rejected", "tables and record are wr"),
        (
            "lock",
            "LockHeld: ingest-radar KLBB is locked by run r-1, pid",
            "run r-1 works on the sa",
        ),
    ],
)
def test_our_own_last_line_is_the_cause(kind: str, what: str, advice: str, log_json: bool) -> None:
    evidence = read_evidence("driver stdout", our_lines(kind, log_json=log_json))
    cause = find_cause({}, [evidence], None, "")

    assert cause is not None
    assert cause.what.startswith(what)
    assert cause.advice is not None and cause.advice.startswith(advice)


@pytest.mark.parametrize("log_json", [False, True], ids=["text", "json"])
def test_an_unforeseen_error_of_a_job_is_named_with_its_file_and_line(log_json: bool) -> None:
    evidence = read_evidence("driver stdout", our_lines("unforeseen", log_json=log_json))
    cause = find_cause({}, [evidence], None, "")

    assert cause is not None
    assert cause.what == "unexpected KeyError: 'cells'"
    assert cause.where is not None
    assert cause.where.startswith("test_causes.py, line ") and cause.where.endswith(", in fails")


def test_our_own_last_line_counts_more_than_an_earlier_traceback() -> None:
    # A task that failed once and went well the second time.
    lines = [*lines_of("udf_error.spark-4.0"), "stormlake: RefusedInput: no volume in this scope"]

    assert scan(lines).error == Failure("RefusedInput: no volume in this scope")


# who speaks first


def test_what_the_service_says_comes_first_and_what_the_driver_says_stands_behind() -> None:
    failure = {"Reason": "Main Class not found.", "LogFile": "s3://b/stderr.gz"}
    evidence = read_evidence("driver", lines_of("python_error.spark-4.0"))

    cause = find_cause(failure, [evidence], None, "")

    assert cause == Cause(
        "Main Class not found.",
        "fail.py, line 21, in python",
        "KeyError: 'columns'",
        None,
        "EMR's FailureDetails",
    )


@pytest.mark.parametrize(
    "failure",
    [
        {"Reason": "Unknown Error.", "LogFile": "s3://b/stderr.gz"},
        {"Reason": "Unknown Error.", "Message": "User application exited with status 1"},
        {"Message": "Application application_1777669200000_0007 finished with failed status"},
        {},
    ],
)
def test_a_service_that_says_nothing_is_not_listened_to(failure: dict[str, str]) -> None:
    evidence = read_evidence("driver", lines_of("python_error.spark-4.0"))
    cause = find_cause(failure, [evidence], None, "")

    assert cause is not None and cause.what == "KeyError: 'columns'"
    assert find_cause(failure, [], None, failure.get("Message", "")) is None


def test_without_logs_the_runs_own_exit_speaks_and_then_the_service() -> None:
    left = RunExit(1, "KeyError: 'cells'", "stormlake/lake/write.py, line 12, in write")

    cause = find_cause({}, [], left, "Job execution failed")
    assert cause is not None
    assert (cause.what, cause.where) == (left.message, left.where)
    cause = find_cause({}, [], None, "BOOTSTRAP_FAILURE: exit 1")
    assert cause is not None and cause.what == "BOOTSTRAP_FAILURE: exit 1"
    assert find_cause({}, [], None, "") is None


def test_the_advice_of_a_pattern_is_given_for_the_runs_own_exit_too() -> None:
    left = RunExit(2, "StoreRefused: s3://lake/_stormlake/locks/a.json: AccessDenied: An error")

    cause = find_cause({}, [], left, "")

    assert cause is not None and cause.advice is not None
    assert "bucket lake, key _stormlake/locks/a.json" in cause.advice


def test_what_py4j_says_while_all_ends_does_not_hide_the_first_error() -> None:
    noise = [
        "ERROR:root:Exception while sending command.",
        "Traceback (most recent call last):",
        '  File "/usr/lib/spark/python/lib/py4j-0.10-src.zip/py4j/clientserver.py", line 5, in x',
        '    raise Py4JNetworkError("Answer from Java side is empty")',
        "py4j.protocol.Py4JNetworkError: Answer from Java side is empty",
    ]

    assert scan([*lines_of("python_error.spark-3.5"), *noise]).error == Failure(
        "KeyError: 'columns'", "fail.py, line 21, in python"
    )
    assert scan(noise).error == Failure(
        "Py4JNetworkError: Answer from Java side is empty", "clientserver.py, line 5, in x"
    )


def test_a_chain_of_errors_gives_the_last() -> None:
    try:
        try:
            raise ValueError("first")
        except ValueError as error:
            raise RefusedInput("second") from error
    except RefusedInput as error:
        lines = "".join(traceback.format_exception(error)).splitlines()

    found = scan(lines).error

    assert found is not None and found.what == "RefusedInput: second"
    assert found.where is not None and found.where.startswith("test_causes.py, line ")


@given(
    st.lists(
        st.one_of(
            st.text(max_size=60),
            st.sampled_from(
                [
                    "Traceback (most recent call last):",
                    '  File "a.py", line 1, in b',
                    "    code()",
                    "ValueError: x",
                    "Caused by: java.lang.E",
                    '{"exception": "Traceback (most recent call last):"}',
                    '{"message": 5, "level": "error"}',
                    "{",
                    "stormlake: LockHeld: x",
                ]
            ),
        ),
        max_size=30,
    )
)
def test_any_log_is_read_without_an_error(lines: list[str]) -> None:
    evidence = read_evidence("log", lines)
    cause = find_cause({}, [evidence], None, "")

    assert cause is None or cause.what


def test_a_json_line_that_is_no_log_line_is_read_as_text() -> None:
    assert scan([json.dumps(["Caused by: x"])]).error is None

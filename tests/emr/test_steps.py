"""A job's arguments on their way to a step and to a job run."""

from __future__ import annotations

import base64
import json
import re

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.emr import steps
from stormlake.emr.steps import Shipped
from stormlake.errors import RefusedInput
from stormlake.running.options import StormlakeCommand, common_options
from stormlake.spark import MEANING
from tests.emr.validation import emr_call, faults
from tests.fakes.emr.runners import command_runner

SHIPPED = Shipped(
    archive="s3://b/artifacts/deps/d.tar.gz",
    code="s3://b/artifacts/code/stormlake.zip",
    job_file="s3://b/artifacts/code/ingest_radar.py",
)
RUN = "0123456789abcdef-1"


def settings_of(arguments: list[str]) -> dict[str, str]:
    """Every --conf, as spark-submit reads it."""
    places = [n for n, argument in enumerate(arguments) if argument == "--conf"]
    pairs = [arguments[n + 1].partition("=") for n in places]
    assert len({key for key, _, _ in pairs}) == len(pairs)
    return {key: value for key, _, value in pairs}


def received(arguments: list[str]) -> list[str]:
    """What a command of ours makes of its arguments."""
    got: list[list[str]] = []

    @click.command(
        cls=StormlakeCommand,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )
    @click.argument("rest", nargs=-1, type=click.UNPROCESSED)
    @common_options
    def command(common: object, rest: tuple[str, ...]) -> None:
        got.append([*rest])

    command.main(arguments, standalone_mode=False)
    return got[0]


def test_a_step_is_spark_submit_in_cluster_mode_by_command_runner() -> None:
    arguments = steps.spark_submit("n", SHIPPED, RUN, ["--lake", "s3://lake"])
    step = steps.step("stormlake/ingest-radar/0123456789abcdef/1", arguments, "CONTINUE")
    assert step["HadoopJarStep"]["Jar"] == "command-runner.jar"
    assert arguments[:5] == ["spark-submit", "--master", "yarn", "--deploy-mode", "cluster"]
    assert arguments[-5:] == [SHIPPED.job_file, "--run-id", RUN, "--lake", "s3://lake"]
    assert not faults(emr_call("AddJobFlowSteps", {"JobFlowId": "j-1", "Steps": [step]}))


def test_the_settings_of_a_step_are_those_of_every_session_and_where_python_is() -> None:
    settings = settings_of(steps.spark_submit("n", SHIPPED, RUN, []))
    python = "./environment/bin/python"
    assert settings == {
        **MEANING,
        "spark.archives": "s3://b/artifacts/deps/d.tar.gz#environment",
        "spark.submit.pyFiles": "s3://b/artifacts/code/stormlake.zip",
        "spark.executorEnv.PYSPARK_PYTHON": python,
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON": python,
        # Else YARN runs a failed driver a second time.
        "spark.yarn.maxAppAttempts": "1",
    }


def test_the_settings_of_a_job_run_name_python_in_the_words_of_serverless() -> None:
    driver = steps.serverless_driver(SHIPPED, RUN, ["--lake", "s3://lake"])["sparkSubmit"]
    assert driver["entryPoint"] == SHIPPED.job_file
    assert driver["entryPointArguments"] == ["--run-id", RUN, "--lake", "s3://lake"]
    settings = settings_of(driver["sparkSubmitParameters"].split(" "))
    python = "./environment/bin/python"
    assert settings == {
        **MEANING,
        "spark.archives": "s3://b/artifacts/deps/d.tar.gz#environment",
        "spark.submit.pyFiles": "s3://b/artifacts/code/stormlake.zip",
        "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": python,
        "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": python,
        "spark.executorEnv.PYSPARK_PYTHON": python,
    }


def test_a_step_never_names_an_endpoint_nor_a_key() -> None:
    """A known defect of other clients: static keys in the step's environment."""
    for text in (
        *steps.spark_submit("n", SHIPPED, RUN, []),
        steps.serverless_driver(SHIPPED, RUN, [])["sparkSubmit"]["sparkSubmitParameters"],
    ):
        assert not re.search(r"endpoint|fs\.s3|AWS_|credential|secret|access.?key", text, re.I)


@pytest.mark.parametrize(
    "key",
    [
        "spark.sql.ansi.enabled",
        "spark.archives",
        "spark.submit.deployMode",
        "spark.master",
        "spark.hadoop.fs.s3a.endpoint",
        "spark.hadoop.fs.s3a.secret.key",
        "spark.hadoop.fs.s3a.committer.name",
        "spark.hadoop.mapreduce.fileoutputcommitter.algorithm.version",
        "spark.sql.parquet.output.committer.class",
        "spark.sql.sources.commitProtocolClass",
        "spark.yarn.appMasterEnv.PYSPARK_PYTHON",
    ],
)
def test_a_setting_of_ours_cannot_be_overridden(key: str) -> None:
    with pytest.raises(RefusedInput, match=re.escape(f"--conf {key} is set by Stormlake")):
        steps.spark_submit("n", SHIPPED, RUN, [], {key: "x"})


def test_a_setting_of_ones_own_is_one_argument_whatever_is_in_it() -> None:
    """A known defect of other clients: the text of spark-submit is split at blanks."""
    value = "-XX:+UseG1GC -Dname='a b'"
    arguments = steps.spark_submit("n", SHIPPED, RUN, [], {"spark.driver.extraJavaOptions": value})
    assert f"spark.driver.extraJavaOptions={value}" in arguments
    with pytest.raises(RefusedInput, match="splits it at blanks"):
        steps.serverless_driver(SHIPPED, RUN, [], {"spark.driver.extraJavaOptions": value})


def test_an_argument_with_commas_stays_one_argument() -> None:
    """A known defect of other clients: --job-args is split at commas."""
    typed = ["--fields", "date,time,c-ip", "--source", "s3://b/a b/c,d"]
    assert steps.job_arguments(RUN, typed) == ["--run-id", RUN, *typed]


def test_no_step_goes_through_a_shell() -> None:
    """A known defect of other clients: `bash -c` and one text."""
    arguments = steps.spark_submit("n", SHIPPED, RUN, ["--source", "$(reboot); `ls` && 'x'"])
    assert arguments[0] == "spark-submit"
    assert not {"bash", "sh", "-c"} & set(arguments)
    assert arguments[-1] == "$(reboot); `ls` && 'x'"


@pytest.mark.parametrize("action", ["CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER"])
def test_what_follows_a_failure_is_the_callers_choice(action: steps.ActionOnFailure) -> None:
    """A known defect of other clients: ActionOnFailure is fixed."""
    assert steps.step("n", ["spark-submit"], action)["ActionOnFailure"] == action


@pytest.mark.parametrize(
    "argument", ["", "}}", "a}}b", "{{PWD}}", "<LOG_DIR>", "x<CPS>y", "\x00", "\x1b", "\ufffe"]
)
def test_what_would_be_damaged_on_the_way_goes_as_base64(argument: str) -> None:
    whole = ["--run-id", RUN, "--fields", argument, "--source", "s3://b"]
    option, packed = steps.job_arguments(RUN, whole[2:])
    assert option == "--options"
    assert re.fullmatch(r"[A-Za-z0-9_-]+", packed)
    padded = packed + "=" * (-len(packed) % 4)
    assert json.loads(base64.urlsafe_b64decode(padded)) == whole


@given(st.lists(st.text() | st.sampled_from(["", "}}", "a b", "'", '"', ",", "--options", "--"])))
def test_any_arguments_arrive_as_they_were_typed(typed: list[str]) -> None:
    sent = steps.spark_submit("n", SHIPPED, RUN, ["--", *typed])
    arrived = command_runner(sent)
    assert arrived == sent
    assert received(arrived[arrived.index(SHIPPED.job_file) + 1 :]) == typed
    driver = steps.serverless_driver(SHIPPED, RUN, ["--", *typed])["sparkSubmit"]
    assert received(driver["entryPointArguments"]) == typed


def test_a_step_that_is_too_long_is_refused_with_the_limit() -> None:
    name = "stormlake/x/0123456789abcdef/1"
    assert steps.step(name, ["x" * (10_240 - len("command-runner.jar"))])["Name"] == name
    with pytest.raises(RefusedInput, match=r"10,241 characters and EMR takes 10,240"):
        steps.step(name, ["x" * (10_241 - len("command-runner.jar"))])


def test_a_steps_name_tells_job_key_and_attempt_and_has_its_limit() -> None:
    name = steps.step_name("aggregate-wind_max", "0123456789abcdef", 12)
    assert name == "stormlake/aggregate-wind_max/0123456789abcdef/12"
    with pytest.raises(RefusedInput, match="more than 256 characters"):
        steps.step_name("x" * 300, "0123456789abcdef", 1)


def test_files_travel_beside_the_job() -> None:
    shipped = Shipped("s3://b/a", "s3://b/c", "s3://b/j.py", ("s3://b/f/1.toml", "s3://b/g/2.csv"))
    arguments = steps.spark_submit("n", shipped, RUN, [])
    place = arguments.index("--files")
    assert arguments[place : place + 3] == [
        "--files",
        "s3://b/f/1.toml,s3://b/g/2.csv",
        "s3://b/j.py",
    ]
    driver = steps.serverless_driver(shipped, RUN, [])["sparkSubmit"]
    assert driver["sparkSubmitParameters"].endswith(" --files s3://b/f/1.toml,s3://b/g/2.csv")

"""What a job becomes on its way to EMR: a step of a cluster, or a job run of EMR Serverless.

Arguments are lists from the shell to the API. The only text that a service takes apart again is
`sparkSubmitParameters` of EMR Serverless, and nothing gets in there that could come apart.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from stormlake.errors import RefusedInput
from stormlake.running.options import pack_arguments
from stormlake.spark import MEANING

ActionOnFailure = Literal["CONTINUE", "CANCEL_AND_WAIT", "TERMINATE_CLUSTER"]

ENVIRONMENT: Final = "environment"
"""What the dependency archive is unpacked to, in the working folder of driver and executors."""

PYTHON: Final = f"./{ENVIRONMENT}/bin/python"

_YARN: Final = {
    "spark.executorEnv.PYSPARK_PYTHON": PYTHON,
    "spark.yarn.appMasterEnv.PYSPARK_PYTHON": PYTHON,
    # YARN starts a driver that failed once more (yarn.resourcemanager.am.max-attempts is 2),
    # whatever its exit code: a job over the reject share would do all its work again.
    "spark.yarn.maxAppAttempts": "1",
}
_SERVERLESS: Final = {
    "spark.emr-serverless.driverEnv.PYSPARK_DRIVER_PYTHON": PYTHON,
    "spark.emr-serverless.driverEnv.PYSPARK_PYTHON": PYTHON,
    "spark.executorEnv.PYSPARK_PYTHON": PYTHON,
}

NAME_LIMIT: Final = 256
"""Characters of a step's name (EMR's API reference, StepConfig)."""

STEP_LIMIT: Final = 10_240
"""Characters of a step's jar and arguments together (EMR Management Guide, adding steps)."""

JAR: Final = "command-runner.jar"

DAMAGED: Final = re.compile(
    # command-runner.jar drops an empty argument. YARN writes the command of a container into a
    # script and expands `{{`, `}}`, `<LOG_DIR>` and `<CPS>` in it (ContainerLaunch,
    # ApplicationConstants).
    r"^$|\{\{|\}\}|<LOG_DIR>|<CPS>"
    # A text of this name, which would be taken for the option that unpacks.
    r"|^--options(=|$)"
    # What is no XML is refused by the API (pattern of XmlString).
    r"|[^\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\r\n\t]"
)
"""Arguments that do not arrive as they were sent."""

_OURS: Final = (*MEANING, *_YARN, *_SERVERLESS, "spark.archives", "spark.files")
_OURS_BELOW: Final = (
    *("spark.submit.", "spark.master", "spark.hadoop.fs.s3"),
    # The platform's own committer always: another may refuse to replace partitions.
    *("spark.sql.sources.commitProtocolClass", "spark.sql.parquet.output.committer."),
    *("spark.hadoop.mapreduce.outputcommitter.", "spark.hadoop.mapreduce.fileoutputcommitter."),
)


@dataclass(frozen=True)
class Shipped:
    """Where the cluster finds what it runs; `s3://` addresses.

    Parameters
    ----------
    archive : str
        The dependencies.
    code : str
        The package, a zip.
    job_file : str
        The job, spark-submit's application.
    files : tuple of str
        What the job finds in its working folder under the address's base name.
    """

    archive: str
    code: str
    job_file: str
    files: tuple[str, ...] = ()


def step_name(job: str, run_key: str, attempt: int) -> str:
    """Name of a step, by which it is found again when the answer to its creation was lost."""
    name = f"stormlake/{job}/{run_key}/{attempt}"
    if len(name) > NAME_LIMIT:
        raise RefusedInput(f"the step's name {name!r} has more than {NAME_LIMIT} characters")
    return name


@dataclass(frozen=True)
class StepName:
    """What a step's name tells of its run."""

    job: str
    run_key: str
    attempt: int

    @property
    def run_id(self) -> str:
        """Id of the run."""
        return run_id(self.run_key, self.attempt)


def read_step_name(name: str) -> StepName | None:
    """Read a step's name; None for what was not submitted by us."""
    found = re.fullmatch(r"stormlake/([^/]+)/([^/]+)/(\d+)", name)
    return found and StepName(found[1], found[2], int(found[3]))


def run_id(run_key: str, attempt: int) -> str:
    """Id of a submitted run; also the client token of EMR Serverless."""
    return f"{run_key}-{attempt}"


def job_arguments(run: str | None, arguments: Sequence[str]) -> list[str]:
    """Arguments as the job gets them: the run's id and what was typed, packed where need be.

    Parameters
    ----------
    run : str or None
        The run's id; None for a schedule's, where each run makes its own.
    arguments : sequence of str
        Any texts.
    """
    whole = [*(("--run-id", run) if run is not None else ()), *arguments]
    if any(DAMAGED.search(argument) for argument in whole):
        return ["--options", pack_arguments(whole)]
    return whole


def spark_submit(
    name: str,
    shipped: Shipped,
    run: str | None,
    arguments: Sequence[str],
    conf: Mapping[str, str] | None = None,
) -> list[str]:
    """Arguments of command-runner.jar: spark-submit in YARN cluster mode.

    Cluster mode always: in client mode YARN does not unpack `spark.archives` for the driver
    (SPARK-36088), and drivers would crowd the primary node.

    Parameters
    ----------
    name : str
        The application's name in Spark's and YARN's lists.
    shipped : Shipped
    run : str or None
        The run's id, as of `job_arguments`.
    arguments : sequence of str
        The job's arguments, as typed.
    conf : mapping, optional
        Further settings of Spark; ours cannot be overridden.

    Raises
    ------
    RefusedInput
        A setting that is ours to make.
    """
    settings = _settings(shipped, _YARN, conf or {})
    return [
        "spark-submit",
        *("--master", "yarn", "--deploy-mode", "cluster", "--name", name),
        *_flags(settings),
        *(("--files", ",".join(shipped.files)) if shipped.files else ()),
        shipped.job_file,
        *job_arguments(run, arguments),
    ]


def step(
    name: str, arguments: Sequence[str], on_failure: ActionOnFailure = "CONTINUE"
) -> dict[str, Any]:
    """StepConfig of a command.

    Parameters
    ----------
    name : str
        The step's name.
    arguments : sequence of str
        The command, `spark-submit` first.
    on_failure : str
        What becomes of the cluster when the step fails.

    Raises
    ------
    RefusedInput
        The arguments are longer than a step may be.
    """
    length = len(JAR) + sum(map(len, arguments))
    if length > STEP_LIMIT:
        raise RefusedInput(
            f"the step has {length:,} characters and EMR takes {STEP_LIMIT:,}; shorten the job's "
            "arguments"
        )
    return {
        "Name": name,
        "ActionOnFailure": on_failure,
        "HadoopJarStep": {"Jar": JAR, "Args": list(arguments)},
    }


def serverless_driver(
    shipped: Shipped, run: str, arguments: Sequence[str], conf: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """JobDriver of EMR Serverless for the same job; parameters as of `spark_submit`.

    Raises
    ------
    RefusedInput
        Also for a setting with a blank or a quote: the service splits their text at blanks.
    """
    flags = _flags(_settings(shipped, _SERVERLESS, conf or {}))
    flags += ["--files", ",".join(shipped.files)] if shipped.files else []
    for flag in flags:
        if re.search(r"[\s'\"\\]", flag):
            raise RefusedInput(
                f"{flag!r}: EMR Serverless takes its settings as one text and splits it at "
                "blanks; give no blank, quote or backslash"
            )
    return {
        "sparkSubmit": {
            "entryPoint": shipped.job_file,
            "entryPointArguments": job_arguments(run, arguments),
            "sparkSubmitParameters": " ".join(flags),
        }
    }


def _settings(
    shipped: Shipped, platform: Mapping[str, str], conf: Mapping[str, str]
) -> dict[str, str]:
    """All settings of a submission: what rows mean, where things are, then the person's own."""
    for key in conf:
        if key in _OURS or key.startswith(_OURS_BELOW):
            raise RefusedInput(
                f"--conf {key} is set by Stormlake, or by the cluster, so that every run gives the "
                "same rows; leave it out"
            )
    return {
        **MEANING,
        "spark.archives": f"{shipped.archive}#{ENVIRONMENT}",
        "spark.submit.pyFiles": shipped.code,
        **platform,
        **conf,
    }


def _flags(settings: Mapping[str, str]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--conf", f"{key}={value}")]

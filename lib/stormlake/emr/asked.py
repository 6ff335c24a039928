"""What a person asks of a submission: the options of `submit`, `run` and `schedule`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from stormlake.emr.artifacts import ARCHES, Arch, ArtifactPlace
from stormlake.emr.options import KeyValueOption, PlaceOption, target_options
from stormlake.emr.steps import ActionOnFailure
from stormlake.running.options import refuse_unless
from stormlake.runtimes import RUNTIMES, Runtime

ON_FAILURE: Final[dict[str, ActionOnFailure]] = {
    "continue": "CONTINUE",
    "cancel-and-wait": "CANCEL_AND_WAIT",
    "terminate-cluster": "TERMINATE_CLUSTER",
}

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Asked:
    """What a person asked for, as it was typed; the options' help says what each is."""

    cluster_id: str | None = None
    transient: bool = False
    serverless: str | None = None
    execution_role: str | None = None
    stack: str | None = None
    cluster_file: Path | None = None
    artifacts: ArtifactPlace | None = None
    runtime: Runtime = RUNTIMES[0]
    arch: Arch = ARCHES[0]
    without_pyart: bool = False
    on_failure: str | None = None
    conf: tuple[tuple[str, str], ...] = ()
    log_uri: str | None = None
    again: bool = False

    def __post_init__(self) -> None:
        places = [bool(self.cluster_id), self.transient, bool(self.serverless)]
        refuse_unless(
            places.count(True) == 1,
            "name one place to run: --cluster-id ID, --transient, or --serverless APPLICATION",
        )
        refuse_unless(
            self.cluster_file is None or self.transient,
            "--cluster-file belongs to --transient: it says what cluster is made",
        )
        refuse_unless(
            not self.transient or self.cluster_file is not None or self.stack is not None,
            "--transient needs --stack NAME, a deployed stack, or --cluster-file FILE",
        )
        refuse_unless(
            self.execution_role is None or not self.transient,
            "--execution-role: the role of a transient cluster's step is step_role in "
            "--cluster-file, or the stack's",
        )
        for option, given in (("--on-failure", self.on_failure), ("--log-uri", self.log_uri)):
            serverless = option == "--log-uri"
            refuse_unless(
                given is None or serverless == bool(self.serverless),
                f"{option} does not belong to "
                + ("a cluster, which has its own" if serverless else "--serverless"),
            )


_WITH: Final = (
    click.option(
        "--stack",
        metavar="NAME",
        help="Take network, roles and places from this stack, as stormlake emr deploy makes it.",
    ),
    click.option(
        "--cluster-file",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="The transient cluster, as emr/cluster.example.toml shows; wins over the stack.",
    ),
    click.option(
        "--artifacts",
        type=PlaceOption(),
        metavar="URI",
        help="s3://BUCKET[/PREFIX] of the packaged dependencies and of the code.  "
        "[default: the bucket of the job's --lake]",
    ),
    click.option(
        "--conf",
        type=KeyValueOption("spark.executor.memory=8g", prefix="spark."),
        multiple=True,
        metavar="KEY=VALUE",
        help="A further setting of Spark; may be given several times.",
    ),
)
"""What a job is run with."""

_OPTIONS: Final = (
    click.option("--cluster-id", metavar="ID", help="Run it as a step of this cluster."),
    click.option(
        "--transient", is_flag=True, help="Make a cluster for it, which ends with the job."
    ),
    click.option(
        "--serverless", metavar="APPLICATION", help="Run it in this application of EMR Serverless."
    ),
    click.option(
        "--execution-role",
        metavar="ARN",
        help="Role that the step or the job run has.  [default: the stack's, where one is named; "
        "else a step has the cluster's]",
    ),
    *_WITH,
    click.option(
        "--on-failure",
        type=click.Choice([*ON_FAILURE]),
        help="What becomes of the cluster when the step fails.  [default: continue; "
        "terminate-cluster for a transient one]",
    ),
    click.option(
        "--log-uri",
        metavar="URI",
        help="Where EMR Serverless leaves logs; a cluster has its own place.  "
        "[default: logs/ below --artifacts]",
    ),
    click.option(
        "--again",
        is_flag=True,
        help="Run it again although it has ended well: its source has got more since.",
    ),
)


def submit_options(function: F) -> F:
    """Give a command the options of a submission, as its argument `asked`."""

    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        asked = Asked(**{f.name: given.pop(f.name) for f in fields(Asked)})
        return function(asked=asked, **given)

    decorated: Any = target_options(wrapped)
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def own_cluster_options(function: F) -> F:
    """Give a command those options that suit a cluster of the job's own, as `asked`."""

    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        refuse_unless(
            bool(given["stack"]),
            "--stack NAME is missing: the stack that stormlake emr deploy has made",
        )
        names = {f.name for f in fields(Asked)} & given.keys()
        asked = Asked(transient=True, **{name: given.pop(name) for name in names})
        return function(asked=asked, **given)

    decorated: Any = target_options(wrapped)
    for option in reversed(_WITH):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]

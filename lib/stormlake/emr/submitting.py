"""What `submit` and `run` share: their options, and what they come to."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from stormlake.emr.artifacts import ARCHES, Arch, ArtifactPlace, Target, short_hash
from stormlake.emr.aws import ApiCall, Aws
from stormlake.emr.cluster_file import (
    SERVERLESS_ROLE,
    cluster_spec,
    shown_outputs,
    stack_outputs,
)
from stormlake.emr.jobs import JobRequest, job_command, job_request
from stormlake.emr.ledger import Entry, Ledger
from stormlake.emr.options import KeyValueOption
from stormlake.emr.shipping import Shipment, refuse_local, shipment
from stormlake.emr.stacks import describe_call
from stormlake.emr.steps import ActionOnFailure
from stormlake.emr.submissions import Clock, Submitted, submit_once
from stormlake.emr.targets import RunningCluster, Serverless, TransientCluster, Work
from stormlake.emr.targets import Target as Place
from stormlake.errors import RefusedInput
from stormlake.lake.store import open_store
from stormlake.running.options import refuse_unless
from stormlake.runtimes import RUNTIMES, runtime

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
    artifacts: str | None = None
    runtime: str = RUNTIMES[0].label
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


@dataclass(frozen=True)
class Plan:
    """A submission that can be made, or shown.

    Parameters
    ----------
    request : JobRequest
    run_key : str
    place : Place
        Where the job goes.
    shipment : Shipment
    work : Work
    release : str
        The runtime's label.
    again : bool
    before : tuple of ApiCall
        Calls that were made, or would be, to find out where.
    outputs : mapping of str to str
        Of the stack that was named.
    """

    request: JobRequest
    run_key: str
    place: Place
    shipment: Shipment
    work: Work
    release: str
    again: bool
    before: tuple[ApiCall, ...] = ()
    outputs: Mapping[str, str] = field(default_factory=dict)

    def calls(self) -> list[ApiCall]:
        """All calls of a first attempt; what is only known then stands in angle brackets."""
        # A claim's time and word are its client's own; of the entry the path and id matter here.
        entry = Entry(
            self.request.name, self.run_key, 1, self.place.place, "", datetime.fromtimestamp(0, UTC)
        )
        bucket, _, prefix = self.request.lake.removeprefix("s3://").partition("/")
        below = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        folder = entry.path.rpartition("/")[0]
        record = {"Bucket": bucket, "Key": f"{below}{entry.path}"}
        return [
            *self.before,
            ApiCall("s3", "ListObjectsV2", {"Bucket": bucket, "Prefix": f"{below}{folder}/"}),
            *self.place.checks(),
            *self.shipment.calls(),
            ApiCall("s3", "PutObject", {**record, "Body": "<claim>", "IfNoneMatch": "*"}),
            self.place.create_call(entry, self.work),
            ApiCall("s3", "PutObject", {**record, "Body": "<ref>", "IfMatch": "<etag of claim>"}),
        ]

    def submit(self, aws: Aws, clock: Clock | None = None) -> Submitted:
        """Submit it, unless it is submitted; errors as of `submit_once`."""

        def prepare() -> None:
            self.place.check(aws, self.release)
            self.shipment.ship(aws)

        store = open_store(self.request.lake, aws.session, aws.endpoint_url)
        ledger = Ledger(store, self.request.name, self.run_key)
        return submit_once(
            aws, ledger, self.place, self.work, again=self.again, prepare=prepare, clock=clock
        )


def make_plan(
    context: click.Context,
    asked: Asked,
    command: str,
    arguments: tuple[str, ...],
    aws: Aws,
    *,
    shown: bool = False,
) -> Plan:
    """Check what was asked for, and find out where it goes.

    Parameters
    ----------
    context : click.Context
    asked : Asked
    command : str
        The job.
    arguments : tuple of str
        The job's.
    aws : Aws
        Asked for a stack's outputs, where one is named.
    shown : bool
        For `--dry-run`: nobody is asked, and the outputs are placeholders.

    Raises
    ------
    RefusedInput
        It cannot be submitted as asked.
    """
    request = job_request(context, command, arguments)
    job = job_command(context, command)
    target = Target(runtime(asked.runtime), asked.arch, not asked.without_pyart)
    refuse_local(request)
    bucket = ArtifactPlace.parse(request.lake).bucket
    artifacts = ArtifactPlace.parse(asked.artifacts) if asked.artifacts else ArtifactPlace(bucket)
    load = shipment(request, job, artifacts, target)
    outputs: Mapping[str, str] = {}
    before: tuple[ApiCall, ...] = ()
    if asked.stack:
        before = (describe_call(asked.stack),)
        outputs = shown_outputs(asked.stack) if shown else stack_outputs(aws, asked.stack)
    return Plan(
        request=request,
        run_key=request.key(short_hash(target.lock())),
        place=_place(asked, outputs, artifacts),
        shipment=load,
        work=Work(load.shipped, load.arguments, dict(asked.conf)),
        release=asked.runtime,
        again=asked.again,
        before=before,
        outputs=outputs,
    )


def _place(asked: Asked, outputs: Mapping[str, str], artifacts: ArtifactPlace) -> Place:
    if asked.serverless:
        role = asked.execution_role or outputs.get(SERVERLESS_ROLE)
        if not role:
            raise RefusedInput(
                "--serverless needs --execution-role ARN, what the job runs as, or --stack NAME"
            )
        return Serverless(
            asked.serverless, role, asked.log_uri or artifacts.uri("logs/"), asked.arch
        )
    if asked.cluster_id:
        role = asked.execution_role or outputs.get("StepRole")
        return RunningCluster(asked.cluster_id, role, ON_FAILURE[asked.on_failure or "continue"])
    spec = cluster_spec(asked.cluster_file, outputs, release=asked.runtime, arch=asked.arch)
    return TransientCluster(spec, ON_FAILURE[asked.on_failure or "terminate-cluster"])


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
        metavar="URI",
        help="s3://BUCKET[/PREFIX] of the packaged dependencies and of the code.  "
        "[default: the bucket of the job's --lake]",
    ),
    click.option(
        "--runtime",
        default=Asked.runtime,
        show_default=True,
        metavar="LABEL",
        help="EMR release of the cluster or application.",
    ),
    click.option(
        "--arch",
        type=click.Choice(ARCHES),
        default=Asked.arch,
        show_default=True,
        help="CPU of its instances.",
    ),
    click.option(
        "--without-pyart", is_flag=True, help="With the archive that was packaged without Py-ART."
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

    decorated: Any = wrapped
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def own_cluster_options(function: F) -> F:
    """Give a command those options that suit a cluster of the job's own, as `asked`."""

    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        refuse_unless(bool(given["stack"]), "--stack NAME is missing: stormlake emr deploy made it")
        names = {f.name for f in fields(Asked)} & given.keys()
        asked = Asked(transient=True, **{name: given.pop(name) for name in names})
        return function(asked=asked, **given)

    decorated: Any = wrapped
    for option in reversed(_WITH):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def facts(submitted: Submitted) -> dict[str, Any]:
    """What a command tells of a submission."""
    entry = submitted.entry
    told = {
        "ref": str(submitted.ref),
        "job": entry.job,
        "run_id": entry.run_id,
        "attempt": entry.attempt,
        "already_submitted": submitted.already,
    }
    return {
        **told,
        **({"state": submitted.state or "not known any more"} if submitted.already else {}),
    }

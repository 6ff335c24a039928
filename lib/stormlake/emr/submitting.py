"""What a submission comes to: the plan that `submit`, `run` and `schedule` carry out or show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import click

from stormlake.emr.artifacts import ArtifactPlace, Target, short_hash
from stormlake.emr.asked import ON_FAILURE, Asked
from stormlake.emr.cluster_file import (
    SERVERLESS_ROLE,
    cluster_spec,
    shown_outputs,
    stack_outputs,
)
from stormlake.emr.jobs import JobRequest, job_command, job_request
from stormlake.emr.ledger import Entry, Ledger
from stormlake.emr.shipping import Shipment, refuse_local, shipment
from stormlake.emr.stacks import describe_call
from stormlake.emr.submissions import Clock, Submitted, submit_once
from stormlake.emr.targets import RunningCluster, Serverless, TransientCluster, Work
from stormlake.emr.targets import Target as Place
from stormlake.emr.wheels import refuse_arm_with_pyart
from stormlake.errors import RefusedInput
from stormlake.lake.store import open_store
from stormlake.running.aws import ApiCall, Aws


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
        lake = ArtifactPlace.parse(self.request.lake)
        folder = lake.full_key(entry.path).rpartition("/")[0]
        record = {"Bucket": lake.bucket, "Key": lake.full_key(entry.path)}
        return [
            *self.before,
            ApiCall("s3", "ListObjectsV2", {"Bucket": lake.bucket, "Prefix": f"{folder}/"}),
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
    target = Target(asked.runtime, asked.arch, not asked.without_pyart)
    refuse_arm_with_pyart(target)
    refuse_local(request)
    artifacts = asked.artifacts or ArtifactPlace(ArtifactPlace.parse(request.lake).bucket)
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
        release=asked.runtime.label,
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
    spec = cluster_spec(asked.cluster_file, outputs, release=asked.runtime.label, arch=asked.arch)
    return TransientCluster(spec, ON_FAILURE[asked.on_failure or "terminate-cluster"])


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

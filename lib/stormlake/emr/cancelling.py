"""Cancel what was submitted: ask it to end, make it end after a while, and see that it has."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, Final

from stormlake.emr.looks import Look, look
from stormlake.emr.lookup import describe_calls, describe_cluster
from stormlake.emr.refs import Ref, ServerlessRef, StepRef
from stormlake.emr.states import STEP_FINAL, STOPPED
from stormlake.emr.steps import read_step_name
from stormlake.emr.submissions import Clock
from stormlake.emr.waiting import StillRunning, Waiting
from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.cancels import cancel_path, cancel_run
from stormlake.lake.store import open_store
from stormlake.running.aws import ApiCall, Aws

GRACE: Final = 60.0
"""Seconds between asking and making, by default."""

PATIENCE: Final = 300.0
"""Seconds to see it end after it was made to."""

logger = logging.getLogger(__name__)


class NotTaken(StormlakeError):
    """EMR did not take the request to cancel."""


@dataclass(frozen=True)
class Ended:
    """How a cancel went.

    Parameters
    ----------
    ref : StepRef or ServerlessRef
    state : str
        Of the step or job run, at last.
    how : str
        What did it: `already`, `interrupted`, `killed`, `cluster terminated`.
    """

    ref: Ref
    state: str
    how: str


def cancel_step_call(ref: StepRef, option: str) -> ApiCall:
    """Ask EMR to interrupt a step, or to kill it."""
    return ApiCall(
        "emr",
        "CancelSteps",
        {
            "ClusterId": ref.cluster,
            "StepIds": [ref.step],
            "StepCancellationOption": option,
        },
    )


def terminate_call(cluster: str) -> ApiCall:
    """End a cluster."""
    return ApiCall("emr", "TerminateJobFlows", {"JobFlowIds": [cluster]})


def cancel_run_call(ref: ServerlessRef, grace: float) -> ApiCall:
    """Ask EMR Serverless to end a job run, with its own grace."""
    return ApiCall(
        "emr-serverless",
        "CancelJobRun",
        {
            "applicationId": ref.application,
            "jobRunId": ref.job_run,
            "shutdownGracePeriodInSeconds": int(grace),
        },
    )


def cancel_calls(ref: Ref, grace: float) -> list[ApiCall]:
    """Calls of `cancel`, for a step of a cluster that stays; what only answers tell is in <>."""
    looks = describe_calls(ref)
    if isinstance(ref, ServerlessRef):
        return [*looks, cancel_run_call(ref, grace)]
    asked = [cancel_step_call(ref, option) for option in ("SEND_INTERRUPT", "TERMINATE_PROCESS")]
    key = f"<the lake's prefix>/{cancel_path('<job>', '<run id>')}"
    mark = {"Bucket": "<the lake's>", "Key": key, "Body": "<mark>", "IfNoneMatch": "*"}
    return [*looks, *asked, ApiCall("s3", "PutObject", mark)]


def cancel(aws: Aws, ref: Ref, *, grace: float = GRACE, clock: Clock | None = None) -> Ended:
    """Cancel a step or a job run, and see it end.

    A step is interrupted, and killed after the grace; the cluster that was made for it is ended.

    Parameters
    ----------
    aws : Aws
    ref : StepRef or ServerlessRef
    grace : float
        Seconds.
    clock : Clock, optional

    Raises
    ------
    NotTaken
        EMR did not take the request, and says why.
    StillRunning
        It was made to end, and is still there.
    RefusedInput
        There is no such thing, or it has ended otherwise.
    """
    one = _Cancel(aws, ref, grace, clock or Clock())
    seen = one.wait(0.0)
    if seen is not None:
        if seen.state not in STOPPED:
            raise RefusedInput(f"{ref} has ended: {seen.state}; there is nothing to cancel")
        # Who cancelled it may have been stopped before the driver was.
        one.stop_driver()
        return Ended(ref, seen.state, "already")
    if isinstance(ref, ServerlessRef):
        aws.make(cancel_run_call(ref, grace))
        return one.ended("interrupted", one.wait(grace + PATIENCE))
    return one.cancel_step(ref)


class _Cancel:
    """One call of `cancel`."""

    def __init__(self, aws: Aws, ref: Ref, grace: float, clock: Clock) -> None:
        self.aws = aws
        self.ref = ref
        self.grace = grace
        self.clock = clock
        self.last: Look | None = None

    def wait(self, seconds: float) -> Look | None:
        """What it ended as, None when it has not after so many seconds."""
        waiting = Waiting(
            self.ref,
            look=lambda: look(self.aws, self.ref),
            timeout=seconds,
            clock=lambda: self.clock.now().timestamp(),
            sleep=self.clock.sleep,
        )
        try:
            return waiting.until_ended()
        except StillRunning:
            return None
        finally:
            self.last = waiting.last or self.last

    def ended(self, how: str, seen: Look | None) -> Ended:
        """Say how it went, or raise StillRunning."""
        if seen is None:
            state = self.last.state if self.last else "not seen"
            raise StillRunning(
                f"{self.ref} was told to end and is {state}; stormlake emr status {self.ref} "
                "tells when it has"
            )
        return Ended(self.ref, seen.state, how)

    def cancel_step(self, ref: StepRef) -> Ended:
        """Interrupt a step, then kill it; or end its cluster, where that was made for it."""
        if self._cluster_is_its_own(ref):
            self.aws.make(terminate_call(ref.cluster))
            # Its driver ends with it. The lake is told all the same: that the run was cancelled,
            # not lost, and that its locks are nobody's.
            try:
                self.stop_driver()
            except StormlakeError as error:
                logger.warning("the lake does not know that %s was cancelled: %s", ref, error)
            return self.ended("cluster terminated", self.wait(PATIENCE))
        self._ask(ref, "SEND_INTERRUPT")
        how, seen = "interrupted", self.wait(self.grace)
        if seen is None:
            logger.warning("%s did not end within %.0f s and is killed", ref, self.grace)
            self._ask(ref, "TERMINATE_PROCESS")
            how, seen = "killed", self.wait(PATIENCE)
        self.stop_driver()
        return self.ended(how, seen)

    def stop_driver(self) -> None:
        """End a driver that the step has left behind.

        A step is spark-submit; in cluster mode the driver is a process of YARN's, which CancelSteps
        does not reach (EMR Management Guide, "Cancel steps").
        """
        run = self.last.run if self.last else None
        if run is None or isinstance(self.ref, ServerlessRef):
            return
        store = open_store(run.lake, self.aws.session, self.aws.endpoint_url)
        if cancel_run(store, run.job, run.run_id):
            logger.info("the run's locks were taken away: its driver stops within a minute")

    def _cluster_is_its_own(self, ref: StepRef) -> bool:
        cluster = describe_cluster(self.aws, ref.cluster)
        run = self.last.run if self.last else None
        # `submit --transient` calls the cluster as it calls its step.
        name = read_step_name(cluster.name)
        named = run and name and (run.job, run.run_id) == (name.job, name.run_id)
        return cluster.alone and bool(named)

    def _ask(self, ref: StepRef, option: str) -> None:
        answer = self.aws.make(cancel_step_call(ref, option))
        told: dict[str, Any] = next(iter(answer.get("CancelStepsInfoList", [])), {})
        if told.get("Status") == "SUBMITTED":
            return
        if look(self.aws, ref).state in STEP_FINAL:
            return  # it ended by itself in this moment
        raise NotTaken(f"EMR did not cancel {ref}: {told.get('Reason') or 'it gives no reason'}")

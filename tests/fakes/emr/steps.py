"""A step of the stand-in, and what a test may say of a cluster's timing and end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.fakes.emr.logs import Delivery
from tests.fakes.emr.runners import Task, Work


@dataclass
class Timing:
    """How long the stand-in's clusters take for what takes minutes at AWS (s of the clock)."""

    starting: float = 0.0
    bootstrapping: float = 0.0
    terminating: float = 0.0
    step_pending: float = 0.0


@dataclass(frozen=True)
class Loss:
    """How a cluster is lost.

    Parameters
    ----------
    code : str
        A ClusterStateChangeReasonCode, such as INSTANCE_FLEET_TIMEOUT or BOOTSTRAP_FAILURE.
    message : str
    seconds : float
        After its creation.
    leaves_pending : bool
        Whether steps that never ran stay PENDING rather than CANCELLED.
    """

    code: str
    message: str = "lost by the test's script"
    seconds: float = 0.0
    leaves_pending: bool = False


@dataclass
class Step:
    """A step and what became of it."""

    id: str
    config: Mapping[str, Any]
    created: float
    role: str | None = None
    state: str = "PENDING"
    message: str | None = None
    started: float | None = None
    ended: float | None = None
    task: Task | None = None
    work: Work | None = None
    application: str | None = None
    failure: Mapping[str, str] | None = None
    delivery: Delivery | None = None
    outlived: bool = False

    @property
    def action(self) -> str:
        return str(self.config.get("ActionOnFailure", "TERMINATE_CLUSTER"))

    @property
    def active(self) -> bool:
        """Whether its process is there."""
        return self.state in ("RUNNING", "CANCEL_PENDING") and self.task is not None

    def driver_left(self, now: float) -> bool:
        """Whether its driver still runs though the step is over."""
        return self.outlived and self.task is not None and self.task.ended(now) is None

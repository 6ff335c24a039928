"""What EMR refuses beyond the form of a request, and how its lists are cut into pages."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.emr.documents import Document
from tests.fakes.emr.machine import TERMINATING_ACTIONS, Cluster
from tests.fakes.validation import Refusal

MOST_STEPS = 256
LONGEST_STEP = 10240
"""Characters of all strings in HadoopJarStep (AddJobFlowSteps, API Reference)."""


def page(
    name: str, token: str, all_: Sequence[Document], request: Mapping[str, Any], size: int
) -> Document:
    """Cut the page that a request's token names, and name the next one."""
    marker = request.get(token)
    try:
        start = int(base64.urlsafe_b64decode(marker)) if marker else 0
    except ValueError as error:
        raise invalid(f"{token} '{marker}' is not valid.") from error
    following = start + size
    rest = {} if following >= len(all_) else {token: _token(following)}
    return {name: list(all_[start:following]), **rest}


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode()


def invalid(message: str) -> Refusal:
    """The error of EMR's newer operations, those with a ClusterId."""
    return Refusal("InvalidRequestException", message, ErrorCode="InvalidParameter")


def check_idle_timeout(policy: Mapping[str, Any] | None) -> None:
    """Refuse a policy out of bounds."""
    if policy is not None and not 60 <= policy.get("IdleTimeout", 0) <= 604800:
        raise Refusal("ValidationException", "IdleTimeout must be from 60 to 604800 seconds.")


def check_steps(cluster: Cluster, steps: Sequence[Mapping[str, Any]]) -> None:
    """Refuse steps that EMR would refuse."""
    if len(cluster.steps) + len(steps) > MOST_STEPS:
        raise Refusal("ValidationException", f"Maximum number of steps is {MOST_STEPS}.")
    for step in steps:
        jar = step["HadoopJarStep"]
        strings = [jar["Jar"], jar.get("MainClass", ""), *jar.get("Args", [])]
        for pair in jar.get("Properties", []):
            strings += [pair.get("Key", ""), pair.get("Value", "")]
        if sum(map(len, strings)) > LONGEST_STEP:
            raise Refusal(
                "ValidationException",
                f"The strings of HadoopJarStep exceed {LONGEST_STEP} characters in total.",
            )
        action = step.get("ActionOnFailure")
        if cluster.concurrency > 1 and action in (*TERMINATING_ACTIONS, "CANCEL_AND_WAIT"):
            raise Refusal(
                "ValidationException",
                f"ActionOnFailure {action} is not valid with a StepConcurrencyLevel above 1.",
            )

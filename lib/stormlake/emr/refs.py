"""How a person names something that runs: `CLUSTER/STEP`, or `APPLICATION/JOB-RUN` of Serverless.

Ids are the services' own: a cluster's begins with `j-`, a step's with `s-`; Serverless's are
letters and digits (API references of EMR and EMR Serverless).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import click


@dataclass(frozen=True)
class StepRef:
    """A step of a cluster."""

    cluster: str
    step: str

    def __str__(self) -> str:
        return f"{self.cluster}/{self.step}"


@dataclass(frozen=True)
class ServerlessRef:
    """A job run of a Serverless application."""

    application: str
    job_run: str

    def __str__(self) -> str:
        return f"{self.application}/{self.job_run}"


Ref = StepRef | ServerlessRef


def parse_ref(text: str) -> Ref:
    """Read a ref as `submit` prints it.

    Raises
    ------
    ValueError
        It is neither form.
    """
    first, slash, second = text.partition("/")
    if slash and re.fullmatch(r"j-[A-Z0-9]+", first) and re.fullmatch(r"s-[A-Z0-9]+", second):
        return StepRef(first, second)
    if slash and re.fullmatch(r"[a-z0-9]+", first) and re.fullmatch(r"[a-z0-9]+", second):
        return ServerlessRef(first, second)
    raise ValueError(
        f"{text!r} is neither CLUSTER/STEP such as j-2AXXXXXXGAPLF/s-1XXXXXXXXXXA nor "
        "APPLICATION/JOB-RUN of EMR Serverless; submit prints it"
    )


class RefOption(click.ParamType[Ref]):
    """A ref on the command line."""

    name = "ref"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Ref:
        """Read it."""
        if isinstance(value, StepRef | ServerlessRef):
            return value
        try:
            return parse_ref(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

"""Where a query runs: options that the commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import click

from stormlake.athena.execution import Place

F = TypeVar("F", bound=Callable[..., Any])


def place_options(function: F) -> F:
    """Give a command `--workgroup` and `--database`, as its argument `place`."""

    @click.option("--workgroup", required=True, metavar="NAME", help="Athena's workgroup.")
    @click.option("--database", required=True, metavar="NAME", help="Database of the Glue catalog.")
    @functools.wraps(function)
    def wrapped(workgroup: str, database: str, **given: Any) -> Any:
        return function(place=Place(workgroup, database), **given)

    return wrapped  # type: ignore[return-value]

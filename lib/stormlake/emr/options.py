"""Options that several commands of `stormlake emr` take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from stormlake.emr.artifacts import ARCHES, ArtifactPlace
from stormlake.errors import RefusedInput
from stormlake.runtimes import RUNTIMES, Runtime, runtime

F = TypeVar("F", bound=Callable[..., Any])


class RuntimeOption(click.ParamType[Runtime]):
    """A release label; an unknown one is refused with the known ones."""

    name = "runtime"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Runtime:
        """Look it up."""
        if isinstance(value, Runtime):
            return value
        try:
            return runtime(value)
        except RefusedInput as error:
            self.fail(str(error), param, ctx)


class PlaceOption(click.ParamType[ArtifactPlace]):
    """`s3://BUCKET[/PREFIX]`."""

    name = "place"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ArtifactPlace:
        """Read it."""
        if isinstance(value, ArtifactPlace):
            return value
        try:
            return ArtifactPlace.parse(value)
        except RefusedInput as error:
            self.fail(str(error), param, ctx)


class KeyValueOption(click.ParamType[tuple[str, str]]):
    """`KEY=VALUE`, parted at the first `=`: the value may hold anything.

    Parameters
    ----------
    example : str
        Shown when it is none.
    prefix : str
        What every key begins with.
    """

    name = "setting"

    def __init__(self, example: str, prefix: str = "") -> None:
        self.example = example
        self.prefix = prefix

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Part it."""
        if isinstance(value, tuple):
            return value
        key, equals, rest = value.partition("=")
        if not equals or not key or not key.startswith(self.prefix):
            self.fail(f"{value!r} is no KEY=VALUE such as {self.example}", param, ctx)
        return key, rest


runtime_option: Final = click.option(
    "--runtime",
    type=RuntimeOption(),
    default=RUNTIMES[0].label,
    show_default=True,
    metavar="LABEL",
    help=f"EMR release: {' or '.join(each.label for each in RUNTIMES)}.",
)


def target_options(function: F) -> F:
    """Give a command `--runtime`, `--arch` and `--without-pyart`: which archive is meant."""
    function = click.option(
        "--without-pyart",
        is_flag=True,
        help="Dependencies without Py-ART, the fallback for volumes that recast-radar refuses.",
    )(function)
    function = click.option(
        "--arch",
        type=click.Choice(ARCHES),
        default=ARCHES[0],
        show_default=True,
        help="CPU of the instances; arm64 (Graviton) goes --without-pyart alone, and needs a lock "
        "whose packages all have wheels for it.",
    )(function)
    return runtime_option(function)

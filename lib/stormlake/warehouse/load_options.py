"""Options that every load takes, whatever it loads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar, get_args

import click

from stormlake.warehouse.data_api import TIMEOUT
from stormlake.warehouse.statements import How, MergeStrategy

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS: Final = (
    click.option(
        "--iam-role", required=True, metavar="ARN", help="Role by which Redshift reads the files."
    ),
    click.option(
        "--merge-strategy",
        type=click.Choice(get_args(MergeStrategy)),
        default=How.merge_strategy,
        show_default=True,
        help="For tables whose rows are merged by a key; both give the same table.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(1),
        default=TIMEOUT,
        show_default=True,
        metavar="SECONDS",
        help="How long one transaction may take before it is stopped.",
    ),
)


def load_options(function: F) -> F:
    """Give a command `iam_role`, `merge_strategy` and `timeout`."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function

"""What commands that read a sensor archive tell of its records."""

from __future__ import annotations

from collections.abc import Mapping

import click

from stormlake.errors import TooManyRejects
from stormlake.sensors.tally import FiveNumbers


def print_numbers(numbers: FiveNumbers, reasons: Mapping[str, int], comments: int) -> None:
    """Print the five numbers, and why records were rejected."""
    click.echo(
        f"records {numbers.read:,} = {numbers.kept:,} kept + {numbers.duplicates:,} duplicates + "
        f"{numbers.rejected:,} rejected + {numbers.left:,} left to other dates"
    )
    for reason, count in reasons.items():
        click.echo(f"        {count:,} {reason}")
    if comments:
        click.echo(f"        {comments:,} lines are comments or headers")


def too_many_rejects(
    numbers: FiveNumbers, reasons: Mapping[str, int], limit: float, done: str
) -> TooManyRejects:
    """The error of a run whose share of rejects is over its limit.

    Parameters
    ----------
    numbers : FiveNumbers
    reasons : mapping of str to int
        Rejected records by reason.
    limit : float
    done : str
        What was done all the same.
    """
    return TooManyRejects(
        f"{numbers.rejected} of {numbers.read - numbers.left} records were rejected "
        f"({numbers.reject_share:.1%}), more than --max-reject-share {limit:g} allows; {done}, the "
        f"run is marked not ok. Reasons: {dict(reasons)}"
    )

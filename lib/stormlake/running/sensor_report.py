"""What commands that read a sensor archive tell of its records."""

from __future__ import annotations

from dataclasses import dataclass

import click

from stormlake.errors import TooManyRejects
from stormlake.sensors.tally import FiveNumbers, Tally


@dataclass(frozen=True)
class Judged:
    """What a run made of its records, and whether that is good enough.

    Parameters
    ----------
    records : FiveNumbers
    objects : dict
        Objects that were read; of these, empty ones, and ones that could not be read to the end.
    comments : int
        Lines of logs that are no records.
    reasons : dict
        Rejected records by reason.
    limit : float
        More than this share of rejected records, or of unreadable objects, is too much: an
        object that cannot be read is few rejects, whatever it held.
    """

    records: FiveNumbers
    objects: dict[str, int]
    comments: int
    reasons: dict[str, int]
    limit: float

    @classmethod
    def of(cls, numbers: FiveNumbers, tally: Tally, limit: float) -> Judged:
        """Judge what was counted."""
        objects = {"read": tally.objects, "empty": tally.empty, "unreadable": tally.unreadable}
        reasons = dict(sorted(tally.reasons.items()))
        return cls(numbers, objects, tally.comments, reasons, limit)

    @property
    def ok(self) -> bool:
        """Whether both shares stayed within the limit."""
        unreadable = self.objects["unreadable"] / max(1, self.objects["read"])
        return self.records.reject_share <= self.limit and unreadable <= self.limit


def print_numbers(judged: Judged) -> None:
    """Print the five numbers, why records were rejected, and what the objects were."""
    numbers = judged.records
    click.echo(
        f"records {numbers.read:,} = {numbers.kept:,} kept + {numbers.duplicates:,} duplicates + "
        f"{numbers.rejected:,} rejected + {numbers.left:,} left to other dates"
    )
    for reason, count in judged.reasons.items():
        click.echo(f"        {count:,} {reason}")
    if judged.comments:
        click.echo(f"        {judged.comments:,} lines are comments or headers")
    told = ", ".join(f"{count:,} {what}" for what, count in judged.objects.items() if count)
    click.echo(f"objects {told or 'none'}")


def too_many_rejects(judged: Judged, done: str) -> TooManyRejects:
    """The error of a run that is not `ok`.

    Parameters
    ----------
    judged : Judged
    done : str
        What was done all the same.
    """
    numbers, objects = judged.records, judged.objects
    return TooManyRejects(
        f"{numbers.rejected} of {numbers.read - numbers.left} records were rejected "
        f"({numbers.reject_share:.1%}), {objects['unreadable']} of {objects['read']} objects could "
        f"not be read: more than --max-reject-share {judged.limit:g} allows; {done}, the run is "
        f"marked not ok. Reasons: {judged.reasons}"
    )

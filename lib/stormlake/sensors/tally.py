"""The five numbers of a run: records read, kept, duplicates, rejected, left to another date."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from stormlake.errors import StormlakeError


@dataclass
class Tally:
    """What was counted while a task's objects were read.

    Parameters
    ----------
    read : int
        Records as they left the decoder, before anybody judged them.
    accepted : int
        Records that gave a row; duplicates are found later.
    rejected, left : int
        Records that were rejected, or left to another date's run.
    objects, empty : int
        Objects that were opened; of these, without a record and a reject.
    unreadable_keys : Counter of str
        Keys of objects whose bytes could not be read to the end; one may fail in several parts.
    comments : int
        Lines of logs that are no records.
    reasons : Counter of str
        Rejected records by reason.
    reject_days : Counter of (str or None)
        Rows of `rejects` by ISO date; None where only the run's first date is left.
    """

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    left: int = 0
    objects: int = 0
    empty: int = 0
    comments: int = 0
    unreadable_keys: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    reject_days: Counter[str | None] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def unreadable(self) -> int:
        """Objects whose bytes could not be read to the end."""
        return len(self.unreadable_keys)


@dataclass(frozen=True)
class FiveNumbers:
    """What became of the records of a run; they add up, or the run fails.

    Parameters
    ----------
    read : int
        Counted where records leave the decoder.
    kept, duplicates : int
        Counted by Spark where duplicates are dropped.
    rejected, left : int
        Counted where records are judged.
    """

    read: int
    kept: int
    duplicates: int
    rejected: int
    left: int

    @property
    def add_up(self) -> bool:
        """Whether nothing is lost and nothing is counted twice."""
        return self.read == self.kept + self.duplicates + self.rejected + self.left

    @property
    def reject_share(self) -> float:
        """Rejected records of those that were this run's."""
        judged = self.read - self.left
        return self.rejected / judged if judged else 0.0

    def check(self) -> None:
        """Fail when they do not add up.

        Raises
        ------
        StormlakeError
            Then nothing may be written.
        """
        if not self.add_up:
            raise StormlakeError(
                f"{self.read} records were read, but {self.kept} kept + {self.duplicates} "
                f"duplicates + {self.rejected} rejected + {self.left} left to other dates are "
                "not as many; nothing was written. Run again; if it comes back, report it"
            )

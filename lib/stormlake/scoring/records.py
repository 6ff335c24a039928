"""What is scored of each kind of record: its numbers, its place, and what is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from stormlake.lake.sensor_tables import NAME_BYTES
from stormlake.lake.types import Column
from stormlake.scoring.forest import LARGEST_VALUE
from stormlake.sensors.fields import Unusable
from stormlake.sensors.kinds import Dedupe, Kind, LineParser, Row
from stormlake.sensors.outcomes import Reason


def value_columns(count: int) -> list[str]:
    """Names of the columns of scored numbers: a member's own name may be any text."""
    return [f"value_{n}" for n in range(count)]


@dataclass(frozen=True)
class ScoredRecords(Kind):
    """Records as the forests take them, whatever they are.

    Parameters
    ----------
    records : Kind
        How they are read; has `record_id` and `event_time`.
    scored : tuple of str
        Its columns that are scored, numbers.
    place : str
        Its column that tells whose a record is: a location, a device, a key.
    devices : frozenset of str or None
        Places that are known, others are rejected `unknown_device`; None: all are taken.
    given_score : bool
        Whether a record must carry its score itself, in the column `score`.
    """

    records: Kind = field(default_factory=Kind)
    scored: tuple[str, ...] = ()
    place: str = ""
    devices: frozenset[str] | None = None
    given_score: bool = False

    view: ClassVar[str] = "scored_records"
    time_column: ClassVar[str] = "event_time"
    dedupe: ClassVar[Dedupe] = Dedupe.RECORD_ID

    def __post_init__(self) -> None:
        names = [column.name for column in self.records.columns]
        wanted = ("record_id", "event_time", self.place, *self.scored)
        object.__setattr__(self, "_places", [names.index(name) for name in wanted])
        object.__setattr__(self, "_score", names.index("score") if self.given_score else None)

    @property
    def splits(self) -> bool:  # type: ignore[override]
        """As the records themselves."""
        return self.records.splits

    @property
    def shows_excerpt(self) -> bool:  # type: ignore[override]
        """As the records themselves."""
        return self.records.shows_excerpt

    @property
    def columns(self) -> tuple[Column, ...]:  # type: ignore[override]
        """record_id, event_time, place, given_score, and `value_columns`."""
        return (
            Column("record_id", "string", "", "Which record.", False, NAME_BYTES),
            Column("event_time", "timestamp", "", "Its time.", nullable=False),
            Column("place", "string", "", "Whose it is.", True, NAME_BYTES),
            Column("given_score", "double", "1", "The score that it carries."),
            *(
                Column(name, "double", "", "A scored number.", nullable=False)
                for name in value_columns(len(self.scored))
            ),
        )

    def is_lines(self, head: bytes) -> bool:
        """As the records themselves."""
        return self.records.is_lines(head)

    def lines(self) -> LineParser:
        """As the records themselves."""
        return self.records.lines()

    def row_at(self, record: dict[str, Any], number: int) -> Row:
        """The row of a record that a forest may see."""
        row = self.records.row_at(record, number)
        identity, time, place, *values = (row[at] for at in self._places)  # type: ignore[attr-defined]
        if self.devices is not None and place not in self.devices:
            raise Unusable(Reason.UNKNOWN_DEVICE, f"its {self.place} is not in the registry")
        for name, value in zip(self.scored, values, strict=True):
            if abs(value) > LARGEST_VALUE:
                told = f"{name} is larger than a forest can hold ({LARGEST_VALUE:.3g})"
                raise Unusable(Reason.NOT_FINITE, told)
        score = None
        if self.given_score:
            score = row[self._score]  # type: ignore[attr-defined]
            if score is None:
                raise Unusable(Reason.MISSING_FIELD, "no score; --score-from compute makes one")
        return identity, time, place, score, *values

    def event_micros(self, record: dict[str, Any]) -> int | None:
        """As the records themselves."""
        return self.records.event_micros(record)

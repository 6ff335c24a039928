"""What one load brings: the partitions that one run left of one table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from stormlake.lake.partitions import PartitionWritten
from stormlake.lake.runs import canonical
from stormlake.lake.types import Table

MAX_SCOPE_ROWS: Final = 1000
"""Partitions of one load at the most; a run that left more is loaded in several, by date."""


@dataclass(frozen=True)
class LoadScope:
    """Partitions of one table as one run left them: what one transaction brings.

    Parameters
    ----------
    table : Table
    job, run_id : str
        The run whose record names the partitions; of a vendor's file, the file's own record.
    run_started : datetime
        UTC. Of two runs over one partition the later started one counts.
    partitions : tuple of PartitionWritten
        By their values, at most `MAX_SCOPE_ROWS`; one without files is emptied by the load. A table
        without partition columns has one, whose values are `()`.
    """

    table: Table
    job: str
    run_id: str
    run_started: datetime
    partitions: tuple[PartitionWritten, ...]

    @property
    def rows(self) -> int:
        """Rows of all partitions, by the run's record."""
        return sum(partition.rows for partition in self.partitions)

    @property
    def keys(self) -> tuple[str, ...]:
        """Each partition as the ledger writes it, in their order."""
        return tuple(scope_key(self.table, each.values) for each in self.partitions)

    @property
    def digest(self) -> str:
        """16 hex digits that tell this scope from others of the run."""
        return hashlib.sha256("\n".join(self.keys).encode()).hexdigest()[:16]


def scope_key(table: Table, values: tuple[str, ...]) -> str:
    """Write a partition as the ledger does: `{"date":"2011-10-01","station":"KDOX"}`."""
    return canonical(dict(zip(table.partition_names, values, strict=True))).decode()

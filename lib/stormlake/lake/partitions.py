"""What a run left in a partition, in words that a record can keep."""

from __future__ import annotations

from dataclasses import dataclass

Partition = tuple[str, ...]
"""A partition's values as text, in the order of the table's partition columns; dates are ISO."""


@dataclass(frozen=True)
class FileWritten:
    """One data file: path below the lake's root, rows and bytes."""

    path: str
    rows: int
    bytes: int


@dataclass(frozen=True)
class PartitionWritten:
    """One partition of a run's scope after the run; without files when it got no rows.

    Parameters
    ----------
    values : tuple of str
        The partition's values, in the order of the table's partition columns.
    files : tuple of FileWritten
        Every data file of the partition, by path.
    """

    values: Partition
    files: tuple[FileWritten, ...] = ()

    @property
    def rows(self) -> int:
        """Rows in all files."""
        return sum(file.rows for file in self.files)

    @property
    def bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.bytes for file in self.files)

"""Which rows and partitions belong to a run over radar archives, and which file a volume goes to.

Plain Python on rows of `radar_volumes`; no Spark.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stormlake.lake.partitions import Partition
from stormlake.lake.radar_rows import UNKNOWN_DATE, UNKNOWN_STATION, as_duplicate
from stormlake.radar.outcomes import GRIDDED

FILE_ROWS: Final = 4_000_000
"""Rows of `radar_grid` per file at the most, about 6 MB: few files a day, none for hours."""

LEAST_FILE_ROWS: Final = 250_000
"""Below this, sharing a station-day among cores costs more than it gives."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """What part of an archive a run was asked for.

    Parameters
    ----------
    stations : tuple of str
        Empty: all that the source holds.
    start, end : date or None
        Half-open window of UTC days on the volume's start.
    folder : bool
        Whether the source is a local folder, in which objects may tell nothing of themselves.
    """

    stations: tuple[str, ...]
    start: dt.date | None
    end: dt.date | None
    folder: bool

    def covers(self, row: Row) -> bool:
        """Whether a volume that only its header places belongs to the run."""
        if self.stations and row["station"] not in self.stations:
            return False
        if row["station"] == UNKNOWN_STATION:
            return True
        after_start = self.start is None or row["date"] >= self.start
        return after_start and (self.end is None or row["date"] < self.end)

    def partitions(self, rows: Iterable[Row]) -> list[Partition]:
        """Partitions (station, date) that the run replaces, also those that get no row."""
        scope = {(row["station"], row["date"]) for row in rows}
        if self.start and self.end:
            days = [self.start + dt.timedelta(n) for n in range((self.end - self.start).days)]
            found = {station for station, _ in scope} - {UNKNOWN_STATION}
            scope |= {(station, day) for station in self.stations or found for day in days}
        if self.folder and not self.stations:
            # Objects that tell nothing of themselves are those of the latest run only.
            scope.add((UNKNOWN_STATION, UNKNOWN_DATE))
        return sorted((station, day.isoformat()) for station, day in scope)


def mark_duplicates(rows: Iterable[Row]) -> list[Row]:
    """Of several objects with one station and volume time, keep the first, skip the others.

    An archived volume comes before a folder of chunks of the same volume, else the key decides.
    """
    kept: dict[tuple[str, dt.datetime], str] = {}
    marked = []
    for row in sorted(rows, key=lambda row: (row["key"].endswith("/"), row["key"])):
        identity = (row["station"], row["volume_time"])
        if row["status"] in GRIDDED:
            first = kept.setdefault(identity, row["key"])
            marked.append(row if first == row["key"] else as_duplicate(row, first))
        else:
            marked.append(row)
    return marked


def rows_by_partition(rows: Iterable[Row], count: str) -> Counter[Partition]:
    """How many rows volumes give to a table's partitions (station, date).

    Parameters
    ----------
    rows : iterable of mapping
        Of `radar_volumes`.
    count : str
        Its column that counts the table's rows: `cells` or `columns`.
    """
    expected: Counter[Partition] = Counter()
    for row in rows:
        expected[row["station"], row["date"].isoformat()] += row[count] or 0
    return expected


def place_in_files(rows: Iterable[Row], cores: int) -> list[tuple[str, int]]:
    """Which volume goes into which file: runs of volumes of one station-day, balanced by cells.

    Parameters
    ----------
    rows : iterable of mapping
        Of `radar_volumes`, in order of key.
    cores : int
        How many tasks run at once; few large station-days are cut so that all have work.

    Returns
    -------
    list of (key, file number)
        Volumes without cells are in no file.
    """
    days: dict[tuple[str, dt.date], list[Row]] = {}
    for row in rows:
        if row["status"] in GRIDDED and row["cells"]:
            days.setdefault((row["station"], row["date"]), []).append(row)
    placed: list[tuple[str, int]] = []
    files = 0
    for day in days.values():
        cells = sum(row["cells"] for row in day)
        shares = -(-cells // FILE_ROWS)
        if len(days) < cores:
            wanted = -(-shares // cores) * cores
            shares = max(shares, min(wanted, cells // LEAST_FILE_ROWS))
        placed += [(key, files + share) for key, share in _shared_out(day, cells, shares)]
        files += shares
    return placed


def _shared_out(day: Sequence[Row], cells: int, shares: int) -> Iterable[tuple[str, int]]:
    """Give each volume the share in which its middle cell lies; in integers, to be exact."""
    before = 0
    for row in day:
        middle = 2 * before + row["cells"]
        yield row["key"], min(shares - 1, middle * shares // (2 * cells))
        before += row["cells"]

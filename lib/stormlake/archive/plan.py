"""Cut the work: tasks are runs of volumes of one station-day, balanced by bytes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from stormlake.archive.objects import ArchiveObject

TASK_BYTES: Final = 32 * 2**20
"""Bytes per task: about eight modern volumes, some seconds of work."""


@dataclass(frozen=True)
class Task:
    """What one Spark task does.

    Parameters
    ----------
    station : str or None
    date : date or None
        The partition of all its objects; both None where names do not say it.
    objects : tuple of ArchiveObject
        In order of key.
    """

    station: str | None
    date: dt.date | None
    objects: tuple[ArchiveObject, ...]

    @property
    def bytes(self) -> int:
        """Bytes to fetch; skipped objects cost nothing."""
        return sum(_cost(obj) for obj in self.objects)


@dataclass(frozen=True)
class Totals:
    """What a plan comes to.

    Parameters
    ----------
    objects : int
        All objects of the run.
    skipped : int
        Of those, how many are not fetched.
    tasks : int
    bytes : int
        To fetch, as listed.
    """

    objects: int
    skipped: int
    tasks: int
    bytes: int


def plan_tasks(objects: Iterable[ArchiveObject], task_bytes: int = TASK_BYTES) -> list[Task]:
    """Group objects into tasks; the same objects in any order give the same tasks.

    Parameters
    ----------
    objects : iterable of ArchiveObject
        Read once; only the objects themselves are held.
    task_bytes : int
        Wanted bytes per task. A station-day of B bytes becomes at most ceil(B / task_bytes)
        tasks, and none is larger than its fair share of B by more than its largest object.

    Returns
    -------
    list of Task
        Every object in exactly one, ordered by station, date and key; those without station or
        date last.
    """
    if task_bytes < 1:
        raise ValueError(f"task_bytes is {task_bytes}, expected at least 1")
    tasks = []
    for (station, date), group in groupby(sorted(objects, key=_order), key=_station_day):
        tasks += [Task(station, date, run) for run in _runs(tuple(group), task_bytes)]
    return tasks


def totals(tasks: Sequence[Task]) -> Totals:
    """Count a plan, for a dry run and the log."""
    return Totals(
        objects=sum(len(task.objects) for task in tasks),
        skipped=sum(obj.skip is not None for task in tasks for obj in task.objects),
        tasks=len(tasks),
        bytes=sum(task.bytes for task in tasks),
    )


def _runs(group: tuple[ArchiveObject, ...], task_bytes: int) -> list[tuple[ArchiveObject, ...]]:
    """Cut a station-day into runs: an object belongs to the share in which its middle byte lies."""
    total = sum(map(_cost, group))
    shares = max(1, -(-total // task_bytes))
    runs: dict[int, list[ArchiveObject]] = {}
    before = 0
    for obj in group:
        cost = _cost(obj)
        # In halves of bytes, in integers: floats would lose bytes of a large archive.
        middle = 2 * before + cost
        share = min(shares - 1, middle * shares // (2 * total)) if total else 0
        runs.setdefault(share, []).append(obj)
        before += cost
    return [tuple(run) for run in runs.values()]


def _cost(obj: ArchiveObject) -> int:
    return 0 if obj.skip else obj.size


def _station_day(obj: ArchiveObject) -> tuple[str, dt.date] | tuple[None, None]:
    if obj.station is None or obj.date is None:
        return None, None
    return obj.station, obj.date


def _order(obj: ArchiveObject) -> tuple[bool, str, dt.date, str]:
    station, date = _station_day(obj)
    return station is None, station or "", date or dt.date.min, obj.key

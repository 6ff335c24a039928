"""What all jobs that read a sensor archive refuse, and how they write what they rejected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from stormlake.archive.arrivals import StoredObject
from stormlake.errors import RefusedInput, ServiceUnreachable
from stormlake.lake.partitions import Partition
from stormlake.lake.tables import REJECTS, Table
from stormlake.running.job import JobRun
from stormlake.sensors.tally import Tally

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from stormlake.sensors.frames import Records

NO_DAY: Final = "1970-01-01"
"""Date of rejects where neither an arrival nor an event tells one."""


def refuse_erasing(
    job: JobRun,
    spark: SparkSession,
    objects: Sequence[StoredObject],
    table: Table,
    scope: Sequence[Partition],
) -> None:
    """Refuse to replace good rows with nothing because of a typo.

    Raises
    ------
    RefusedInput
        The source holds no object at all in this scope, but the lake holds rows.
    """
    if objects:
        return
    there = sum(job.partition_rows(spark, table, scope).values())
    if there:
        raise RefusedInput(
            f"{job.source} holds nothing in this scope, but the lake holds {there} rows of it, "
            "which this run would erase; check --source and the days. If the archive did lose "
            f"them, remove their partitions of {job.lake.uri} by hand"
        )


def refuse_nothing_read(job: JobRun, tally: Tally) -> None:
    """Refuse to replace good rows with nothing because of an outage.

    Raises
    ------
    ServiceUnreachable
        Not one of the objects could be read.
    """
    # Each failure is one reject, whoever's it is; nothing else was read.
    nothing = tally.read == tally.unreadable_keys.total()
    if tally.unreadable and tally.unreadable >= tally.objects and nothing:
        raise ServiceUnreachable(
            f"none of the {tally.objects} objects of {job.source} could be read; nothing was "
            "written. Check network, credentials, and that the folder is there"
        )


def write_rejects(
    job: JobRun,
    records: Records,
    objects: Sequence[StoredObject],
    days: Sequence[dt.date],
    found: Sequence[str],
) -> None:
    """Write what was rejected, where records have been read.

    Parameters
    ----------
    job : JobRun
    records : Records
    objects : sequence of StoredObject
        What was listed.
    days : sequence of date
        Days of the window; none where there is no window.
    found : sequence of str
        ISO dates of good records, sorted.
    """
    dates = [day.isoformat() for day in days] or list(found)
    first = dates[0] if dates else NO_DAY
    rejected: dict[Partition, int] = {}
    for day, count in records.tally().reject_days.items():
        partition = (job.job, day or first)
        rejected[partition] = rejected.get(partition, 0) + count
    replaced = set(dates) | {day for _, day in rejected}
    if not days:
        # What an earlier run said of these days is said anew, or not any more.
        replaced |= {obj.arrival.date().isoformat() for obj in objects if obj.arrival} | {NO_DAY}
    job.write(
        records.rejects(job.job, first),
        REJECTS,
        [(job.job, day) for day in sorted(replaced)],
        expected=rejected,
    )

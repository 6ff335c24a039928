"""From run records to what is loaded: of each partition, the run that started last."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta

from stormlake.errors import RefusedInput
from stormlake.lake.partitions import Partition, PartitionWritten
from stormlake.lake.runs import RunRecord, latest_records, read_records
from stormlake.lake.store import Store
from stormlake.lake.types import Table
from stormlake.warehouse.scope import MAX_SCOPE_ROWS, LoadScope


class NothingRecorded(RefusedInput):
    """No run has left a record of what was asked for; `partly`: of some of it one has."""

    def __init__(self, message: str, *, partly: bool = False) -> None:
        super().__init__(message)
        self.partly = partly


def scopes(
    store: Store,
    table: Table,
    start: date | None = None,
    end: date | None = None,
    from_run: str | None = None,
    accept: bool = False,
) -> list[LoadScope]:
    """Find what is to be loaded of a table.

    Parameters
    ----------
    store : Store
        Of the lake.
    table : Table
    start, end : date or datetime, optional
        UTC days, half-open; without them every partition that a run has left. They mean nothing to
        a table without a date.
    from_run : str, optional
        Only partitions of this run.
    accept : bool
        Whether a run with too many rejects is taken.

    Returns
    -------
    list of LoadScope
        One for each run that left the latest state of some of these partitions, and several where a
        run left more than a load may have; the run that started first comes first.

    Raises
    ------
    NothingRecorded
        No record, or none of a day that was asked for.
    RefusedInput
        A run had too many rejects, or `from_run` is not the latest of its partitions: their files
        are gone, another run's have taken their place.
    """
    return select(read_records(store), table, start, end, from_run, accept)


def select(
    records: Iterable[RunRecord],
    table: Table,
    start: date | None = None,
    end: date | None = None,
    from_run: str | None = None,
    accept: bool = False,
) -> list[LoadScope]:
    """Do what `scopes` does, over records that are read already."""
    first, last = _day(start), _day(end)
    of_table = [record for record in records if table.name in record.tables]
    _refuse_other_columns(of_table, table)
    latest = {
        values: record
        for values, record in latest_records(of_table, table.name).items()
        if _is_inside(table, values, first, last)
    }
    if from_run is not None:
        latest = _only_of(from_run, of_table, latest, table, (first, last))
    elif not latest:
        raise NothingRecorded(_no_record(table, first, last))
    if from_run is None:
        _refuse_missing_days(table, latest, first, last)
    runs = sorted(
        {(r.started, r.run_id, r.job): r for r in latest.values()}.items(), key=lambda each: each[0]
    )
    found: list[LoadScope] = []
    for _, record in runs:
        _refuse_rejects(record, table, accept)
        written = [each for each in record.tables[table.name] if latest.get(each.values) is record]
        found += [
            LoadScope(table, record.job, record.run_id, record.started, tuple(part))
            for part in _split(table, written)
        ]
    return found


def _day(day: date | None) -> date | None:
    return day.date() if isinstance(day, datetime) else day


def _date_of(table: Table, values: Partition) -> str | None:
    """Day of a partition as ISO text; None where the table has none."""
    named = dict(zip(table.partition_names, values, strict=True))
    return named.get("date")


def _is_inside(table: Table, values: Partition, first: date | None, last: date | None) -> bool:
    day = _date_of(table, values)
    if day is None:
        return True
    # ISO days are in order as texts.
    return not (first and day < first.isoformat()) and not (last and day >= last.isoformat())


def _only_of(
    run_id: str,
    records: Sequence[RunRecord],
    latest: dict[Partition, RunRecord],
    table: Table,
    window: tuple[date | None, date | None],
) -> dict[Partition, RunRecord]:
    """Give the partitions of one run.

    Raises
    ------
    RefusedInput
        It has no record, left nothing here, or a later run has rewritten what it left.
    """
    named = [record for record in records if record.run_id == run_id]
    asked = {
        each.values: record
        for record in named
        for each in record.tables[table.name]
        if _is_inside(table, each.values, *window)
    }
    if not asked:
        raise NothingRecorded(
            f"no record says that run {run_id} left anything of {table.name}{_window(*window)}; "
            "check --from-run and the days, or leave --from-run out: the latest runs are taken then"
        )
    others = [values for values, record in asked.items() if latest[values] is not record]
    if others:
        later = latest[others[0]]
        raise RefusedInput(
            f"{len(others)} of {len(asked)} partitions of {table.name} that run {run_id} left were "
            f"rewritten since, {'/'.join(others[0])} by run {later.run_id} of {later.job}: the "
            "older files are gone. Leave --from-run out, or name other days"
        )
    return asked


def _refuse_missing_days(
    table: Table, latest: dict[Partition, RunRecord], first: date | None, last: date | None
) -> None:
    """Refuse to leave out a day that was asked for: where no record is, a run may have crashed."""
    if first is None or last is None or "date" not in table.partition_names:
        return
    there = {_date_of(table, values) for values in latest}
    days = [(first + timedelta(days=n)).isoformat() for n in range((last - first).days)]
    missing = [day for day in days if day not in there]
    if missing:
        raise NothingRecorded(
            f"no run has left a record of {table.name} for {len(missing)} of {len(days)} days, "
            f"the first is {missing[0]}: run its job for them, or name other days; without --start "
            "and --end all that has a record is loaded",
            partly=True,
        )


def _refuse_rejects(record: RunRecord, table: Table, accept: bool) -> None:
    if not record.ok and not accept:
        raise RefusedInput(
            f"run {record.run_id} of {record.job}, the latest of {table.name}, had more rejects "
            f"than its limit (exit code {record.exit_code}); look at the rejects, then run the job "
            "again, or give --accept to load it as it is"
        )


def _refuse_other_columns(records: Sequence[RunRecord], table: Table) -> None:
    for record in records:
        names = tuple(record.partitions[table.name])
        if names != table.partition_names:
            raise RefusedInput(
                f"run {record.run_id} of {record.job} left {table.name} by {', '.join(names)}, the "
                f"table is by {', '.join(table.partition_names)} now: run {record.job} again"
            )


def _no_record(table: Table, first: date | None, last: date | None) -> str:
    return (
        f"no run has left a record of {table.name}{_window(first, last)}: a load starts from the "
        "record that a job writes last. Run the job that makes the table (ingest-radar, aggregate) "
        "to its end, and check --lake"
    )


def _window(first: date | None, last: date | None) -> str:
    parts = [f"from {first}" if first else "", f"before {last}" if last else ""]
    told = " ".join(filter(None, parts))
    return f" {told}" if told else ""


def _split(table: Table, written: Sequence[PartitionWritten]) -> Iterator[list[PartitionWritten]]:
    """Cut partitions into loads, between two days wherever one day fits into a load."""
    by_day: dict[str, list[PartitionWritten]] = {}
    for each in sorted(written, key=lambda one: one.values):
        by_day.setdefault(_date_of(table, each.values) or "", []).append(each)
    part: list[PartitionWritten] = []
    for _, day in sorted(by_day.items()):
        if part and len(part) + len(day) > MAX_SCOPE_ROWS:
            yield part
            part = []
        part += day
        while len(part) > MAX_SCOPE_ROWS:
            yield part[:MAX_SCOPE_ROWS]
            part = part[MAX_SCOPE_ROWS:]
    if part:
        yield part

"""Which runs are in the warehouse: the lake's records held against the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from stormlake.lake.runs import RunRecord, iso_utc, latest_records
from stormlake.lake.types import Table
from stormlake.warehouse.ledger import LedgerRow
from stormlake.warehouse.scope import scope_key


@dataclass(frozen=True)
class RunStatus:
    """One run of one table, as far as it left the newest state of some partitions.

    Parameters
    ----------
    table, job, run_id, started : str
    state : {"loaded", "in part", "not loaded"}
    partitions, loaded : int
        Partitions whose newest state is this run's; of these, how many the warehouse has from it.
    rows : int
        Rows of these partitions in the lake.
    loaded_at : str or None
        UTC time of the last load of it.
    """

    table: str
    job: str
    run_id: str
    started: str
    state: Literal["loaded", "in part", "not loaded"]
    partitions: int
    loaded: int
    rows: int
    loaded_at: str | None


def statuses(
    records: Sequence[RunRecord], ledger: Iterable[LedgerRow], tables: Iterable[Table]
) -> list[RunStatus]:
    """Tell of every run that counts what the warehouse has of it; the newest run comes first.

    Parameters
    ----------
    records : sequence of RunRecord
        All of the lake.
    ledger : iterable of LedgerRow
    tables : iterable of Table
        Those to tell of.
    """
    entries: dict[tuple[str, str, str], dict[str, LedgerRow]] = {}
    for row in ledger:
        entries.setdefault((row.table_name, row.job, row.run_id), {})[row.scope] = row
    found = []
    for table in tables:
        latest = latest_records(records, table.name)
        for record in {id(each): each for each in latest.values()}.values():
            mine = [each for each in record.tables[table.name] if latest.get(each.values) is record]
            known = entries.get((table.name, record.job, record.run_id), {})
            there = [
                known[key]
                for key in (scope_key(table, each.values) for each in mine)
                if key in known
            ]
            state: Literal["loaded", "in part", "not loaded"] = (
                "loaded" if len(there) == len(mine) else "in part" if there else "not loaded"
            )
            found.append(
                RunStatus(
                    table=table.name,
                    job=record.job,
                    run_id=record.run_id,
                    started=iso_utc(record.started),
                    state=state,
                    partitions=len(mine),
                    loaded=len(there),
                    rows=sum(each.rows for each in mine),
                    loaded_at=max((iso_utc(row.loaded_at) for row in there), default=None),
                )
            )
    return sorted(found, key=lambda each: (each.started, each.table), reverse=True)

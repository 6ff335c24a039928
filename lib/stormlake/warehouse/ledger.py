"""The ledger: which partitions of which run are in the warehouse, written with the data itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from stormlake.errors import ExitCode, RefusedInput, StormlakeError
from stormlake.lake.quoting import qualified, quote_identifier, quote_literal
from stormlake.lake.types import Column, Table, Warehouse

if TYPE_CHECKING:
    from stormlake.warehouse.data_api import DataApi

LEDGER: Final = Table(
    name="load_ledger",
    description="One partition that one load brought into this warehouse.",
    partitions=(),
    columns=(
        Column("table_name", "string", "", "Table that was loaded.", False, 127),
        Column("job", "string", "", "Job of the run that is loaded.", False, 256),
        Column("run_id", "string", "", "The run that is loaded.", False, 128),
        Column(
            "run_started",
            "timestamp",
            "",
            "When that run began; of two runs over one partition the later started one counts.",
            False,
        ),
        Column(
            "scope",
            "string",
            "",
            "The partition as JSON with sorted names; `{}` for a table without partitions.",
            False,
            65535,
        ),
        Column("manifest_url", "string", "", "List of the files that were read.", False, 2048),
        Column("manifest_etag", "string", "", "Which version of that list.", False, 128),
        Column("row_count", "long", "1", "Rows that the load brought for this partition.", False),
        Column("load_attempt", "string", "", "Which attempt of which load did it.", False, 256),
        Column("loaded_at", "timestamp", "", "When, by the warehouse's clock.", False),
    ),
    sort=("table_name", "loaded_at"),
    warehouse=Warehouse("replace", sort=("table_name", "loaded_at"), by_default=False),
)
"""Nothing loads it as a table; a load's own transaction adds its rows."""


class LedgerNotRead(StormlakeError):
    """Reading the ledger was stopped; whoever loads holds its lock."""

    exit_code = ExitCode.CANCELLED


@dataclass(frozen=True)
class LedgerRow:
    """One row of the ledger, its columns as in `LEDGER`."""

    table_name: str
    job: str
    run_id: str
    run_started: datetime
    scope: str
    manifest_url: str
    manifest_etag: str
    row_count: int
    load_attempt: str
    loaded_at: datetime


def read_ledger(
    api: DataApi, table: str | None = None, *, job: str | None = None, run_id: str | None = None
) -> list[LedgerRow]:
    """Read what the ledger says, the oldest load first.

    Parameters
    ----------
    api : DataApi
    table, job, run_id : str, optional
        Only rows of these.

    Raises
    ------
    RefusedInput
        There is no ledger in that schema, or it may not be read.
    LedgerNotRead
        Not in time, or somebody stopped it.
    """
    from stormlake.warehouse.data_api import StatementFailed

    try:
        found = api.query(ledger_query(api.target.schema, table, job, run_id))
    except StatementFailed as error:
        if error.status == "ABORTED":
            raise LedgerNotRead(
                f"reading the ledger of {api.target} was stopped ({error.error}): another load "
                "may hold its lock; run it again, or with a longer --timeout where there is one"
            ) from error
        raise RefusedInput(
            f"the ledger of {api.target} cannot be read: {error.error}; where it is missing, "
            "`stormlake ddl --engine redshift --all --apply` with the same options makes it"
        ) from error
    return [LedgerRow(**_typed(row)) for row in found]


def ledger_query(
    schema: str, table: str | None = None, job: str | None = None, run_id: str | None = None
) -> str:
    """Write the question that `read_ledger` asks."""
    wanted = {"table_name": table, "job": job, "run_id": run_id}
    where = [
        f"{quote_identifier(name)} = {quote_literal(value)}"
        for name, value in wanted.items()
        if value is not None
    ]
    columns = ", ".join(quote_identifier(column.name) for column in LEDGER.load_columns)
    order = ", ".join(map(quote_identifier, ("loaded_at", "table_name", "scope")))
    return (
        f"SELECT {columns} FROM {qualified(schema, LEDGER.name)}"
        + (f" WHERE {' AND '.join(where)}" if where else "")
        + f" ORDER BY {order}"
    )


def timestamp(time: datetime) -> str:
    """Write a time as a TIMESTAMP of UTC in SQL, to the microsecond."""
    text = time.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    return f"CAST({quote_literal(text)} AS TIMESTAMP)"


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    times = {
        column.name: datetime.fromisoformat(row[column.name]).replace(tzinfo=UTC)
        for column in LEDGER.columns
        if column.type == "timestamp"
    }
    return row | times

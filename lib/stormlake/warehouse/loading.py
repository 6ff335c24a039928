"""Load a scope exactly once: what is asked, retried and told around the one transaction.

Exactly once rests on three things: the ledger's rows are written with the data, loads of one
warehouse wait for each other at its lock, and a guard ends the second of two. So it is always right
to load again.
"""

from __future__ import annotations

import hashlib
import logging
import random
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from stormlake.errors import ExitCode, RefusedInput, ServiceUnreachable, StormlakeError
from stormlake.lake.runs import canonical
from stormlake.lake.tables import TABLES
from stormlake.warehouse.apply_ddl import columns_query
from stormlake.warehouse.data_api import DataApi, Finished, NotEnded, StatementFailed
from stormlake.warehouse.ledger import LedgerRow, read_ledger
from stormlake.warehouse.load_errors import reason_of
from stormlake.warehouse.manifest import Manifest
from stormlake.warehouse.scope import LoadScope
from stormlake.warehouse.statements import How, load_statements
from stormlake.warehouse.tables import WAREHOUSE_TABLES

SERIALIZATION: Final = re.compile(r"\b1023\b.*serializable isolation", re.I | re.S)
"""How error 1023 is told (Amazon Redshift Database Developer Guide, "Serializable isolation"): all
is rolled back, and the same batch may be run again. The number alone may be one of rows."""
RETRIES: Final = 3
STATEMENT_NAME: Final = "stormlake load "
"""How our loads begin their name in the Data API's list of statements; table and run follow."""
_PAUSE: Final = 2.0
"""Seconds before the first retry; doubled for each further one, and scattered."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """How a load ended.

    Parameters
    ----------
    outcome : {"loaded", "already_loaded"}
    rows : int
        Rows that came with the run.
    in_table : int or None
        Rows of the table in this scope afterwards, where this load counted them.
    """

    outcome: Literal["loaded", "already_loaded"]
    rows: int
    in_table: int | None = None


class OlderRun(RefusedInput):
    """A run that started later is in the warehouse; this one would bring old data back."""


class LoadedInPart(StormlakeError):
    """Another load has brought a part of this scope meanwhile; ask `pending` and load the rest."""


class LoadFailed(StormlakeError):
    """The warehouse did not take the load; nothing of it was kept."""


class LoadCancelled(StormlakeError):
    """The load's transaction was stopped; nothing of it was kept."""

    exit_code = ExitCode.CANCELLED


def pending(api: DataApi, scope: LoadScope) -> LoadScope | None:
    """Leave out the partitions that are loaded from this run already; None where all are.

    Raises
    ------
    RefusedInput
        There is no ledger.
    """
    loaded = {row.scope for row in entries(api, scope)}
    rest = tuple(
        partition
        for key, partition in zip(scope.keys, scope.partitions, strict=True)
        if key not in loaded
    )
    return replace(scope, partitions=rest) if rest else None


def entries(api: DataApi, scope: LoadScope) -> list[LedgerRow]:
    """Rows of the ledger for this run's load of this table, whatever their partition."""
    return read_ledger(api, scope.table.name, job=scope.job, run_id=scope.run_id)


def load(
    api: DataApi,
    scope: LoadScope,
    manifest: Manifest,
    how: How,
    *,
    scatter: Callable[[], float] = random.random,
    sleep: Callable[[float], object] | None = None,
) -> Loaded:
    """Bring a scope into the warehouse, once.

    Parameters
    ----------
    api : DataApi
    scope : LoadScope
        Partitions that are not loaded yet, as `pending` gives them.
    manifest : Manifest
        Files with exactly the rows of these partitions.
    how : How
    scatter, sleep : callable
        Replaced by tests.

    Returns
    -------
    Loaded

    Raises
    ------
    OlderRun
        A newer run is loaded; the table is as it was.
    LoadedInPart
        Another load was faster with some of the partitions; the table is as it left it.
    LoadFailed
        With the files, lines, columns and values that were refused.
    LoadCancelled
        Out of time, or stopped by somebody; the table is as it was.
    ServiceUnreachable, NotEnded
        Whether it was loaded is not known; to load again is safe and tells.

    Notes
    -----
    The client token's attempt has a part that only this process knows. A token that is the same in
    every process would, for the eight hours that the Data API remembers it, bring back a failed
    statement instead of trying again; and a second submit does no harm here.
    """
    pause = sleep or api._sleep
    nonce = secrets.token_hex(4)
    for attempt in range(1, RETRIES + 2):
        load_attempt = f"{nonce}-{attempt}"
        statements = load_statements(scope, manifest, api.target.schema, how, load_attempt)
        name = f"{STATEMENT_NAME}{scope.table.name} {scope.run_id}"
        try:
            finished = api.run(statements, _token(scope, load_attempt), name)
            rows = _rows(api, scope) if manifest.rows is None else manifest.rows
            return Loaded("loaded", rows, _counted(finished))
        except KeyboardInterrupt:
            logger.warning("interrupted: %s", _state(api, scope))
            raise
        except (ServiceUnreachable, NotEnded) as error:
            raise type(error)(
                f"{error}; whether {scope.table.name} of run {scope.run_id} was loaded is not "
                "known: load again, which is safe and tells"
            ) from error
        except StatementFailed as failed:
            if not _is_left(api, scope):
                return Loaded("already_loaded", _rows(api, scope))
            again = failed.status == "FAILED" and SERIALIZATION.search(failed.error)
            if again and attempt <= RETRIES:
                seconds = _PAUSE * 2 ** (attempt - 1) * (0.5 + scatter())
                logger.info("another transaction was in the way; again in %.1f s", seconds)
                pause(seconds)
                continue
            raise _told(api, scope, manifest, failed) from failed
    raise AssertionError("the last attempt returns or raises")


def _is_left(api: DataApi, scope: LoadScope) -> bool:
    """Whether anything is left to load; the ledger knows, whatever a statement's end says."""
    rest = pending(api, scope)
    if rest is None:
        return False
    if len(rest.partitions) < len(scope.partitions):
        raise LoadedInPart(
            f"another load has brought {len(scope.partitions) - len(rest.partitions)} of the "
            f"{len(scope.partitions)} partitions of {scope.table.name} meanwhile"
        )
    return True


def _told(
    api: DataApi, scope: LoadScope, manifest: Manifest, failed: StatementFailed
) -> StormlakeError:
    """Give the error that a person can act on, by which statement failed."""
    what = f"{scope.table.name} of run {scope.run_id} into {api.target}"
    if failed.status == "ABORTED":
        return LoadCancelled(f"{what}: cancelled; nothing was loaded ({failed.error})")
    if failed.name == "guard_newest":
        return OlderRun(
            f"{what}: a run that started later is loaded in this scope, and this one would bring "
            "old data back; nothing was changed"
        )
    if failed.name == "create_stage" and _is_missing(api, scope.table.name):
        # Of a table that is not ours only its definition's file can make one.
        ours = scope.table.name in TABLES or scope.table.name in WAREHOUSE_TABLES
        named = scope.table.name if ours else "FILE.toml"
        return RefusedInput(
            f"{what}: there is no such table, or it may not be read: {failed.error}; `stormlake "
            f"ddl --engine redshift {named} --apply` makes it"
        )
    if failed.name == "copy":
        return LoadFailed(
            f"{what}: COPY from {manifest.url} was refused, nothing was loaded:\n"
            f"{reason_of(api, failed)}"
        )
    at = f"statement {failed.index + 1} ({failed.name})" if failed.index >= 0 else "the transaction"
    return LoadFailed(
        f"{what}: {at} failed with manifest {manifest.url}, nothing was loaded: {failed.error}"
    )


def _is_missing(api: DataApi, table: str) -> bool:
    """Whether the warehouse has no such table for us; False where it cannot be asked."""
    try:
        return not api.query(columns_query(api.target.schema, table))
    except StormlakeError:
        # The load has failed already; that is what is told.
        return False


def _state(api: DataApi, scope: LoadScope) -> str:
    """Say what the ledger holds after a load was cut off."""
    what = f"{scope.table.name} of run {scope.run_id}"
    try:
        rest = pending(api, scope)
    except StormlakeError as error:
        return f"whether {what} was loaded is not known ({error}); load again, which is safe"
    return f"{what} is loaded" if rest is None else f"{what} is not loaded"


def _rows(api: DataApi, scope: LoadScope) -> int:
    keys = set(scope.keys)
    return sum(row.row_count for row in entries(api, scope) if row.scope in keys)


def _counted(finished: Finished) -> int | None:
    return int(finished.rows[0]["row_count"]) if finished.rows else None


def _token(scope: LoadScope, load_attempt: str) -> str:
    parts: Sequence[str] = (scope.job, scope.run_id, scope.table.name, scope.digest, load_attempt)
    return hashlib.sha256(canonical(list(parts))).hexdigest()

"""The one transaction of a load: its statements, in their order.

Each statement has a name, by which a failure is known: never by the text of a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from stormlake.lake.ddl_redshift import redshift_type
from stormlake.lake.quoting import qualified, quote_identifier, quote_literal
from stormlake.lake.types import Table
from stormlake.warehouse.copy_text import PARQUET, CopyFormat, copy_statement
from stormlake.warehouse.ledger import LEDGER, timestamp
from stormlake.warehouse.manifest import Manifest
from stormlake.warehouse.scope import LoadScope

MergeStrategy = Literal["merge", "delete_insert"]
"""How a `merge` load puts rows in the place of those with their key: the MERGE statement, or DELETE
and INSERT. Both give the same table."""

STAGE: Final = "stormlake_stage"
"""Temporary table that COPY fills."""
SCOPE: Final = "stormlake_scope"
"""Temporary table of the partitions that the load brings."""
STATEMENT_BYTES: Final = 60_000
"""One statement of the Data API holds at most 100 kB (Amazon Redshift Management Guide, "Using the
Amazon Redshift Data API", considerations); a list of partitions is cut well below it."""

_LEDGER_COLUMNS: Final = ", ".join(quote_identifier(column.name) for column in LEDGER.load_columns)


@dataclass(frozen=True)
class Statement:
    """One statement of a batch.

    Parameters
    ----------
    name : str
        What it is for, e.g. `copy` or `guard_rows`.
    sql : str
    """

    name: str
    sql: str


@dataclass(frozen=True)
class How:
    """What a load needs to know beside its scope and its manifest.

    Parameters
    ----------
    iam_role : str
        ARN of the role by which COPY reads the files.
    copy : CopyFormat
        Form of the files.
    merge_strategy : {"merge", "delete_insert"}
        For tables whose rows are merged by key.
    """

    iam_role: str
    copy: CopyFormat = PARQUET
    merge_strategy: MergeStrategy = "merge"


def load_statements(
    scope: LoadScope, manifest: Manifest, schema: str, how: How, load_attempt: str
) -> tuple[Statement, ...]:
    """Write the batch of one load.

    Parameters
    ----------
    scope : LoadScope
        What is brought.
    manifest : Manifest
        Its files; without any there is no COPY, and the scope is emptied.
    schema : str
        Of the table and of the ledger.
    how : How
    load_attempt : str
        Goes into the ledger.

    Returns
    -------
    tuple of Statement
        To be run in this order and in one transaction. The scope comes before the guards, unlike in
        the first sketch, so that a guard joins it and stays short.
    """
    batch = _Batch(scope, manifest, schema, how)
    return (
        Statement("lock", f"LOCK {batch.ledger}"),
        *batch.scope_table(),
        batch.not_loaded(),
        batch.newest(),
        Statement(
            "create_stage",
            f"CREATE TEMP TABLE {quote_identifier(STAGE)} (LIKE {batch.target})",
        ),
        *batch.copy(),
        *batch.stage_guards(),
        *batch.put(),
        batch.entry(load_attempt),
        batch.count(),
    )


class _Batch:
    """The pieces of one load's batch; names that every piece uses, quoted once."""

    def __init__(self, scope: LoadScope, manifest: Manifest, schema: str, how: How) -> None:
        self.scope, self.manifest, self.how = scope, manifest, how
        self.table: Table = scope.table
        self.target = qualified(schema, self.table.name)
        self.ledger = qualified(schema, LEDGER.name)
        self.columns = [quote_identifier(column.name) for column in self.table.load_columns]
        self._name = quote_identifier(self.table.name)
        self._stage, self._scope = quote_identifier(STAGE), quote_identifier(SCOPE)

    def scope_table(self) -> Iterator[Statement]:
        """Make the table of partitions, and fill it with as many statements as it takes."""
        columns = [
            f"{quote_identifier('scope_key')} VARCHAR(65535) NOT NULL",
            f"{quote_identifier('scope_rows')} BIGINT",
            *(
                f"{quote_identifier(column.name)} {redshift_type(column)} NOT NULL"
                for column in self.table.partitions
            ),
        ]
        yield Statement("create_scope", f"CREATE TEMP TABLE {self._scope} ({', '.join(columns)})")
        known = self.manifest.rows is not None
        lines = [
            "("
            + ", ".join(
                [
                    quote_literal(key),
                    str(each.rows) if known else "NULL",
                    *map(quote_literal, each.values),
                ]
            )
            + ")"
            for key, each in zip(self.scope.keys, self.scope.partitions, strict=True)
        ]
        for some in _cut(lines, STATEMENT_BYTES):
            yield Statement("fill_scope", f"INSERT INTO {self._scope} VALUES\n" + ",\n".join(some))

    def not_loaded(self) -> Statement:
        """No partition of this scope may stand in the ledger for this run: it stops a repeat."""
        return _guard(
            "guard_not_loaded",
            "COUNT(*) = 0",
            "this run is loaded already",
            f"{self._ledger_of_scope()} AND l.{quote_identifier('job')} = "
            f"{quote_literal(self.scope.job)} AND l.{quote_identifier('run_id')} = "
            f"{quote_literal(self.scope.run_id)}",
        )

    def newest(self) -> Statement:
        """No run that started later may have brought a partition: it keeps old data from coming."""
        started = timestamp(self.scope.run_started)
        at, run = f"l.{quote_identifier('run_started')}", f"l.{quote_identifier('run_id')}"
        return _guard(
            "guard_newest",
            "COUNT(*) = 0",
            "a run that started later is loaded",
            f"{self._ledger_of_scope()} AND ({at} > {started} OR ({at} = {started} AND {run} > "
            f"{quote_literal(self.scope.run_id)}))",
        )

    def copy(self) -> Iterator[Statement]:
        """COPY by manifest; nothing where there are no files, which would be an error."""
        if self.manifest.files:
            sql = copy_statement(STAGE, self.manifest.url, self.how.iam_role, self.how.copy)
            yield Statement("copy", sql)

    def stage_guards(self) -> Iterator[Statement]:
        """What came must be what was exported."""
        rows = self.manifest.rows
        if rows is not None:
            yield _guard(
                "guard_rows",
                f"COUNT(*) = {rows}",
                f"stage: expected {rows} rows",
                f"FROM {self._stage}",
            )
        if self.table.partitions:
            lost = f"s.{quote_identifier('scope_key')} IS NULL"
            yield _guard(
                "guard_scope",
                "COUNT(*) = 0",
                "stage: a row outside the scope",
                f"FROM {self._stage} AS t LEFT JOIN {self._scope} AS s "
                f"ON {self._same('t', 's')} WHERE {lost}",
            )
        if self.table.warehouse.key:
            key = ", ".join(map(quote_identifier, self.table.warehouse.key))
            yield _guard(
                "guard_keys",
                "COUNT(*) = 0",
                "stage: two rows have one key",
                f"FROM (SELECT {key} FROM {self._stage} GROUP BY {key} HAVING COUNT(*) > 1) AS d",
            )

    def put(self) -> Iterator[Statement]:
        """Bring the stage's rows into the target."""
        insert = (
            f"INSERT INTO {self.target} ({', '.join(self.columns)})\n"
            f"SELECT {', '.join(self.columns)} FROM {self._stage}"
        )
        if self.table.warehouse.mode == "replace":
            where = (
                f" USING {self._scope} WHERE {self._same(self._name, self._scope)}"
                if self.table.partitions
                else ""
            )
            yield Statement("delete", f"DELETE FROM {self.target}{where}")
            yield Statement("insert", insert)
        elif self.how.merge_strategy == "delete_insert":
            yield Statement(
                "delete",
                f"DELETE FROM {self.target} USING {self._stage} WHERE {self._same_key()}",
            )
            yield Statement("insert", insert)
        else:
            yield Statement("merge", self._merge())

    def entry(self, load_attempt: str) -> Statement:
        """Write the ledger: one row for each partition, in the transaction of the data."""
        rows = (
            quote_identifier("scope_rows")
            if self.manifest.rows is not None
            else f"(SELECT COUNT(*) FROM {self._stage})"
        )
        values = [
            quote_literal(self.table.name),
            quote_literal(self.scope.job),
            quote_literal(self.scope.run_id),
            timestamp(self.scope.run_started),
            quote_identifier("scope_key"),
            quote_literal(self.manifest.url),
            quote_literal(self.manifest.etag),
            rows,
            quote_literal(load_attempt),
            "GETDATE()",
        ]
        return Statement(
            "ledger",
            f"INSERT INTO {self.ledger} ({_LEDGER_COLUMNS})\n"
            f"SELECT {', '.join(values)} FROM {self._scope}",
        )

    def count(self) -> Statement:
        """Count what the target has in the scope now."""
        joined = (
            f" AS t INNER JOIN {self._scope} AS s ON {self._same('t', 's')}"
            if self.table.partitions
            else ""
        )
        return Statement(
            "count",
            f"SELECT COUNT(*) AS {quote_identifier('row_count')} FROM {self.target}{joined}",
        )

    def _merge(self) -> str:
        # Redshift: no alias on the target, no table before a column in SET, both clauses.
        key = self.table.warehouse.key
        others = [c.name for c in self.table.load_columns if c.name not in key] or list(key)
        sets = ", ".join(
            f"{quote_identifier(name)} = {self._stage}.{quote_identifier(name)}" for name in others
        )
        values = ", ".join(f"{self._stage}.{column}" for column in self.columns)
        return (
            f"MERGE INTO {self.target} USING {self._stage} ON {self._same_key()}\n"
            f"WHEN MATCHED THEN UPDATE SET {sets}\n"
            f"WHEN NOT MATCHED THEN INSERT ({', '.join(self.columns)}) VALUES ({values})"
        )

    def _ledger_of_scope(self) -> str:
        return (
            f"FROM {self.ledger} AS l INNER JOIN {self._scope} AS s "
            f"ON l.{quote_identifier('scope')} = s.{quote_identifier('scope_key')} "
            f"WHERE l.{quote_identifier('table_name')} = {quote_literal(self.table.name)}"
        )

    def _same(self, left: str, right: str) -> str:
        return _equal(left, right, self.table.partition_names)

    def _same_key(self) -> str:
        return _equal(self._name, self._stage, self.table.warehouse.key)


def _guard(name: str, condition: str, otherwise: str, source: str) -> Statement:
    """Write a SELECT that fails where the condition does not hold: the text is no integer."""
    text = quote_literal(otherwise)
    return Statement(
        name, f"SELECT CAST(CASE WHEN {condition} THEN '1' ELSE {text} END AS INTEGER) {source}"
    )


def _equal(left: str, right: str, columns: Sequence[str]) -> str:
    return " AND ".join(
        f"{left}.{quote_identifier(column)} = {right}.{quote_identifier(column)}"
        for column in columns
    )


def _cut(lines: Sequence[str], size: int) -> Iterator[list[str]]:
    """Cut a list of texts into parts of at most `size` bytes, at least one text in each."""
    part: list[str] = []
    used = 0
    for line in lines:
        length = len(line.encode()) + 2
        if part and used + length > size:
            yield part
            part, used = [], 0
        part.append(line)
        used += length
    if part:
        yield part

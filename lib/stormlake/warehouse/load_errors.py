"""Why COPY refused a file: what the warehouse keeps of it, as text for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

from stormlake.errors import StormlakeError
from stormlake.lake.quoting import quote_identifier
from stormlake.warehouse.data_api import DataApi, StatementFailed

SHOWN: Final = 10
"""Load errors that are read and shown of one COPY."""
LOOKS: Final = 3
"""How often a load that has just failed looks for its errors."""
PAUSE: Final = 2.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class LoadError:
    """One value or line that COPY could not take.

    Parameters
    ----------
    query_id : int
        The COPY.
    file, column, type, value, reason : str
        Empty where the warehouse does not say.
    line : int
        Line of a text, or the row of a row group; 0 where it does not say.
    code : int
    """

    query_id: int
    file: str
    line: int
    column: str
    type: str
    value: str
    code: int
    reason: str

    def __str__(self) -> str:
        place = self.file or "unknown file"
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column} {self.type}".rstrip() if self.column else ""
        value = f", value {self.value!r}" if self.value else ""
        return f"{place}{line}{column}{value}: {self.reason} (error {self.code})"


_DETAIL: Final = {
    "query_id": "query_id",
    "file": "TRIM(file_name)",
    "line": "line_number",
    "column": "TRIM(column_name)",
    "type": "TRIM(column_type)",
    "value": "''",
    "code": "error_code",
    "reason": "TRIM(error_message)",
}
"""SYS_LOAD_ERROR_DETAIL, on Serverless and provisioned warehouses; it keeps no value."""
_STL: Final = {
    "query_id": "query",
    "file": "TRIM(filename)",
    "line": "line_number",
    "column": "TRIM(colname)",
    "type": "TRIM(type)",
    "value": "TRIM(raw_field_value)",
    "code": "err_code",
    "reason": "TRIM(err_reason)",
}
"""STL_LOAD_ERRORS, on provisioned clusters alone; it keeps the value."""


def load_errors(api: DataApi, query_id: int | None) -> list[LoadError]:
    """Read the errors of one COPY; none where the warehouse kept none or cannot be asked.

    Parameters
    ----------
    api : DataApi
    query_id : int or None
        Query of the failed COPY.
    """
    if query_id is None:
        return []
    queries = [_query("sys_load_error_detail", _DETAIL, query_id)]
    if api.target.cluster:
        # Only there is this view, which knows the value too.
        queries.insert(0, _query("stl_load_errors", _STL, query_id))
    for sql in queries:
        try:
            found = api.query(sql)
        except StormlakeError:
            # The load has failed already; not being told why must not hide that.
            continue
        if found:
            return [_error(row) for row in found]
    return []


def reason_of(api: DataApi, failed: StatementFailed) -> str:
    """Say why a COPY failed: its load errors, else what the statement itself says, whole."""
    errors: list[LoadError] = []
    for look in range(LOOKS):
        if look:
            # The system views are filled a little after the fact.
            api._sleep(PAUSE)
        errors = load_errors(api, failed.query_id)
        if errors or failed.query_id is None:
            break
    # Some errors of columnar files are only in the statement's own text.
    return "\n".join(map(str, errors)) if errors else failed.error


def table_of(errors: Sequence[LoadError]) -> list[dict[str, Any]]:
    """Load errors as rows, for a table or JSON."""
    names = [each.name for each in fields(LoadError)]
    return [{name: getattr(error, name) for name in names} for error in errors]


def _query(view: str, columns: dict[str, str], query_id: int) -> str:
    selected = ", ".join(
        f"{expression} AS {quote_identifier(name)}" for name, expression in columns.items()
    )
    return (
        f"SELECT {selected} FROM {view} WHERE {columns['query_id']} = {query_id} "
        f"ORDER BY {quote_identifier('file')}, {quote_identifier('line')} LIMIT {SHOWN}"
    )


def _error(row: dict[str, Any]) -> LoadError:
    def text(name: str) -> str:
        return str(row[name] or "")

    def number(name: str) -> int:
        return int(row[name] or 0)

    return LoadError(
        query_id=number("query_id"),
        file=text("file"),
        line=number("line"),
        column=text("column"),
        type=text("type"),
        value=text("value"),
        code=number("code"),
        reason=text("reason"),
    )

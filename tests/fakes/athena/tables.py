"""Tables as their DDL states them, and the files of their partitions."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import sqlglot
from sqlglot import exp


class QueryError(Exception):
    """An error in a query, as Athena tells it: category 2 is the user's, 1 its own."""

    def __init__(self, message: str, category: int = 2, retryable: bool = False) -> None:
        super().__init__(message)
        self.category, self.retryable = category, retryable


@dataclass
class CatalogTable:
    """A table of the catalog."""

    name: str
    columns: list[tuple[str, str]]
    partitions: list[tuple[str, str]]
    location: str
    parameters: dict[str, str]
    registered: set[tuple[str, ...]] = field(default_factory=set)
    serde: str = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

    @property
    def projected(self) -> bool:
        return self.parameters.get("projection.enabled") == "true"

    def injected(self) -> list[str]:
        return [
            name
            for name, _ in self.partitions
            if self.parameters.get(f"projection.{name}.type") == "injected"
        ]

    def glue(self, database: str) -> dict[str, Any]:
        """As GetTable answers."""

        def columns(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
            return [{"Name": name, "Type": kind} for name, kind in pairs]

        return {
            "Name": self.name,
            "DatabaseName": database,
            "StorageDescriptor": {
                "Columns": columns(self.columns),
                "Location": self.location,
                "SerdeInfo": {"SerializationLibrary": self.serde},
            },
            "PartitionKeys": columns(self.partitions),
            "TableType": "EXTERNAL_TABLE",
            "Parameters": self.parameters,
        }


@dataclass(frozen=True)
class PartitionFiles:
    """One partition that has files."""

    values: tuple[str, ...]
    keys: list[str]


_CREATE = re.compile(
    r"CREATE EXTERNAL TABLE IF NOT EXISTS `(?P<name>[^`]+)` \(\n(?P<columns>.*?)\n\)\n"
    r"COMMENT '(?:[^'\\]|\\.)*'\nPARTITIONED BY \(\n(?P<partitions>.*?)\n\)\nSTORED AS PARQUET\n"
    r"LOCATION '(?P<location>[^']+)'(?:\nTBLPROPERTIES \(\n(?P<properties>.*?)\n\))?\s*\Z",
    re.DOTALL,
)
"""The form that `stormlake ddl` writes; another is refused, not guessed at."""
_COLUMN = re.compile(r"^    `([^`]+)` ([A-Z]+) COMMENT '(?:[^'\\]|\\.)*',?$", re.MULTILINE)


def read_create(text: str) -> CatalogTable:
    """Read CREATE EXTERNAL TABLE."""
    try:
        parsed = sqlglot.parse_one(text, read="athena")
    except sqlglot.errors.SqlglotError as error:
        raise QueryError(f"FAILED: ParseException {error}") from error
    assert isinstance(parsed, exp.Create)
    code = "\n".join(line for line in text.splitlines() if not line.startswith("--"))
    found = _CREATE.match(code)
    if found is None:
        raise QueryError("FAILED: ParseException: the stand-in knows the form of our own DDL alone")

    def columns(block: str) -> list[tuple[str, str]]:
        return [(name, kind.lower()) for name, kind in _COLUMN.findall(block)]

    pairs = re.findall(r"'([^']+)' = '((?:[^'\\]|\\.)*)'", found["properties"] or "")
    properties = {name: re.sub(r"\\(.)", r"\1", value) for name, value in pairs}
    return CatalogTable(
        found["name"],
        columns(found["columns"]),
        columns(found["partitions"]),
        found["location"],
        properties,
    )


def partitions_there(
    s3: Any, table: CatalogTable, named: Mapping[str, set[str]]
) -> list[PartitionFiles]:
    """The partitions of a table that have files where Athena would look for them.

    Parameters
    ----------
    s3 : client
    table : CatalogTable
    named : mapping of str to set of str
        Values that the query sets a column equal to, for injected columns.

    Notes
    -----
    Athena works out every folder that a projection names and lists it. Here what lies below the
    table is listed, and a file counts where the projection would have looked: there are thousands
    of days. Names that begin with `_` or `.` are hidden from Athena.
    """
    bucket, _, prefix = table.location.removeprefix("s3://").partition("/")
    folders = "".join(f"{name}=${{{name}}}/" for name, _ in table.partitions)
    template = f"{table.location.rstrip('/')}/{folders}"
    if table.projected:
        template = table.parameters.get("storage.location.template", template)
    parts = re.split(r"\$\{(\w+)\}", template.removeprefix(f"s3://{bucket}/"))
    pattern = re.compile(
        "".join(
            f"(?P<{part}>[^/]+)" if at % 2 else re.escape(part) for at, part in enumerate(parts)
        )
        + r"(?!.*/[_.])[^_.].*"
    )
    found: dict[tuple[str, ...], list[str]] = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for key in (each["Key"] for page in pages for each in page.get("Contents", ())):
        there = pattern.fullmatch(key)
        if there is None:
            continue
        values = tuple(unquote(there[name]) for name, _ in table.partitions)
        if _is_seen(table, values, named):
            found.setdefault(values, []).append(key)
    return [PartitionFiles(values, keys) for values, keys in sorted(found.items())]


def _is_seen(table: CatalogTable, values: tuple[str, ...], named: Mapping[str, set[str]]) -> bool:
    """Whether Athena would look into a partition ("Supported types for partition projection")."""
    if not table.projected:
        return values in table.registered
    for (name, _), value in zip(table.partitions, values, strict=True):
        own = f"projection.{name}"
        kind = table.parameters.get(f"{own}.type")
        if kind == "enum":
            inside = value in table.parameters[f"{own}.values"].split(",")
        elif kind == "injected":
            inside = value in named.get(name, ())
        elif kind == "date":
            inside = _in_range(value, table.parameters, own)
        else:
            raise QueryError(f"INVALID_TABLE_PROPERTY: {own}.type is {kind}")
        if not inside:
            return False
    return True


def _in_range(value: str, parameters: Mapping[str, str], own: str) -> bool:
    assert parameters[f"{own}.format"] == "yyyy-MM-dd", "the stand-in knows days alone"
    assert parameters.get(f"{own}.interval.unit", "DAYS") == "DAYS"
    first, last = map(_day, parameters[f"{own}.range"].split(","))
    plain = re.fullmatch(r"\d{4}-\d\d-\d\d", value)
    return plain is not None and first <= dt.date.fromisoformat(value) <= last


def _day(text: str) -> dt.date:
    now = re.fullmatch(r"NOW(?:([+-]\d+)DAYS?)?", text)
    if now is None:
        return dt.date.fromisoformat(text)
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=int(now[1] or 0))

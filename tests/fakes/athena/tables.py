"""Tables as their DDL states them, and the files of their partitions."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
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
            "StorageDescriptor": {"Columns": columns(self.columns), "Location": self.location},
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

    properties = dict(re.findall(r"'([^']+)' = '([^']*)'", found["properties"] or ""))
    return CatalogTable(
        found["name"],
        columns(found["columns"]),
        columns(found["partitions"]),
        found["location"],
        properties,
    )


def partitions_there(s3: Any, table: CatalogTable) -> list[PartitionFiles]:
    """The partitions of a table that have files, by its projection or by the catalog."""
    bucket, _, prefix = table.location.removeprefix("s3://").partition("/")
    found: dict[tuple[str, ...], list[str]] = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    names = [name for name, _ in table.partitions]
    for key in (each["Key"] for page in pages for each in page.get("Contents", ())):
        *folders, file = key.removeprefix(prefix).split("/")
        pairs = [folder.partition("=") for folder in folders]
        if file.startswith(("_", ".")) or [name for name, _, _ in pairs] != names:
            continue
        values = tuple(unquote(value) for _, _, value in pairs)
        if _is_seen(table, values):
            found.setdefault(values, []).append(key)
    return [PartitionFiles(values, keys) for values, keys in sorted(found.items())]


def _is_seen(table: CatalogTable, values: tuple[str, ...]) -> bool:
    """Whether Athena would look into a partition."""
    if not table.projected:
        return values in table.registered
    for (name, _), value in zip(table.partitions, values, strict=True):
        listed = table.parameters.get(f"projection.{name}.values")
        if listed is not None and value not in listed.split(","):
            return False
    return True


def read_partitions(
    s3: Any, table: CatalogTable, partitions: list[PartitionFiles], columns: set[str]
) -> tuple[pa.Table, int]:
    """Rows of these partitions, and the bytes of the column chunks that were read."""
    bucket = table.location.removeprefix("s3://").partition("/")[0]
    wanted = [name for name, _ in table.columns if name in columns]
    read, scanned = [], 0
    for partition in partitions:
        for key in partition.keys:
            body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            file = pq.ParquetFile(io.BytesIO(body))
            for group in range(file.metadata.num_row_groups):
                row_group = file.metadata.row_group(group)
                for at in range(row_group.num_columns):
                    chunk = row_group.column(at)
                    if chunk.path_in_schema in wanted:
                        scanned += chunk.total_compressed_size
            rows = file.read(columns=wanted)
            for (name, kind), value in zip(table.partitions, partition.values, strict=True):
                typed = pa.scalar(value).cast("date32") if kind == "date" else pa.scalar(value)
                rows = rows.append_column(name, pa.repeat(typed, file.metadata.num_rows))
            read.append(rows)
    if not read:
        return _empty(table, wanted), 0
    return pa.concat_tables(read), scanned


_ARROW = {
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", tz="UTC"),
}


def _empty(table: CatalogTable, wanted: list[str]) -> pa.Table:
    kinds = [(n, k) for n, k in table.columns if n in wanted] + table.partitions
    return pa.schema([(name, _ARROW[kind]) for name, kind in kinds]).empty_table()

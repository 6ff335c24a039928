"""The lake's tables and views in DuckDB, as docs/query.md tells a reader to open them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from stormlake.lake.tables import TABLES

SQL = Path(__file__).parents[2] / "sql"
RADAR = sorted((SQL / "radar").glob("*.sql"))
SENSORS = sorted((SQL / "sensors").glob("*.sql"))


def view_name(path: Path) -> str | None:
    """Name of the view that a file defines, None for a query."""
    head = re.match(r"-- view: (\w+)\n", path.read_text(encoding="utf-8"))
    return head[1] if head else None


def open_duckdb() -> duckdb.DuckDBPyConnection:
    """An empty database whose times are UTC."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def rows(relation: duckdb.DuckDBPyRelation) -> list[tuple[Any, ...]]:
    """Rows of a result, by way of Arrow: DuckDB's own wants pytz for a time."""
    table = relation.to_arrow_table()
    return list(zip(*(column.to_pylist() for column in table.columns), strict=True))


def comparable(found: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Rows with times as UTC text, and missing values as an empty text, which can be sorted."""
    return [
        tuple(
            ""
            if value is None
            else value.astimezone(dt.UTC).isoformat()
            if isinstance(value, dt.datetime)
            else value
            for value in row
        )
        for row in found
    ]


def spark_rows(frame: Any) -> list[tuple[Any, ...]]:
    """Comparable rows of a Spark frame; its times come as text, collect() would make them local."""
    kinds = [kind for _, kind in frame.dtypes]
    texts = [f"CAST({n} AS STRING)" if k == "timestamp" else n for n, k in frame.dtypes]
    return comparable(
        tuple(
            dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
            if kind == "timestamp" and value is not None
            else value
            for value, kind in zip(row, kinds, strict=True)
        )
        for row in frame.selectExpr(*texts).collect()
    )


def add_tables(connection: duckdb.DuckDBPyConnection, lake: Path) -> None:
    """The tables that a lake has, typed by their definitions: a station `0123` stays text."""
    for table in TABLES.values():
        if not (lake / table.name).is_dir():
            continue
        types = {c.name: "DATE" if c.type == "date" else "VARCHAR" for c in table.partitions}
        folders = "/".join(f"{name}=*" for name in types)
        connection.execute(
            f"CREATE VIEW {table.name} AS SELECT * FROM read_parquet("
            f"'{lake}/{table.name}/{folders}/*.parquet', hive_partitioning = true, "
            f"hive_types = {types})"
        )


def add_views(connection: duckdb.DuckDBPyConnection) -> None:
    """The project's views, each after those it reads."""
    left = {path: path.read_text(encoding="utf-8") for path in RADAR if view_name(path)}
    while left:
        for path, text in list(left.items()):
            others = {view_name(other) for other in left} - {view_name(path)}
            code = re.sub(r"--.*", "", text)
            if not any(re.search(rf"\b{other}\b", code) for other in others):
                connection.execute(f"CREATE VIEW {view_name(path)} AS {text}")
                del left[path]

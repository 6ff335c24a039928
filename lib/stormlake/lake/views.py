"""The lake's tables, and the views that `sql/` defines over them, by name in a Spark session."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.files import LakeFiles
from stormlake.lake.sources import source_files
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Table, spark_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_VIEW: Final = re.compile(r"\A\s*--\s*view\s*:\s*(?P<name>[a-z][a-z0-9_]*)\s*$", re.MULTILINE)
"""The first line of a .sql file that is a view: `-- view: radar_grid_located`."""


def read_table(spark: SparkSession, table: Table, lake_uri: str) -> DataFrame:
    """Read a table with its defined schema; a table that was never written is empty.

    Notes
    -----
    The schema is given, never inferred: a station `0123` stays text, and a table of one day has
    the same types as one of ten years.
    """
    files = LakeFiles(spark, lake_uri)
    schema = spark_schema(table)
    if not files.exists(table.name):
        return spark.createDataFrame([], schema)
    # Spark puts partition columns last; the contract puts them first.
    return spark.read.schema(schema).parquet(files.table_uri(table)).select(*table.names)


def register_tables(spark: SparkSession, lake_uri: str) -> list[str]:
    """Register every table of the lake, and every view of `sql/`, as a temporary view.

    Parameters
    ----------
    spark : SparkSession
        Gets the temporary views; those of another lake are replaced.
    lake_uri : str
        Local path, `file:///…` or `s3://bucket/prefix`.

    Returns
    -------
    list of str
        Names of the tables, then of the views.
    """
    for table in TABLES.values():
        read_table(spark, table, lake_uri).createOrReplaceTempView(table.name)
    views = ordered_views()
    for name, query in views.items():
        spark.sql(query).createOrReplaceTempView(name)
    return [*TABLES, *views]


def query(spark: SparkSession, lake_uri: str, text: str) -> DataFrame:
    """Give the answer to a query over the tables and views of a lake.

    Raises
    ------
    RefusedInput
        The query is not valid; the message holds Spark's reason and the names there are.
    """
    names = register_tables(spark, lake_uri)
    return run_sql(spark, text, names)


def run_sql(
    spark: SparkSession,
    text: str,
    names: Collection[str],
    values: Mapping[str, Any] | None = None,
) -> DataFrame:
    """Give the answer to a query over views of this session.

    Parameters
    ----------
    spark : SparkSession
    text : str
    names : collection of str
        The tables and views there are, for the message.
    values : mapping of str to value, optional
        Of the query's parameters.

    Raises
    ------
    RefusedInput
        The query is not valid; the message holds Spark's reason and the names there are.
    """
    from pyspark.errors import AnalysisException, ParseException

    try:
        return spark.sql(text, args=dict(values or {}))
    except (AnalysisException, ParseException) as error:
        reason = str(error).split("JVM stacktrace")[0].strip().splitlines()
        raise RefusedInput(
            f"{' '.join(line.strip() for line in reason[:4])}; tables and views: {', '.join(names)}"
        ) from error


def view_files() -> dict[str, str]:
    """Query by name of every .sql file whose first line says that it is a view.

    Raises
    ------
    StormlakeError
        When two files define one name, or one takes a table's.
    """
    found: dict[str, str] = {}
    for path, file in source_files("sql"):
        # DDL is made from the tables, it does not run here.
        if not path.endswith(".sql") or path.startswith("ddl/"):
            continue
        query = file.read_text(encoding="utf-8")
        head = _VIEW.match(query)
        if head is None:
            continue
        if head["name"] in found or head["name"] in TABLES:
            raise StormlakeError(f"sql/{path}: the name {head['name']} is taken")
        found[head["name"]] = query
    return found


def ordered_views() -> dict[str, str]:
    """`view_files`, each view after those that it reads."""
    return _by_need(view_files())


def _by_need(views: dict[str, str]) -> dict[str, str]:
    """Order the views so that each comes after those it reads."""
    ordered: dict[str, str] = {}
    left = dict(views)
    while left:
        ready = [
            name
            for name, query in left.items()
            if not any(re.search(rf"\b{other}\b", _code(query)) for other in left if other != name)
        ]
        if not ready:
            raise StormlakeError(f"views that read each other: {', '.join(sorted(left))}")
        for name in ready:
            ordered[name] = left.pop(name)
    return ordered


def _code(query: str) -> str:
    return re.sub(r"--[^\n]*", "", query)

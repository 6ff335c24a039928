"""`stormlake sql`: a query over a lake's tables and views, with Spark, printed as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import click

from stormlake.errors import RefusedInput
from stormlake.lake import views
from stormlake.lake.collect import collect_json
from stormlake.lake.hadoop_errors import s3_errors
from stormlake.lake.sql_files import views_read
from stormlake.running.job import open_existing_lake
from stormlake.running.options import Common
from stormlake.sensors.views import RECORD_VIEWS
from stormlake.spark import start_session, stop_session

WIDEST: Final = 60
"""Characters of a cell that are shown."""


def run_query(query: str, lake_uri: str, common: Common, limit: int, master: str | None) -> None:
    """Run a query, or the one in a file, and print its first rows.

    Parameters
    ----------
    query : str
        SQL, or the path of a `.sql` file.
    lake_uri : str
        The lake.
    common : Common
        With `--output json`, one JSON object {"rows": [...]} is printed instead of a table;
        with `--dry-run`, Spark's plan.
    limit : int
        Rows printed at the most.
    master : str or None
        Spark master.

    Raises
    ------
    RefusedInput
        The file cannot be read, or the query is not valid over this lake.
    """
    text = _query_text(query)
    records = views_read(text, RECORD_VIEWS)
    if records:
        raise RefusedInput(
            f"{records[0]} is made of an archive's records, the lake has no such table: give the "
            "file to stormlake aggregate or to stormlake query, which read an archive"
        )
    lake = open_existing_lake(lake_uri, common)
    spark = start_session("stormlake sql", master, s3=lake.access)
    try:
        with s3_errors(lake.uri):
            frame = views.query(spark, lake.uri, text)
            if common.dry_run:
                frame.explain()
            elif common.output == "json":
                rows = collect_json(frame, limit)
                click.echo(json.dumps({"rows": rows}, ensure_ascii=False))
            else:
                frame.show(limit, truncate=WIDEST)
    finally:
        stop_session(spark)


def _query_text(query: str) -> str:
    if not query.endswith(".sql"):
        return query
    try:
        return Path(query).read_text(encoding="utf-8")
    except OSError as error:
        raise RefusedInput(f"cannot read {query}: {error.strerror}") from error

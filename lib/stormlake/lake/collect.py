"""Rows from Spark to the driver with times that no machine's time zone has touched."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def collect_rows(frame: DataFrame) -> list[dict[str, Any]]:
    """Collect a frame as dicts; timestamps are aware, UTC.

    `DataFrame.collect` gives naive times of the driver's own zone, which are ambiguous for an
    hour of every year where clocks change.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.types import TimestampType

    times = [f.name for f in frame.schema.fields if isinstance(f.dataType, TimestampType)]
    as_numbers = [
        F.unix_micros(F.col(name)).alias(name) if name in times else F.col(name)
        for name in frame.columns
    ]
    rows = [row.asDict() for row in frame.select(*as_numbers).collect()]
    for row in rows:
        for name in times:
            if row[name] is not None:
                row[name] = _EPOCH + timedelta(microseconds=row[name])
    return rows


def collect_json(frame: DataFrame, limit: int) -> list[dict[str, Any]]:
    """Collect the first rows as JSON values.

    Parameters
    ----------
    frame : DataFrame
        Columns of any name and type; of two with one name the last is given.
    limit : int
        Rows at the most, in the order of the frame.

    Returns
    -------
    list of dict
        Every column, NULL as None; times as ISO 8601 in UTC, days as ISO dates.
    """
    from pyspark.sql import functions as F

    # By place: a column may be called `max(speed) * 1.5`, and two may have one name.
    placed = [f"c{n}" for n in range(len(frame.columns))]
    options = {"ignoreNullFields": "false", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
    text = F.to_json(F.struct(*placed), options)
    # The limit must be the last thing, or the rows come in any order.
    found = [json.loads(row[0]) for row in frame.toDF(*placed).select(text).take(limit)]
    return [dict(zip(frame.columns, (row[c] for c in placed), strict=True)) for row in found]

"""Rows from Spark to the driver with times that no machine's time zone has touched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def collect_rows(frame: DataFrame, limit: int | None = None) -> list[dict[str, Any]]:
    """Collect a frame, or its first rows, as dicts; timestamps are aware, UTC.

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
    found = frame.select(*as_numbers)
    # Not `limit`: it goes through a shuffle, after which the first rows are any rows.
    taken = found.collect() if limit is None else found.take(limit)
    rows = [row.asDict() for row in taken]
    for row in rows:
        for name in times:
            if row[name] is not None:
                row[name] = _EPOCH + timedelta(microseconds=row[name])
    return rows

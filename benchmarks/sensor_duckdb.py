"""DuckDB aggregates the same archive on one thread: `python benchmarks/sensor_duckdb.py IN OUT`.

A program of its own, so that nothing else is in its CPU time and its memory. Prints one line of
JSON; what Python and the import of DuckDB cost is not in `core_seconds`, as the start of Spark is
not in our job's.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import duckdb

QUERY = """
COPY (
    WITH records AS (
        SELECT DISTINCT Name, StatusTime, Latitude, Longitude, Distance, HealthPoints, MagicPoints
        FROM read_json(
            $source,
            format = 'newline_delimited',
            timestampformat = '%Y-%m-%d %H:%M:%S.%g',
            columns = {
                Name: 'VARCHAR', StatusTime: 'TIMESTAMP', Latitude: 'DOUBLE',
                Longitude: 'DOUBLE', Distance: 'DOUBLE', HealthPoints: 'INTEGER',
                MagicPoints: 'INTEGER'
            }
        )
    )
    SELECT
        CAST(date_trunc('minute', StatusTime) AS DATE) AS date,
        Name AS name,
        date_trunc('minute', StatusTime) AS window_start,
        date_trunc('minute', StatusTime) + INTERVAL 1 MINUTE AS window_end,
        ROUND(SUM(Distance), 6) AS distance,
        MIN(MagicPoints) AS min_magic_points,
        MAX(MagicPoints) AS max_magic_points,
        MIN(HealthPoints) AS min_health_points,
        MAX(HealthPoints) AS max_health_points,
        COUNT(*) AS record_count
    FROM records
    GROUP BY Name, date_trunc('minute', StatusTime)
    ORDER BY date, name, window_start
) TO '{out}' (FORMAT parquet, COMPRESSION zstd, PARTITION_BY (date))
"""


def aggregate(source: Path, out: Path) -> dict[str, Any]:
    """Aggregate the objects of a folder into Parquet; gives CPU and wall time, peak memory."""
    cpu, wall = time.process_time(), time.monotonic()
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # A COPY takes no parameter for its target.
        text = QUERY.replace("{out}", str(out).replace("'", "''"))
        connection.execute(text, {"source": f"{source}/*.json"})
    return {
        "core_seconds": time.process_time() - cpu,
        "wall_seconds": time.monotonic() - wall,
        "peak_rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        "version": duckdb.__version__,
    }


if __name__ == "__main__":
    print(json.dumps(aggregate(Path(sys.argv[1]), Path(sys.argv[2]))))

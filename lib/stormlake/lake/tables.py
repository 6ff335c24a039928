"""The tables of the lake: the one door to all of them.

`radar_tables.py` and `sensor_tables.py` hold every column with its type, unit and meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stormlake.lake.radar_tables import (
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
)
from stormlake.lake.sensor_tables import (
    EVENTS_PER_MINUTE,
    REJECTS,
    REQUESTS_BY_OS,
    UNICORN_MINUTES,
    WIND_MAX,
)
from stormlake.lake.types import Column, Table, Warehouse, arrow_schema, spark_schema

__all__ = [
    "EVENTS_PER_MINUTE",
    "RADAR_COLUMNS",
    "RADAR_GEOMETRY",
    "RADAR_GRID",
    "RADAR_VOLUMES",
    "REJECTS",
    "REQUESTS_BY_OS",
    "TABLES",
    "UNICORN_MINUTES",
    "WIND_MAX",
    "Column",
    "Table",
    "Warehouse",
    "arrow_schema",
    "spark_schema",
]

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        RADAR_VOLUMES,
        RADAR_GRID,
        RADAR_COLUMNS,
        RADAR_GEOMETRY,
        UNICORN_MINUTES,
        WIND_MAX,
        EVENTS_PER_MINUTE,
        REQUESTS_BY_OS,
        REJECTS,
    )
}
"""Every table of the lake, by name."""

"""The tables of the lake: the one door to all of them.

`radar_tables.py`, `sensor_tables.py` and `score_tables.py` hold every column with its type, unit
and meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stormlake.lake import radar_tables, score_tables, sensor_tables
from stormlake.lake.radar_tables import (
    RADAR_COLUMNS,
    RADAR_GEOMETRY,
    RADAR_GRID,
    RADAR_VOLUMES,
)
from stormlake.lake.score_tables import ALERTS, ANOMALY_SCORES, RCF_STATE
from stormlake.lake.sensor_tables import (
    EVENTS_PER_MINUTE,
    REJECTS,
    REQUESTS_BY_OS,
    UNICORN_MINUTES,
    WIND_MAX,
)
from stormlake.lake.types import Column, Table, Warehouse, arrow_schema, spark_schema

__all__ = [
    "ALERTS",
    "ANOMALY_SCORES",
    "EVENTS_PER_MINUTE",
    "RADAR_COLUMNS",
    "RADAR_GEOMETRY",
    "RADAR_GRID",
    "RADAR_VOLUMES",
    "RCF_STATE",
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
    for module in (radar_tables, sensor_tables, score_tables)
    for table in vars(module).values()
    if isinstance(table, Table) and not table.internal
}
"""Every table that people query, by name: a definition in one of these modules is all it needs."""

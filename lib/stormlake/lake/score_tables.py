"""The tables of scores and alerts: every column with its type, unit and meaning, written once."""

from __future__ import annotations

from typing import Final

from stormlake.lake.sensor_tables import NAME_BYTES
from stormlake.lake.types import Column, Table, Warehouse

SOURCE_BYTES: Final = 128
"""Longest name of a source, `wind`."""
FEATURES_BYTES: Final = 4096
"""At most 30 numbers with the names of their columns, as JSON."""

_PARTITIONS: Final = (
    Column("source", "string", "", "What was scored, e.g. `wind`.", False, SOURCE_BYTES),
    Column("date", "date", "", "UTC day of `event_time`.", nullable=False),
)
_EVENT_TIME: Final = Column("event_time", "timestamp", "", "Time of the record.", nullable=False)


def _text(name: str, size: int, description: str, nullable: bool = True) -> Column:
    return Column(name, "string", "", description, nullable, size)


_LOCATION: Final = _text("location", NAME_BYTES, "Wind farm; NULL where the source has none.")
_DEVICE: Final = _text("device_id", NAME_BYTES, "Device; NULL where the source has none.")

ANOMALY_SCORES: Final = Table(
    name="anomaly_scores",
    description="One scored record.",
    partitions=_PARTITIONS,
    columns=(
        _text(
            "model_key",
            NAME_BYTES,
            "Which forest scored it: a key of the source, or the one of all keys.",
            nullable=False,
        ),
        _text(
            "record_id",
            NAME_BYTES,
            "The record's own identifier, or its number in the file; orders records of one time.",
            nullable=False,
        ),
        _EVENT_TIME,
        _LOCATION,
        _DEVICE,
        _text("manufacturer", NAME_BYTES, "Maker of the device, by the registry."),
        _text("model", NAME_BYTES, "Model of the device, by the registry."),
        _text("features", FEATURES_BYTES, "The scored values, as JSON.", nullable=False),
        Column(
            "score",
            "double",
            "1",
            "How far the record is from what was seen before it; 0 while the forest fills.",
            nullable=False,
        ),
        Column(
            "anomaly",
            "boolean",
            "",
            "Whether the source's rule calls it one; NULL where the source has no rule.",
        ),
    ),
    sort=("model_key", "event_time", "record_id"),
    warehouse=Warehouse("replace", sort=("date",)),
)

ALERTS: Final = Table(
    name="alerts",
    description="One alert: a place or device, a time and a rule that held.",
    partitions=_PARTITIONS,
    columns=(
        _text(
            "alert_id",
            64,
            "Hex SHA-256 of place, time and rule: a date that is run again gives the same ids.",
            nullable=False,
        ),
        _text("rule", 128, "Name of the rule.", nullable=False),
        _LOCATION,
        _DEVICE,
        _EVENT_TIME,
        Column("value", "double", "1", "What the rule compares, in the source's own unit."),
        Column("score", "double", "1", "Score of the record.", nullable=False),
        Column("threshold", "double", "1", "What the rule compares with, in the unit of `value`."),
        _text("message", 4096, "What a reader of the topic is told.", nullable=False),
    ),
    sort=("event_time", "alert_id"),
    warehouse=Warehouse("merge", sort=("date",), key=("alert_id",)),
)

RCF_STATE: Final = Table(
    name="rcf_state",
    description="What one forest knows at the end of a date.",
    partitions=_PARTITIONS,
    columns=(
        _text("model_key", NAME_BYTES, "Which forest.", nullable=False),
        _text("options_hash", 16, "What decides its scores, as hex digits.", nullable=False),
        Column("entries_seen", "long", "1", "Points, or shingles, that it has learned.", False),
        Column("state", "binary", "", "The library's own bytes (MessagePack).", nullable=False),
    ),
    sort=("model_key",),
    warehouse=Warehouse("replace", sort=("date",), by_default=False),
    internal=True,
)

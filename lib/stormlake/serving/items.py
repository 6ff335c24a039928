"""Rows of a table as items of DynamoDB: which attribute each column is, and how it is written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from stormlake.errors import RefusedInput
from stormlake.lake.tables import UNICORN_MINUTES, Table

MOST_BYTES: Final = 400 * 1024
"""Largest item (Amazon DynamoDB, quotas)."""

KEY_BYTES: Final = (2048, 1024)
"""Longest partition key and longest sort key (Amazon DynamoDB, quotas)."""

NUMBERS: Final = (Decimal("1e-130"), Decimal("9.9999999999999999999999999999999999999e125"))
"""Smallest and largest size of a number other than 0 (Amazon DynamoDB, data types)."""

Item = dict[str, dict[str, str]]
"""As the API takes it: `{"Distance": {"N": "1.5"}}`."""


@dataclass(frozen=True)
class Serving:
    """How a table is served.

    Parameters
    ----------
    table : Table
    key : tuple of str
        Columns of partition key and sort key.
    attributes : mapping of str to str
        Attribute of every column that is served, the key's too.
    """

    table: Table
    key: tuple[str, str]
    attributes: Mapping[str, str]

    def item(self, row: Mapping[str, Any]) -> Item:
        """A row as an item; what is NULL is left out.

        Raises
        ------
        RefusedInput
            DynamoDB takes no such item.
        """
        item = {
            attribute: _value(row[column])
            for column, attribute in self.attributes.items()
            if row[column] is not None
        }
        size = sum(len(n.encode()) + len(v.encode()) for n, d in item.items() for v in d.values())
        told = ", ".join(self.key_of(item))
        for column, most in zip(self.key, KEY_BYTES, strict=True):
            value = item[self.attributes[column]]["S"]
            if not 0 < len(value.encode()) <= most:
                raise RefusedInput(
                    f"{self.table.name}: {column} {value[:80]!r} cannot be a key of DynamoDB: "
                    f"expected 1 to {most} bytes"
                )
        for column, attribute in self.attributes.items():
            if "N" in item.get(attribute, {}) and not _fits(row[column]):
                raise RefusedInput(
                    f"{self.table.name}: {column} of {told} is {row[column]}, which is no number "
                    "of DynamoDB: expected 0, or a size from 1e-130 to below 1e126"
                )
        if size > MOST_BYTES:
            raise RefusedInput(f"{self.table.name}: the item {told} has more than 400 KB")
        return item

    def key_of(self, item: Item) -> tuple[str, str]:
        """Partition key and sort key of an item."""
        first, second = (item[self.attributes[column]]["S"] for column in self.key)
        return first, second


SERVED: Final[Mapping[str, Serving]] = {
    UNICORN_MINUTES.name: Serving(
        UNICORN_MINUTES,
        ("name", "window_start"),
        {
            "name": "Name",
            "window_start": "StatusTime",
            "distance": "Distance",
            "min_magic_points": "MinMagicPoints",
            "max_magic_points": "MaxMagicPoints",
            "min_health_points": "MinHealthPoints",
            "max_health_points": "MaxHealthPoints",
            "record_count": "RecordCount",
        },
    ),
}
"""By the table's name."""


def _fits(value: float) -> bool:
    number = abs(Decimal(str(value)))
    return number == 0 or (number.is_finite() and NUMBERS[0] <= number <= NUMBERS[1])


def _value(value: Any) -> dict[str, str]:
    if isinstance(value, dt.datetime):
        utc = value.astimezone(dt.UTC)
        return {"S": f"{utc:%Y-%m-%d %H:%M:%S}.{utc.microsecond // 1000:03d}"}
    if isinstance(value, str):
        return {"S": value}
    # Shortest digits that give the same double back; DynamoDB keeps decimals.
    return {"N": f"{Decimal(str(value)):f}"}

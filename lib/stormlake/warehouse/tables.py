"""Tables that only a warehouse has: the ledger, and small files of other people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stormlake.lake.types import Column, Table, Warehouse
from stormlake.warehouse.ledger import LEDGER

_LIKES: Final = {
    "likesports": "sports",
    "liketheatre": "theatre",
    "likeconcerts": "concerts",
    "likejazz": "jazz",
    "likeclassical": "classical music",
    "likeopera": "opera",
    "likerock": "rock music",
    "likevegas": "shows as in Las Vegas",
    "likebroadway": "shows as on Broadway",
    "likemusicals": "musicals",
}


def _text(name: str, kind: str, size: int, description: str) -> Column:
    return Column(name, kind, "", description, True, size)  # type: ignore[arg-type]


USERS: Final = Table(
    name="users",
    description="One user and what that person likes, as the vendor's lab gives them.",
    partitions=(),
    columns=(
        Column("userid", "int", "1", "Number of the user.", nullable=False),
        _text("username", "char", 8, "Name to log in with."),
        _text("firstname", "string", 30, "First name."),
        _text("lastname", "string", 30, "Last name."),
        _text("city", "string", 30, "City."),
        _text("state", "char", 2, "State or province, two letters."),
        _text("email", "string", 100, "Address of electronic mail."),
        _text("phone", "char", 14, "Telephone number, `(664) 602-4412`."),
        *(
            Column(name, "boolean", "", f"Whether the person likes {what}; NULL: not said.")
            for name, what in _LIKES.items()
        ),
    ),
    sort=("userid",),
    warehouse=Warehouse("merge", sort=("userid",), key=("userid",), distribution="userid"),
)
"""Source: Amazon Redshift Getting Started Guide, the sample database TICKIT, table `users`."""

WAREHOUSE_TABLES: Final[Mapping[str, Table]] = {table.name: table for table in (LEDGER, USERS)}
"""By name; the lake has none of them."""

"""The lab's users file, made by rule: 49,990 lines in which every edge of its types occurs."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from stormlake.warehouse.tables import USERS

COUNT = 49_990
"""Lines of the published file."""
_FIRST = ["Ada", "Zoë", "Rafael", "", "Émile", "Victor", "Mufutau"]
_LAST = ["Smith", "Smithe", "O'Neil", "Nakamura", "smith"]
_CITIES = [
    *("Kent", "Lima", "Akron", "Dublin", "Toledo", "Xenia", "Bémidji", "Ogden", "Waco", "Provo"),
    *("Reno", "Salem", "", "Truro"),
]
_STATES = ["OH", "WA", "O", "", "CA"]
_LIKES = [column.name for column in USERS.columns if column.type == "boolean"]
_SPELLED = {True: ["TRUE", "t", "yes", "Y", "1", "true"], False: ["FALSE", "f", "no", "N", "0"]}


@dataclass(frozen=True)
class User:
    """One user, as a reader of the table sees it; an empty text is one."""

    values: dict[str, Any]

    def line(self, draw: random.Random) -> str:
        """The line of the file; a boolean is spelled in one of its ways, NULL as nothing."""
        fields = [
            ("" if value is None else draw.choice(_SPELLED[value]))
            if name in _LIKES
            else str(value)
            for name, value in self.values.items()
        ]
        # Some vendors end a line with a delimiter.
        return "|".join(fields) + ("|" if draw.random() < 0.1 else "")


def users(count: int = COUNT, seed: int = 5) -> tuple[list[User], bytes]:
    """Give the users and their file."""
    draw = random.Random(seed)
    made = [_user(number, draw) for number in range(1, count + 1)]
    text = "".join(user.line(draw) + "\n" for user in made)
    return made, text.encode()


def _user(number: int, draw: random.Random) -> User:
    name = f"U{number:07d}"[: 8 if number % 7 else 3]  # 8 characters at the most, and fewer
    values = {
        "userid": number,
        "username": name,
        "firstname": draw.choice(_FIRST) if number % 1000 else "ü" * 15,  # 30 bytes
        "lastname": draw.choice(_LAST),
        "city": draw.choice(_CITIES),
        "state": draw.choice(_STATES),
        "email": f"{number}@example.com",
        "phone": f"({number % 900 + 100}) {number % 800 + 100}-{number % 9000 + 1000}",
    }
    return User(values | {each: draw.choice([True, False, None]) for each in _LIKES})

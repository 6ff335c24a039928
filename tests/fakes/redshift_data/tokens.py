"""SQL cut into words: enough for the statements whose grammar is Redshift's own."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.fakes.redshift_data.errors import WarehouseError

_TOKEN = re.compile(
    r"""\s*(?:
        (?P<name>"(?:[^"]|"")*")          # a quoted name
      | (?P<text>'(?:[^'\\]|''|\\.)*')    # a text; a backslash makes the next character literal
      | (?P<number>\d+)
      | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)
      | (?P<sign>[(),.;=])
    )""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Token:
    """A word; `value` is without quotes, and in lower case where SQL folds it."""

    kind: str
    value: str
    end: int


def tokens(sql: str) -> list[Token]:
    """Cut a statement.

    Raises
    ------
    WarehouseError
        It holds what no statement of this kind has.
    """
    found, at = [], 0
    text = sql.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise WarehouseError(f'ERROR: syntax error at or near "{text[at : at + 20]}"')
        kind = str(match.lastgroup)
        value = match.group(kind)
        if kind == "name":
            value = value[1:-1].replace('""', '"').lower()
        elif kind == "text":
            value = re.sub(r"\\(.)", r"\1", value[1:-1].replace("''", "'"), flags=re.DOTALL)
        elif kind == "word":
            value = value.lower()
        found.append(Token(kind, value, match.end()))
        at = match.end()
    return found


class Reader:
    """Reads words one after the other."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._tokens = tokens(sql)
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._tokens)

    def take(self, *words: str) -> bool:
        """Take these words or signs where they come next."""
        ahead = self._tokens[self._at : self._at + len(words)]
        if [t.value if t.kind in ("word", "sign") else None for t in ahead] == list(words):
            self._at += len(words)
            return True
        return False

    def need(self, *words: str) -> None:
        if not self.take(*words):
            raise self.unexpected()

    def name(self) -> str:
        return self._next("name", "word")

    def text(self) -> str:
        return self._next("text")

    def number(self) -> int:
        return int(self._next("number"))

    def word(self) -> str:
        return self._next("word")

    def names(self) -> list[str]:
        """`(a, b)`."""
        self.need("(")
        found = [self.name()]
        while self.take(","):
            found.append(self.name())
        self.need(")")
        return found

    def qualified(self) -> tuple[str | None, str]:
        """`schema.table` or `table`."""
        first = self.name()
        return (first, self.name()) if self.take(".") else (None, first)

    def unexpected(self) -> WarehouseError:
        if self.ended:
            return WarehouseError("ERROR: syntax error at end of input")
        return WarehouseError(f'ERROR: syntax error at or near "{self._tokens[self._at].value}"')

    def _next(self, *kinds: str) -> str:
        if self.ended or self._tokens[self._at].kind not in kinds:
            raise self.unexpected()
        self._at += 1
        return self._tokens[self._at - 1].value

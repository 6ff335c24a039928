"""Where SQL is built out of pieces: what a test allows to a few modules, and to no other."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

_WORDS = (
    r"SELECT\s+\S.*?\sFROM\b",
    r"INSERT\s+INTO\s",
    r"DELETE\s+FROM\s",
    r"UPDATE\s+\S+\s+SET\s",
    r"MERGE\s+INTO\s",
    r"COPY\s+\S+\s+FROM\s",
    r"UNLOAD\s*\(",
    r"LOCK\s+TABLE\s",
    r"TRUNCATE\s",
    r"(CREATE|DROP|ALTER|DESCRIBE|REFRESH|MSCK REPAIR)\s+"
    r"(OR\s+REPLACE\s+)?(GLOBAL\s+)?(EXTERNAL\s+|TEMP\s+|TEMPORARY\s+)?"
    r"(TABLE|VIEW|SCHEMA|DATABASE|FUNCTION|USER|GROUP|ROLE|INDEX)\b",
    r"COMMENT\s+ON\s",
    r"(GRANT|REVOKE)\s+\S.*?\s(TO|FROM)\s",
    r"(CALL|EXECUTE|PREPARE|WITH)\s+\S+\s*(\(|AS\s*\()",
    r"SHOW\s+(TABLES|COLUMNS|PARTITIONS)\b",
)
STATEMENT = re.compile(rf"^\s*({'|'.join(_WORDS)})", re.DOTALL | re.IGNORECASE)
"""How a text starts that is a statement of SQL, with a mark in the place of every value."""
_BEGINS = re.compile(r"^\s*(SELECT|LOCK|WITH|CALL)\s+\S|^\s*(INSERT|DELETE|MERGE|COPY)\s+\S+\s")
"""The first words alone, in capitals as nobody begins a message."""
_CLAUSE = re.compile(
    r"(?:^|\s)(FROM|WHERE|JOIN|INTO|VALUES|USING|GROUP BY|ORDER BY|UNION ALL|CAST)[\s(]*$"
)
"""The text before a value ends in such a word, in capitals: the value is a part of SQL."""
VALUE = "\N{BLACK SQUARE}"
"""Stands where a value is put in."""


@dataclass(frozen=True)
class Built:
    """A text with values in it that is SQL: line of the file, and the text."""

    line: int
    text: str


def built_sql(source: str) -> list[Built]:
    """Find SQL that is put together: f-strings, `%`, `.format`, `+` and `.join`.

    Parameters
    ----------
    source : str
        Text of a Python module.

    Returns
    -------
    list of Built
        In the order of the lines. A constant is no finding, nor are two constants side by side.

    Notes
    -----
    It reads one expression at a time: a statement whose words and values meet only in a variable
    is not seen. Nobody builds one so by accident.
    """
    found: list[Built] = []
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        text = _text(node) if isinstance(node, ast.expr) else None
        if isinstance(node, ast.expr) and text is not None and VALUE in text and is_sql(text):
            found.append(Built(node.lineno, text))
        else:
            waiting += ast.iter_child_nodes(node)
    return sorted(found, key=lambda each: each.line)


def is_sql(text: str) -> bool:
    """Whether a text with marks in the place of values is a statement, or a piece of one."""
    if STATEMENT.search(text) or _BEGINS.search(text):
        return True
    return any(_CLAUSE.search(part) for part in text.split(VALUE)[:-1])


def _text(node: ast.expr) -> str | None:
    """Give the text that an expression builds; None where it builds none."""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else VALUE for part in node.values
        )
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _text_or_constant(node.left), _text_or_constant(node.right)
        if left is None and right is None:
            return None
        return (VALUE if left is None else left) + (VALUE if right is None else right)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod):
        left = _text_or_constant(node.left)
        return None if left is None else re.sub(r"%[-#0-9.]*[a-z]|%\(\w+\)[a-z]", VALUE, left)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        whole = _text_or_constant(node.func.value)
        if whole is None:
            return None
        if node.func.attr in ("format", "format_map"):
            return re.sub(r"\{[^{}]*\}", VALUE, whole)
        if node.func.attr == "replace":
            return whole + VALUE
        if node.func.attr == "join" and node.args and isinstance(node.args[0], ast.List):
            parts = [_text_or_constant(part) for part in node.args[0].elts]
            return whole.join(VALUE if part is None else part for part in parts)
    return None


def _text_or_constant(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return _text(node)

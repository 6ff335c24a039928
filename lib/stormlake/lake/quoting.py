"""Names and texts in Redshift's SQL: the one place where either is quoted."""

from __future__ import annotations

from typing import Final

from stormlake.errors import RefusedInput

IDENTIFIER_BYTES: Final = 127
"""Longest identifier in bytes of UTF-8 (Amazon Redshift Database Developer Guide, "Names and
identifiers")."""


def quote_identifier(name: str) -> str:
    """Quote a name: `date` and `user` are reserved words, and a name is any text.

    Parameters
    ----------
    name : str
        Written in lower case, as Redshift folds it unless told otherwise.

    Returns
    -------
    str
        `"date"`; a double quote inside is doubled.

    Raises
    ------
    RefusedInput
        The name is empty, too long, no Unicode, or holds a NUL, which no identifier may.
    """
    lower = _unicode(name).lower()
    size = len(lower.encode())
    if not lower or size > IDENTIFIER_BYTES or "\0" in lower:
        raise RefusedInput(
            f"{name!r} is no name in Redshift: expected 1 to {IDENTIFIER_BYTES} bytes of UTF-8 "
            f"without NUL, got {size}"
        )
    return '"' + lower.replace('"', '""') + '"'


def quote_literal(text: str, *, constant: bool = False) -> str:
    """Quote a text: `'it''s'`.

    Parameters
    ----------
    text : str
    constant : bool
        Where no expression may stand, as in COPY and COMMENT: a backslash is doubled then, as
        Redshift reads it.

    Raises
    ------
    RefusedInput
        The text is no Unicode, or holds a NUL, which no VARCHAR may.

    Notes
    -----
    Redshift reads a backslash in a quoted text as an escape, PostgreSQL 15 does not. `CHR(92)`
    means one in both.
    """
    if "\0" in text:
        raise RefusedInput(f"{text!r} holds a NUL, which no text in Redshift may")
    quoted = _unicode(text).replace("'", "''")
    if constant:
        return "'" + quoted.replace("\\", "\\\\") + "'"
    parts = ["'" + part + "'" for part in quoted.split("\\")]
    return parts[0] if len(parts) == 1 else f"({' || CHR(92) || '.join(parts)})"


def qualified(schema: str, name: str) -> str:
    """Write a table with its schema, both quoted."""
    return f"{quote_identifier(schema)}.{quote_identifier(name)}"


def _unicode(text: str) -> str:
    """Refuse half a surrogate pair, as an argument of bytes that are no UTF-8 has."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RefusedInput(
            f"{text!r} is no text in Redshift: expected Unicode, got half a surrogate pair at "
            f"character {error.start + 1}"
        ) from error
    return text

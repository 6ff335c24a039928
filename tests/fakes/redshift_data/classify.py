"""What kind of statement a text is, and whether Redshift would take it.

sqlglot reads the text as Redshift's and classifies it; it translates nothing. A refusal names the
page of the Amazon Redshift Database Developer Guide that states it.
"""

from __future__ import annotations

import logging
import re
from typing import Literal

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from tests.fakes.redshift_data.errors import WarehouseError

Kind = Literal["copy", "create_table", "create_like", "alter_table", "other"]

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # "falls back to a command": we know

_FIRST = re.compile(r"\s*([A-Za-z]+)(?:\s+([A-Za-z]+))?")
_NEVER_IN_A_BLOCK = {
    ("vacuum", None): "VACUUM cannot run inside a transaction block",  # "VACUUM"
    ("create", "database"): "CREATE DATABASE cannot run inside a transaction block",
}
_OWN_TRANSACTION = {"begin", "start", "commit", "end", "rollback", "abort"}
_NOT_REDSHIFT = {
    "conflict": r"\bON\s+CONFLICT\b",  # "Unsupported PostgreSQL features"
    "returning": r"\bRETURNING\b",
    "unlogged": r"\bUNLOGGED\b",
    "serial": r"\b(BIG|SMALL)?SERIAL\b",
    "array": r"\bARRAY\s*\[|\[\]",
}


def classify(sql: str, in_batch: bool) -> Kind:
    """Tell what a statement is.

    Raises
    ------
    WarehouseError
        Redshift would refuse it, or cannot run it in a transaction.
    """
    bare = _without_quoted(sql)
    first = _FIRST.match(bare)
    if first is None:
        raise WarehouseError("ERROR: syntax error: no statement")
    word, second = first.group(1).lower(), (first.group(2) or "").lower()
    if ";" in bare.rstrip().rstrip(";"):
        raise WarehouseError("ERROR: cannot insert multiple commands into a prepared statement")
    for what, pattern in _NOT_REDSHIFT.items():
        if re.search(pattern, bare, re.IGNORECASE):
            raise WarehouseError(f'ERROR: syntax error at or near "{what}"')
    if in_batch:
        _check_block(word, second, bare)
    if word == "copy":
        if re.search(r"\bJOB\b", bare, re.IGNORECASE):
            raise WarehouseError("ERROR: COPY JOB cannot run inside a transaction block")
        return "copy"
    if word == "create" and re.match(r"\s*CREATE\s+(TEMP(ORARY)?\s+)?TABLE\b", bare, re.IGNORECASE):
        if re.search(r"\bPRIMARY\s+KEY\b|\bUNIQUE\b|\bREFERENCES\b", bare, re.IGNORECASE):
            # Informational in Redshift ("Table constraints"); here no definition has one.
            raise WarehouseError("ERROR: the stand-in takes no informational constraints")
        return "create_like" if re.search(r"\(\s*LIKE\b", bare, re.IGNORECASE) else "create_table"
    if word == "alter" and second == "table":
        return "alter_table"
    _check_parsed(sql, word)
    return "other"


def _check_block(word: str, second: str, bare: str) -> None:
    """What a batch, which is one transaction, cannot hold."""
    if word == "truncate":
        # "TRUNCATE": it commits the transaction in which it is run. A batch then is not one.
        raise WarehouseError("ERROR: the stand-in refuses TRUNCATE in a batch: it would commit it")
    if word in _OWN_TRANSACTION:
        raise WarehouseError(f"ERROR: {word.upper()} is not allowed in a batch of the Data API")
    if word == "alter" and re.search(r"\bAPPEND\b", bare, re.IGNORECASE):
        # "ALTER TABLE APPEND"
        raise WarehouseError("ERROR: ALTER TABLE APPEND cannot run inside a transaction block")
    message = _NEVER_IN_A_BLOCK.get((word, second)) or _NEVER_IN_A_BLOCK.get((word, None))
    if message:
        raise WarehouseError(f"ERROR: {message}")


def _check_parsed(sql: str, word: str) -> None:
    if word in ("lock", "comment", "grant", "revoke", "analyze", "vacuum", "truncate"):
        return  # opaque to sqlglot, or of PostgreSQL's own form
    try:
        parsed = sqlglot.parse_one(sql, read="redshift")
    except SqlglotError as error:
        raise WarehouseError(f"ERROR: syntax error: {error}") from error
    if isinstance(parsed, exp.Merge):
        _check_merge(parsed)


def _check_merge(merge: exp.Merge) -> None:
    """Rules of the page "MERGE"."""
    target = merge.this
    if target.alias:
        raise WarehouseError("ERROR: MERGE: the target table cannot have an alias")
    whens = merge.args["whens"].expressions
    matched = sorted(bool(when.args.get("matched")) for when in whens)
    if matched != [False, True]:
        raise WarehouseError("ERROR: MERGE needs one WHEN MATCHED and one WHEN NOT MATCHED clause")
    on = merge.args["on"]
    for part in on.flatten() if isinstance(on, exp.And) else [on]:
        if not isinstance(part.unnest(), exp.EQ):
            raise WarehouseError("ERROR: MERGE: only equality is supported in ON")
    for when in whens:
        then = when.args["then"]
        if isinstance(then, exp.Update):
            for each in then.expressions:
                if isinstance(each.this, exp.Column) and each.this.table:
                    raise WarehouseError(
                        "ERROR: MERGE: no table name before a column in UPDATE SET"
                    )


_QUOTED = re.compile(r"--[^\n]*|\"(?:[^\"]|\"\")*\"|'(?:[^'\\]|''|\\.)*'", re.DOTALL)


def _without_quoted(sql: str) -> str:
    """The text without comments and what stands in quotes, in which any word may stand."""
    return _QUOTED.sub(lambda found: "" if found[0].startswith("--") else "q", sql)

"""COPY's own words: read, and refused where the form of file does not take them.

Amazon Redshift Database Developer Guide: "COPY", "COPY from columnar data formats", "Data format
parameters", "Data conversion parameters", "Data load operations".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.fakes.redshift_data.errors import WarehouseError
from tests.fakes.redshift_data.tokens import Reader

COLUMNAR = {
    "acceptinvchars",
    "fillrecord",
    "from",
    "iam_role",
    "credentials",
    "statupdate",
    "manifest",
    "explicit_ids",
}
"""All that COPY takes with FORMAT AS PARQUET ("COPY from columnar data formats")."""


@dataclass
class Copy:
    """One COPY as it was asked for."""

    table: tuple[str | None, str]
    source: str
    iam_role: str = ""
    parquet: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    def __contains__(self, option: str) -> bool:
        return option in self.options


_FLAGS = {
    *("manifest", "emptyasnull", "blanksasnull", "trimblanks", "escape", "gzip", "fillrecord"),
    *("explicit_ids", "removequotes", "truncatecolumns", "acceptanydate", "ignoreblanklines"),
    *("noload", "compupdate", "statupdate"),
}
_TEXTS = {"delimiter", "dateformat", "timeformat", "acceptinvchars", "region", "credentials"}
_NUMBERS = {"maxerror", "ignoreheader"}


def read_copy(sql: str) -> Copy:
    """Read COPY.

    Raises
    ------
    WarehouseError
        A word that COPY does not know, or does not take with this form of file.
    """
    reader = Reader(sql)
    reader.need("copy")
    table = reader.qualified()
    reader.need("from")
    copy = Copy(table, reader.text())
    while not reader.ended and not reader.take(";"):
        _option(reader, copy)
    if not copy.iam_role:
        raise WarehouseError("ERROR: COPY needs IAM_ROLE or CREDENTIALS")
    if copy.parquet:
        foreign = sorted(set(copy.options) - COLUMNAR)
        if foreign:
            raise WarehouseError(
                f"ERROR: {foreign[0].upper()} is not supported for columnar data format PARQUET"
            )
    elif "manifest" not in copy:
        raise WarehouseError("ERROR: the stand-in reads manifests alone, no prefixes")
    return copy


def _option(reader: Reader, copy: Copy) -> None:
    if reader.take("iam_role"):
        copy.iam_role = reader.text()
        return
    if reader.take("format"):
        reader.take("as")
        reader.need("parquet")
        copy.parquet = True
        return
    if reader.take("null"):
        reader.take("as")
        copy.options["null"] = reader.text()
        return
    word = reader.word()
    if word in copy.options:
        raise WarehouseError(f"ERROR: conflicting or redundant options: {word}")
    if word in _FLAGS:
        copy.options[word] = True
        if word in ("compupdate", "statupdate"):
            _ = reader.take("on") or reader.take("off")
    elif word in _TEXTS:
        reader.take("as")
        copy.options[word] = reader.text()
    elif word in _NUMBERS:
        reader.take("as")
        copy.options[word] = reader.number()
    else:
        raise WarehouseError(f'ERROR: syntax error at or near "{word}"')

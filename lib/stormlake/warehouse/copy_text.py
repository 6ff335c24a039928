"""The text of COPY: only what each form of file may have, in one order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from stormlake.errors import RefusedInput
from stormlake.lake.quoting import quote_identifier, quote_literal


@dataclass(frozen=True)
class ParquetFormat:
    """Parquet, which takes no options: MAXERROR, REGION and the like are errors there.

    Notes
    -----
    Amazon Redshift Database Developer Guide, "COPY from columnar data formats".
    """

    def options(self) -> list[str]:
        """Words after the role."""
        return ["FORMAT AS PARQUET", "MANIFEST"]


@dataclass(frozen=True)
class TextFormat:
    """Delimited text.

    Parameters
    ----------
    delimiter : str
        One character of ASCII between the fields.
    ignore_header : int
        Lines to leave out at the start of each file.
    null_as : str or None
        Text that means NULL.
    empty_as_null : bool
        Whether an empty CHAR or VARCHAR field is NULL, not an empty text.
    date_format, time_format : str or None
        As Redshift writes them, `YYYY-MM-DD`; also `auto`, and for times `epochsecs` and the like.
    trim_blanks : bool
        Whether white space at the end of a VARCHAR is dropped.
    accept_inv_chars : str or None
        Character that takes the place of bytes that are no UTF-8; without it they are errors.
    gzip : bool
    escape : bool
        Whether a backslash makes the next character, a delimiter or newline too, part of the field.

    Raises
    ------
    RefusedInput
        A value that COPY would refuse.

    Notes
    -----
    Amazon Redshift Database Developer Guide, "Data format parameters" and "Data conversion
    parameters". MAXERROR stays 0: one bad line and nothing is loaded.
    """

    delimiter: str = "|"
    ignore_header: int = 0
    null_as: str | None = None
    empty_as_null: bool = False
    date_format: str | None = None
    time_format: str | None = None
    trim_blanks: bool = False
    accept_inv_chars: str | None = None
    gzip: bool = False
    escape: bool = False

    def __post_init__(self) -> None:
        if len(self.delimiter) != 1 or not self.delimiter.isascii() or self.delimiter in "\r\n\0":
            raise RefusedInput(
                f"--delimiter {self.delimiter!r}: expected one character of ASCII such as '|'"
            )
        if self.ignore_header < 0:
            raise RefusedInput(f"--ignore-header {self.ignore_header}: expected 0 or more lines")
        replacement = self.accept_inv_chars
        if replacement is not None and (
            len(replacement) != 1 or not replacement.isascii() or replacement == "\0"
        ):
            raise RefusedInput(
                f"--accept-inv-chars {replacement!r}: expected one character of ASCII such as '?'"
            )
        if self.null_as is not None and any(each in self.null_as for each in "\n\r\0"):
            raise RefusedInput("--null-as: COPY takes no line end and no NUL there")

    def options(self) -> list[str]:
        """Words after the role."""
        valued = {
            "NULL AS": self.null_as,
            "DATEFORMAT": self.date_format,
            "TIMEFORMAT": self.time_format,
            "ACCEPTINVCHARS AS": self.accept_inv_chars,
        }
        flags = {
            "EMPTYASNULL": self.empty_as_null,
            "TRIMBLANKS": self.trim_blanks,
            "GZIP": self.gzip,
            "ESCAPE": self.escape,
        }
        return [
            f"DELIMITER {_constant(self.delimiter)}",
            "MANIFEST",
            *([f"IGNOREHEADER {self.ignore_header}"] if self.ignore_header else []),
            *(f"{word} {_constant(value)}" for word, value in valued.items() if value is not None),
            *(word for word, wanted in flags.items() if wanted),
        ]


CopyFormat = ParquetFormat | TextFormat

PARQUET: Final = ParquetFormat()


def copy_statement(table: str, manifest_url: str, iam_role: str, form: CopyFormat) -> str:
    """Write `COPY … FROM manifest IAM_ROLE …`.

    Parameters
    ----------
    table : str
        Temporary table that takes the rows.
    manifest_url : str
        `s3://bucket/key` of the manifest, never a prefix.
    iam_role : str
        ARN of the role that reads it; a role is all that a statement ever carries.
    form : CopyFormat
    """
    return " ".join(
        [
            f"COPY {quote_identifier(table)} FROM {_constant(manifest_url)}",
            f"IAM_ROLE {_constant(iam_role)}",
            *form.options(),
        ]
    )


def _constant(text: str) -> str:
    return quote_literal(text, constant=True)

"""What a statement of the stand-in ends with: an error of the warehouse, or a refused value."""

from __future__ import annotations

from dataclasses import dataclass


class WarehouseError(Exception):
    """An error as Redshift would answer to a statement; its text is what the client is told."""


@dataclass(frozen=True)
class Refused:
    """A value or line that COPY does not take, as the system views keep it.

    Codes and their meaning: Amazon Redshift Database Developer Guide, "Load error reference".
    """

    file: str
    line: int
    column: str
    type: str
    length: str
    position: int
    value: str
    code: int
    reason: str
    raw_line: str = ""


class CopyRefused(WarehouseError):
    """COPY met a value that it does not take; nothing of the file is loaded (MAXERROR is 0)."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(
            "Load into table 'stage' failed.  Check 'sys_load_error_detail' system table for "
            "details."
        )
        self.refused = refused

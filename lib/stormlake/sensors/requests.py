"""Requests of a CDN's logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from stormlake.lake.types import Column
from stormlake.sensors.cloudfront import LogFile, LogOptions
from stormlake.sensors.kinds import Dedupe, Kind
from stormlake.sensors.views import REQUEST_RECORDS


@dataclass(frozen=True)
class RequestRecords(Kind):
    """CloudFront log lines; two equal lines are two requests.

    Parameters
    ----------
    log : LogOptions
    """

    log: LogOptions = field(default_factory=LogOptions)

    view: ClassVar[str] = "request_records"
    columns: ClassVar[tuple[Column, ...]] = REQUEST_RECORDS
    time_column: ClassVar[str] = "event_time"
    dedupe: ClassVar[Dedupe] = Dedupe.REQUEST_ID
    splits: ClassVar[bool] = False
    shows_excerpt: ClassVar[bool] = False
    """A line holds the client's address, which is never written."""

    def is_lines(self, head: bytes) -> bool:
        """Logs are lines."""
        return True

    def lines(self) -> LogFile:
        """A parser for one log object, which knows its header."""
        return LogFile(self.log)

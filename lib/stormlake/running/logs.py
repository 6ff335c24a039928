"""What a run says while it works: readable lines, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final

TEXT_FORMAT: Final = "%(asctime)s %(levelname)s %(message)s"
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"


class _JsonFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": self.formatTime(record, TIME_FORMAT),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _TextFormatter(logging.Formatter):
    converter = staticmethod(time.gmtime)


def set_up_logs(as_json: bool) -> None:
    """Send Stormlake's log to stderr; stdout belongs to the summary.

    Parameters
    ----------
    as_json : bool
        One JSON object a line instead of text.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter() if as_json else _TextFormatter(TEXT_FORMAT, TIME_FORMAT))
    logger = logging.getLogger("stormlake")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False

"""What a run says while it works: readable lines, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
import time
from typing import Final, TextIO

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


class _OthersHandler(logging.StreamHandler[TextIO]):
    """Warnings of libraries, in our format; not py4j's tracebacks of a Ctrl-C, which we tell."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        while error is not None:
            if isinstance(error, KeyboardInterrupt):
                return False
            error = error.__context__
        return bool(super().filter(record))


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
    others = _OthersHandler(sys.stderr)
    others.setFormatter(handler.formatter)
    others.setLevel(logging.WARNING)
    root = logging.getLogger()
    root.handlers[:] = [h for h in root.handlers if not isinstance(h, _OthersHandler)]
    root.addHandler(others)

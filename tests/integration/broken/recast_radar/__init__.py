"""The real recast-radar, made to fail on volumes whose header names a station of these.

    SEGV  ends with a segmentation fault      HANG  never answers
    ABRT  calls abort(), as Rust's panic=abort does      EXIT  ends the process with code 7
    LOUD  writes to stdout and stderr first, then works

With STORMLAKE_TEST_SLOW every volume takes that many seconds longer, or, where STORMLAKE_TEST_UNTIL
names a file, until it is there.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
import time
from pathlib import Path
from typing import Any

_here = str(Path(__file__).parents[1])
_path = list(sys.path)
sys.path[:] = [entry for entry in sys.path if entry != _here]
del sys.modules["recast_radar"]
_real = importlib.import_module("recast_radar")
sys.path[:] = _path

_open_tree = _real._native._open_tree


def _wait(seconds: float, file: str | None) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and not (file and Path(file).exists()):
        time.sleep(min(0.1, seconds))


def _break(data: bytes, **options: Any) -> Any:
    _wait(float(os.environ.get("STORMLAKE_TEST_SLOW", "0")), os.environ.get("STORMLAKE_TEST_UNTIL"))
    match bytes(data[20:24]):
        case b"SEGV":
            ctypes.string_at(0)
        case b"ABRT":
            os.abort()
        case b"EXIT":
            os._exit(7)
        case b"HANG":
            while True:
                pass
        case b"LOUD":
            os.write(1, b"\0noise on stdout\n" * 100)
            os.write(2, b"noise on stderr\n")
    return _open_tree(data, **options)


_real._native._open_tree = _break

"""Where an error came from, in the few words that find the line: file, line, function."""

from __future__ import annotations

import traceback
from collections.abc import Iterable
from typing import Final

PASSERS_ON: Final = ("/pyspark/", "/py4j/", "/pyspark.zip/", "-src.zip/")
"""Parts of paths of code that only passes on what failed elsewhere: the JVM's errors in Python."""

Frame = tuple[str, int, str]
"""Path of a file, line from 1, function."""


def place_of(error: BaseException) -> str | None:
    """Where an error was raised, by its traceback; None when it has none."""
    frames = traceback.extract_tb(error.__traceback__)
    return own_place((frame.filename, frame.lineno or 0, frame.name) for frame in frames)


def own_place(frames: Iterable[Frame]) -> str | None:
    """Give the last frame that does not merely pass an error on.

    Parameters
    ----------
    frames : iterable of Frame
        The outermost first, as a traceback prints them.

    Returns
    -------
    str or None
        `stormlake/lake/write.py, line 12, in write_partitions`; None without frames.
    """
    all_frames = list(frames)
    own = [frame for frame in all_frames if is_own(frame)]
    if not all_frames:
        return None
    path, line, function = (own or all_frames)[-1]
    return f"{_short(path)}, line {line}, in {function}"


def is_own(frame: Frame) -> bool:
    """Whether a frame's code is more than a passer-on of errors."""
    return not any(part in frame[0] for part in PASSERS_ON)


def _short(path: str) -> str:
    """Leave out where a package is installed: a container's folder says nothing."""
    for mark, before in (("/site-packages/", ""), ("/stormlake/", "stormlake/")):
        if mark in path:
            return before + path.rpartition(mark)[2]
    return path.rpartition("/")[2]

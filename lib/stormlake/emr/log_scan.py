"""What a driver's log says of a failure: Python tracebacks, Java's causes, our own last word."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from stormlake.running.failures import Frame, is_own, own_place

LONGEST_LINE: Final = 20_000
"""Characters of a line that are looked at."""

_HEAD: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(r'\s+File "(?P<path>[^"]+)", line (?P<line>\d+), in (?P<function>.+)')
_ERROR: Final = re.compile(r"(?P<name>[A-Za-z_][\w.]*)(?::\s?(?P<words>.*))?$")
_CAUSED: Final = re.compile(
    # py4j puts Java's own error behind a colon on the line after its Python error.
    r"^(?:\s*Caused by|): (?P<what>[\w.$]+(?:Exception|Error)\b.*)$"
)
_OURS: Final = re.compile(
    # `running.options.leave` writes it: our own errors by their class, others as unexpected.
    r"^stormlake: (?P<what>(?:unexpected )?[A-Z]\w*: .+?|terminated; .+|interrupted; .+?)"
    r"(?: \((?P<where>[^()]+, line \d+, in [^()]+)\))?$"
)


@dataclass(frozen=True)
class Failure:
    """An error, and where in the code it came from."""

    what: str
    where: str | None = None


@dataclass
class Scan:
    """What was found in one log, each the last of its kind.

    Parameters
    ----------
    error : Failure or None
        Of the last Python traceback, or the command's own last line: what came later.
    caused_by : str or None
        The deepest `Caused by:` of Java.
    """

    error: Failure | None = None
    caused_by: str | None = None


@dataclass
class _Open:
    """A traceback that is being read."""

    indent: int
    frames: list[Frame] = field(default_factory=list)
    name: str = ""


class Scanner:
    """Reads a log line by line."""

    def __init__(self) -> None:
        self.found = Scan()
        self._open: _Open | None = None

    def read(self, line: str) -> None:
        """Take the next line; of JSON lines the message and the exception count."""
        for each in _inside(line[:LONGEST_LINE]):
            self._read(each)

    def _read(self, line: str) -> None:
        if _HEAD in line:
            self._open = _Open(len(line) - len(line.lstrip()) if line.strip() == _HEAD else 0)
        elif self._open is not None:
            self._read_traceback(self._open, line)
        elif caused := _CAUSED.match(line):
            self.found.caused_by = caused["what"].strip()
        elif ours := _OURS.match(line):
            self.found.error = Failure(ours["what"], ours["where"])

    def _read_traceback(self, now: _Open, line: str) -> None:
        if frame := _FRAME.match(line):
            now.frames.append((frame["path"], int(frame["line"]), frame["function"]))
            return
        if not line.strip() or len(line) - len(line.lstrip()) > now.indent:
            return  # a line of code, or the marks below it
        self._open = None
        error = _ERROR.match(line.strip())
        if error is None or not now.frames:
            return
        found = Failure(_short(error), own_place(now.frames))
        # What only passes on (py4j losing its JVM while everything ends) must not hide the first.
        if any(is_own(frame) for frame in now.frames) or self.found.error is None:
            self.found.error = found


def scan(lines: Iterable[str]) -> Scan:
    """Read a whole log."""
    scanner = Scanner()
    for line in lines:
        scanner.read(line)
    return scanner.found


def _inside(line: str) -> Iterator[str]:
    """Lines of a line: a JSON line of `--log-json` holds a message or a traceback."""
    if not line.startswith("{"):
        yield line
        return
    try:
        entry = json.loads(line)
        told = [str(entry[name]) for name in ("message", "exception") if name in entry]
    except (ValueError, TypeError):
        yield line
        return
    level = str(entry.get("level", ""))
    for text in told:
        lines = text.splitlines()
        if level == "error" and lines:  # as `leave` writes it without --log-json
            lines[0] = f"stormlake: {lines[0]}"
        yield from lines


def _short(error: re.Match[str]) -> str:
    """An error without the packages of its class: `KeyError: 'cells'`."""
    name = error["name"].rpartition(".")[2]
    words = (error["words"] or "").strip()
    return f"{name}: {words}" if words else name

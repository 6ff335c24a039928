"""Credentials that can be told from everything else, and where to look for them."""

from __future__ import annotations

import base64
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "key-id-told-from-all-else",
    "AWS_SECRET_ACCESS_KEY": "q9Zsecret/Key+that/is+told/from+all/else",
    "AWS_SESSION_TOKEN": "FwoGZXsessionToken//told+from+all+else==",
    "PGPASSWORD": "pg-p4ssword-told-from-all-else",
    "REDSHIFT_PASSWORD": "rs-p4ssword-told-from-all-else",
}
"""A client's environment; the stand-in takes any."""


def found_in(text: str) -> list[str]:
    """Names of the credentials that a text shows, as they are or encoded."""
    return [name for name, value in CREDENTIALS.items() if any(f in text for f in forms(value))]


def forms(value: str) -> set[str]:
    """How a credential may be written."""
    plain = value.encode()
    return {
        value,
        quote(value, safe=""),
        value.replace("/", "\\/"),
        base64.b64encode(plain).decode().rstrip("="),
        plain.hex(),
    }


class ArgumentWatch:
    """Collects the command lines of a process and of all that it starts; a context manager.

    Parameters
    ----------
    root : int
        Its number.

    Attributes
    ----------
    seen : set of str
        Whole command lines.
    """

    def __init__(self, root: int) -> None:
        self.root = root
        self.seen: set[str] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.01):
            self.seen |= set(command_lines(self.root))


def command_lines(root: int) -> Iterator[str]:
    """Command lines of a process and its descendants, as any user of the machine can read them."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # The name in brackets may hold anything; the parent is the second word after it.
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(stat[1])
    for process in parents:
        if root in ancestors(process, parents):
            try:
                yield (Path("/proc") / str(process) / "cmdline").read_text(errors="replace")
            except OSError:
                continue


def ancestors(process: int, parents: Mapping[int, int]) -> Iterable[int]:
    """A process, who started it, and so on."""
    while process:
        yield process
        process = parents.get(process, 0)


def environment() -> dict[str, str]:
    """This process's environment with the credentials, and no other of AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | CREDENTIALS

"""Our own files, wherever they are: a checkout, an installed wheel, or a zip on a cluster."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final, Literal

Part = Literal["lib", "jobs", "sql"]
PARTS: Final[tuple[Part, ...]] = ("lib", "jobs", "sql")

Room = Literal["emr", "requirements"]
ROOMS: Final[dict[Room, str]] = {"emr": "account", "requirements": "requirements"}
"""Folders of a checkout, and what they are called inside the package of a wheel."""


def source_root(part: Part) -> Traversable | None:
    """Folder of the package (`lib`), of the jobs, or of the SQL files; None where not shipped.

    Notes
    -----
    A wheel carries them inside the package, as `stormlake/jobs` and `stormlake/sql`; in a checkout
    they lie beside `lib`.
    """
    package = resources.files("stormlake")
    if part == "lib":
        return package
    shipped = package / part
    if shipped.is_dir():
        return shipped
    if isinstance(package, Path):
        beside = package.parent.parent / part
        return beside if beside.is_dir() else None
    return None


def source_files(part: Part) -> Iterator[tuple[str, Traversable]]:
    """Give (relative path, file) of a part's files, by path; caches and hidden files left out."""
    root = source_root(part)
    if root is None:
        return
    # In a wheel the jobs and the SQL lie inside the package; they are parts of their own.
    skip = {"jobs", "sql", *ROOMS.values()} if part == "lib" else set()
    yield from sorted(_walk(root, "", skip), key=lambda found: found[0])


def shipped_file(room: Room, name: str) -> Traversable:
    """A file of a room that is no code of a run: what an account needs, and the lock files.

    Raises
    ------
    FileNotFoundError
        This installation does not carry it.
    """
    package = resources.files("stormlake")
    inside = package / ROOMS[room] / name
    if inside.is_file():
        return inside
    if isinstance(package, Path):
        beside = package.parent.parent / room / name
        if beside.is_file():
            return beside
    raise FileNotFoundError(f"this installation of Stormlake does not carry {room}/{name}")


@cache
def code_hash() -> str:
    """Hash of all that decides what rows come out: package, jobs and SQL.

    Returns
    -------
    str
        16 hex digits; equal for a checkout and the wheel made from it.
    """
    digest = hashlib.sha256()
    for part in PARTS:
        for path, file in source_files(part):
            content = hashlib.sha256(file.read_bytes()).hexdigest()
            digest.update(f"{part}/{path}\0{content}\n".encode())
    return digest.hexdigest()[:16]


def _walk(folder: Traversable, path: str, skip: set[str]) -> Iterator[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = entry.name
        if name.startswith(".") or name == "__pycache__" or name.endswith((".pyc", ".pyo")):
            continue
        if entry.is_dir():
            if name not in skip:
                yield from _walk(entry, f"{path}{name}/", set())
        else:
            yield f"{path}{name}", entry

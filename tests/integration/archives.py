"""Small archives of real volumes for tests that are about something else than their numbers."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

from stormlake.radar import containers
from tests.data import shared
from tests.radar.level2 import with_station

VOLUMES = (
    "volumes/KABR20050101_000745.gz",
    "volumes/KTLX20140101_000624_V06.gz",
    "volumes/KDOX20111001_110612_V04.gz",
    "sequence_KBGM_20050822/KBGM20050822_024414.gz",
    "sequence_KBGM_20050822/KBGM20050822_025001.gz",
    "sequence_KBGM_20050822/KBGM20050822_030830.gz",
)
"""Six real volumes of four stations, 3.7 MB; KABR keeps no cell."""

PROFILE = """\
name = "coarse"
cuts = "one_per_elevation"
[grid]
shape = [10, 151, 151]
z_limits = [1000.0, 10000.0]
y_limits = [-300000.0, 300000.0]
x_limits = [-300000.0, 300000.0]
"""
"""Cells of 4 km: thousands with echo, and a geometry that is written in no time."""


def archive_key(name: str) -> str:
    """Key of a volume in the archive's layout, from its name."""
    return f"{name[4:8]}/{name[8:10]}/{name[10:12]}/{name[:4]}/{name}"


def small_volumes() -> dict[str, bytes]:
    """Key and bytes of `VOLUMES`."""
    files = [shared("nexrad", *name.split("/")) for name in VOLUMES]
    return {archive_key(file.name): file.read_bytes() for file in files}


def write_archive(root: Path, objects: dict[str, bytes]) -> Path:
    """Write objects below a folder, in the order given."""
    for key, data in objects.items():
        path = root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return root


def copy_flat(root: Path, *names: str) -> Path:
    """Copy shared files, e.g. `volumes/KABR20050101_000745.gz`, side by side into a folder."""
    root.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copy(shared("nexrad", *name.split("/")), root)
    return root


def renamed_station(data: bytes, station: bytes) -> bytes:
    """A gzipped volume whose header names another station (the broken decoder's cue)."""
    return gzip.compress(with_station(containers.unwrap(data), station), compresslevel=1, mtime=0)

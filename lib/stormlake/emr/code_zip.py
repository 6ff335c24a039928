"""The code of a run as one zip, laid out as the wheel lays it out; Spark puts it on `sys.path`."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from typing import Final

from stormlake.lake.sources import PARTS, Part, source_files

FOLDERS: Final[dict[Part, str]] = {
    "lib": "stormlake/",
    "jobs": "stormlake/jobs/",
    "sql": "stormlake/sql/",
}
"""Where the wheel has each part."""

EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The first time that a zip can tell."""


@cache
def code_zip() -> bytes:
    """Zip what decides what rows come out: the package, the jobs, the SQL and their data.

    Returns
    -------
    bytes
        The same for the same files, whoever makes it and whenever: sorted, without times and
        owners. Its `code_hash()`, once imported, is this installation's.
    """
    files = {
        f"{FOLDERS[part]}{path}": file.read_bytes()
        for part in PARTS
        for path, file in source_files(part)
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.create_system = 3  # Unix, whatever made it
            entry.external_attr = 0o644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name], compresslevel=9)
    return buffer.getvalue()


def job_file(name: str) -> bytes:
    """Content of a job's file in `jobs/`.

    Raises
    ------
    KeyError
        There is none of this name.
    """
    return dict(source_files("jobs"))[name].read_bytes()

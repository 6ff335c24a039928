"""A lake as Arrow reads it, for commands that start no Spark."""

from __future__ import annotations

from stormlake.lake.folder import Folder
from stormlake.running.job import open_existing_lake
from stormlake.running.options import Common


def lake_folder(uri: str, common: Common) -> Folder | str:
    """Make a folder of what a person typed; a path stays one.

    Raises
    ------
    RefusedInput, ServiceUnreachable
        A bucket is not there, is not ours to list, gives no answer, or has nothing below this
        address.
    """
    if not uri.startswith("s3://"):
        return uri
    lake = open_existing_lake(uri, common)
    assert lake.access is not None, "an s3:// lake has one"
    return Folder(lake.uri.removeprefix("s3://"), lake.access.arrow_files(), lake.uri)


def any_lake_folder(uri: str, common: Common) -> Folder:
    """The same, of a path too.

    Raises
    ------
    RefusedInput, ServiceUnreachable
        As `lake_folder`, and where there is no such folder.
    """
    found = lake_folder(uri, common)
    if isinstance(found, Folder):
        return found
    return Folder.local(open_existing_lake(found, common).uri)

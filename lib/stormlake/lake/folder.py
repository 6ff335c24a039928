"""A lake's folder as Arrow reads it: for commands that start no Spark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Folder:
    """A lake's folder, on this machine or in a bucket.

    Parameters
    ----------
    path : str
        Path in `files`.
    files : pyarrow.fs.FileSystem
    name : str
        What messages call it.
    """

    path: str
    files: Any
    name: str

    @classmethod
    def local(cls, path: Path | str) -> Folder:
        """Give a folder of this machine, by path or `file://` address."""
        from pyarrow.fs import LocalFileSystem

        text = str(path).removeprefix("file://")
        return cls(text, LocalFileSystem(), text)

    def holds(self, name: str = "") -> bool:
        """Whether there is such a folder in it, or itself."""
        from pyarrow.fs import FileType

        found = self.files.get_file_info(self._below(name))
        return bool(found.type == FileType.Directory)

    def names(self, folder: str) -> list[str]:
        """Names in a folder of it, sorted."""
        from pyarrow.fs import FileSelector

        return sorted(
            each.base_name for each in self.files.get_file_info(FileSelector(self._below(folder)))
        )

    def dataset(self, table: str, partitions: tuple[str, ...]) -> Any:
        """Give a table as an Arrow dataset."""
        import pyarrow as pa
        import pyarrow.dataset as ds

        # Partition values are taken as text: a date is a folder's name here.
        names = pa.schema([(name, pa.string()) for name in partitions])
        layout = ds.partitioning(names, flavor="hive")
        return ds.dataset(
            self._below(table), filesystem=self.files, format="parquet", partitioning=layout
        )

    def _below(self, name: str) -> str:
        return f"{self.path}/{name}" if name else self.path

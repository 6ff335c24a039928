"""Data files of the lake as Spark's own file system sees them: list, count rows, remove.

Asking Hadoop through the session means one configuration (endpoint, credentials, `s3://` or
`file://`) for what Spark writes and what we look at afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import unquote, urlsplit

from stormlake.errors import RefusedInput
from stormlake.lake.hadoop_errors import s3_errors
from stormlake.lake.partitions import FileWritten, Partition
from stormlake.lake.types import Table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STAGING = ".spark-staging-"
"""Dynamic partition overwrite collects a write's files in `<table>/.spark-staging-<uuid>`."""

_T = TypeVar("_T")
_R = TypeVar("_R")
_THREADS = 8


class LakeFiles:
    """The data files below a lake.

    Parameters
    ----------
    spark : SparkSession
        Its Hadoop configuration decides how the lake is reached.
    lake_uri : str
        Local path, `file:///…` or `s3://bucket/prefix`.
    """

    def __init__(self, spark: SparkSession, lake_uri: str) -> None:
        self.root = hadoop_uri(lake_uri)
        session: Any = spark
        self._jvm = session._jvm
        self._conf = session._jsparkSession.sessionState().newHadoopConf()
        from py4j.protocol import Py4JJavaError

        try:
            self._fs = self._path("").getFileSystem(self._conf)
        except Py4JJavaError as error:
            # pip's Spark comes without hadoop-aws, and who runs its spark-submit must bring it.
            raise RefusedInput(
                f"this Spark cannot reach {lake_uri}: {error.java_exception.getMessage()}; give a "
                "local folder, or see docs/s3.md"
            ) from error

    def table_uri(self, table: Table) -> str:
        """Where Spark finds the table."""
        return f"{self.root}/{table.name}"

    def exists(self, path: str) -> bool:
        """Whether the lake holds this path."""
        with s3_errors(self.root):
            return bool(self._fs.exists(self._path(path)))

    def partition_path(self, table: Table, values: Partition) -> str:
        """Folder of a partition, or of the first values of one, below the lake's root, escaped as
        Spark escapes it.
        """
        escape = self._jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
        folders = (
            escape.getPartitionPathString(name, value)
            for name, value in zip(table.partition_names, values, strict=False)
        )
        return "/".join((table.name, *folders))

    def values_below(self, table: Table, above: Partition) -> list[str]:
        """Values of the next partition column for which there are folders, empty ones too, sorted.

        Parameters
        ----------
        table : Table
        above : Partition
            Values of the partition columns before it.
        """
        names = table.partition_names
        folder = self.partition_path(table, above)
        escape = self._jvm.org.apache.spark.sql.catalyst.catalog.ExternalCatalogUtils
        mark = f"{names[len(above)]}="
        found = [name for name, _ in self._list(folder, files=False) if name.startswith(mark)]
        return sorted(str(escape.unescapePathName(name.removeprefix(mark))) for name in found)

    def data_files(
        self, table: Table, partitions: Sequence[Partition]
    ) -> dict[Partition, dict[str, int]]:
        """For each partition the size in bytes of its data files, by path below the lake."""

        def look(values: Partition) -> dict[str, int]:
            folder = self.partition_path(table, values)
            return {f"{folder}/{name}": size for name, size in self._list(folder, files=True)}

        return dict(zip(partitions, _together(look, partitions), strict=True))

    def count_rows(self, sizes: dict[str, int]) -> dict[str, FileWritten]:
        """Read the footers of these data files (size by path)."""

        def count(path: str) -> FileWritten:
            # The size is known: to ask for it again would be one more request for each file.
            known = self._jvm.org.apache.hadoop.fs.FileStatus(
                sizes[path], False, 1, sizes[path], 0, self._path(path)
            )
            hadoop = self._jvm.org.apache.parquet.hadoop
            source = hadoop.util.HadoopInputFile.fromStatus(known, self._conf)
            reader = hadoop.ParquetFileReader.open(source)
            try:
                return FileWritten(path, int(reader.getRecordCount()), sizes[path])
            finally:
                reader.close()

        with s3_errors(self.root):
            return {written.path: written for written in _together(count, sorted(sizes))}

    def staging_folders(self, table: Table) -> list[str]:
        """Paths of the table's staging folders, live or dead."""
        found = self._list(table.name, files=False)
        return [f"{table.name}/{name}" for name, _ in found if name.startswith(STAGING)]

    def remove(self, paths: Iterable[str]) -> None:
        """Delete these paths with everything below them; a path that is gone is no error."""
        with s3_errors(self.root):
            _together(lambda path: self._fs.delete(self._path(path), True), list(paths))

    def _list(self, folder: str, files: bool) -> list[tuple[str, int]]:
        from py4j.protocol import Py4JJavaError

        try:
            with s3_errors(self.root):
                listed = self._fs.listStatus(self._path(folder))
        except Py4JJavaError as error:
            # To look first whether it is there would be two more requests.
            if error.java_exception.getClass().getName() != "java.io.FileNotFoundException":
                raise
            return []
        found = [
            (str(status.getPath().getName()), int(status.getLen()))
            for status in listed
            if bool(status.isFile()) == files
        ]
        # Data files never begin with these; checksums, markers and Spark's own work do.
        return sorted(each for each in found if not (files and each[0].startswith((".", "_"))))

    def _path(self, path: str) -> Any:
        return self._jvm.org.apache.hadoop.fs.Path(f"{self.root}/{path}")


def hadoop_uri(lake_uri: str) -> str:
    """Write a lake's URI so that Hadoop takes it, whatever its default file system is."""
    parts = urlsplit(lake_uri)
    if parts.scheme == "file":
        # Hadoop's Path takes a URI's text as it is; `%20` would be three characters of a name.
        return f"file://{Path(unquote(parts.path))}"
    if "://" in lake_uri:
        return lake_uri.rstrip("/")
    return f"file://{Path(lake_uri).resolve()}"


def _together(do: Callable[[_T], _R], items: Sequence[_T]) -> list[_R]:
    """Do it for every item, some at once: on S3 each costs a round trip."""
    if len(items) < 2:
        return [do(item) for item in items]
    with ThreadPoolExecutor(min(_THREADS, len(items))) as pool:
        return list(pool.map(do, items))

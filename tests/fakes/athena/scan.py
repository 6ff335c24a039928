"""A table as DuckDB reads it: Parquet files of moto's S3, and which of their column chunks."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq

from tests.fakes.athena.tables import QueryError

ARROW: Mapping[str, pa.DataType] = {
    "smallint": pa.int16(),
    "int": pa.int32(),
    "bigint": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "string": pa.string(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"),
}
"""Arrow's type of Glue's, as the lake's files have it."""


@dataclass(frozen=True)
class File:
    """One object of a table: its key, and the values of its partition by column."""

    key: str
    values: Mapping[str, Any]


@dataclass
class Scan:
    """The files of one table, and what is read of them.

    Parameters
    ----------
    columns, partitions : mapping of str to str
        Glue's types by name.
    files : sequence of File
    fetch : callable
        Gives an object's bytes by its key.
    """

    columns: Mapping[str, str]
    partitions: Mapping[str, str]
    files: Sequence[File]
    fetch: Callable[[str], bytes]
    _data: dict[str, bytes] = field(default_factory=dict)
    _reads: list[tuple[str, int, int]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dataset(self) -> ds.Dataset:
        """For DuckDB, which hands its filters and columns on to it."""
        # One read for each column chunk; a buffer before would read what lies between.
        options = ds.ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=False)
        parquet = ds.ParquetFileFormat(default_fragment_scan_options=options)
        kinds = {**self.columns, **self.partitions}
        schema = pa.schema([(name, ARROW[kind]) for name, kind in kinds.items()])
        where = fs.PyFileSystem(cast(Any, _Handler(self)))
        fragments = [
            parquet.make_fragment(file.key, where, partition_expression=_holds(file, self))
            for file in self.files
        ]
        return ds.FileSystemDataset(fragments, schema, parquet, where)

    def open(self, key: str) -> bytes:
        with self._lock:
            if key not in self._data:
                self._data[key] = self.fetch(key)
            return self._data[key]

    def note(self, key: str, start: int, size: int) -> None:
        """Remember a read; one that ends with the file is the footer's."""
        if start + size < len(self._data[key]):
            with self._lock:
                self._reads.append((key, start, start + size))

    @property
    def read(self) -> list[str]:
        """Keys of which column chunks were read."""
        return sorted({key for key, _, _ in self._reads})

    def bytes(self) -> int:
        """Bytes of the column chunks that were read, as they lie compressed in the files."""
        return sum(self._chunks(key) for key in self.read)

    def _chunks(self, key: str) -> int:
        footer = pq.ParquetFile(io.BytesIO(self._data[key])).metadata
        reads = [(start, stop) for name, start, stop in self._reads if name == key]
        total = 0
        for group in range(footer.num_row_groups):
            for at in range(footer.num_columns):
                chunk = footer.row_group(group).column(at)
                first = chunk.dictionary_page_offset or chunk.data_page_offset
                last = first + chunk.total_compressed_size
                if any(start < last and first < stop for start, stop in reads):
                    total += chunk.total_compressed_size
        return total

    def check(self) -> None:
        """Hold the schemas of what was opened against the table.

        Raises
        ------
        QueryError
            A column has another type in a file ("Troubleshooting in Athena", HIVE_BAD_DATA);
            columns of Parquet are found by name.
        """
        for key, data in self._data.items():
            for column in pq.read_schema(io.BytesIO(data)):
                kind = self.columns.get(column.name)
                if kind is not None and column.type != ARROW[kind]:
                    raise QueryError(
                        f"HIVE_BAD_DATA: Field {column.name}'s type {column.type} in parquet file "
                        f"{key} is incompatible with type {kind} defined in table schema"
                    )


def _holds(file: File, scan: Scan) -> Any:
    """What is true of every row of a file."""
    told: Any = None
    for name, kind in scan.partitions.items():
        this = pc.field(name) == pa.scalar(file.values[name], ARROW[kind])
        told = this if told is None else told & this
    return told


class _Handler(fs.FileSystemHandler):
    """What Arrow asks of a file system, answered with a scan's objects."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    def get_type_name(self) -> str:
        return "stand-in"

    def normalize_path(self, path: str) -> str:
        return path

    def get_file_info(self, paths: Sequence[str]) -> list[Any]:
        return [
            fs.FileInfo(path, fs.FileType.File, size=len(self._scan.open(path))) for path in paths
        ]

    def open_input_file(self, path: str) -> Any:
        return pa.PythonFile(_Counted(self._scan, path), mode="r")

    open_input_stream = open_input_file

    def _no(self, *arguments: Any) -> Any:
        raise NotImplementedError

    get_file_info_selector = create_dir = delete_dir = delete_dir_contents = _no
    delete_root_dir_contents = delete_file = move = copy_file = _no
    open_output_stream = open_append_stream = _no


class _Counted(io.BytesIO):
    """A file whose reads are noted."""

    def __init__(self, scan: Scan, key: str) -> None:
        super().__init__(scan.open(key))
        self._scan, self._key = scan, key

    def read(self, size: int | None = -1, /) -> bytes:
        start = self.tell()
        found = super().read(size)
        self._scan.note(self._key, start, len(found))
        return found

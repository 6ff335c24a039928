"""COPY from Parquet: by position, and strict about what lies in the file.

Amazon Redshift Database Developer Guide, "COPY from columnar data formats": columns are matched by
position and their number must be equal; one bad value fails the COPY. Which physical type goes into
which column is the team's table (specs/warehouse.md, section 1): stricter than the vendor's page,
which lists none, so that nothing rests on a conversion.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.fakes.redshift_data.copy_manifest import DataFile
from tests.fakes.redshift_data.ddl import ColumnType
from tests.fakes.redshift_data.errors import CopyRefused, Refused, WarehouseError

ACCEPTED = {
    "smallint": {("INT32", "INT_16")},
    "integer": {("INT32", "NONE"), ("INT32", "INT_32")},
    "bigint": {("INT64", "NONE"), ("INT64", "INT_64")},
    "real": {("FLOAT", "NONE")},
    "double precision": {("DOUBLE", "NONE")},
    "boolean": {("BOOLEAN", "NONE")},
    "varchar": {("BYTE_ARRAY", "UTF8")},
    "char": {("BYTE_ARRAY", "UTF8")},
    "date": {("INT32", "DATE")},
    "timestamp": {("INT64", "TIMESTAMP_MICROS")},
}
"""Column of the table -> (physical, converted) types of the file."""


def rows_of(file: DataFile, columns: list[ColumnType]) -> Iterator[tuple[Any, ...]]:
    """Give the file's rows, in the order of the table's columns, as the file has them.

    Raises
    ------
    WarehouseError, CopyRefused
        The file is not Parquet, or does not fit the table.
    """
    try:
        parquet = pq.ParquetFile(io.BytesIO(file.body))
    except (pa.ArrowInvalid, OSError) as error:
        raise WarehouseError(
            f"ERROR: Spectrum Scan Error: {file.url} is not Parquet: {error}"
        ) from error
    schema = parquet.schema
    if len(schema) != len(columns):
        raise WarehouseError(
            f"ERROR: Spectrum Scan Error: Unmatched number of columns between table and file. "
            f"Table columns: {len(columns)}, Data columns: {len(schema)}, File name: {file.url}"
        )
    for position, column in enumerate(columns):
        found = schema.column(position)
        if (found.physical_type, found.converted_type) not in ACCEPTED[column.type]:
            raise WarehouseError(
                f"ERROR: Spectrum Scan Error: File '{file.url}' has an incompatible Parquet schema "
                f"for column '{column.name}'. Column type: {column.declared}, Parquet schema: "
                f"{found.physical_type} {found.converted_type} {found.name}"
            )
    for group in range(parquet.num_row_groups):
        before = 0
        for batch in parquet.iter_batches(65536, row_groups=[group]):
            for column, values in zip(columns, batch.columns, strict=True):
                _check(file, column, values, before)
            yield from zip(*(_plain(values) for values in batch.columns), strict=True)
            before += len(batch)


def _plain(values: Any) -> list[Any]:
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.timestamp("us"))  # UTC, which the column does not say
    return values.to_pylist()  # type: ignore[no-any-return]


def _check(file: DataFile, column: ColumnType, values: Any, before: int) -> None:
    if column.required and values.null_count:
        at = pc.index(values.is_null(), True).as_py()
        raise _refused(file, column, before + at, "", 1213, "Missing data for not-null field")
    if column.length is None:
        return
    long = pc.fill_null(pc.greater(pc.binary_length(values.cast("binary")), column.length), False)
    if pc.any(long).as_py():
        at = pc.index(long, True).as_py()
        reason = "String length exceeds DDL length"
        raise _refused(file, column, before + at, values[at].as_py(), 1204, reason)
    if column.type == "char":
        wide = pc.fill_null(pc.invert(pc.string_is_ascii(values)), False)
        if pc.any(wide).as_py():
            at = pc.index(wide, True).as_py()
            reason = "Multibyte character not supported for CHAR"
            raise _refused(file, column, before + at, values[at].as_py(), 1220, reason)


def _refused(
    file: DataFile, column: ColumnType, at: int, value: str, code: int, reason: str
) -> CopyRefused:
    return CopyRefused(
        Refused(
            file=file.url,
            line=at + 1,  # of the row group
            column=column.name,
            type=column.type,
            length=str(column.length or ""),
            position=0,
            value=value,
            code=code,
            reason=reason,
        )
    )

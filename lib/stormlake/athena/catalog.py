"""Tables in the Glue catalog: what is there, how it differs, and partitions put beside them.

Source: AWS Glue API Reference, GetTable, BatchCreatePartition; Amazon Athena User Guide,
"Partition projection with Amazon Athena".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.ddl import lake_type, projection
from stormlake.lake.partitions import Partition
from stormlake.lake.types import Column, Table
from stormlake.running.aws import ApiCall, Aws, CallFailed

BATCH: Final = 100
"""Partitions of one BatchCreatePartition at the most."""
_PARQUET_SERDE: Final = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
_PARQUET: Final = {
    "InputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    "OutputFormat": "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    "SerdeInfo": {"SerializationLibrary": _PARQUET_SERDE},
}
"""What STORED AS PARQUET means (Amazon Athena User Guide, "Parquet SerDe")."""


class CatalogFailed(StormlakeError):
    """The catalog did not take something."""


@dataclass(frozen=True)
class Difference:
    """One thing in which a registered table is not as its definition says."""

    table: str
    what: str
    expected: str
    found: str


def database_call(database: str) -> ApiCall:
    """Ask for a database."""
    return ApiCall("glue", "GetDatabase", {"Name": database})


def has_database(aws: Aws, database: str) -> bool:
    """Whether there is a database.

    Raises
    ------
    RefusedInput
        Nobody may ask for it.
    """
    return _find(aws, database_call(database)) is not None


def table_call(database: str, table: str) -> ApiCall:
    """Ask for a table."""
    return ApiCall("glue", "GetTable", {"DatabaseName": database, "Name": table})


def find_table(aws: Aws, database: str, table: str) -> dict[str, Any] | None:
    """Give a table of the catalog; None when there is none, or no such database.

    Raises
    ------
    RefusedInput
        Nobody may ask for it.
    """
    answer = _find(aws, table_call(database, table))
    found: dict[str, Any] | None = answer and answer["Table"]
    return found


def _find(aws: Aws, call: ApiCall) -> dict[str, Any] | None:
    try:
        return aws.make(call)
    except CallFailed as error:
        if error.code == "EntityNotFoundException":
            return None
        raise _refused(error) from error


def differences(
    table: Table, found: Mapping[str, Any], lake: str, values: Mapping[str, Sequence[str]]
) -> Iterator[Difference]:
    """Compare a registered table with what its DDL would make."""
    storage = found.get("StorageDescriptor", {})
    pairs = {
        "columns": (_columns(table.columns), _found(storage.get("Columns", ()))),
        "partitions": (_columns(table.partitions), _found(found.get("PartitionKeys", ()))),
        "location": (f"{lake}/{table.name}", str(storage.get("Location", "")).rstrip("/")),
        "format": (
            _PARQUET_SERDE,
            str(storage.get("SerdeInfo", {}).get("SerializationLibrary", "none")),
        ),
    }
    for what, (expected, is_so) in pairs.items():
        if expected != is_so:
            yield Difference(table.name, what, expected, is_so)
    wanted = projection(table, f"{lake}/{table.name}/", values)
    there = {
        name: value
        for name, value in found.get("Parameters", {}).items()
        if name.startswith("projection.") or name == "storage.location.template"
    }
    for name in sorted({*wanted, *there}):
        if wanted.get(name) != there.get(name):
            yield Difference(table.name, name, wanted.get(name, "none"), there.get(name, "none"))


def partition_calls(
    database: str, table: Table, lake: str, partitions: Sequence[Partition]
) -> Iterator[ApiCall]:
    """Make the requests that register partitions, 100 in each."""
    for start in range(0, len(partitions), BATCH):
        yield ApiCall(
            "glue",
            "BatchCreatePartition",
            {
                "DatabaseName": database,
                "TableName": table.name,
                "PartitionInputList": [
                    {
                        "Values": list(values),
                        "StorageDescriptor": {
                            "Columns": [
                                {"Name": column.name, "Type": lake_type(column).lower()}
                                for column in table.columns
                            ],
                            "Location": _location(table, lake, values),
                            **_PARQUET,
                        },
                    }
                    for values in partitions[start : start + BATCH]
                ],
            },
        )


def register_partitions(
    aws: Aws, database: str, table: Table, lake: str, partitions: Sequence[Partition]
) -> int:
    """Register partitions and give how many are new; one that is there is no error.

    Raises
    ------
    CatalogFailed
        The catalog did not take one for another reason.
    RefusedInput
        Nobody may register any.
    """
    new = 0
    for call in partition_calls(database, table, lake, partitions):
        try:
            errors = aws.make(call).get("Errors", [])
        except CallFailed as failed:
            raise _refused(failed) from failed
        for error in errors:
            detail = error.get("ErrorDetail", {})
            if detail.get("ErrorCode") != "AlreadyExistsException":
                raise CatalogFailed(
                    f"partition {'/'.join(error.get('PartitionValues', ()))} of {table.name}: "
                    f"{detail.get('ErrorCode')}: {detail.get('ErrorMessage')}"
                )
        new += len(call.parameters["PartitionInputList"]) - len(errors)
    return new


def _refused(error: CallFailed) -> RefusedInput:
    return RefusedInput(
        f"{error}; check --database, --region and the rights of the AWS identity in the Glue "
        "catalog"
    )


def _location(table: Table, lake: str, values: Partition) -> str:
    folders = "/".join(
        f"{name}={_escaped(value)}"
        for name, value in zip(table.partition_names, values, strict=True)
    )
    return f"{lake}/{table.name}/{folders}/"


def _escaped(value: str) -> str:
    """Escape a value as Hive and Spark write it into a folder's name."""
    return re.sub(r"[\x00-\x1f\x7f\"#%'*/:=?\\{\[\]^]", lambda each: f"%{ord(each[0]):02X}", value)


def _columns(columns: Sequence[Column]) -> str:
    return ", ".join(f"{column.name} {lake_type(column).lower()}" for column in columns)


def _found(columns: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{column['Name']} {column.get('Type', '')}" for column in columns)

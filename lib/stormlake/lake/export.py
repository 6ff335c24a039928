"""Write a copy of a table's files as a warehouse reads them: every column inside, none missing.

COPY takes a Parquet column by its position and its physical type, so the copy has all columns of
the definition in its order, partition columns last. What a warehouse would refuse in the night is
refused here, in the same pass, with the column, the value and the row.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from typing import TYPE_CHECKING, Final

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.files import hadoop_uri
from stormlake.lake.hadoop_errors import s3_errors
from stormlake.lake.partitions import PartitionWritten
from stormlake.lake.types import Column as Defined
from stormlake.lake.types import Table, spark_fields, spark_schema
from stormlake.lake.write import spark_settings

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame, SparkSession

FILE_BYTES: Final = 192 << 20
"""Size that a file aims at. Redshift splits a Parquet file of 128 MB or more over its slices and
leaves smaller ones whole (Amazon Redshift Database Developer Guide, "Loading data files")."""

GROWTH: Final = 1.2
"""Bytes of an export for a byte of the lake: snappy in the place of zstd, partition columns inside.
Measured by benchmarks/export.py: 0.9 for numbers, 1.45 for text, so that files of both have 128 to
256 MB."""

SMALL_BYTES: Final = 8 << 20
"""Least size of a file where there are several because the export is small."""

_PARTS: Final = 8
"""Input splits for a file of the export: joined, they make files of like size."""

_FIRST_DAY: Final = -2440588
"""4713-01-01 BC, the first day of a DATE and TIMESTAMP of Redshift, in days since 1970."""
_LAST_DAY: Final = 106751991
"""294246-12-31 and a little: the last day that a TIMESTAMP of 64 bits holds, below Redshift's."""
_DAY: Final = 86_400_000_000
"""Microseconds."""

_REFUSED: Final = "a value that a warehouse refuses"
_GONE: Final = re.compile(
    r"PATH_NOT_FOUND|FileNotFoundException|FILE_NOT_EXIST|does not exist|NoSuchKey", re.IGNORECASE
)
_SHOWN: Final = 200
"""Characters of a value that a message shows."""

_SETTINGS: Final = {
    # COPY refuses INT96, and reads no calendar but today's.
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.datetimeRebaseModeInWrite": "CORRECTED",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.parquet.writeLegacyFormat": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    # What a file costs to open, in bytes: without it, splits of small files are a fraction full.
    "spark.sql.files.openCostInBytes": str(1 << 20),
}


class ValueRefused(RefusedInput):
    """A warehouse would not take a value of the lake."""


class Rewritten(StormlakeError):
    """The lake no longer holds what the run's record names: another run has rewritten it."""


def export_files(
    spark: SparkSession,
    lake_uri: str,
    table: Table,
    partitions: Sequence[PartitionWritten],
    target_uri: str,
) -> None:
    """Write the rows of the files that a record names to a new folder, in one pass.

    Parameters
    ----------
    spark : SparkSession
    lake_uri : str
        Local path, `file:///…` or `s3://bucket/prefix`.
    table : Table
    partitions : sequence of PartitionWritten
        Of one run's record; at least one has a file. Exactly these files are read, whatever else
        their folders hold by now.
    target_uri : str
        A folder that does not exist yet.

    Raises
    ------
    ValueRefused
        NaN or an infinity; text that is longer in bytes than its column, that is not ASCII where
        the column is CHAR, or holds a NUL; a day that Redshift does not have; no value where one is
        required. The message names the column, the value and the row.
    Rewritten
        A file is gone.

    Notes
    -----
    Files hold `FILE_BYTES` or so where there is as much; a smaller export has as many files as
    Spark has cores, of `SMALL_BYTES` at least, which several slices load at once. How many there
    will be follows from the record, so nothing is counted or sorted before: tasks read row groups
    of the lake's files and write them on.
    """
    files = [file for each in partitions for file in each.files]
    size = sum(file.bytes for file in files) * GROWTH
    count = round(size / FILE_BYTES)
    if count < 1:
        count = max(1, min(spark.sparkContext.defaultParallelism, int(size / SMALL_BYTES)))
    splits = {"spark.sql.files.maxPartitionBytes": str(max(4 << 20, int(size / count / _PARTS)))}
    root = hadoop_uri(lake_uri)
    with spark_settings(spark, _SETTINGS | splits), _our_errors(table, lake_uri, target_uri):
        frame = (
            spark.read.schema(spark_schema(table))
            .option("basePath", f"{root}/{table.name}")
            # A name is a name: Spark would read `[` or `{` of a folder as a pattern.
            .option("__globPaths__", "false")
            .parquet(*(f"{root}/{file.path}" for file in files))
        )
        rows = checked(frame, table).coalesce(count)
        try:
            rows.write.option("compression", "snappy").parquet(hadoop_uri(target_uri))
        except Exception as error:
            if _REFUSED not in str(error):
                raise
            raise ValueRefused(explained(frame, table)) from error


def checked(frame: DataFrame, table: Table) -> DataFrame:
    """Give all columns in the order of a load; a row that a warehouse would refuse fails its task.

    Parameters
    ----------
    frame : DataFrame
        Has the table's columns, in any order.
    table : Table

    Notes
    -----
    The refusal rides on the first column and says nothing but that: a message about each column
    made the code of the loop so long that Java left it uncompiled, 2.5 times slower than a bare
    write. `explained` looks at the row again once there is one.
    """
    from pyspark.sql import functions as F

    columns = [F.col(column.name) for column in table.load_columns]
    bad = _bad(table)
    if bad is not None:
        first = table.load_columns[0]
        refusal = F.raise_error(F.lit(_REFUSED)).cast(spark_fields([first]).fields[0].dataType)
        columns[0] = F.when(bad, refusal).otherwise(columns[0]).alias(first.name)
    return frame.select(*columns)


def explained(frame: DataFrame, table: Table) -> str:
    """Say which value of a frame a warehouse would refuse, and in which row it stands."""
    from pyspark.sql import functions as F

    row = F.struct(
        *(
            F.substring(F.col(name).cast("string"), 1, _SHOWN).alias(name)
            for name in dict.fromkeys((*table.partition_names, *table.sort))
        )
    )
    found = [
        (
            when,
            F.struct(
                F.lit(column.name).alias("column"),
                F.lit(reason).alias("reason"),
                F.substring(F.col(column.name).cast("string"), 1, _SHOWN).alias("value"),
            ),
        )
        for column in table.load_columns
        for when, reason in _rules(column)
    ]
    what = reduce(lambda chain, each: chain.when(*each), found[1:], F.when(*found[0]))
    said = F.to_json(F.struct(what.alias("what"), row.alias("row")))
    rows = frame.where(what.isNotNull()).select(said).head(1)
    if not rows:
        raise rewritten(table, "a value was refused that is not there any more")
    return _told(table, json.loads(rows[0][0]))


def _bad(table: Table) -> Column | None:
    """Whether a warehouse would refuse anything of a row."""
    conditions = [when for column in table.load_columns for when, _ in _rules(column)]
    return reduce(lambda one, other: one | other, conditions) if conditions else None


def _rules(column: Defined) -> Iterator[tuple[Column, str]]:
    """What a warehouse refuses in a column: when, which is never NULL, and in words."""
    from pyspark.sql import functions as F

    value = F.col(column.name)
    there = value.isNotNull()
    if not column.nullable:
        yield value.isNull(), "the column requires a value"
    if column.type in ("float", "double"):
        wild = F.isnan(value) | value.isin(float("inf"), float("-inf"))
        yield there & wild, "COPY takes no NaN and no infinity; write NULL"
    elif column.type in ("string", "char"):
        assert column.bytes is not None
        size = F.octet_length(value)
        if column.type == "char":
            yield there & (size != F.length(value)), "CHAR takes single-byte characters alone"
        yield there & (size > column.bytes), f"longer than the column's {column.bytes} bytes"
        yield there & F.contains(value, F.lit("\0")), "no text in Redshift holds a NUL"
    elif column.type == "date":
        day = F.unix_date(value)
        yield there & ((day < _FIRST_DAY) | (day > _LAST_DAY)), "not a day that Redshift has"
    elif column.type == "timestamp":
        yield there & (F.unix_micros(value) < _FIRST_DAY * _DAY), "before the times of Redshift"


@contextmanager
def _our_errors(table: Table, lake_uri: str, target_uri: str) -> Iterator[None]:
    """Raise what a task or Hadoop met in our words."""
    try:
        with s3_errors(lake_uri), s3_errors(target_uri):
            yield
    except StormlakeError:
        raise
    except Exception as error:
        if _GONE.search(str(error)):
            raise rewritten(table, "a file that the run's record names is gone") from error
        raise


def rewritten(table: Table, what: str) -> Rewritten:
    """The error of a lake that is not any more what a record says."""
    return Rewritten(
        f"{table.name}: {what}: the partition was rewritten since; run again, when the run that "
        "does it has ended"
    )


def _told(table: Table, said: Mapping[str, Mapping[str, str]]) -> str:
    what = said["what"]
    row = ", ".join(f"{name} {value!r}" for name, value in said["row"].items())
    value = f"value {what['value']!r}" if "value" in what else "NULL"
    return (
        f"{table.name}.{what['column']}: {value} cannot be loaded: {what['reason']} (row: {row}); "
        "nothing was exported. Mend it where the table is made and run that job again"
    )

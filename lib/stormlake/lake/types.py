"""What a table's definition is made of, and the schemas that follow from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from pyspark.sql.types import StructType

Type = Literal[
    "short", "int", "long", "float", "double", "string", "char", "boolean", "date", "timestamp",
    "binary",
]  # fmt: skip
"""SQL-safe types, by their Spark names: no unsigned integers, no bytes, no float16. `char` is text
of single-byte characters that a warehouse pads to its length; only vendors' files have it.
`binary` is for internal tables alone, which no other engine is told of."""


@dataclass(frozen=True)
class Column:
    """One column.

    Parameters
    ----------
    name : str
        snake_case, without a unit.
    type : Type
        Spark's name of the type. A timestamp is UTC, to the microsecond.
    unit : str
        As CF writes it (`dBZ`, `m`, `kg m-2`, `degrees_north`); empty for text and times, `1` for
        numbers without a dimension.
    description : str
        What a value means; one sentence or two.
    nullable : bool
        Whether the value may be missing.
    bytes : int, optional
        For text: the longest value in bytes of UTF-8, which is what VARCHAR(n) and CHAR(n) count.
    """

    name: str
    type: Type
    unit: str
    description: str
    nullable: bool = True
    bytes: int | None = None

    def __post_init__(self) -> None:
        if (self.type in ("string", "char")) != (self.bytes is not None):
            raise ValueError(f"column {self.name}: text, and only text, states its longest bytes")


@dataclass(frozen=True)
class Warehouse:
    """How a table is loaded into a warehouse.

    Parameters
    ----------
    mode : {"replace", "merge"}
        Whether a load replaces whole partitions, or merges rows by `key`.
    sort : tuple of str
        Sort key.
    key : tuple of str
        For `merge`: the columns that tell rows apart.
    distribution : str
        `EVEN`, `ALL`, or the name of a column.
    by_default : bool
        Whether a load takes the table without being told its name.
    """

    mode: Literal["replace", "merge"]
    sort: tuple[str, ...]
    key: tuple[str, ...] = ()
    distribution: str = "EVEN"
    by_default: bool = True


@dataclass(frozen=True)
class Table:
    """A table of the lake: the one place where its columns are decided.

    Parameters
    ----------
    name : str
        Name of the table and of its folder.
    description : str
        What one row is.
    partitions : tuple of Column
        Partition columns; they come first in every schema, and stand in folder names, not in files.
    columns : tuple of Column
        The other columns, in order.
    sort : tuple of str
        Order of the rows in a file as writers should emit them; small files depend on it.
    warehouse : Warehouse
        How a warehouse takes it; a `replace` load replaces whole partitions.
    internal : bool
        Whether it is for our own jobs alone: no DDL, no view, no load, no promise.
    """

    name: str
    description: str
    partitions: tuple[Column, ...]
    columns: tuple[Column, ...]
    sort: tuple[str, ...]
    warehouse: Warehouse
    internal: bool = False

    def __post_init__(self) -> None:
        names = self.names
        used = (*self.sort, *self.warehouse.sort, *self.warehouse.key)
        if len(set(names)) < len(names) or not set(used) <= set(names):
            raise ValueError(
                f"table {self.name}: a column is defined twice, or used but not defined"
            )
        if any(each.nullable or each.type not in ("string", "date") for each in self.partitions):
            raise ValueError(f"table {self.name}: a partition column is text or a day, required")

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """Every column, partition columns first."""
        return self.partitions + self.columns

    @property
    def load_columns(self) -> tuple[Column, ...]:
        """Every column as a warehouse has them, partition columns last.

        COPY goes by position: export, DDL and every check take the order from here.
        """
        return self.columns + self.partitions

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns, partition columns first."""
        return tuple(column.name for column in self.all_columns)

    @property
    def partition_names(self) -> tuple[str, ...]:
        """Names of the partition columns."""
        return tuple(column.name for column in self.partitions)


_SPARK: Final[Mapping[Type, str]] = {
    "short": "ShortType",
    "int": "IntegerType",
    "long": "LongType",
    "float": "FloatType",
    "double": "DoubleType",
    "string": "StringType",
    "char": "StringType",
    "boolean": "BooleanType",
    "date": "DateType",
    "timestamp": "TimestampType",
    "binary": "BinaryType",
}
_ARROW: Final[Mapping[Type, str]] = {
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "string",
    "char": "string",
    "boolean": "bool_",
    "date": "date32",
    "binary": "binary",
}


def spark_schema(table: Table) -> StructType:
    """Spark's schema of all columns, partition columns first."""
    return spark_fields(table.all_columns)


def spark_fields(columns: Sequence[Column]) -> StructType:
    """Spark's schema of some columns."""
    from pyspark.sql import types

    return types.StructType(
        [
            types.StructField(column.name, getattr(types, _SPARK[column.type])(), column.nullable)
            for column in columns
        ]
    )


def arrow_schema(table: Table) -> Any:
    """Arrow's schema of all columns, partition columns first: what a task hands to Spark."""
    return arrow_fields(table.all_columns)


def arrow_fields(columns: Sequence[Column]) -> Any:
    """Arrow's schema of some columns."""
    import pyarrow as pa

    def arrow_type(column: Column) -> Any:
        if column.type == "timestamp":
            return pa.timestamp("us", tz="UTC")
        return getattr(pa, _ARROW[column.type])()

    return pa.schema(
        [pa.field(column.name, arrow_type(column), column.nullable) for column in columns]
    )

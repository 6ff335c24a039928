"""CREATE TABLE for every engine, from the one definition of a table."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from stormlake.errors import RefusedInput
from stormlake.lake.ddl_redshift import meaning, redshift_table
from stormlake.lake.types import Column, Table, Type

Engine = Literal["spark", "athena", "hive", "redshift"]
ENGINES: Final[tuple[Engine, ...]] = ("spark", "athena", "hive", "redshift")
LAKE: Final = "s3://YOUR-BUCKET/lake"
"""What stands in the place of a lake's address until somebody gives one."""
SCHEMA: Final = "public"
"""Redshift's own default schema."""

_COMMENT_BYTES: Final = 255
"""AWS Glue takes no longer comment of a column (its API reference, "Column"); Hive's metastore 256
characters."""
_LAKE_TYPES: Final[Mapping[Type, str]] = {
    "short": "SMALLINT",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "string": "STRING",
    "char": "STRING",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
}


def ddl(
    table: Table,
    engine: Engine,
    lake: str = LAKE,
    schema: str = SCHEMA,
    values: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """Give the statement that makes a table known to an engine, with a head that explains it.

    Parameters
    ----------
    table : Table
    engine : {"spark", "athena", "hive", "redshift"}
    lake : str
        The lake; Athena wants `s3://…`. Redshift has tables of its own and needs none.
    schema : str
        Redshift's schema.
    values : mapping of str to sequence of str, optional
        All values of a text partition column, e.g. `{"station": ["KTLX", "KLBB"]}`: Athena then
        looks into each. Without them a query must name the value that it wants.

    Returns
    -------
    str
        SQL with a newline at its end; several statements for Redshift.

    Raises
    ------
    RefusedInput
        The lake is none that the engine reads, or a value cannot stand in a list.
    """
    if engine == "redshift":
        notes = ["Business columns first, then the partition columns: COPY goes by position."]
        return head(table.description, ["Redshift."], notes) + redshift_table(table, schema)
    location = f"{checked_location(lake, engine)}/{table.name}/"
    if engine == "spark":
        return _spark(table, location)
    return _external(table, engine, location, values or {})


def head(description: str, engines: Sequence[str], notes: Sequence[str]) -> str:
    """Give the comment on top of a generated file."""
    one_row, *more = description.split(". ", 1)
    return "".join(
        f"{line}\n"
        for title, text in (
            ("Purpose", "Made by `stormlake ddl` from the definition; do not edit."),
            ("One row is", f"{one_row[0].lower()}{one_row[1:].rstrip('.')}."),
            ("Parameters", "none"),
            ("Engines", " ".join(engines)),
            ("Notes", " ".join([*more, *notes])),
        )
        for line in textwrap.wrap(
            text,
            width=96,
            initial_indent=f"-- {title:<12}",
            subsequent_indent=f"-- {'':<12}",
            break_long_words=False,
            break_on_hyphens=False,
        )
    )


def text_literal(text: str) -> str:
    """Write a text as Spark, Hive and Athena's DDL read it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def quote_name(name: str) -> str:
    """Quote a name for Spark, Hive and Athena's DDL, where `date` is reserved."""
    return "`" + name.replace("`", "``") + "`"


def column_lines(columns: Sequence[Column], lower: bool = False) -> str:
    """Write columns with types and comments for Spark, Hive and Athena, a line each."""
    return ",\n".join(
        f"    {quote_name(column.name.lower() if lower else column.name)} "
        f"{lake_type(column)} COMMENT {text_literal(_comment(column))}"
        for column in columns
    )


def lake_type(column: Column) -> str:
    """Type of a column in the words of Spark, Hive and Athena's DDL, `BIGINT`."""
    return _LAKE_TYPES[column.type]


def properties(pairs: Mapping[str, str]) -> str:
    """Write table properties, a line each."""
    return ",\n".join(f"    {text_literal(k)} = {text_literal(v)}" for k, v in pairs.items())


def checked_location(uri: str, engine: Engine) -> str:
    """Give an address without a slash at its end.

    Raises
    ------
    RefusedInput
        Athena reads S3 alone.
    """
    if not uri or (engine == "athena" and not uri.startswith("s3://")):
        raise RefusedInput(f"{uri!r} is no place that {engine} reads; give one such as {LAKE}")
    return uri.rstrip("/")


def _spark(table: Table, location: str) -> str:
    notes = [
        f"A new partition is seen after MSCK REPAIR TABLE {table.name}.",
        "Times are UTC: SET TIME ZONE 'UTC' shows them so.",
    ]
    return head(table.description, ["Spark 3.5 and 4.0."], notes) + (
        f"CREATE TABLE IF NOT EXISTS {quote_name(table.name)} (\n"
        f"{column_lines(table.columns + table.partitions)}\n"
        ")\n"
        "USING parquet\n"
        f"PARTITIONED BY ({', '.join(map(quote_name, table.partition_names))})\n"
        f"COMMENT {text_literal(table.description)}\n"
        f"LOCATION {text_literal(location)};\n"
    )


def _external(
    table: Table, engine: Engine, location: str, values: Mapping[str, Sequence[str]]
) -> str:
    pairs = projection(table, location, values)
    notes = []
    if engine == "hive" or not pairs:
        notes.append(f"A new partition is seen after MSCK REPAIR TABLE {table.name}.")
    if engine == "hive" and any(column.type == "timestamp" for column in table.columns):
        notes.append("Times are INT64 in the files, which Hive reads from version 4 on.")
    if pairs and engine == "hive":
        notes.append("The projection is Athena's; Hive takes no notice of it.")
    if pairs and engine == "athena":
        notes += [
            f"A query must name its {name} (WHERE {name} = '…'): a value that is missing in a "
            "list would be missing in the answers, and nobody would know. `--values` makes a list."
            for name in _injected(table, values)
        ]
    extra = f"\nTBLPROPERTIES (\n{properties(pairs)}\n)" if pairs else ""
    return head(table.description, [f"{engine.capitalize()}."], notes) + (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {quote_name(table.name)} (\n"
        f"{column_lines(table.columns)}\n"
        ")\n"
        f"COMMENT {text_literal(table.description)}\n"
        f"PARTITIONED BY (\n{column_lines(table.partitions)}\n)\n"
        "STORED AS PARQUET\n"
        f"LOCATION {text_literal(location)}{extra};\n"
    )


def _injected(table: Table, values: Mapping[str, Sequence[str]]) -> list[str]:
    return [c.name for c in table.partitions if c.type == "string" and c.name not in values]


def projection(table: Table, location: str, values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give the properties by which Athena works out a table's partitions.

    Nothing for a table without days: the names of grids cannot be foreseen, and there are few.

    Parameters
    ----------
    table : Table
    location : str
        The table's folder, with a slash at its end.
    values : mapping of str to sequence of str
        All values of a text partition column.

    Raises
    ------
    RefusedInput
        A value cannot stand in a list.
    """
    if "date" not in table.partition_names:
        return {}
    pairs = {"projection.enabled": "true"}
    for column in table.partitions:
        own = f"projection.{column.name}"
        if column.type == "date":
            pairs |= {
                f"{own}.type": "date",
                f"{own}.format": "yyyy-MM-dd",
                # What names no day stands under 1970-01-01.
                f"{own}.range": "1970-01-01,NOW+1DAYS",
                f"{own}.interval": "1",
                f"{own}.interval.unit": "DAYS",
            }
        elif column.name in values:
            listed = values[column.name]
            if not listed or any(not v or "," in v or v != v.strip() for v in listed):
                raise RefusedInput(
                    f"{column.name}: {', '.join(map(repr, listed)) or 'no value'}: expected values "
                    "without commas and without blanks around them"
                )
            pairs |= {f"{own}.type": "enum", f"{own}.values": ",".join(listed)}
        else:
            pairs[f"{own}.type"] = "injected"
    folders = "/".join(f"{name}=${{{name}}}" for name in table.partition_names)
    return pairs | {"storage.location.template": f"{location}{folders}/"}


def _comment(column: Column) -> str:
    """Unit and meaning, no longer than a metastore takes."""
    text = meaning(column)
    if len(text.encode()) <= _COMMENT_BYTES:
        return text
    room = _COMMENT_BYTES - len("…".encode())
    return text.encode()[:room].decode(errors="ignore").rsplit(" ", 1)[0] + "…"

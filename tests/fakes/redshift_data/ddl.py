"""CREATE TABLE and ALTER TABLE in Redshift's words, made real in PostgreSQL.

Rules, with the page of the Amazon Redshift Database Developer Guide that states each:

* VARCHAR(n) and CHAR(n) count bytes; CHAR takes single-byte characters only ("Character types").
* No TINYINT, no arrays, no SERIAL ("Unsupported PostgreSQL data types").
* az64 encodes numbers and times, not texts, booleans or floating numbers ("AZ64 encoding").
* DISTKEY goes with DISTSTYLE KEY; at most one ("CREATE TABLE").
* A primary key is informational and never enforced ("Table constraints"): none is made here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.fakes.redshift_data.errors import WarehouseError
from tests.fakes.redshift_data.tokens import Reader

TYPES = {
    "smallint": "smallint",
    "integer": "integer",
    "bigint": "bigint",
    "real": "real",
    "double precision": "double precision",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "varchar": "text",
    "char": "character",
}
"""Redshift's type -> PostgreSQL's."""
CATALOG_TYPES = {
    "varchar": "character varying",
    "char": "character",
    "timestamp": "timestamp without time zone",
}
"""As the catalog's views spell them, where that is another word."""
_AZ64 = {"smallint", "integer", "bigint", "date", "timestamp"}
_ENCODINGS = {"raw", "az64", "zstd", "lzo", "bytedict", "runlength", "auto"}
_STYLES = {"even", "all", "auto", "key"}
LONGEST_VARCHAR, LONGEST_CHAR = 65535, 4096


@dataclass(frozen=True)
class ColumnType:
    """One column of a table in the warehouse."""

    name: str
    type: str
    length: int | None = None
    required: bool = False
    encoding: str | None = None

    @property
    def declared(self) -> str:
        return self.type.upper() + (f"({self.length})" if self.length is not None else "")

    def postgres(self) -> str:
        """The column in PostgreSQL: bytes are counted by a CHECK."""
        name = quoted(self.name)
        kind = TYPES[self.type]
        if self.type == "char":
            # PostgreSQL pads to n characters: with a wider one among them they are more bytes.
            return f"{name} {kind}({self.length}){self._checks()}"
        return f"{name} {kind}{self._checks()}"

    def _checks(self) -> str:
        required = " NOT NULL" if self.required else ""
        if self.length is None:
            return required
        return f"{required} CHECK (octet_length({quoted(self.name)}) <= {self.length})"


@dataclass
class TableType:
    """A table as its CREATE TABLE states it."""

    schema: str | None
    name: str
    columns: list[ColumnType]
    temporary: bool = False
    if_not_exists: bool = False
    style: str = "auto"
    distkey: str | None = None
    sortkey: list[str] = field(default_factory=list)

    def postgres(self) -> str:
        """CREATE TABLE for PostgreSQL."""
        name = ".".join(quoted(part) for part in (self.schema, self.name) if part)
        lines = ", ".join(column.postgres() for column in self.columns)
        temp = "TEMP " if self.temporary else ""
        exists = "IF NOT EXISTS " if self.if_not_exists else ""
        return f"CREATE {temp}TABLE {exists}{name} ({lines})"


def read_create_table(sql: str) -> TableType:
    """Read CREATE TABLE with columns; refuse what Redshift does not have."""
    reader = Reader(sql)
    reader.need("create")
    temporary = reader.take("temp") or reader.take("temporary")
    reader.need("table")
    exists = reader.take("if", "not", "exists")
    schema, name = reader.qualified()
    table = TableType(schema, name, [], temporary, exists)
    reader.need("(")
    table.columns.append(_column(reader))
    while reader.take(","):
        table.columns.append(_column(reader))
    reader.need(")")
    while not reader.ended and not reader.take(";"):
        if reader.take("diststyle"):
            table.style = reader.word()
            if table.style not in _STYLES:
                raise WarehouseError(f"ERROR: DISTSTYLE {table.style} does not exist")
        elif reader.take("distkey"):
            (table.distkey,) = reader.names()
        elif reader.take("compound", "sortkey") or reader.take("sortkey"):
            table.sortkey = reader.names()
        else:
            raise reader.unexpected()
    _check(table)
    return table


def read_like(sql: str) -> tuple[TableType, tuple[str | None, str]] | None:
    """Read `CREATE TEMP TABLE x (LIKE s.t)`; None where it is no such statement."""
    reader = Reader(sql)
    reader.need("create")
    if not (reader.take("temp") or reader.take("temporary")):
        return None
    reader.need("table")
    schema, name = reader.qualified()
    if not reader.take("(", "like"):
        return None
    source = reader.qualified()
    reader.need(")")
    if not reader.ended:
        raise reader.unexpected()
    return TableType(schema, name, [], temporary=True), source


@dataclass(frozen=True)
class Alteration:
    """`ALTER TABLE … ADD COLUMN …` or `… ALTER COLUMN … TYPE VARCHAR(n)`."""

    schema: str | None
    table: str
    column: ColumnType
    added: bool


def read_alter_table(sql: str) -> Alteration:
    """Read the two alterations that Redshift and we know ("ALTER TABLE")."""
    reader = Reader(sql)
    reader.need("alter", "table")
    schema, name = reader.qualified()
    if reader.take("add", "column"):
        column, added = _column(reader), True
        if column.required:
            raise WarehouseError(
                "ERROR: ALTER TABLE ADD COLUMN defined as NOT NULL must have a default"
            )
    else:
        reader.need("alter", "column")
        named = reader.name()
        reader.need("type")
        kind, length = _type(reader)
        if kind != "varchar":
            raise WarehouseError("ERROR: only the size of a VARCHAR column can be altered")
        column, added = ColumnType(named, kind, length), False
    reader.take(";")
    if not reader.ended:
        raise reader.unexpected()
    return Alteration(schema, name, column, added)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _column(reader: Reader) -> ColumnType:
    name = reader.name()
    kind, length = _type(reader)
    required, encoding = False, None
    while True:
        if reader.take("not", "null"):
            required = True
        elif reader.take("encode"):
            encoding = reader.word()
        else:
            return ColumnType(name, kind, length, required, encoding)


def _type(reader: Reader) -> tuple[str, int | None]:
    kind = reader.word()
    if kind == "double":
        reader.need("precision")
        kind = "double precision"
    kind = {"int": "integer", "bool": "boolean"}.get(kind, kind)
    if kind not in TYPES:
        raise WarehouseError(f'ERROR: Column type "{kind}" is unsupported by the stand-in')
    length = None
    if kind in ("varchar", "char"):
        length = 256 if kind == "varchar" else 1  # the defaults of "Character types"
        if reader.take("("):
            length = reader.number()
            reader.need(")")
        longest = LONGEST_VARCHAR if kind == "varchar" else LONGEST_CHAR
        if not 0 < length <= longest:
            raise WarehouseError(f"ERROR: length for type {kind} cannot exceed {longest}")
    return kind, length


def _check(table: TableType) -> None:
    names = [column.name for column in table.columns]
    if len(set(names)) < len(names):
        raise WarehouseError(f'ERROR: column specified more than once in "{table.name}"')
    for column in [*table.sortkey, *([table.distkey] if table.distkey else [])]:
        if column not in names:
            raise WarehouseError(f'ERROR: column "{column}" named in key does not exist')
    if (table.distkey is not None) != (table.style == "key"):
        raise WarehouseError("ERROR: DISTSTYLE KEY and DISTKEY go together")
    for column in table.columns:
        if column.encoding is None:
            continue
        if column.encoding not in _ENCODINGS:
            raise WarehouseError(f"ERROR: ENCODE {column.encoding} does not exist")
        if column.encoding == "az64" and column.type not in _AZ64:
            raise WarehouseError(
                f'ERROR: invalid encoding type specified for column "{column.name}": az64 and '
                f"{column.declared}"
            )

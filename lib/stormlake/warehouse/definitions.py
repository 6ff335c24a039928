"""Tables of other people's files, defined in a TOML file by whoever loads them.

name = "products"
description = "One product of the shop."
mode = "merge"
key = ["product_id"]
sort = ["product_id"]

[[columns]]
name = "product_id"
type = "int"
nullable = false
description = "Number of the product."
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final, get_args

from stormlake.errors import RefusedInput
from stormlake.lake.quoting import quote_identifier
from stormlake.lake.tables import TABLES
from stormlake.lake.types import Column, Table, Type, Warehouse
from stormlake.warehouse.tables import WAREHOUSE_TABLES

OURS: Final = "stormlake_"
"""Names that begin so are those of a load's temporary tables."""
_TABLE_KEYS: Final = {"name", "description", "mode", "key", "sort", "distribution", "columns"}
_COLUMN_KEYS: Final = {"name", "type", "unit", "description", "nullable", "bytes"}
_STYLES: Final = frozenset({"EVEN", "ALL", "AUTO"})
_LONGEST: Final = {"string": 65535, "char": 4096}
"""Bytes (Amazon Redshift Database Developer Guide, "Character types")."""


def text_table_named(name: str) -> Table:
    """Give the table of a vendor's file: `users`, or what a `.toml` file defines.

    Raises
    ------
    RefusedInput
        There is no such table or file, or its definition cannot be used.
    """
    if name.endswith(".toml"):
        return read_definition(Path(name))
    if name == "users":
        return WAREHOUSE_TABLES[name]
    raise RefusedInput(
        f"{name!r} is no table of a vendor's file: expected users, or a definition FILE.toml"
    )


def read_definition(path: Path) -> Table:
    """Read the definition of a table.

    Parameters
    ----------
    path : Path
        TOML, as the head of this module shows. `mode` is `replace` (the default: a load puts its
        rows in the place of all) or `merge` by `key`; `distribution` is `EVEN`, `ALL`, `AUTO` or a
        column; `type` is one of short, int, long, float, double, string, char, boolean, date and
        timestamp; text has its longest `bytes`.

    Raises
    ------
    RefusedInput
        Names the file, the place in it and what was expected.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise RefusedInput(f"{path}: no definition of a table: {error}") from error
    _refuse_unknown(path, "the table", given, _TABLE_KEYS)
    name = _text(path, "the table", given, "name").lower()
    if name in TABLES or name in WAREHOUSE_TABLES or name.startswith(OURS):
        raise RefusedInput(f"{path}: the name {name!r} is one of Stormlake's own; take another")
    lines = given.get("columns")
    if not isinstance(lines, list) or not lines:
        raise RefusedInput(f"{path}: expected at least one [[columns]]")
    columns = tuple(_column(path, number, line) for number, line in enumerate(lines, 1))
    key = _names(path, given, "key")
    mode = given.get("mode", "replace")
    if mode not in ("replace", "merge") or bool(key) != (mode == "merge"):
        raise RefusedInput(
            f'{path}: expected mode = "replace" without a key, or mode = "merge" with key = [...]'
        )
    hints = Warehouse(
        mode,
        sort=_names(path, given, "sort") or (columns[0].name,),
        key=key,
        distribution=_distribution(given.get("distribution", "EVEN")),
    )
    known = {column.name for column in columns}
    if hints.distribution not in _STYLES | known:
        raise RefusedInput(
            f"{path}: distribution {hints.distribution!r}: expected EVEN, ALL, AUTO or a column"
        )
    try:
        for each in (name, *known):
            quote_identifier(each)
        table = Table(name, str(given.get("description", name)), (), columns, hints.sort, hints)
    except (ValueError, RefusedInput) as error:
        raise RefusedInput(f"{path}: {error}") from error
    for column in columns:
        if column.name in key and column.nullable:
            raise RefusedInput(
                f"{path}: column {column.name} is in the key: expected nullable = false there; "
                "NULL equals nothing, and its row would be added again by each load"
            )
    return table


def _distribution(given: Any) -> str:
    """A style as it is, a column's name as all names are."""
    text = str(given)
    return text if text in _STYLES else text.lower()


def _column(path: Path, number: int, line: Any) -> Column:
    where = f"column {number}"
    if not isinstance(line, dict):
        raise RefusedInput(f"{path}: {where}: expected a table of name, type and the like")
    _refuse_unknown(path, where, line, _COLUMN_KEYS)
    name = _text(path, where, line, "name").lower()
    where = f"column {name}"
    kind = _text(path, where, line, "type")
    if kind not in get_args(Type):
        raise RefusedInput(
            f"{path}: {where}: type {kind!r}: expected one of {', '.join(get_args(Type))}"
        )
    size = line.get("bytes")
    if kind in _LONGEST:
        if type(size) is not int or not 0 < size <= _LONGEST[kind]:
            raise RefusedInput(
                f"{path}: {where}: expected bytes = N, the longest text, 1 to {_LONGEST[kind]}"
            )
    elif size is not None:
        raise RefusedInput(f"{path}: {where}: bytes mean nothing to {kind}")
    nullable = line.get("nullable", True)
    if not isinstance(nullable, bool):
        raise RefusedInput(f"{path}: {where}: expected nullable = true or false")
    unit, description = str(line.get("unit", "")), str(line.get("description", name))
    return Column(name, kind, unit, description, nullable, size)  # type: ignore[arg-type]


def _text(path: Path, where: str, given: Mapping[str, Any], key: str) -> str:
    value = given.get(key)
    if not isinstance(value, str) or not value:
        raise RefusedInput(f"{path}: {where}: expected {key} = a text")
    return value


def _names(path: Path, given: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = given.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise RefusedInput(f"{path}: expected {key} = a list of columns' names")
    return tuple(each.lower() for each in value)


def _refuse_unknown(
    path: Path, where: str, given: Mapping[str, Any], known: Collection[str]
) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise RefusedInput(
            f"{path}: {where} has {', '.join(unknown)}; known are {', '.join(sorted(known))}"
        )

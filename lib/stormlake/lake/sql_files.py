"""The .sql files over record views: what their heads promise, and the values bound to them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from stormlake.errors import RefusedInput
from stormlake.lake.sources import source_files
from stormlake.lake.sql_values import TYPES, Value, check_value, literal, parse_parameter

__all__ = [
    "SqlFile",
    "Value",
    "athena_text",
    "bind",
    "find_sql_file",
    "literal",
    "parse_parameter",
    "parse_parameters",
    "parse_query",
    "parse_sql_file",
    "sql_names",
    "views_read",
]

FOLDER: Final = "sensors/"
"""Where our own files lie, below sql/."""

_TOKEN: Final = re.compile(
    r"""
    --[^\n]* | /\*.*?\*/                         # a comment
    | '(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*`  # a text, a quoted name
    | (?<![:\w]):(?P<name>[A-Za-z_]\w*)          # a parameter; `::` is none
    """,
    re.VERBOSE | re.DOTALL,
)
_SECTION: Final = re.compile(r"--\s+(?P<title>[A-Z][A-Za-z ]*?)(?:\s{2,}|$)(?P<rest>.*)")
_PARAMETER: Final = re.compile(r":(?P<name>[A-Za-z_]\w*)\s+(?P<type>\w+)\b")


@dataclass(frozen=True, slots=True)
class SqlFile:
    """One .sql file, as its head describes it.

    Parameters
    ----------
    name : str
        The file's stem; an aggregation's table has the same name.
    text : str
        The whole text, in Spark's SQL.
    purpose : str
        What it is for.
    parameters : mapping of str to str
        Type of each named parameter: timestamp, date, string, int or double.
    engines : str
        The engines that run it.
    views : tuple of str
        The record views that it reads: exactly one, and none of a file over tables.
    """

    name: str
    text: str
    purpose: str
    parameters: Mapping[str, str]
    engines: str
    views: tuple[str, ...]


def sql_names() -> list[str]:
    """Names of our own files."""
    return sorted(_own_files())


def find_sql_file(name: str, views: Collection[str]) -> SqlFile:
    """Find a file by its name, or by a path of the user's.

    Parameters
    ----------
    name : str
        `unicorn_minutes`, for our own file; or a path that ends in `.sql`.
    views : collection of str
        Names of the record views there are.

    Raises
    ------
    RefusedInput
        There is no such file, or it is none that `parse_sql_file` takes.
    """
    if name.endswith(".sql"):
        try:
            text = Path(name).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise RefusedInput(f"cannot read {name}: {error}") from error
        return parse_sql_file(Path(name).stem, text, views)
    own = _own_files()
    if name not in own:
        raise RefusedInput(
            f"{name!r} is none of the queries: {', '.join(sorted(own))}; name one of them, or a "
            "file that ends in .sql"
        )
    return parse_sql_file(name, own[name], views)


def parse_sql_file(name: str, text: str, views: Collection[str]) -> SqlFile:
    """Read the head of a file, and hold it against the query.

    Parameters
    ----------
    name : str
        Stands in the messages.
    text : str
        A head of comment lines with `Purpose`, `Parameters` (`:start  timestamp  …`, one a line,
        or `none`) and `Engines`, then one query.
    views : collection of str
        Names of the record views there are.

    Raises
    ------
    RefusedInput
        The head lacks one of the three, declares other parameters than the query uses or a type
        that there is not, or the query reads none or several of the views.
    """
    file = parse_query(name, text)
    read = views_read(text, views)
    if len(read) != 1:
        raise RefusedInput(
            f"{name}: reads {' and '.join(read) or 'no record view'}; it must read exactly one of "
            f"{', '.join(views)}"
        )
    return replace(file, views=read)


def parse_query(name: str, text: str) -> SqlFile:
    """Read the head of a file over any tables, and hold it against the query.

    Parameters
    ----------
    name : str
        Stands in the messages.
    text : str
        As `parse_sql_file` takes it.

    Raises
    ------
    RefusedInput
        The head lacks one of its three lines, or declares other parameters than the query uses or
        a type that there is not.
    """
    sections = _head(text)
    for title in ("Purpose", "Parameters", "Engines"):
        if not sections.get(title):
            raise RefusedInput(f"{name}: the head has no line `-- {title}  …`, and needs one")
    declared = {}
    for line in sections["Parameters"]:
        if not line.startswith(":"):
            continue
        found = _PARAMETER.match(line)
        if found is None or found["type"] not in TYPES or found["name"] in declared:
            raise RefusedInput(
                f"{name}: the head's parameter `{line}` should be a new name and its type, such as "
                f"`:start  timestamp  …`; types are {', '.join(TYPES)}"
            )
        declared[found["name"]] = found["type"]
    used = _used(text)
    if set(used) != set(declared):
        raise RefusedInput(
            f"{name}: the head declares {_listed(declared)}, the query uses {_listed(used)}; they "
            "must be the same"
        )
    return SqlFile(
        name, text, " ".join(sections["Purpose"]), declared, " ".join(sections["Engines"]), ()
    )


def views_read(text: str, views: Collection[str]) -> tuple[str, ...]:
    """Give the views that a query names, in the order of `views`."""
    code = _code(text)
    return tuple(view for view in views if re.search(rf"\b{view}\b", code))


def bind(file: SqlFile, given: Mapping[str, object]) -> dict[str, Value]:
    """Check the values of a file's parameters, so that `spark.sql(text, args=…)` may have them.

    Parameters
    ----------
    file : SqlFile
    given : mapping of str to object
        Value of every parameter, by its name.

    Returns
    -------
    dict of str to value
        In the order of the head; times are zoned, in UTC.

    Raises
    ------
    RefusedInput
        A parameter has no value, is not the file's, or has a value of another type. A time without
        a zone is refused: Spark would shift it by the zone of the machine.
    """
    missing = [name for name in file.parameters if name not in given]
    unknown = [name for name in given if name not in file.parameters]
    if missing or unknown:
        says = [f"{_listed(missing)} has no value"] if missing else []
        says += [f"{_listed(unknown)} is not a parameter of it"] if unknown else []
        raise RefusedInput(
            f"{file.name}: {'; '.join(says)}; its parameters are "
            f"{', '.join(f':{name} {kind}' for name, kind in file.parameters.items()) or 'none'}"
        )
    return {
        name: check_value(kind, given[name], f"{file.name}: the parameter :{name}")
        for name, kind in file.parameters.items()
    }


def parse_parameters(file: SqlFile, given: Iterable[str]) -> dict[str, Value]:
    """Read values as a person types them, `NAME=VALUE`.

    Raises
    ------
    RefusedInput
        A value is no value of its type, is given twice, or has no name.
    """
    values: dict[str, Value] = {}
    for param in given:
        name, equals, text = param.partition("=")
        if not equals or name in values:
            raise RefusedInput(f"--param {param!r}: expected NAME=VALUE, each name once")
        if name not in file.parameters:
            known = ", ".join(f"{n} ({kind})" for n, kind in file.parameters.items())
            raise RefusedInput(f"--param {param!r}: {file.name} has {known or 'no parameters'}")
        values[name] = parse_parameter(file.parameters[name], text)
    return values


def athena_text(file: SqlFile, given: Mapping[str, object]) -> tuple[str, list[str]]:
    """Give a query and its execution parameters as Athena takes them.

    Returns
    -------
    text : str
        The file with `?` for each parameter outside of comments, texts and quoted names.
    values : list of str
        One literal for each `?`, in order; a parameter that is used twice stands there twice.
    """
    values = bind(file, given)
    text = _with_parameters(file.text, lambda name: "?")
    return text, [literal(values[name]) for name in _used(file.text)]


def _own_files() -> dict[str, str]:
    return {
        Path(path).stem: found.read_text(encoding="utf-8")
        for path, found in source_files("sql")
        if path.startswith(FOLDER) and path.endswith(".sql")
    }


def _head(text: str) -> dict[str, list[str]]:
    """Lines of each section of the comment on top, by the section's title."""
    sections: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if not line.startswith("--"):
            break
        started = _SECTION.match(line) if not line.startswith("--     ") else None
        if started:
            lines = sections.setdefault(started["title"], [])
        rest = (started["rest"] if started else line[2:]).strip()
        if rest:
            lines.append(rest)
    return sections


def _with_parameters(text: str, write: Callable[[str], str]) -> str:
    return _TOKEN.sub(lambda found: write(found["name"]) if found["name"] else found[0], text)


def _used(text: str) -> list[str]:
    """Names of the parameters, in order of appearance."""
    return [found["name"] for found in _TOKEN.finditer(text) if found["name"]]


def _code(text: str) -> str:
    """The query without its comments and texts."""
    return _TOKEN.sub(
        lambda found: " " if found[0].startswith(("--", "/*", "'")) else found[0], text
    )


def _listed(names: Collection[str]) -> str:
    return ", ".join(f":{name}" for name in dict.fromkeys(names)) or "no parameter"

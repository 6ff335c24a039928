"""The registry of devices: maker and model by device_id, as JSON Lines or CSV."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stormlake.archive.arrivals import list_arrivals
from stormlake.archive.inflate import InflateFailed, inflated
from stormlake.archive.objects import FetchFailed
from stormlake.archive.source import Source
from stormlake.archive.streams import pieces
from stormlake.errors import RefusedInput

_DEVICE: Final = "device_id"
_COLUMNS: Final = (_DEVICE, "manufacturer", "model")
_BOM: Final = "\ufeff"


@dataclass(frozen=True)
class Device:
    """Who made a device; None where the registry does not say."""

    manufacturer: str | None
    model: str | None


def read_registry(source: Source) -> dict[str, Device]:
    """Read every object of a source as a part of one registry.

    Parameters
    ----------
    source : Source
        One object, or a folder of them; plain or gzipped.

    Returns
    -------
    dict of Device
        By device_id.

    Raises
    ------
    RefusedInput
        There is none, it cannot be read, or it has a device twice: a join would multiply rows.
    """
    found: dict[str, Device] = {}
    for obj in list_arrivals(source):
        name = source.uri if obj.is_source else f"{source.uri}/{obj.key}"
        try:
            data = b"".join(inflated(pieces(source, obj)))
            text = data.decode("utf-8").removeprefix(_BOM)
        except (FetchFailed, InflateFailed, UnicodeDecodeError) as error:
            raise RefusedInput(f"registry {name} cannot be read: {error}") from error
        for device, entry in parse_registry(text, name):
            if device in found:
                raise RefusedInput(
                    f"registry {name}: {device} is there twice; each device once, please"
                )
            found[device] = entry
    if not found:
        raise RefusedInput(f"registry {source.uri} names no device; check --registry")
    return found


def parse_registry(text: str, name: str) -> Iterator[tuple[str, Device]]:
    """Yield the devices of a registry.

    Parameters
    ----------
    text : str
        JSON Lines, or CSV with a header.
    name : str
        What errors call it.

    Raises
    ------
    RefusedInput
        A line is neither, or names no device.
    """
    lines = text.splitlines()
    is_json = text.lstrip().startswith("{")
    for number, entry in _json(lines, name) if is_json else _csv(lines, name):
        device = entry.get(_DEVICE)
        if not isinstance(device, str) or not device:
            raise RefusedInput(f"registry {name}, line {number}: no {_DEVICE}")
        yield device, Device(*(_text(entry, column, name, number) for column in _COLUMNS[1:]))


def _json(lines: list[str], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = json.loads(line)
        except ValueError as error:
            raise RefusedInput(
                f"registry {name}, line {number}: expected one JSON object a line: {error}"
            ) from error
        if not isinstance(entry, dict):
            raise RefusedInput(f"registry {name}, line {number}: expected a JSON object")
        yield number, entry


def _csv(lines: list[str], name: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    table = csv.DictReader(lines, strict=True)
    try:
        missing = [column for column in _COLUMNS if column not in (table.fieldnames or ())]
        if missing and lines:
            raise RefusedInput(
                f"registry {name}: its first line has no {missing[0]}; expected "
                f"{','.join(_COLUMNS)}, or JSON Lines"
            )
        for row in table:
            yield table.line_num, row
    except csv.Error as error:
        raise RefusedInput(f"registry {name}, line {table.line_num}: {error}") from error


def _text(entry: Mapping[str, Any], column: str, name: str, number: int) -> str | None:
    value = entry.get(column)
    if value is not None and not isinstance(value, str):
        raise RefusedInput(f"registry {name}, line {number}: {column} is not a text")
    return value or None

"""What an archive holds and what its tables must be, in plain Python: shares no code with lib/.

Reads archives that are whole, or whose end is cut away; of damage it knows nothing.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import math
import re
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

Row = dict[str, Any]

_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[{}\[\]"]', re.DOTALL)
_KEY = re.compile(r'\s*"(?:\\.|[^"\\])*"\s*:\s*', re.DOTALL)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MINUTE = dt.timedelta(minutes=1)


def plain(data: bytes) -> bytes:
    """The bytes without gzip, however many members, and without a byte-order mark."""
    found = b""
    while data.startswith(b"\x1f\x8b"):
        inflater = zlib.decompressobj(wbits=31)
        found += inflater.decompress(data)
        data = inflater.unused_data
    return (found or data).removeprefix(b"\xef\xbb\xbf")


def json_records(data: bytes) -> list[Row]:
    """Every record, in order: brackets are paired first, what lies in a pair is parsed after."""
    text = plain(data).decode("utf-8", "ignore")
    open_at: list[tuple[str, int]] = []
    inner: list[Row] = []  # elements of an array that a record-like object or nothing encloses
    found: list[Row] = []
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark == '"':
            break  # a text that is cut
        if mark in "{[":
            below_first = len(open_at) == 1 and open_at[0][0] == "{"
            if below_first and not _KEY.fullmatch(text, open_at[0][1] + 1, token.start()):
                mark = "("  # an array, but no wrapper's
            open_at.append((mark, token.start()))
        elif mark in "}]":
            opened, begin = open_at.pop()
            above = "".join(bracket for bracket, _ in open_at)
            if opened == "[" and above == "":
                found, inner = found + inner, []
            elif opened == "{" and above in ("[", "{["):
                inner.append(json.loads(text[begin : token.end()]))
            elif opened == "{" and above == "":
                whole = json.loads(text[begin : token.end()])
                found, inner = found + (inner if _wraps(whole) else [whole]), []
    return found + inner  # what an array held before its cut


def _wraps(value: Row) -> bool:
    (first, *others) = value.values() or [None]
    return not others and isinstance(first, list) and all(isinstance(x, dict) for x in first)


def utc(text: str) -> dt.datetime:
    """A time that a producer wrote; without a zone it is UTC."""
    time = dt.datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=dt.UTC)


def record_id(record: Row) -> str:
    """Hash of the canonical JSON."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def unicorn_records(archive: Iterable[bytes]) -> list[Row]:
    """Readings in the order of the archive, copies and all."""
    return [
        {
            "name": record["Name"],
            "status_time": utc(record["StatusTime"]),
            "latitude": float(record["Latitude"]),
            "longitude": float(record["Longitude"]),
            "distance": float(record["Distance"]),
            "health_points": record.get("HealthPoints"),
            "magic_points": record.get("MagicPoints"),
        }
        for data in archive
        for record in json_records(data)
    ]


def unicorn_minutes(archive: Iterable[bytes]) -> list[Row]:
    """Rows of the table, by name and minute."""
    once = {tuple(record.values()): record for record in unicorn_records(archive)}
    minutes: dict[tuple[str, dt.datetime], list[Row]] = defaultdict(list)
    for record in once.values():
        start = record["status_time"].replace(second=0, microsecond=0)
        minutes[record["name"], start].append(record)
    return [
        {
            "date": start.date(),
            "name": name,
            "window_start": start,
            "window_end": start + _MINUTE,
            "distance": round(math.fsum(record["distance"] for record in records), 6),
            **_least_and_most(records, "magic_points"),
            **_least_and_most(records, "health_points"),
            "record_count": len(records),
        }
        for (name, start), records in sorted(minutes.items())
    ]


def _least_and_most(records: list[Row], column: str) -> Row:
    values = [record[column] for record in records if record[column] is not None]
    return {
        f"min_{column}": min(values, default=None),
        f"max_{column}": max(values, default=None),
    }


def event_records(archive: Iterable[bytes]) -> list[Row]:
    """Events in the order of the archive, copies and all."""
    return [
        {"event_id": key, "event_time": utc(value[-19:]), "prefix": value[:-20]}
        for data in archive
        for record in json_records(data)
        for key, value in record.items()
    ]


def events_per_minute(archive: Iterable[bytes]) -> list[Row]:
    """Rows of the table, by minute."""
    once = {tuple(event.values()) for event in event_records(archive)}
    minutes: dict[dt.datetime, int] = defaultdict(int)
    for _, time, _ in once:
        minutes[time.replace(second=0, microsecond=0)] += 1
    return [
        {"date": at.date(), "window_start": at, "window_end": at + _MINUTE, "events": events}
        for at, events in sorted(minutes.items())
    ]


def wind_records(archive: Iterable[bytes]) -> list[Row]:
    """Readings in the order of the archive, copies and all."""
    return [
        {
            "record_id": record_id(record),
            "location": record["location"],
            "speed": float(record["speed"] if "speed" in record else record["wind_speed"]),
            "event_time": _instant(
                next(record[name] for name in ("timestamp", "event_time", "time") if name in record)
            ),
        }
        for data in archive
        for record in _wind_json(data)
    ]


def _wind_json(data: bytes) -> Iterator[Row]:
    text = plain(data)
    if text.lstrip()[:1] in (b"{", b"[", b""):
        yield from json_records(text)
        return
    for location, speed, *time in csv.reader(io.StringIO(text.decode(), newline="")):
        if location != "location":
            record = {"location": location, "speed": _value(speed)}
            yield record | ({"timestamp": _value(time[0])} if time else {})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _instant(value: Any) -> dt.datetime:
    if isinstance(value, str):
        return utc(value)
    return _EPOCH + dt.timedelta(**{"milliseconds" if value > 1e11 else "seconds": value})


def wind_max(archive: Iterable[bytes], width: int = 60) -> list[Row]:
    """Rows of the table, by location and window of `width` seconds."""
    once = {record["record_id"]: record for record in wind_records(archive)}
    windows: dict[tuple[str, dt.datetime], list[Row]] = defaultdict(list)
    step = dt.timedelta(seconds=width)
    for record in once.values():
        start = _EPOCH + (record["event_time"] - _EPOCH) // step * step
        windows[record["location"], start].append(record)
    rows = []
    for (location, start), records in sorted(windows.items()):
        most = max(record["speed"] for record in records)
        rows.append(
            {
                "date": start.date(),
                "location": location,
                "window_start": start,
                "window_end": start + step,
                "max_speed": most,
                "max_speed_time": min(r["event_time"] for r in records if r["speed"] == most),
                "record_count": len(records),
            }
        )
    return rows

"""The sensor tables: every column with its type, unit and meaning, written once."""

from __future__ import annotations

from typing import Final

from stormlake.lake.types import Column, Table, Warehouse

NAME_BYTES: Final = 1024
"""Longest name, location or identifier, in bytes of UTF-8."""
JOB_BYTES: Final = 128
"""Longest name of a job: the command and its name, `aggregate-wind_max`."""
KEY_BYTES: Final = 1024
"""Longest key of an object; S3 takes no longer one."""
DETAIL_CHARACTERS: Final = 200
"""Longest detail of a reject, in characters; each has up to 4 bytes of UTF-8."""
EXCERPT_BYTES: Final = 200
"""How much of a rejected record is shown; a byte that is no text is written `\\xNN`, in 4 bytes."""

_BY_DATE: Final = Warehouse("replace", sort=("date",))


def _date(description: str) -> Column:
    return Column("date", "date", "", description, nullable=False)


def _window(width: str) -> tuple[Column, Column]:
    return (
        Column("window_start", "timestamp", "", f"Start of the {width}, inclusive.", False),
        Column("window_end", "timestamp", "", f"End of the {width}, exclusive.", False),
    )


def _count(name: str, description: str, nullable: bool = False) -> Column:
    return Column(name, "long", "1", description, nullable)


def _text(name: str, size: int, description: str, nullable: bool = True) -> Column:
    return Column(name, "string", "", description, nullable, size)


UNICORN_MINUTES: Final = Table(
    name="unicorn_minutes",
    description="One unicorn and minute of the event in which it was read at least once.",
    partitions=(_date("UTC day of `window_start`."),),
    columns=(
        _text("name", NAME_BYTES, "Name of the unicorn, never cut.", nullable=False),
        *_window("minute"),
        Column(
            "distance",
            "double",
            "m",
            "Sum of the readings' distances, rounded to 6 decimals: the order of a floating sum is "
            "not fixed, and a rerun must give the same rows.",
            nullable=False,
        ),
        Column("min_magic_points", "int", "1", "Least magic points; NULL when no reading has any."),
        Column("max_magic_points", "int", "1", "Most magic points."),
        Column("min_health_points", "int", "1", "Least health points; NULL when no reading has."),
        Column("max_health_points", "int", "1", "Most health points."),
        _count(
            "record_count",
            "Readings, each counted once; NULL when the archive held minutes already.",
            nullable=True,
        ),
    ),
    sort=("name", "window_start"),
    warehouse=_BY_DATE,
)

WIND_MAX: Final = Table(
    name="wind_max",
    description="One wind farm and window of event time in which it sent at least one record.",
    partitions=(_date("UTC day of `window_start`."),),
    columns=(
        _text("location", NAME_BYTES, "Wind farm.", nullable=False),
        *_window("window"),
        Column("max_speed", "double", "mile h-1", "Largest wind speed.", nullable=False),
        Column(
            "max_speed_time",
            "timestamp",
            "",
            "Time of the first record with that speed.",
            nullable=False,
        ),
        _count("record_count", "Records, each counted once."),
    ),
    sort=("location", "window_start"),
    warehouse=_BY_DATE,
)

EVENTS_PER_MINUTE: Final = Table(
    name="events_per_minute",
    description="One minute with at least one event of the event archive.",
    partitions=(_date("UTC day of `window_start`."),),
    columns=(*_window("minute"), _count("events", "Events, each counted once.")),
    sort=("window_start",),
    warehouse=_BY_DATE,
)

REQUESTS_BY_OS: Final = Table(
    name="requests_by_os",
    description="One operating system, as logged and as family, and UTC day with requests.",
    partitions=(_date("UTC day of the requests."),),
    columns=(
        _text(
            "os",
            NAME_BYTES,
            "First token in the user agent's parenthesis; NULL when it has no parenthesis.",
        ),
        _text(
            "os_family",
            16,
            "iOS, Android, macOS, Windows, ChromeOS, Linux or Other, by the whole parenthesis.",
        ),
        _count("requests", "Requests; log lines are never counted as duplicates of each other."),
    ),
    sort=("os", "os_family"),
    warehouse=_BY_DATE,
)

REJECTS: Final = Table(
    name="rejects",
    description="One stretch of an archive object that could not be used, with the reason.",
    partitions=(
        _text(
            "job",
            JOB_BYTES,
            "Job that read it: the command and its name, e.g. `aggregate-wind_max`.",
            nullable=False,
        ),
        _date(
            "UTC day on which the object arrived, by its folder; else the event's; else the first "
            "day of the run."
        ),
    ),
    columns=(
        _text("object", KEY_BYTES, "Key of the object below the source.", nullable=False),
        Column(
            "byte_offset",
            "long",
            "byte",
            "First byte in the decompressed object; NULL where the place is not known.",
        ),
        Column("byte_length", "long", "byte", "Bytes; NULL where the place is not known."),
        _count("record_count", "Records that it stands for."),
        _text("reason", 32, "Why, in one word, e.g. `malformed`.", nullable=False),
        _text(
            "detail",
            4 * DETAIL_CHARACTERS,
            f"What was found and what was expected; at most {DETAIL_CHARACTERS} characters.",
        ),
        _text(
            "excerpt",
            4 * EXCERPT_BYTES,
            f"The first {EXCERPT_BYTES} bytes; one that is no UTF-8 stands as `\\xNN`. Always NULL "
            "for device vitals and log lines, which tell of people.",
        ),
    ),
    sort=("object", "byte_offset"),
    warehouse=_BY_DATE,
)

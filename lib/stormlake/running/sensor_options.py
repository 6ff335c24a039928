"""Options of the commands that read sensor archives, and what they come to."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import click

from stormlake.archive.arrivals import StoredObject, list_arrivals
from stormlake.lake.tables import UNICORN_MINUTES
from stormlake.running.days import day_before_option
from stormlake.running.job import open_archive
from stormlake.running.options import Common, UtcDay, archive_options, refuse_unless
from stormlake.sensors.cloudfront import LogOptions
from stormlake.sensors.events import EventRecords
from stormlake.sensors.kinds import Kind
from stormlake.sensors.reader import MAX_RECORD_MB, Reader
from stormlake.sensors.requests import RequestRecords
from stormlake.sensors.scope import EARLY, LATE, Scope
from stormlake.sensors.times import DAY_SECONDS, END_DAY, FIRST_DAY
from stormlake.sensors.unicorns import UnicornMinutes, UnicornRecords
from stormlake.sensors.vitals import VitalRecords
from stormlake.sensors.wind import DEFAULT_WIDTH, WindRecords

FORMS: Final = ("records", "minutes")

logger = logging.getLogger(__name__)

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class ArchiveOptions:
    """What a person asked of any reader of a sensor archive.

    Parameters
    ----------
    source : str
        The archive.
    start, end : datetime or None
        UTC days, half-open.
    time_zone : str or None
        Of times that name none.
    early, late : int
        Hours.
    max_record_mb : int
    """

    source: str
    start: dt.datetime | None
    end: dt.datetime | None
    time_zone: str | None
    early: int
    late: int
    max_record_mb: int

    def __post_init__(self) -> None:
        refuse_unless(
            (self.start is None) == (self.end is None),
            "--start and --end go together: a run replaces whole days, from one to the other",
        )
        if self.start is not None and self.end is not None:
            refuse_unless(
                self.start < self.end,
                f"--start {self.start:%Y-%m-%d} is not before --end {self.end:%Y-%m-%d} (the end "
                "is exclusive)",
            )
        for day in (self.start, self.end):
            refuse_unless(
                day is None or FIRST_DAY.year < day.year < END_DAY.year - 1,
                f"{day and day.date()} is not in the years {FIRST_DAY.year + 1} to "
                f"{END_DAY.year - 2}",
            )

    @property
    def scope(self) -> Scope:
        """Dates and arrival hours of the run."""
        start, end = (day.date() if day else None for day in (self.start, self.end))
        return Scope(start, end, self.early, self.late)

    def days(self) -> list[dt.date]:
        """Days of the window; none where there is no window."""
        if self.start is None or self.end is None:
            return []
        first = self.start.date()
        return [first + dt.timedelta(days=n) for n in range((self.end - self.start).days)]

    def window_values(self) -> dict[str, dt.datetime | dt.date]:
        """Values of the parameters of a query that say which days it is about.

        Without a window they are the first and the last that a calendar has.
        """
        start, stop = (
            given or dt.datetime.combine(day, dt.time(), dt.UTC)
            for given, day in ((self.start, FIRST_DAY), (self.end, END_DAY))
        )
        last = stop.date() - dt.timedelta(days=1)
        return {"start": start, "stop": stop, "start_date": start.date(), "stop_date": last}

    @property
    def zone(self) -> ZoneInfo | None:
        """Zone of times that name none; None is UTC."""
        return None if self.time_zone in (None, "UTC") else ZoneInfo(str(self.time_zone))

    def reader_of(self, kind: Kind, common: Common) -> Reader:
        """The reader of records of a kind."""
        return Reader(
            open_archive(self.source, common), kind, self.scope, self.max_record_mb * 2**20
        )

    def arguments(self) -> dict[str, Any]:
        """What decides the rows, for the run's key; JSON values."""
        return {n: v for n, v in asdict(self).items() if n not in ("source", "start", "end")}

    def scope_of_run(self) -> dict[str, Any]:
        """The days, for the run's key and its record; JSON values."""
        days = {"start": self.start, "end": self.end}
        return {name: day.date().isoformat() if day else None for name, day in days.items()}


@dataclass(frozen=True)
class SensorOptions(ArchiveOptions):
    """What a person asked of the reader of a view's records.

    Parameters
    ----------
    form : str
        `records`, or `minutes` for unicorn readings that are aggregated already.
    strict_regex : bool
    fields : str
        Names of the fields of a log without a header, separated by blanks or commas.
    width : int
        Seconds of a wind window.
    """

    form: str
    strict_regex: bool
    fields: str
    width: int

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_unless(
            DAY_SECONDS % self.width == 0,
            f"--width {self.width} does not divide a day: a window would belong to two dates; give "
            f"a divisor of {DAY_SECONDS} seconds",
        )

    def kind(self, view: str, query: str) -> Kind:
        """How the records of a view are read.

        Parameters
        ----------
        view : str
        query : str
            Name of the query that reads it.

        Raises
        ------
        RefusedInput
            An option that this view does not know.
        """
        zone = self.zone
        self._refuse_foreign(view)
        refuse_unless(
            self.form == "records" or query == UNICORN_MINUTES.name,
            f"--form {self.form} is for the table {UNICORN_MINUTES.name}; {query} reads single "
            "records",
        )
        if view == "unicorn_records":
            return UnicornMinutes(zone) if self.form == "minutes" else UnicornRecords(zone)
        if view == "wind_records":
            return WindRecords(zone, self.width)
        if view == "request_records":
            names = tuple(self.fields.replace(",", " ").split())
            return RequestRecords(zone, LogOptions(self.strict_regex, names))
        return {"vital_records": VitalRecords, "event_records": EventRecords}[view](zone)

    def reader(self, view: str, query: str, common: Common) -> Reader:
        """The reader of a view's records, for a query of this name."""
        return self.reader_of(self.kind(view, query), common)

    def _refuse_foreign(self, view: str) -> None:
        belongs = {
            "--form": (self.form != "records", "unicorn_records"),
            "--width": (self.width != DEFAULT_WIDTH, "wind_records"),
            "--strict-regex": (self.strict_regex, "request_records"),
            "--fields": (bool(self.fields), "request_records"),
        }
        for option, (given, of) in belongs.items():
            refuse_unless(
                not given or view == of, f"{option} belongs to {of}; this query reads {view}"
            )
        refuse_unless(
            self.time_zone is None or view != "request_records",
            "--time-zone: logs are in UTC, whatever the zone of who reads them",
        )


def list_objects(reader: Reader) -> list[StoredObject]:
    """Every object that may hold records of the reader's dates; a warning when there is none."""
    objects = list(list_arrivals(reader.source, *reader.scope.arrivals))
    if not objects:
        logger.warning("%s holds nothing in this scope", reader.source.uri)
    return objects


class _Zone(click.ParamType[str]):
    """Name of a time zone, `America/New_York`."""

    name = "zone"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check that there is such a zone."""
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError):  # not found; not a name; a folder of zones
            self.fail(f"{value!r} is no time zone such as America/New_York", param, ctx)
        return str(value)


ARCHIVE_OPTIONS: Final = (
    click.option(
        "--source",
        required=True,
        metavar="URI",
        help="The archive: s3://BUCKET[/PREFIX], a local folder, or one object.",
    ),
    click.option("--start", type=UtcDay(), metavar="DAY", help="First UTC day of the events."),
    click.option(
        "--end",
        type=UtcDay(),
        metavar="DAY",
        help="Day after the last.  [default of both: all that the source holds]",
    ),
    day_before_option,
    click.option(
        "--time-zone",
        type=_Zone(),
        metavar="NAME",
        help="Zone of times that name none, such as America/New_York.  [default: UTC]",
    ),
    click.option(
        "--early",
        type=click.IntRange(0, 24 * 366),
        default=EARLY,
        show_default=True,
        metavar="HOURS",
        help="Arrival hours that are read before the first day, where the archive has them.",
    ),
    click.option(
        "--late",
        type=click.IntRange(0, 24 * 366),
        default=LATE,
        show_default=True,
        metavar="HOURS",
        help="Arrival hours that are read after the last day.",
    ),
    click.option(
        "--max-record-mb",
        type=click.IntRange(1, 1024),
        default=MAX_RECORD_MB,
        show_default=True,
        metavar="MB",
        help="A longer record is rejected; a task may need several times as much memory.",
    ),
)
"""Of every command that reads a sensor archive."""

_OPTIONS: Final = (
    click.option(
        "--form",
        type=click.Choice(FORMS),
        default="records",
        show_default=True,
        help="minutes: unicorn readings that are one row a minute already. How the records lie "
        "(lines, glued, arrays, gzip, …) is found without being told.",
    ),
    click.option(
        "--strict-regex",
        is_flag=True,
        help="Legacy logs exactly as the tutorial's expression matches them.",
    ),
    click.option(
        "--fields",
        default="",
        metavar="NAMES",
        help="Names of the fields of a log without a header, between blanks or commas.",
    ),
    click.option(
        "--width",
        type=click.IntRange(1, DAY_SECONDS),
        default=DEFAULT_WIDTH,
        show_default=True,
        metavar="SECONDS",
        help="Window of wind records; divides a day.",
    ),
)


def sensor_options(function: F) -> F:
    """Give a command the options of the sensor reader, as its argument `asked`."""
    return asked_options(SensorOptions, _OPTIONS)(function)


def asked_options(
    kind: type[ArchiveOptions], options: Sequence[Callable[[Any], Any]]
) -> Callable[[F], F]:
    """Give a command `ARCHIVE_OPTIONS` and its own, as its argument `asked`.

    Parameters
    ----------
    kind : type of ArchiveOptions
        What `asked` is; its fields are the options' names.
    options : sequence of decorator
        Its own.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapped(**given: Any) -> Any:
            asked = kind(**{f.name: given.pop(f.name) for f in fields(kind)})
            return function(asked=asked, **given)

        decorated: Any = archive_options(wrapped)
        for option in reversed((*ARCHIVE_OPTIONS, *options)):
            decorated = option(decorated)
        return decorated  # type: ignore[no-any-return]

    return decorate

"""Windows of days, and `--day-before`: that of a nightly job, told by when it runs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

import click

from stormlake.running.options import UtcDay, UtcTime, refuse_unless

F = TypeVar("F", bound=Callable[..., Any])


class _DayBefore(click.Option):
    """Says `--start` and `--end` in the place of the person.

    Done before either is read, so that the command, its run key and its record see two days and
    cannot tell them from typed ones.
    """

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        """Put the two days beside what was typed."""
        given = opts.get("day_before")
        if given is not None:
            typed = [name for name in ("start", "end") if opts.get(name) is not None]
            if typed:
                raise click.UsageError(
                    f"--day-before says --start and --end itself; leave --{typed[0]} out", ctx
                )
            start, end = day_before(self.type_cast_value(ctx, given), self, ctx)
            # The parser's own dict: what options that are handled later take their value from.
            opts.update(start=start, end=end)  # type: ignore[attr-defined]
        return super().handle_parse_result(ctx, opts, args)


def day_before(
    time: datetime, param: click.Parameter | None = None, ctx: click.Context | None = None
) -> tuple[datetime, datetime]:
    """Give the UTC day before that of a time, as a half-open window.

    Parameters
    ----------
    time : datetime
        With a zone.

    Raises
    ------
    click.BadParameter
        The calendar has no such day.
    """
    end = time.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        return end - timedelta(days=1), end
    except OverflowError as error:
        raise click.BadParameter(f"there is no day before {end:%Y-%m-%d}", ctx, param) from error


day_before_option = click.option(
    "--day-before",
    cls=_DayBefore,
    is_eager=True,
    expose_value=False,
    type=UtcTime(),
    metavar="T",
    help="In the place of --start and --end: the UTC day before that of this time, such as a "
    "schedule's.",
)


Window = tuple[date, date]
"""UTC days, half-open."""


def window_options(what: str) -> Callable[[F], F]:
    """Give a command the days of what it reads from a lake, as its argument `window`.

    Parameters
    ----------
    what : str
        What is of these days, for the help.

    Notes
    -----
    `window` is None without days: all that the lake holds.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def wrapped(start: datetime | None, end: datetime | None, **given: Any) -> Any:
            refuse_unless((start is None) == (end is None), "--start and --end go together")
            window = None
            if start is not None and end is not None:
                window = start.date(), end.date()
                refuse_unless(
                    start < end,
                    f"--start {window[0]} is not before --end {window[1]} (the end is exclusive)",
                )
            return function(window=window, **given)

        decorated: Any = day_before_option(wrapped)
        decorated = click.option(
            "--end",
            type=UtcDay(),
            metavar="DAY",
            help="Day after the last.  [default of both: all that the lake holds]",
        )(decorated)
        first = click.option(
            "--start", type=UtcDay(), metavar="DAY", help=f"First UTC day of the {what}."
        )
        return first(decorated)  # type: ignore[no-any-return]

    return decorate

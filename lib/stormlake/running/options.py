"""Options that all commands share, and how a command turns errors into exit codes."""

from __future__ import annotations

import base64
import functools
import json
import logging
import re
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Final, NoReturn, TypeVar

import click

from stormlake.errors import ExitCode, RefusedInput, StormlakeError
from stormlake.running.failures import place_of
from stormlake.running.logs import set_up_logs

MAX_REJECT_SHARE: Final = 0.05
"""Default of `--max-reject-share`, for every job that reads an archive."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Common:
    """Options that every command takes.

    Parameters
    ----------
    run_id : str or None
        Name of this run; made from what the run does and its start when None.
    output : str
        `text` or `json`.
    region, aws_profile, endpoint_url : str or None
        Where and as whom AWS is reached.
    dry_run : bool
        Say what would be done, touch nothing.
    """

    run_id: str | None = None
    output: str = "text"
    log_json: bool = False
    region: str | None = None
    aws_profile: str | None = None
    endpoint_url: str | None = None
    dry_run: bool = False


class StormlakeCommand(click.Command):
    """A command that accepts its arguments as one base64 text and ends with our exit codes."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the arguments of `--options` in the place of the option (EMR's command-runner
        drops empty arguments and deletes closing braces; base64 passes unharmed).
        """
        return super().parse_args(ctx, unpack_arguments(args))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what went wrong becomes a message on stderr and an exit code."""
        previous = signal.signal(signal.SIGTERM, _raise_terminated)
        try:
            return super().invoke(ctx)
        except Terminated:
            _leave_terminated()
        except (KeyboardInterrupt, click.Abort):
            _leave_interrupted()
        except (click.ClickException, click.exceptions.Exit, SystemExit):
            raise
        except Exception as error:
            first = interrupt_behind(error)
            if isinstance(first, Terminated):
                _leave_terminated()
            if isinstance(first, KeyboardInterrupt):
                _leave_interrupted()
            if isinstance(error, StormlakeError):
                leave(error.exit_code, f"{type(error).__name__}: {error}")
            if isinstance(error, OSError):
                leave(ExitCode.FAILED, _os_error(error))
            if ctx.params.get("log_json"):
                click.echo(json.dumps({"exception": traceback.format_exc()}), err=True)
            said = f"unexpected {type(error).__name__}: {_first_lines(error)}"
            leave(ExitCode.FAILED, f"{said} ({place_of(error)})")
        finally:
            signal.signal(signal.SIGTERM, previous)


class Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception, so that locks are released and an exit is recorded.

    A KeyboardInterrupt, because py4j cleans up for that one alone: after any other exception the
    next command reads the answer of the one that was cut off.
    """


def _raise_terminated(signum: int, frame: object) -> NoReturn:
    raise Terminated


def interrupt_behind(error: BaseException) -> BaseException:
    """Give the interrupt whose handling raised this error; the error itself where there is none.

    An interrupt cuts off a call to the JVM, and what PySpark does on the way out may fail in turn
    and hide it.
    """
    found: BaseException | None = error
    while found is not None and not isinstance(found, KeyboardInterrupt):
        found = found.__context__
    return error if found is None else found


def _leave_terminated() -> NoReturn:
    leave(ExitCode.CANCELLED, "terminated; run it again to get complete tables")


def _leave_interrupted() -> NoReturn:
    leave(ExitCode.INTERRUPTED, "interrupted; run it again to get complete tables")


def leave(code: ExitCode, message: str) -> NoReturn:
    """Tell why on stderr and end the process with a code."""
    context = click.get_current_context(silent=True)
    if context is not None and context.params.get("log_json"):
        logging.getLogger("stormlake").error("%s", message)
    else:
        click.echo(f"stormlake: {message}", err=True)
    sys.exit(int(code))


def _checked_run_id(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Refuse an id that is no file name, or too long for its column."""
    if value is not None and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", value):
        raise click.BadParameter(
            f"{value!r}: expected at most 128 letters, digits, '.', '_' and '-'", ctx, param
        )
    return value


def common_options(function: F) -> F:
    """Give a command the options that all share, as its argument `common`."""

    @click.option(
        "--run-id",
        metavar="ID",
        callback=_checked_run_id,
        help="Name of this run; made when not given.",
    )
    @click.option(
        "--options",
        "packed_options",
        metavar="BASE64JSON",
        expose_value=False,
        help="All arguments as base64url of a JSON list, in the place of this option.",
    )
    @click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="json: the last line of stdout is one JSON object.",
    )
    @click.option("--log-json", is_flag=True, help="Log one JSON object a line, on stderr.")
    @click.option("--region", metavar="NAME", help="AWS region.")
    @click.option("--aws-profile", metavar="NAME", help="Profile of the AWS configuration.")
    @click.option("--endpoint-url", metavar="URL", help="Another S3 endpoint than AWS's.")
    @click.option("--dry-run", is_flag=True, help="Say what would be done; touch nothing.")
    @functools.wraps(function)
    def wrapped(**given: Any) -> Any:
        common = Common(**{f.name: given.pop(f.name) for f in fields(Common)})
        set_up_logs(common.log_json)
        return function(common=common, **given)

    return wrapped  # type: ignore[return-value]


def archive_options(function: F) -> F:
    """Give a job that reads an archive `--max-reject-share` and `--master`."""
    function = click.option(
        "--max-reject-share",
        type=click.FloatRange(0, 1),
        default=MAX_REJECT_SHARE,
        show_default=True,
        metavar="X",
        help="Exit 3 when more than this share of the input is rejected.",
    )(function)
    return click.option(
        "--master",
        metavar="URL",
        help="Spark master when not under spark-submit.  [default: local[*]]",
    )(function)


class UtcDay(click.ParamType[datetime]):
    """A UTC day, `2016-06-01`; another hour than midnight is refused."""

    name = "day"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read a day; a time of day would let a run erase the rest of that day."""
        if isinstance(value, datetime):
            return value
        try:
            day = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a day such as 2016-06-01", param, ctx)
        try:
            day = day.replace(tzinfo=UTC) if day.tzinfo is None else day.astimezone(UTC)
        except OverflowError:
            self.fail(f"{value!r} is out of the calendar in UTC", param, ctx)
        if (day.hour, day.minute, day.second, day.microsecond) != (0, 0, 0, 0):
            self.fail(
                f"{value!r} is not midnight UTC: a run replaces whole UTC days, and the rest of "
                f"that day would be erased; give {day:%Y-%m-%d}",
                param,
                ctx,
            )
        return day


class UtcTime(click.ParamType[datetime]):
    """A UTC time, `2016-06-01T15:00:25`."""

    name = "time"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read a time; one without a zone is UTC."""
        if isinstance(value, datetime):
            return value
        try:
            time = datetime.fromisoformat(value)
            return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2016-06-01T15:00:25", param, ctx)
        except OverflowError:
            self.fail(f"{value!r} is out of the calendar in UTC", param, ctx)


def tell(common: Common, **facts: Any) -> None:
    """Print what a command made: one JSON object, or a line for each fact."""
    if common.output == "json":
        click.echo(json.dumps(facts))
        return
    width = max(8, *map(len, facts))
    for name, value in facts.items():
        # A count of each kind reads as `Linux 3, iOS 5`, not as Python.
        told = ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
        click.echo(f"{name:<{width}} {told}")


def print_json(summary: Any) -> None:
    """Print a summary dataclass as one JSON object on one line of stdout."""
    click.echo(json.dumps(asdict(summary), default=str))


def pack_arguments(arguments: Sequence[str]) -> str:
    """Write arguments as one text for `--options`: base64url of a JSON list, ASCII throughout."""
    return base64.urlsafe_b64encode(json.dumps(list(arguments)).encode()).decode().rstrip("=")


def unpack_arguments(args: list[str]) -> list[str]:
    """Put the arguments of `--options` in its place.

    Raises
    ------
    click.UsageError
        It does not hold a list of texts.
    """
    for position, argument in enumerate(args):
        if argument == "--options" and position + 1 < len(args):
            packed, rest = args[position + 1], args[position + 2 :]
        elif argument.startswith("--options="):
            packed, rest = argument.removeprefix("--options="), args[position + 1 :]
        else:
            continue
        try:
            padded = packed + "=" * (-len(packed) % 4)
            unpacked = json.loads(base64.urlsafe_b64decode(padded))
        except ValueError as error:  # not base64, not UTF-8, or not JSON
            raise click.UsageError(f"--options is not base64url of a JSON list: {error}") from error
        if not isinstance(unpacked, list) or not all(isinstance(a, str) for a in unpacked):
            raise click.UsageError("--options must hold a JSON list of texts")
        return [*args[:position], *unpacked, *rest]
    return args


def _os_error(error: OSError) -> str:
    place = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or type(error).__name__}{place}"


def _first_lines(error: BaseException, count: int = 3) -> str:
    text = str(error).strip()
    # What Java and Spark's Python workers say first is that something failed; why comes last.
    causes = re.findall(r"^\s*Caused by: (.+)$", text, re.MULTILINE)
    said = " | ".join(line.strip() for line in text.splitlines()[:count])
    return f"{causes[-1].strip()} (while: {said})" if causes else said


def refuse_unless(condition: bool, message: str) -> None:
    """Raise `RefusedInput` with the message when the condition does not hold."""
    if not condition:
        raise RefusedInput(message)

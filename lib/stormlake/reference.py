"""The reference page of the command line: `python -m stormlake.reference > docs/options.md`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Final

import click

from stormlake.cli import main
from stormlake.errors import ExitCode
from stormlake.running.options import common_options

_HEAD: Final = """\
<!-- Generated from the commands themselves; do not edit. To make it anew:
     python -m stormlake.reference > docs/options.md -->
# Commands and options

Every command tells the same with `--help`. A job (`ingest-radar`, `aggregate`, `score`, `alert`,
`warehouse load`) has two more doors with the same options: `spark-submit jobs/ingest_radar.py …`,
`jobs/aggregate_sensors.py …`, `jobs/score_anomalies.py …`, `jobs/raise_alerts.py …` or
`jobs/load_redshift.py …` (to submit it: `load-redshift`), and `--options BASE64JSON`, which takes
the place of all of them where a launcher would damage the arguments.

## Options of every command

"""

_EXITS: Final = {
    ExitCode.DONE: "Done.",
    ExitCode.FAILED: "Failed; the message says where.",
    ExitCode.REFUSED: "Usage, or an input that was refused (also: a lock that another run keeps).",
    ExitCode.TOO_MANY_REJECTS: "Done and written, but more of the input was rejected than "
    "`--max-reject-share` allows.",
    ExitCode.STILL_RUNNING: "Timed out, and what was started is still running.",
    ExitCode.UNREACHABLE: "A service could not be reached after all retries.",
    ExitCode.CANCELLED: "Cancelled (SIGTERM).",
    ExitCode.INTERRUPTED: "Interrupted (Ctrl-C).",
}


def commands(group: click.Group = main, path: str = "stormlake") -> Iterator[tuple[str, str]]:
    """Give (full name, section of the page) of every command below a group, by name."""
    context = click.Context(group, info_name=path)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        full = f"{path} {name}"
        if isinstance(command, click.Group):
            yield from commands(command, full)
        else:
            yield full, _section(command, full)


def reference_page() -> str:
    """Markdown page of all commands, their options and their exit codes."""
    shared = _table(_shared())
    sections = "".join(section for _, section in commands())
    exits = [f"| {int(code)} | {meaning} |" for code, meaning in _EXITS.items()]
    ending = "\n".join(["", "## Exit codes", "", "| code | meaning |", "| --- | --- |", *exits, ""])
    return f"{_HEAD}{shared}\n{sections}{ending}"


def _shared() -> list[click.Parameter]:
    """Options that every command has, in the order of their definition."""

    @click.command()
    @common_options
    def nothing(common: object) -> None:
        """Carry the options."""

    return list(nothing.params)


def _section(command: click.Command, full: str) -> str:
    shared = {parameter.name for parameter in _shared()}
    own = [p for p in command.params if p.name not in shared]
    arguments = [p.make_metavar(click.Context(command)) for p in own if _is_argument(p)]
    return "\n".join(
        [
            "",
            f"## {full}",
            "",
            f"`{' '.join([full, *arguments, '[OPTIONS]'])}`",
            "",
            inspect.cleandoc(command.help or ""),
            "",
            _table([p for p in own if not _is_argument(p)]),
            "",
        ]
    )


def _table(parameters: list[click.Parameter]) -> str:
    lines = ["| option | meaning |", "| --- | --- |"]
    lines += [_line(p) for p in parameters if isinstance(p, click.Option)]
    return "\n".join(lines)


def _line(option: click.Option) -> str:
    name = ", ".join(option.opts)
    context = click.Context(click.Command("reference"))
    value = "" if option.is_flag else f" {option.make_metavar(context)}"
    notes = []
    if option.required:
        notes.append("Required.")
    if option.show_default and not option.is_flag:
        notes.append(f"Default `{option.default}`.")
    # Defaults that depend on something else stand in the help's own words.
    meaning = re.sub(r"\s*\[default( of both)?: (.*)\]$", r" Default\1: \2.", option.help or "")
    cells = (f"`{name}{value}`", " ".join([meaning, *notes]))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _is_argument(parameter: click.Parameter) -> bool:
    return isinstance(parameter, click.Argument)


if __name__ == "__main__":
    print(reference_page(), end="")

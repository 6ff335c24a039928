"""A group of commands whose modules are imported when they are asked for."""

from __future__ import annotations

import importlib
from collections.abc import Collection, Mapping
from typing import Any

import click


class LateGroup(click.Group):
    """Loads a command when it is asked for: `--help` must not wait for boto3 or Spark.

    Parameters
    ----------
    late : mapping of str to str
        Module of each such command, which has a click command `main`.
    unlisted : collection of str
        Commands of these that `--help` shows elsewhere.
    **attributes
        As `click.Group` takes them.
    """

    def __init__(
        self, *, late: Mapping[str, str], unlisted: Collection[str] = (), **attributes: Any
    ) -> None:
        super().__init__(**attributes)
        self.late = dict(late)
        self.unlisted = frozenset(unlisted)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names of all commands, loaded or not, that are to be shown."""
        return sorted({*super().list_commands(ctx), *self.late} - self.unlisted)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command."""
        if cmd_name in self.late:
            command: click.Command = importlib.import_module(self.late[cmd_name]).main
            return command
        return super().get_command(ctx, cmd_name)

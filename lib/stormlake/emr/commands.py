"""`stormlake emr …`: one module for each command, imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import Final

import click

MODULES: Final[dict[str, str]] = {
    "cancel": "cancel_command",
    "cost": "cost_command",
    "deploy": "deploy_command",
    "estimate": "estimate_command",
    "list": "list_command",
    "logs": "logs_command",
    "package": "package_command",
    "run": "run_command",
    "schedule": "schedule_command",
    "status": "status_command",
    "submit": "submit_command",
    "wait": "wait_command",
}
"""Command -> module below `stormlake.emr`, which has a click command `main`."""


class _Group(click.Group):
    """Loads a command when it is asked for: `--help` must not wait for boto3."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(MODULES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in MODULES:
            return None
        command: click.Command = importlib.import_module(f"stormlake.emr.{MODULES[cmd_name]}").main
        return command


@click.group("emr", cls=_Group)
def main() -> None:
    """Run the jobs on Amazon EMR: package, deploy, submit, follow, cancel, pay."""

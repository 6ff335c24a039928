"""`stormlake emr …`: one module for each command, imported when it is asked for."""

from __future__ import annotations

from typing import Final

from stormlake.running.late_group import LateGroup

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

main: Final = LateGroup(
    name="emr",
    late={command: f"stormlake.emr.{module}" for command, module in MODULES.items()},
    help="Run the jobs on Amazon EMR: package, deploy, submit, follow, cancel, pay.",
)

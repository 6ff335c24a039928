"""`stormlake warehouse …`: one module for each command, imported when it is asked for."""

from __future__ import annotations

from typing import Final

from stormlake.running.jobs import JOBS
from stormlake.running.late_group import LateGroup

MODULES: Final[dict[str, str]] = {
    "errors": "errors_command",
    "load-text": "load_text_command",
    "status": "status_command",
    "verify": "verify_command",
}
"""Command -> module below `stormlake.warehouse`, which has a click command `main`."""

main: Final = LateGroup(
    name="warehouse",
    late={
        **{command: f"stormlake.warehouse.{module}" for command, module in MODULES.items()},
        "load": f"stormlake.jobs.{JOBS['load-redshift'].module}",
    },
    help="Load the lake's tables into Amazon Redshift, exactly once.",
)

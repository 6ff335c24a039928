"""`stormlake athena …`: one module for each command, imported when it is asked for."""

from __future__ import annotations

from typing import Final

from stormlake.running.late_group import LateGroup

MODULES: Final[dict[str, str]] = {
    "query": "query_command",
    "register": "register_command",
}
"""Command -> module below `stormlake.athena`, which has a click command `main`."""

main: Final = LateGroup(
    name="athena",
    late={command: f"stormlake.athena.{module}" for command, module in MODULES.items()},
    help="Query the lake with Amazon Athena.",
)

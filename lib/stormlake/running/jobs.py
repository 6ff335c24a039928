"""Which commands are Spark jobs, which file runs each, and what its runs are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Job:
    """A command that spark-submit can run.

    Parameters
    ----------
    module : str
        Its file in `jobs/`, without `.py`; it has a click command `main`.
    named_by : str or None
        The command's argument that is part of the job's name (`aggregate-wind_max`).
    file_options : tuple of str
        Options whose value may be a file of the machine where a person types it.
    shown_as : str or None
        Command under which it is listed, where that is not the job's own name: the name alone is
        for submits and for records.
    """

    module: str
    named_by: str | None = None
    file_options: tuple[str, ...] = ()
    shown_as: str | None = None

    @property
    def file(self) -> str:
        """The job's file in `jobs/`."""
        return f"{self.module}.py"

    def name(self, command: str, parameters: Mapping[str, Any]) -> str:
        """What records, locks and steps call a run of this command with these parameters."""
        return command if self.named_by is None else f"{command}-{parameters[self.named_by]}"


JOBS: Final = {
    "aggregate": Job("aggregate_sensors", named_by="name"),
    "ingest-radar": Job("ingest_radar", file_options=("--profile", "--station-file")),
    "load-redshift": Job("load_redshift", shown_as="warehouse load"),
}
"""By the command's name."""

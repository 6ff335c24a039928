"""Which commands are Spark jobs, which file runs each, and what its runs are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final


@dataclass(frozen=True)
class Job:
    """A command that spark-submit can run.

    Parameters
    ----------
    module : str
        Its file in `jobs/`, without `.py`; it has a click command `main`.
    named_by : tuple of str
        The command's arguments of which the first that is given is part of the job's name
        (`aggregate-wind_max`).
    file_options : tuple of str
        Options whose value may be a file of the machine where a person types it.
    shown_as : str or None
        Command under which it is listed, where that is not the job's own name: the name alone is
        for submits and for records.
    """

    module: str
    named_by: tuple[str, ...] = ()
    file_options: tuple[str, ...] = ()
    shown_as: str | None = None

    @property
    def file(self) -> str:
        """The job's file in `jobs/`."""
        return f"{self.module}.py"

    def name(self, command: str, parameters: Mapping[str, Any]) -> str:
        """What records, locks and steps call a run of this command with these parameters."""
        given = (parameters[name] for name in self.named_by if parameters.get(name))
        return "-".join([command, *islice(given, 1)])


JOBS: Final = {
    "aggregate": Job("aggregate_sensors", named_by=("name",)),
    "alert": Job("raise_alerts", file_options=("--rules",)),
    "ingest-radar": Job("ingest_radar", file_options=("--profile", "--station-file")),
    "score": Job("score_anomalies", named_by=("name", "kind"), file_options=("--registry",)),
    "load-redshift": Job("load_redshift", shown_as="warehouse load"),
}
"""By the command's name."""

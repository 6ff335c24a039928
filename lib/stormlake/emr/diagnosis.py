"""Gather what there is on why something failed: its logs, its lake, the service's words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from stormlake.emr.causes import Cause, find_cause, read_evidence
from stormlake.emr.deliveries import until_complete
from stormlake.emr.logs import Found, Log, Logs, NoLogs
from stormlake.emr.looks import Look
from stormlake.emr.outcomes import Outcome
from stormlake.running.aws import Aws

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Diagnosis:
    """Why something failed, as far as it is known by now.

    Parameters
    ----------
    cause : Cause or None
    awaited : tuple of str
        Logs that were not delivered yet, and may say more.
    without_logs : str or None
        Why there will never be logs.
    """

    cause: Cause | None
    awaited: tuple[str, ...] = ()
    without_logs: str | None = None


def diagnose(aws: Aws, seen: Look, ended: Outcome, found: Found | None = None) -> Diagnosis:
    """Say why something that has ended failed.

    Parameters
    ----------
    aws : Aws
    seen : Look
        The last one.
    ended : Outcome
    found : Found, optional
        Its logs, where they have been listed.
    """
    service = seen.cluster_reason if seen.lost else seen.reason or seen.cluster_reason
    try:
        logs = Logs(aws, seen)
    except NoLogs as error:
        return Diagnosis(find_cause(seen.failure, [], ended.left, service), (), str(error))
    found = found or logs.find()
    evidence = [
        read_evidence(f"{log.title} ({logs.address(log)})", logs.lines(log))
        for log in by_worth(found)
    ]
    return Diagnosis(find_cause(seen.failure, evidence, ended.left, service), found.awaited)


def wait_for_logs(aws: Aws, seen: Look, **given: Any) -> Found | None:
    """Wait until the logs of something that has ended are there, or late; None without any.

    Parameters
    ----------
    aws : Aws
    seen : Look
        The last one.
    given
        Clock and sleep, as of `until_complete`.
    """
    try:
        logs = Logs(aws, seen)
    except NoLogs:
        return None
    logger.info("%s has ended; its logs come up to 5 minutes later", seen.ref)
    return until_complete(logs.find, seen, **given)


def by_worth(found: Found) -> Iterator[Log]:
    """Logs in the order in which they are believed: the driver's last attempt first.

    In cluster mode all that Python says, on stdout and stderr, is in the container's stdout
    (Spark's PythonRunner joins the two).
    """
    yield from reversed(found.titled("driver"))
    for name in ("stderr", "stdout", "controller"):
        yield from found.titled(f"step {name}")

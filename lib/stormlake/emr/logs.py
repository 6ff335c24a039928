"""Logs of a step or a job run, where the service delivers them: which there are, and their text.

Below `<LogUri>/<cluster>/`: `steps/<step>/{controller,syslog,stderr,stdout}.gz`, and, as in YARN's
cluster mode the driver is a process of its own, `containers/<application>/<container>/{stderr,
stdout}.gz`; the driver's container is number 000001 of each attempt ("View Amazon EMR log files",
EMR Management Guide). Serverless: `<logUri>/applications/<application>/jobs/<job run>/
SPARK_DRIVER/{stderr,stdout}.gz` ("Storing logs", EMR Serverless User Guide). They are delivered
every five minutes, each time the whole object anew.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from urllib.parse import urlsplit

from stormlake.archive.inflate import InflateFailed, inflated
from stormlake.archive.objects import FetchFailed
from stormlake.archive.s3_read import read_range
from stormlake.emr.looks import Look
from stormlake.emr.lookup import all_pages
from stormlake.emr.refs import StepRef
from stormlake.errors import RefusedInput, ServiceUnreachable
from stormlake.running.aws import ApiCall, Aws

STEP_LOGS: Final = ("controller", "syslog", "stderr", "stdout")
"""In the order in which they are shown."""
DRIVER_LOGS: Final = ("stderr", "stdout")

APPLICATION: Final = re.compile(r"\bapplication_\d+_\d+\b")
_DRIVER: Final = re.compile(
    # A container's id has an epoch once the resource manager was started anew (YARN, ContainerId).
    r"container_(?:e\d+_)?\d+_\d+_(?P<attempt>\d+)_000001/(?P<name>stderr|stdout)(?:\.gz)?"
)

logger = logging.getLogger(__name__)


class NoLogs(RefusedInput):
    """The service was not told where to deliver logs."""


@dataclass(frozen=True)
class Log:
    """One log that was delivered, as it was listed.

    Parameters
    ----------
    title : str
        `step stderr`, `driver stdout, attempt 2`.
    key : str
    size : int
        Bytes, compressed.
    etag : str
        Changes when more was delivered.
    delivered : datetime
        Of the last delivery, by S3's clock.
    """

    title: str
    key: str
    size: int
    etag: str
    delivered: datetime


@dataclass(frozen=True)
class Found:
    """The logs of a look.

    Parameters
    ----------
    logs : tuple of Log
        The step's, then the driver's, its last attempt last.
    awaited : tuple of str
        Titles of those that were not delivered yet.
    """

    logs: tuple[Log, ...]
    awaited: tuple[str, ...]

    def titled(self, start: str) -> list[Log]:
        """Logs whose title begins so."""
        return [log for log in self.logs if log.title.startswith(start)]


class Logs:
    """The logs of one step or job run.

    Parameters
    ----------
    aws : Aws
    seen : Look
        Any look at it.

    Raises
    ------
    NoLogs
        There is no place for them.
    """

    def __init__(self, aws: Aws, seen: Look) -> None:
        parts = urlsplit(seen.log_uri or "")
        if parts.scheme not in ("s3", "s3a", "s3n") or not parts.netloc:
            raise NoLogs(_no_logs(seen))
        self._aws = aws
        self._seen = seen
        self.bucket = parts.netloc
        self._root = f"{parts.path.strip('/')}/".removeprefix("/")
        self._application: str | None = None

    def address(self, log: Log) -> str:
        """Where a log lies."""
        return f"s3://{self.bucket}/{log.key}"

    def find(self) -> Found:
        """List what has been delivered by now.

        Raises
        ------
        CallFailed, AnswerLost
            Of S3.
        ServiceUnreachable
            The step's stderr, which names the driver's application, could not be read.
        """
        ref = self._seen.ref
        if not isinstance(ref, StepRef):
            folder = f"applications/{ref.application}/jobs/{ref.job_run}/SPARK_DRIVER/"
            return self._named(folder, "driver", DRIVER_LOGS)
        step = self._named(f"{ref.cluster}/steps/{ref.step}/", "step", STEP_LOGS)
        if not self._seen.cluster_mode:
            return step
        application = self._find_application(step)
        if application is None:
            return Found(step.logs, (*step.awaited, "the driver's logs"))
        drivers = self._drivers(f"{ref.cluster}/containers/{application}/")
        awaited = () if drivers else (f"the driver's logs ({application})",)
        return Found((*step.logs, *drivers), (*step.awaited, *awaited))

    def pieces(self, log: Log, skip: int = 0) -> Iterator[bytes]:
        """Stream what is in a log, uncompressed.

        Parameters
        ----------
        log : Log
            As listed; what was delivered since is left to the next listing.
        skip : int
            Bytes, uncompressed, not to give again.

        Raises
        ------
        ServiceUnreachable
            The object broke off again and again, or was replaced since it was listed.
        """
        if not log.size:
            return
        client = self._aws.client("s3")
        try:
            data = read_range(client, self.bucket, log.key, 0, log.size, log.etag)
        except FetchFailed as error:
            raise ServiceUnreachable(f"{log.title}: {error}") from error
        try:
            for piece in inflated([data]):
                new, skip = piece[skip:], max(0, skip - len(piece))
                if new:
                    yield new
        except InflateFailed as error:
            logger.warning("%s: %s", self.address(log), error.detail)

    def lines(self, log: Log) -> Iterator[str]:
        """Stream a log's lines; errors as of `pieces`."""
        rest = b""
        for piece in self.pieces(log):
            *lines, rest = (rest + piece).split(b"\n")
            yield from (line.decode(errors="replace").rstrip("\r") for line in lines)
        if rest:
            yield rest.decode(errors="replace")

    def _named(self, folder: str, kind: str, names: tuple[str, ...]) -> Found:
        listed = {log.key.rpartition("/")[2].removesuffix(".gz"): log for log in self._list(folder)}
        logs = tuple(
            replace(listed[name], title=f"{kind} {name}") for name in names if name in listed
        )
        return Found(logs, tuple(f"{kind} {name}" for name in names if name not in listed))

    def _find_application(self, step: Found) -> str | None:
        """The YARN application that the step submitted, by what it told on stderr."""
        if self._application is None:
            for log in step.titled("step stderr"):
                # The last one: a step runs one spark-submit, which may name others before.
                for line in self.lines(log):
                    for found in APPLICATION.findall(line):
                        self._application = found
        return self._application

    def _drivers(self, folder: str) -> list[Log]:
        found = []
        for log in self._list(folder):
            match = _DRIVER.search(log.key)
            if match:
                attempt = int(match["attempt"])
                title = f"driver {match['name']}, attempt {attempt}"
                found.append((attempt, DRIVER_LOGS.index(match["name"]), replace(log, title=title)))
        return [log for _, _, log in sorted(found, key=lambda each: each[:2])]

    def _list(self, folder: str) -> Iterator[Log]:
        place = {"Bucket": self.bucket, "Prefix": self._root + folder}
        for entry in all_pages(self._aws, ApiCall("s3", "ListObjectsV2", place)):
            yield Log("", entry["Key"], entry["Size"], entry["ETag"], entry["LastModified"])


def _no_logs(seen: Look) -> str:
    if isinstance(seen.ref, StepRef):
        return (
            f"cluster {seen.ref.cluster} has no LogUri, so EMR keeps its logs on the cluster's own "
            "machines; make clusters with log_uri in the cluster file. What the run itself left in "
            f"its lake: stormlake emr wait {seen.ref}"
        )
    return (
        f"job run {seen.ref} was started without a log address in S3; submit with --log-uri. What "
        f"the run itself left in its lake: stormlake emr wait {seen.ref}"
    )

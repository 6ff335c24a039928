"""Where and when the stand-in puts logs into S3, as EMR's daemons do.

Sources: "View Amazon EMR log files" and "Configure Amazon EMR cluster logging and debugging" (EMR
Management Guide): below `<LogUri>/<cluster>/`, `steps/<step>/{controller,syslog,stdout,stderr}.gz`
and `containers/<application>/<container>/{stdout,stderr}.gz`, delivered every five minutes.
"Storing logs" (EMR Serverless User Guide): `applications/<application>/jobs/<job run>/`
`SPARK_DRIVER/{stdout,stderr}.gz`.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

Text = Mapping[str, str]
"""A process's logs: `stdout`, `stderr`, of a step also `controller` and `syslog`."""


@dataclass
class LogStore:
    """Writes gzip objects with AWS's own client, past the stand-in's faults.

    Parameters
    ----------
    s3 : client
    every : float
        Seconds of the clock between two deliveries while something runs; EMR's five minutes.
    delay : float
        Seconds from something's end to its last delivery; 0 is before anyone can see the end.
    undelivered : list of str
        Addresses that S3 refused; EMR says nothing of them either.
    """

    s3: Any
    every: float = 300.0
    delay: float = 0.0
    undelivered: list[str] = field(default_factory=list)

    def put(self, address: str, text: str) -> None:
        """Write one log, gzipped."""
        from botocore.exceptions import ClientError

        parts = urlsplit(address)
        body = gzip.compress(text.encode(), mtime=0)
        try:
            self.s3.put_object(Bucket=parts.netloc, Key=parts.path.lstrip("/"), Body=body)
        except ClientError:
            self.undelivered.append(address)


@dataclass
class Delivery:
    """When the logs of one thing that runs were delivered, and whether there is more to come."""

    last: float
    complete: bool = False

    def due(self, store: LogStore, now: float, ended: float | None) -> bool:
        """Whether to deliver now; remembers that it was done."""
        if self.complete or (
            now < ended + store.delay if ended is not None else now < self.last + store.every
        ):
            return False
        self.last = now
        self.complete = ended is not None
        return True


def container(application: str, attempt: int) -> str:
    """Container of a driver on YARN: the first of the application's attempt."""
    return f"{application.replace('application', 'container')}_{attempt:02}_000001"


def yarn_client_text(application: str, at: float, exit_code: int | None) -> str:
    """What YARN's client in `spark-submit` tells on stderr, as far as a reader looks for it.

    Parameters
    ----------
    application : str
        `application_<n>_<n>`.
    at : float
        When it was submitted (s since 1970).
    exit_code : int or None
        None while it runs.
    """
    stamp = time.strftime("%y/%m/%d %H:%M:%S", time.gmtime(at))
    lines = [
        f"{stamp} INFO YarnClientImpl: Submitted application {application}",
        f"{stamp} INFO Client: Application report for {application} (state: ACCEPTED)",
        f"{stamp} INFO Client: Application report for {application} (state: RUNNING)",
    ]
    if exit_code is not None:
        lines.append(f"{stamp} INFO Client: Application report for {application} (state: FINISHED)")
        if exit_code:
            lines.append(f"\t diagnostics: User application exited with status {exit_code}")
        lines.append(f"\t final status: {'SUCCEEDED' if exit_code == 0 else 'FAILED'}")
    if exit_code:
        lines.append(
            'Exception in thread "main" org.apache.spark.SparkException: Application '
            f"{application} finished with failed status"
        )
    return "\n".join(lines) + "\n"

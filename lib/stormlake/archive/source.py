"""The front door of an archive: where it lies, what it holds, how to read it.

    source = open_source("s3://unidata-nexrad-level2")
    objects = source.list_objects(["KLBB"], date(2016, 6, 1), date(2016, 6, 2))
    data = open_fetcher(source).fetch(next(objects))

`Source` and fetchers are small and picklable: they travel to Spark's workers, where the S3 client
is made on first use, once per process.
"""

from __future__ import annotations

import datetime as dt
import os
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from stormlake.archive import s3
from stormlake.archive.keys import is_station
from stormlake.archive.local import LocalFetcher, list_folder
from stormlake.archive.objects import ArchiveObject, Fetcher
from stormlake.archive.s3 import DEFAULT_REGION, DEFAULT_SOURCE, PATIENT, PROBE, Patience
from stormlake.archive.s3_read import read_object
from stormlake.errors import RefusedInput

_S3: Final = "s3://"


@dataclass(frozen=True)
class Source:
    """An archive: a bucket (and a prefix in it) or a local folder. Made by `open_source`.

    Parameters
    ----------
    uri : str
        `s3://bucket`, `s3://bucket/prefix` or an absolute path.
    region, endpoint_url, aws_profile : str or None
        Of the S3 client; None takes what the environment says.
    patience : Patience
        Of the S3 client.
    """

    uri: str
    region: str | None = None
    endpoint_url: str | None = None
    aws_profile: str | None = None
    patience: Patience = PATIENT

    @property
    def is_s3(self) -> bool:
        """Whether this is a bucket."""
        return self.uri.startswith(_S3)

    @property
    def unsigned(self) -> bool:
        """Whether reads carry no signature: only those of the public archive."""
        return self.is_s3 and self.bucket == DEFAULT_SOURCE.removeprefix(_S3)

    @property
    def bucket(self) -> str:
        """The bucket's name."""
        return self.uri.removeprefix(_S3).partition("/")[0]

    @property
    def prefix(self) -> str:
        """What stands before every key in the bucket: empty, or ends in `/`."""
        inside = self.uri.removeprefix(_S3).partition("/")[2]
        return f"{inside}/" if inside else ""

    def list_objects(
        self,
        stations: Collection[str] = (),
        start: dt.date | None = None,
        end: dt.date | None = None,
    ) -> Iterator[ArchiveObject]:
        """Stream the objects of some stations and a half-open window of UTC days.

        Parameters
        ----------
        stations : collection of str
            Empty means all; a bucket needs at least one.
        start, end : date or None
            None means no limit; a bucket needs both. Objects whose names say no day are listed
            whatever the window; the volume's header decides later.

        Returns
        -------
        iterator of ArchiveObject
            In an order that depends on keys alone. What can be refused is refused in the call.

        Raises
        ------
        RefusedInput
            Bad options, no such folder or bucket, no permission.
        ServiceUnreachable
            S3 does not answer.
        """
        wrong = sorted(station for station in stations if not is_station(station))
        if wrong:
            raise RefusedInput(
                f"--station {wrong[0]!r} is not four capital letters or digits, such as KLBB"
            )
        if start is not None and end is not None and start >= end:
            raise RefusedInput(f"--start {start} is not before --end {end} (the end is exclusive)")
        if not self.is_s3:
            return list_folder(self.uri, frozenset(stations), start, end)
        if not stations or start is None or end is None:
            raise RefusedInput(f"source {self.uri} needs --station, --start and --end")
        probe_bucket(self)
        return s3.list_station_days(
            client_of(self),
            bucket=self.bucket,
            prefix=self.prefix,
            stations=stations,
            start=start,
            end=end,
        )


@dataclass(frozen=True)
class S3Fetcher:
    """Reads objects of a bucket.

    Parameters
    ----------
    source : Source
    sleep : callable
        Waits between attempts, s.
    """

    source: Source
    sleep: Callable[[float], None] = time.sleep

    def fetch(self, obj: ArchiveObject) -> bytes:
        """Return the object's bytes, or raise `FetchFailed`."""
        source = self.source
        return read_object(
            client_of(source),
            source.bucket,
            source.prefix + obj.key,
            source.patience.body_attempts,
            self.sleep,
        )


def open_source(
    uri: str = DEFAULT_SOURCE,
    *,
    region: str | None = None,
    endpoint_url: str | None = None,
    aws_profile: str | None = None,
    patience: Patience = PATIENT,
) -> Source:
    """Make a source of what a person typed; nothing is contacted.

    Parameters
    ----------
    uri : str
        `s3://bucket`, `s3://bucket/prefix`, or a local folder.
    region, endpoint_url, aws_profile : str or None
        The public archive's region is known; other buckets take the environment's.
    """
    if uri.startswith(_S3):
        source = Source(uri.rstrip("/"), region, endpoint_url, aws_profile, patience)
        if not uri.removeprefix(_S3).strip("/") or not source.bucket:
            raise RefusedInput(f"source {uri!r} names no bucket; write s3://BUCKET[/PREFIX]")
        if source.unsigned and region is None:
            return replace(source, region=DEFAULT_REGION)
        return source
    if "://" in uri or not uri:
        raise RefusedInput(f"source {uri!r}: expected s3://BUCKET[/PREFIX] or a local folder")
    # Spark's workers have another working directory than the driver.
    return Source(str(Path(uri).expanduser().absolute()))


def open_fetcher(source: Source) -> Fetcher:
    """Fetcher of a source; it can be pickled and makes its S3 client where it is used."""
    return S3Fetcher(source) if source.is_s3 else LocalFetcher(source.uri)


_clients: dict[tuple[int, Source], Any] = {}
_clients_lock = threading.Lock()


def probe_bucket(source: Source) -> None:
    """Raise soon what a listing of this bucket would raise after all its patience."""
    s3.probe(_new_client(replace(source, patience=PROBE)), source.bucket, source.prefix)


def client_of(source: Source) -> Any:
    """S3 client of this source in this process; one that went through a fork shares sockets."""
    with _clients_lock:
        key = (os.getpid(), source)
        if key not in _clients:
            _clients[key] = _new_client(source)
        return _clients[key]


def _new_client(source: Source) -> Any:
    session = s3.make_session(source.region, source.aws_profile)
    return s3.make_client(
        session,
        endpoint_url=source.endpoint_url,
        unsigned=source.unsigned,
        patience=source.patience,
    )

"""What a million keys cost the driver: `python benchmarks/listing.py`.

A simulated bucket in the archive's layout, behind boto3's own S3 client: the client's requests are
answered in this process with the XML that S3 sends, so that paging and parsing are real and
only the network is not. Then what the job does with the listing before Spark gets to work, and with
the rows that come back.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import pickle
import sys
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlsplit

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

import psutil  # noqa: E402

from benchmarks.machine import machine  # noqa: E402
from stormlake.archive.keys import ArchiveKey  # noqa: E402
from stormlake.archive.objects import ArchiveObject  # noqa: E402
from stormlake.archive.plan import Task, plan_tasks  # noqa: E402
from stormlake.archive.s3 import PAGE_KEYS, list_station_days, make_client  # noqa: E402
from stormlake.lake.radar_rows import RunFacts, volume_row  # noqa: E402
from stormlake.lake.radar_scope import (  # noqa: E402
    mark_duplicates,
    place_in_files,
    rows_by_partition,
)
from stormlake.radar.outcomes import Status  # noqa: E402
from stormlake.radar.process import VolumeResult  # noqa: E402
from stormlake.radar.profiles import LAKE  # noqa: E402
from stormlake.radar.stations import builtin_stations  # noqa: E402

BUCKET = "archive"
FIRST_DAY = dt.date(2016, 6, 1)
MEAN_BYTES = 4_000_000

T = TypeVar("T")


@dataclass(frozen=True)
class Bucket:
    """A bucket that exists while it is asked.

    Parameters
    ----------
    per_day : int
        Volumes of a station and day, evenly spread.
    """

    per_day: int

    def keys(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Keys and sizes below a station-day's prefix, in order."""
        year, month, day, station, _ = prefix.split("/")
        midnight = dt.datetime(int(year), int(month), int(day), tzinfo=dt.UTC)
        every = dt.timedelta(days=1) / self.per_day
        for n in range(self.per_day):
            second = (midnight + n * every).replace(microsecond=0)
            # Sizes that differ, so that tasks do: 3 to 5 MB.
            size = MEAN_BYTES + (n * 7919 % 2001 - 1000) * 1000
            yield ArchiveKey(station, second, "_V06").key, size

    def answer(self, url: str) -> bytes:
        """The XML of a ListObjectsV2 request."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        most = int(asked.get("max-keys", PAGE_KEYS))
        after = asked.get("continuation-token", "")
        left = [(key, size) for key, size in self.keys(asked["prefix"]) if key > after]
        page, more = left[:most], len(left) > most
        token = f"<NextContinuationToken>{page[-1][0]}</NextContinuationToken>" if more else ""
        contents = "".join(
            f"<Contents><Key>{key}</Key><LastModified>2016-06-02T00:00:00.000Z</LastModified>"
            f"<ETag>&quot;0123456789abcdef0123456789abcdef&quot;</ETag><Size>{size}</Size>"
            "<StorageClass>INTELLIGENT_TIERING</StorageClass></Contents>"
            for key, size in page
        )
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
            f"<Name>{BUCKET}</Name><Prefix>{asked['prefix']}</Prefix><KeyCount>{len(page)}</KeyCount>"
            f"<MaxKeys>{most}</MaxKeys><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"{token}{contents}</ListBucketResult>"
        ).encode()


class Requests:
    """A client of the simulated bucket, and how many requests it made and what they took."""

    def __init__(self, bucket: Bucket) -> None:
        import boto3

        self.bucket = bucket
        self.count = 0
        self.seconds = 0.0
        session = boto3.session.Session(region_name="us-east-1")
        self.client = make_client(session, endpoint_url="http://127.0.0.1:9", unsigned=True)
        self.client.meta.events.register("before-send.s3.ListObjectsV2", self._send)

    def _send(self, request: Any, **_: Any) -> Any:
        from botocore.awsrequest import AWSResponse

        started = time.process_time()
        body = self.bucket.answer(request.url)
        self.count += 1
        self.seconds += time.process_time() - started
        return AWSResponse(request.url, 200, {}, _Raw(body))


class _Raw:
    """The body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: Any, **__: Any) -> Iterator[bytes]:
        yield self._body


@dataclass
class Stage:
    """What one step took.

    Parameters
    ----------
    cpu, wall : float
        Seconds.
    resident : int
        Bytes resident after it, above what they were at the start.
    """

    cpu: float
    wall: float
    resident: int


class Driver:
    """A driver's process: steps, and what it holds after each."""

    def __init__(self) -> None:
        self._at_start = psutil.Process().memory_info().rss
        self.stages: dict[str, Stage] = {}

    def run(self, name: str, work: Callable[[], T]) -> T:
        """Run a step and keep what it took."""
        cpu, wall = time.process_time(), time.monotonic()
        found = work()
        self.stages[name] = Stage(
            time.process_time() - cpu,
            time.monotonic() - wall,
            psutil.Process().memory_info().rss - self._at_start,
        )
        return found


def stations(count: int) -> list[str]:
    """So many stations; those that the package knows, then made-up ones."""
    known = sorted(builtin_stations())[:count]
    return known + [f"X{n:03d}" for n in range(count - len(known))]


def list_all(
    client: Any, wanted: Collection[str], days: int, page_size: int = PAGE_KEYS
) -> list[ArchiveObject]:
    """The listing of the job, as it holds it."""
    return list(
        list_station_days(
            client,
            bucket=BUCKET,
            prefix="",
            stations=wanted,
            start=FIRST_DAY,
            end=FIRST_DAY + dt.timedelta(days=days),
            page_size=page_size,
        )
    )


def measure(count: int, days: int, per_day: int, rows: bool) -> dict[str, Any]:
    """List, plan, pack for the broadcast, and hold the rows; in this process, so call it once."""
    requests = Requests(Bucket(per_day))
    driver = Driver()
    objects = driver.run("list", lambda: list_all(requests.client, stations(count), days))
    tasks: list[Task] = driver.run("plan", lambda: plan_tasks(objects))
    packed = driver.run("pack", lambda: [pickle.dumps(task) for task in tasks])
    found: dict[str, Any] = {
        "keys": len(objects),
        "requests": requests.count,
        "simulating": requests.seconds,
        "tasks": len(tasks),
        "broadcast_bytes": sum(map(len, packed)),
    }
    del packed
    if rows:
        held = driver.run("rows", lambda: _rows(objects))
        placed = driver.run("settle", lambda: _settle(held))
        found["files"] = placed
    found["stages"] = {name: vars(stage) for name, stage in driver.stages.items()}
    return found


def _rows(objects: list[ArchiveObject]) -> list[dict[str, Any]]:
    """Rows of `radar_volumes` as the driver collects them: of an ordinary volume each."""
    facts = RunFacts("0123456789abcdef-1", "stormlake", LAKE)
    held = []
    for obj in objects:
        row = volume_row(obj, VolumeResult(Status.OK, volume_time=obj.key_time), facts)
        # What Spark hands over is no object that another row has, too.
        row |= {
            "latitude": float(len(held)),
            "longitude": float(-len(held)),
            "altitude": float(len(held)),
            "grid": f"lake-{len(held):08x}",
            "chosen_cuts": f"0 2 4 5 6 7 8 9 1{len(held)}",
            "cells": 35_000 + len(held) % 7,
            "columns": 9_000 + len(held) % 7,
            "max_reflectivity": float(len(held)),
            **{
                name: 200_000 + len(held)
                for name in ("rays", "gates_valid", "gates_reflectivity", "gates_kept")
            },
        }
        held.append(row)
    return held


def _settle(rows: list[dict[str, Any]]) -> int:
    """What the job does with the rows before it writes; gives the number of files."""
    marked = sorted(mark_duplicates(rows), key=lambda row: row["key"])
    placed = place_in_files(marked, 128)
    rows_by_partition(marked, "cells")
    return len({file for _, file in placed})


def lines(result: dict[str, Any]) -> Iterator[str]:
    """The table that a person reads."""
    where = result["machine"]
    yield f"{where['cpu']}, {where['cores']} cores, Python {where['python']}; {where['date']}"
    yield (
        f"{result['keys']:,} keys, {result['requests']:,} requests of ListObjectsV2, "
        f"{result['tasks']:,} tasks; {result['broadcast_bytes'] / 1e6:,.0f} MB of packed tasks"
    )
    yield f"{'':<10}{'CPU s':>9}{'wall s':>9}{'resident MB':>13}"
    for name, stage in result["stages"].items():
        yield (
            f"{name:<10}{stage['cpu']:>9.1f}{stage['wall']:>9.1f}{stage['resident'] / 1e6:>13,.0f}"
        )
    yield f"of the listing's CPU time {result['simulating']:.1f} s were spent on being S3"


def main() -> int:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench-listing.json")
    parser.add_argument("--stations", type=int, default=160)
    parser.add_argument("--days", type=int, default=25)
    parser.add_argument("--per-day", type=int, default=250)
    parser.add_argument("--no-rows", action="store_true", help="the listing and the plan alone")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    result = measure(options.stations, options.days, options.per_day, not options.no_rows)
    result["machine"] = machine() | {"load_before": load}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print("\n".join(lines(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

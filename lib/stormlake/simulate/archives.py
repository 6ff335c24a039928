"""Simulated sensor archives: records of a producer, as a delivery stream leaves them."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from stormlake.errors import RefusedInput
from stormlake.simulate import unicorns
from stormlake.simulate.cloudfront import DISTRIBUTION, log_blocks
from stormlake.simulate.delivery import LATENCY, Delivery, deliver, moment, object_name
from stormlake.simulate.draws import SECOND, Block, chance
from stormlake.simulate.events import event_blocks
from stormlake.simulate.log_lines import LogFormat, web_log
from stormlake.simulate.output import Output
from stormlake.simulate.shapes import Shape, write_lines, write_shape
from stormlake.simulate.unicorns import unicorn_blocks
from stormlake.simulate.vitals import device_registry, vital_blocks
from stormlake.simulate.wind import wind_blocks

START: Final = datetime(2026, 5, 1, 21, tzinfo=UTC)
"""Default start: the hour of the storm that `make run` simulates."""

PLANTED: Final = "_planted.json"
REGISTRY: Final = "_registry.csv"
"""Names that begin with `_` are not input."""


@dataclass(frozen=True)
class Stream:
    """A producer of JSON records.

    Parameters
    ----------
    blocks : callable
        Gives its records from (count, seed, start).
    records : int
        Default count.
    shape : Shape
        How the real producer's records lie.
    wrapper : str
        Key of the wrapper object.
    plants : bool
        Whether there are anomalies to tell of.
    """

    blocks: Callable[[int, int, datetime], Iterator[Block]]
    records: int
    shape: Shape
    wrapper: str = "records"
    plants: bool = False


STREAMS: Final[Mapping[str, Stream]] = {
    "unicorns": Stream(unicorn_blocks, 4 * 3600, Shape.LINES, unicorns.WRAPPER),
    "wind": Stream(wind_blocks, 3 * 3600, Shape.LINES, plants=True),
    # 2,000 a minute: an hour would be 120,000, these are ten minutes.
    "vitals": Stream(vital_blocks, 20_000, Shape.CONCATENATED, plants=True),
    "events": Stream(event_blocks, 10 * 3600, Shape.CONCATENATED),
}
"""Producers by name."""

LOG_RECORDS: Final = 3600
"""Default count of requests: an hour of one a second."""


@dataclass(frozen=True)
class Feed:
    """What to simulate.

    Parameters
    ----------
    records : int
        Different records.
    seed : int
        Not negative. The same arguments give the same bytes.
    start : datetime
        Of the first record; without a zone it is UTC.
    shape : Shape
        How the records lie in an object.
    gz : bool
        Whether to compress the objects.
    duplicates, late : float
        Share of the records that come twice, and that come 30 to 180 s late.
    """

    records: int
    seed: int = 1
    start: datetime = START
    shape: Shape = Shape.LINES
    gz: bool = False
    duplicates: float = 0.01
    late: float = 0.01


@dataclass
class Made:
    """What was written.

    Parameters
    ----------
    records : int
        Different records; the objects hold so many and the duplicates.
    objects, bytes : int
        Of the archive; files whose names begin with `_` do not count.
    duplicates, late : int
        Records that came a second time, and that came late.
    planted : list of dict
        The anomalies, as `_planted.json` tells them.
    counts : dict of str to int
        Requests by operating system.
    """

    records: int = 0
    objects: int = 0
    bytes: int = 0
    duplicates: int = 0
    late: int = 0
    planted: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)


def simulate_records(stream: str, feed: Feed, output: Output) -> Made:
    """Write an archive of JSON records: `YYYY/MM/DD/HH/<stream>-1-YYYY-MM-DD-HH-MM-SS-<uuid>`.

    Objects of the same name are replaced, others stay. Wind and vitals also leave the planted
    anomalies of this run in `_planted.json`, vitals the devices in `_registry.csv`.

    Parameters
    ----------
    stream : str
        One of `STREAMS`.
    feed : Feed
    output : Output

    Raises
    ------
    RefusedInput
        An argument that cannot be used.
    ServiceUnreachable
        S3 does not answer.
    """
    producer = STREAMS[stream]

    def encode(delivery: Delivery) -> bytes:
        return write_shape(delivery.records, feed.shape, producer.wrapper)

    def name(delivery: Delivery) -> str:
        return object_name(stream, delivery.closed, feed.seed, gz=feed.gz)

    blocks = producer.blocks(feed.records, feed.seed, feed.start)
    made = _write(stream, blocks, feed, output, encode, name)
    if stream == "vitals":
        output.put(REGISTRY, device_registry(feed.seed))
    if producer.plants:
        arguments = asdict(feed) | {"start": feed.start.isoformat()}
        told = {"stream": stream, "arguments": arguments, "planted": made.planted}
        output.put(PLANTED, (json.dumps(told, indent=1, ensure_ascii=False) + "\n").encode())
    return made


def simulate_log(log: LogFormat, feed: Feed, output: Output) -> Made:
    """Write an archive of CloudFront logs; no line comes twice.

    Legacy and real-time lines come through a delivery stream, as `simulate_records` lays it out.
    Standard logs lie as CloudFront leaves them: `<distribution>.YYYY-MM-DD-HH.<id>.gz`, always
    compressed, the hour that of the requests.

    Raises
    ------
    RefusedInput
        An argument that cannot be used; a shape other than lines.
    ServiceUnreachable
        S3 does not answer.
    """
    if feed.shape is not Shape.LINES:
        raise RefusedInput(
            f"a CloudFront log is lines of text between TABs, never {feed.shape.value} JSON; "
            "use --shape lines or leave the option out"
        )
    stream = "cloudfront"
    web = log is LogFormat.WEB
    feed = Feed(feed.records, feed.seed, feed.start, gz=web or feed.gz, duplicates=0.0, late=0.0)

    def encode(delivery: Delivery) -> bytes:
        return web_log(delivery.records) if web else write_lines(delivery.records)

    def name(delivery: Delivery) -> str:
        if not web:
            return object_name(stream, delivery.closed, feed.seed, gz=feed.gz)
        part = int(chance(feed.seed, stream, 4, delivery.opened // SECOND).integers(1 << 32))
        return f"{DISTRIBUTION}.{moment(delivery.opened):%Y-%m-%d-%H}.{part:08x}.gz"

    blocks = log_blocks(log, feed.records, feed.seed, feed.start)
    # A standard log's name tells the hour of its requests: none may slip into the next.
    return _write(stream, blocks, feed, output, encode, name, 0 if web else LATENCY)


def _write(
    stream: str,
    blocks: Iterable[Block],
    feed: Feed,
    output: Output,
    encode: Callable[[Delivery], bytes],
    name: Callable[[Delivery], str],
    latency: int = LATENCY,
) -> Made:
    made = Made()
    counted = _counted(blocks, made)
    for delivery in deliver(counted, feed.seed, stream, feed.duplicates, feed.late, latency):
        data = encode(delivery)
        if feed.gz:
            data = gzip.compress(data, mtime=0)  # no clock: equal seeds give equal bytes
        output.put(name(delivery), data)
        made.objects += 1
        made.bytes += len(data)
        made.duplicates += delivery.duplicates
        made.late += delivery.late
    return made


def _counted(blocks: Iterable[Block], made: Made) -> Iterator[Block]:
    """Pass blocks on, and keep count of what they hold."""
    counts: Counter[str] = Counter()
    for block in blocks:
        made.records += len(block.records)
        made.planted += block.planted
        counts.update(block.counts)
        yield block
    made.counts = dict(sorted(counts.items()))

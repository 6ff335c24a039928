"""Real small volumes, broken in every way that a disk, a network or a web server breaks files."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator
from itertools import accumulate

from stormlake.radar import containers
from tests.data import shared, wheel_file
from tests.radar.level2 import take_apart, with_records_swapped

SEED = 20160601
HTML = b"<!DOCTYPE html><html><body><h1>503 Service Unavailable</h1></body></html>"
XML = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'

WHEEL = {
    "example_nexrad_archive_msg31_compressed.ar2v": "KATX20130717_195021_V06",
    "example_nexrad_archive_msg1.bz2": "KLOT20030101_000921.bz2",
}
"""Small volumes in the arm-pyart wheel, and names that say their stations."""

SHARED = (
    "volumes/KABR20050101_000745.gz",
    "volumes/KTLX20140101_000624_V06.gz",
    "damaged/KBMX20160509_093623_V06.gz",
    "damaged/KIWX20160429_194300_V06.gz",
    "damaged/KLVX20050106_163401.gz",
    "damaged/KMBX20160509_202910_V06.gz",
)


def originals() -> dict[str, bytes]:
    """Name and bytes of the small real volumes that are broken."""
    found = {name: wheel_file(file).read_bytes() for file, name in WHEEL.items()}
    for path in SHARED:
        file = shared("nexrad", *path.split("/"))
        found[file.name] = file.read_bytes()
    return found


def corruptions() -> Iterator[tuple[str, str, bytes]]:
    """Yield (what was done, name of the volume, bytes); the same in every run."""
    chance = random.Random(SEED)
    for name, data in originals().items():
        yield "empty", name, b""
        yield "html", name, HTML
        yield "xml", name, XML
        yield "html in gzip", name, gzip.compress(HTML, mtime=0)
        yield "zeros", name, bytes(4096)
        yield "random", name, chance.randbytes(4096)
        yield "one byte more", name, data + b"\0"
        yield "twice", name, data + data
        for bits in (1, 1, 1, 1, 8, 8, 64, 64):
            yield f"{bits} bits of the file", name, flip(data, bits, chance)
        for size in (1, 2, 3, 4, 8, 12, 24, 25, 28, 29, 36):
            yield f"first {size} bytes", name, data[:size]
        for _ in range(6):
            cut = chance.randrange(40, len(data))
            yield f"cut at {cut}", name, data[:cut]
        yield from _inside(name, data, chance)
    yield from _chunks(chance)


def _inside(name: str, data: bytes, chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """Break what is inside the compression: what a checksum would not find."""
    raw = containers.unwrap(data)
    if containers.holds_ldm_records(raw):
        yield from _records(name, raw, chance)
    header, messages = take_apart(raw)
    body = b"".join(message.data for message in messages)
    plain = header + body
    for bits in (1, 1, 1, 1, 1, 1, 8, 64, 512):
        yield f"{bits} bits of the messages", name, flip(plain, bits, chance, start=24)
    rays = [index for index, message in enumerate(messages) if message.is_ray]
    # Flips in message headers and pointers do more harm than flips in data.
    starts = list(accumulate((len(m.data) for m in messages), initial=len(header)))
    for index in chance.sample(rays, min(8, len(rays))):
        at = starts[index] + chance.randrange(12, 100)
        yield f"ray {index}, byte {at} inverted", name, invert(plain, at)
    # At every boundary of a message would be thousands; a fixed share of them, and the first.
    cuts = sorted({*starts[:6], *chance.sample(starts, min(10, len(starts)))})
    for cut in cuts:
        yield f"messages cut at boundary {cut}", name, plain[:cut]
        yield f"messages cut 1 byte after {cut}", name, plain[: cut + 1]
    for _ in range(3):
        shuffled = list(messages)
        first, second = chance.sample(range(len(messages)), 2) if len(messages) > 1 else (0, 0)
        shuffled[first], shuffled[second] = shuffled[second], shuffled[first]
        swapped = header + b"".join(m.data for m in shuffled)
        yield f"messages {first} and {second} swapped", name, swapped
    shuffled = list(messages)
    chance.shuffle(shuffled)
    yield "messages shuffled", name, header + b"".join(m.data for m in shuffled)
    yield "messages without the header", name, body
    yield "header alone", name, header
    yield "only metadata", name, header + b"".join(m.data for m in messages if not m.is_ray)


def _records(name: str, data: bytes, chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """Break a file of bzip2 LDM records: at every record boundary, and in every length word."""
    boundary = containers.HEADER_SIZE
    count = 0
    for record in containers.ldm_records(data):
        yield f"cut before record {count}", name, data[:boundary]
        yield f"cut in the length of record {count}", name, data[: boundary + 2]
        yield (
            f"length of record {count} broken",
            name,
            flip(data, 3, chance, boundary, boundary + 4),
        )
        boundary += 4 + len(record)
        yield f"cut in record {count}", name, data[: boundary - 1]
        count += 1
    for _ in range(min(8, count - 1)):
        first, second = chance.sample(range(count), 2)
        swapped = with_records_swapped(data, first, second)
        yield f"records {first} and {second} swapped", name, swapped


def _chunks(chance: random.Random) -> Iterator[tuple[str, str, bytes]]:
    """Break a modern volume (TORD, 49 real-time chunks) at every boundary of its chunks."""
    folder = shared("nexrad", "chunks_TORD_20260811_225858")
    chunks = [file.read_bytes() for file in sorted(folder.iterdir())]
    name = "TORD20260811_225858_V08"
    for count in range(1, len(chunks)):
        # The whole prefix costs more with every chunk; far cuts are a share of all.
        if count <= 12 or count % 12 == 0:
            yield f"first {count} chunks", name, b"".join(chunks[:count])
    few = chunks[:8]
    for missing in range(len(few)):
        rest = few[:missing] + few[missing + 1 :]
        yield f"8 chunks without number {missing}", name, b"".join(rest)
    for _ in range(6):
        first, second = chance.sample(range(1, 8), 2)
        swapped = list(few)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        yield f"8 chunks, {first} and {second} swapped", name, b"".join(swapped)
    joined = b"".join(few)
    for _ in range(10):
        yield "8 chunks, 1 bit", name, flip(joined, 1, chance)


def flip(
    data: bytes, bits: int, chance: random.Random, start: int = 0, end: int | None = None
) -> bytes:
    """Turn some bits."""
    changed = bytearray(data)
    for _ in range(bits):
        changed[chance.randrange(start, end or len(data))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def invert(data: bytes, position: int) -> bytes:
    """Turn all bits of a byte."""
    changed = bytearray(data)
    changed[min(position, len(data) - 1)] ^= 0xFF
    return bytes(changed)

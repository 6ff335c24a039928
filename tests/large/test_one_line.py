"""A file of more than 1 GiB in one line goes through in bounded memory: `make test-large`."""

from __future__ import annotations

import gzip
import json
import math
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from benchmarks.processes import PYTHON_WORKERS, Usage, Watch
from stormlake.simulate.shapes import write_shape
from stormlake.simulate.unicorns import unicorn_records

BUILD = Path(__file__).resolve().parents[2] / "build" / "large"
DAY = date(2026, 5, 1)
DAYS = 16
A_DAY = 86_400 * 4  # four unicorns, a reading a second each
BAD = b'{"Distance": , "Name": "Shadowfax"}'
MIB = 2**20

pytestmark = pytest.mark.timeout(3600)


class Line:
    """The file, plain or gzipped, and what must come out of it."""

    def __init__(self, path: Path, size: int, bad_at: int, distance: float) -> None:
        self.path, self.size, self.bad_at, self.distance = path, size, bad_at, distance


@pytest.fixture(scope="module", params=["plain", "gzip"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """16 days of glued readings, the same but for their dates; one in the middle is damaged."""
    records = list(unicorn_records(A_DAY, 1, datetime(2026, 5, 1, tzinfo=UTC)))
    first = write_shape(records, "concatenated")
    assert {found.decode() for found in re.findall(rb'"(\d{4}-\d\d-\d\d) ', first)} == {f"{DAY}"}
    folder = BUILD / request.param
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / "one-line"
    size, bad_at = 0, -1
    with path.open("wb") as file:
        for number in range(DAYS):
            day = DAY + timedelta(days=number)
            data = first.replace(f'"{DAY} '.encode(), f'"{day} '.encode())
            if number == DAYS // 2:
                bad_at, data = size, BAD + data
            assert b"\n" not in data
            size += len(data)
            # One member a day: all of them are one stream.
            file.write(gzip.compress(data, 1) if request.param == "gzip" else data)
    assert size > 2**30
    yield Line(path, size, bad_at, math.fsum(r["Distance"] for r in records) * DAYS)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def empty_worker(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Peak memory, bytes, of a Python worker that has read one record."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "archive").mkdir()
    one = unicorn_records(1, 1, datetime(2026, 5, 1, tzinfo=UTC))
    (folder / "archive" / "one").write_bytes(write_shape(one, "concatenated"))
    summary, usage = aggregate(folder / "archive", folder / "lake")
    assert summary["records"]["kept"] == 1
    return usage.peak_rss[PYTHON_WORKERS]


def test_a_line_of_a_gibibyte_with_one_damaged_record_goes_through_in_bounded_memory(
    line: Line, empty_worker: int, tmp_path: Path
) -> None:
    summary, usage = aggregate(line.path.parent, tmp_path / "lake")
    good = A_DAY * DAYS
    assert summary["records"] == {
        "read": good + 1,
        "kept": good,
        "duplicates": 0,
        "rejected": 1,
        "left": 0,
    }
    assert summary["reasons"] == {"malformed": 1}
    assert summary["rows"] == {"rejects": 1, "unicorn_minutes": DAYS * 1440 * 4}
    minutes = rows(
        tmp_path / "lake" / "unicorn_minutes",
        "count(*), count(DISTINCT date), min(record_count), max(record_count), sum(distance)",
    )
    assert minutes[:4] == (DAYS * 1440 * 4, DAYS, 60, 60)
    # A minute's sum is rounded to 6 decimals.
    assert minutes[4] == pytest.approx(line.distance, abs=DAYS * 1440 * 4 * 5e-7)
    reject = rows(
        tmp_path / "lake" / "rejects", "reason, byte_offset, byte_length, record_count, excerpt"
    )
    assert reject == ("malformed", line.bad_at, len(BAD), 1, BAD.decode())
    more = (usage.peak_rss[PYTHON_WORKERS] - empty_worker) / MIB
    heap = 2048  # stormlake.spark.DRIVER_MEMORY
    java = usage.peak_rss["JVM"] / MIB
    print(
        f"{line.size:,} bytes: worker {more:.0f} MiB over an empty one of "
        f"{empty_worker / MIB:.0f}, JVM {java:.0f} MiB, {summary['core_seconds']:.0f} core-seconds,"
        f" {summary['wall_seconds']:.0f} s"
    )
    assert more < 400
    assert java < heap + 1024


def aggregate(archive: Path, lake: Path) -> tuple[dict[str, Any], Usage]:
    command = [sys.executable, "-m", "stormlake.cli", "aggregate", "unicorn_minutes"]
    command += ["--source", str(archive), "--lake", str(lake)]
    command += ["--master", "local[2]", "--output", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    with Watch(process.pid) as watch:
        out, err = process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out), watch.usage()


def rows(table: Path, columns: str) -> tuple[Any, ...]:
    """The one row of a query on a table's files."""
    with duckdb.connect() as connection:
        found = connection.execute(
            f"SELECT {columns} FROM read_parquet($1, hive_partitioning = true)",
            [f"{table}/**/*.parquet"],
        ).fetchall()
    assert len(found) == 1
    return tuple(found[0])

"""Records a second and core: our reader on every shape beside `spark.read.json` on JSON Lines.

All in one session on one core, into the same sink (`noop`). CPU time of driver, JVM and Python
workers together; other work on the machine takes wall time from them, hardly CPU time.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import sensor_archive
from stormlake.simulate.shapes import Shape

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

SCHEMA: Final = (
    "Name string, StatusTime timestamp, Latitude double, Longitude double, Distance double, "
    "HealthPoints int, MagicPoints int"
)
TIME: Final = "yyyy-MM-dd HH:mm:ss.SSS"

SPARK_TYPED: Final = "spark.read.json, typed schema"
SPARK_INFERRED: Final = "spark.read.json, inferred"
IN_ONE: Final = (Shape.LINES, Shape.CONCATENATED)
"""Shapes that are also measured as one large object."""

WARM_UP: Final = 1
"""Rounds that nobody counts: the JVM compiles its JSON reader and our exchange in them."""


def decoded(what: str) -> str:
    """Name of our reader's way up to the rows."""
    return f"ours, {what}"


def each_once(what: str) -> str:
    """Name of the same with duplicates dropped."""
    return f"ours, {what}, each once"


def sources(work: Path, records: int) -> dict[str, Path]:
    """The archives that are read: by shape in objects of delivery size, and two in one object."""
    made = {str(shape): sensor_archive.archive(work, records, shape) for shape in Shape}
    for shape in IN_ONE:
        made[f"{shape}, one object"] = sensor_archive.archive(work, records, shape, records)
    return made


def measure(found: Mapping[str, Path], records: int, rounds: int) -> dict[str, Any]:
    """Read every archive in interleaved rounds, in a session of this process.

    Parameters
    ----------
    found : mapping of str to Path
        Of `sources`.
    records : int
        How many are in each.
    rounds : int
        That count.

    Returns
    -------
    dict
        `records`, `bytes` by archive, `samples` (CPU seconds) and `rates` (records a second and
        core: best and median) by way.
    """
    from stormlake.running.cpu import run_cpu_seconds
    from stormlake.spark import start_session, stop_session

    spark = start_session("stormlake-bench", "local[1]")
    try:
        ways = _ways(spark, found, records)
        samples: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(WARM_UP + rounds):
            for name, work in ways.items():
                before = run_cpu_seconds()
                work()
                if number >= WARM_UP:
                    samples[name].append(run_cpu_seconds() - before)
    finally:
        stop_session(spark)
    return {
        "records": records,
        "rounds": rounds,
        "bytes": {what: sensor_archive.size(folder) for what, folder in found.items()},
        "samples": samples,
        "rates": rates(samples, records),
    }


def rates(samples: Mapping[str, list[float]], records: int) -> dict[str, dict[str, float]]:
    """Records a second and core of each way: in its best round, and in its median one."""
    return {
        name: {"best": records / min(each), "median": records / statistics.median(each)}
        for name, each in samples.items()
    }


def _ways(
    spark: SparkSession, found: Mapping[str, Path], records: int
) -> dict[str, Callable[[], None]]:
    lines = str(found[str(Shape.LINES)])

    def typed() -> None:
        _drain(spark.read.schema(SCHEMA).option("timestampFormat", TIME).json(lines))

    def inferred() -> None:
        _drain(spark.read.option("timestampFormat", TIME).json(lines))

    ways: dict[str, Callable[[], None]] = {SPARK_TYPED: typed, SPARK_INFERRED: inferred}
    for what, folder in found.items():
        ways[decoded(what)] = _ours(spark, folder, records, once=False)
        ways[each_once(what)] = _ours(spark, folder, records, once=True)
    return ways


def _ours(spark: SparkSession, folder: Path, records: int, once: bool) -> Callable[[], None]:
    from stormlake.archive.arrivals import list_arrivals
    from stormlake.archive.source import open_source
    from stormlake.counters import Counters
    from stormlake.sensors.frames import read_records
    from stormlake.sensors.reader import Reader
    from stormlake.sensors.scope import Scope
    from stormlake.sensors.unicorns import UnicornRecords

    source = open_source(str(folder))

    def read() -> None:
        reader = Reader(source, UnicornRecords(), Scope())
        held = read_records(spark, list_arrivals(source), reader, Counters.of(spark))
        _drain(held.frame if once else held.decoded)
        if (accepted := held.tally().accepted) != records:
            raise RuntimeError(f"{folder}: {accepted} records accepted, not {records}")

    return read


def _drain(frame: DataFrame) -> None:
    frame.write.format("noop").mode("overwrite").save()

"""The tables of the sensor benchmark that a person reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import sensor_throughput as ways
from benchmarks.report import asked
from benchmarks.targets import Target

NOTES = """\
One local[1] session, all pinned to one core, the same sink (noop), interleaved rounds; CPU time of
driver, JVM and Python workers. spark.read.json reads the JSON Lines in every row: it cannot read
the other shapes. Each once: copies are dropped by a group over all columns, which Spark's reader
does not do. One object: all records in one file, which is cut only where records have lines."""


def lines(result: dict[str, Any], targets: Sequence[Target]) -> Iterator[str]:
    """The whole report, line by line."""
    machine = result["machine"]
    yield f"{machine['cpu']}, {machine['cores']} cores; load average {machine['load_before']:.2f}"
    yield f"before, {machine['load_after']:.2f} after. Pinned to core {result['core']}."
    yield from _throughput(result["throughput"])
    if result["growth"] is not None:
        yield from _growth(result["growth"])
        yield from _profile(result["growth"])
    yield ""
    yield from asked(targets)


def _throughput(found: dict[str, Any]) -> Iterator[str]:
    rates = found["rates"]
    theirs = rates[ways.SPARK_TYPED]["best"]
    yield ""
    yield f"{found['records']:,} records: records a second and core, best of rounds (median)"
    yield f"{'':<46}{'records/s':>12}{'(median)':>13}{'x typed':>9}{'MB/s':>8}"
    for name, rate in rates.items():
        # "ours, <archive>[, each once]"; Spark's reader reads the lines.
        what = name.removeprefix("ours, ").removesuffix(", each once")
        size = found["bytes"].get(what, found["bytes"]["lines"])
        speed = rate["best"] * size / found["records"] / 1e6
        median, share = f"({rate['median']:,.0f})", rate["best"] / theirs
        yield f"{name:<46}{rate['best']:>12,.0f}{median:>13}{share:>9.2f}{speed:>8.0f}"
    yield from NOTES.splitlines()


def _growth(found: dict[str, Any]) -> Iterator[str]:
    line = found["line"]
    yield ""
    yield "stormlake aggregate unicorn_minutes, JSON Lines, local[1] on one core; best of rounds"
    yield (
        f"{'records':>12}{'core-s':>9}{'us/record':>11}{'off the line':>14}{'JVM MiB':>9}"
        f"{'worker MiB':>12}{'driver MiB':>12}{'wall s':>8}{'load':>6}"
    )
    for records, job in found["jobs"].items():
        peaks = [
            job["peak_rss"].get(kind, 0) / 2**20
            for kind in ("JVM", "Python workers of Spark", "driver (Python)")
        ]
        yield (
            f"{int(records):>12,}{job['core_seconds']:>9.1f}"
            f"{job['core_seconds'] / int(records) * 1e6:>11.2f}"
            f"{line['residuals'][records]:>+14.1%}{peaks[0]:>9.0f}{peaks[1]:>12.0f}{peaks[2]:>12.0f}"
            f"{job['wall_seconds']:>8.1f}{job['load']:>6.1f}"
        )
    yield (
        f"line: {line['fixed']:.1f} core-seconds a run and {line['per_million']:.2f} a million "
        "records; the start of Spark is in neither"
    )
    duck, ours = found["duckdb"], found["jobs"][str(found["compared"])]
    agreement = found["agreement"]
    yield (
        f"DuckDB {duck['version']}, one thread, {found['compared']:,} records: "
        f"{duck['core_seconds']:.2f} core-seconds, {duck['peak_rss'] / 2**20:.0f} MiB"
    )
    yield (
        f"ours is {ours['core_seconds'] / duck['core_seconds']:.1f} x that, a record "
        f"{line['per_million'] * found['compared'] / 1e6 / duck['core_seconds']:.1f} x; "
        f"{agreement['ours']:,} rows, {agreement['duckdb']:,} of DuckDB, "
        f"{agreement['differ']:,} differ"
    )


def _profile(found: dict[str, Any]) -> Iterator[str]:
    job = found["jobs"][str(found["compared"])]
    yield ""
    yield (
        f"where the CPU time goes, {found['compared']:,} records, s (sampled; start: till the "
        "first Python task)"
    )
    yield f"{'':<34}{'start':>9}{'after':>9}{'after, us a record':>20}"
    total = [0.0, 0.0]
    for kind, (start, after) in job["classes"].items():
        yield f"{kind:<34}{start:>9.2f}{after:>9.2f}{after / found['compared'] * 1e6:>20.2f}"
        total = [total[0] + start, total[1] + after]
    yield (
        f"{'all':<34}{total[0]:>9.2f}{total[1]:>9.2f}{total[1] / found['compared'] * 1e6:>20.2f}"
    )
    yield f"{job['core_seconds']:.2f} of them are core_seconds of the job's summary"

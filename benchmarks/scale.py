"""The tables of docs/scale.md: `python benchmarks/scale.py --write`.

From `emr/rates.toml`, `emr/prices.example.toml`, the default cluster of `stormlake emr submit
--transient`, and what `benchmarks/listing.py` measured. A test holds the page to them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Run as a script, only this file's folder is on the path.
sys.path.insert(0, str(ROOT))

from benchmarks.rates import MEASURED  # noqa: E402
from stormlake.emr.capacity import cluster_capacities, serverless_capacities  # noqa: E402
from stormlake.emr.clusters import ClusterSpec  # noqa: E402
from stormlake.emr.estimates import Row, cluster_rows, serverless_rows  # noqa: E402
from stormlake.emr.rates import GIGABYTE, RadarRate, Work, read_rates  # noqa: E402
from stormlake.running.prices import Prices, read_prices  # noqa: E402

PAGE = ROOT / "docs" / "scale.md"
SPEC = ClusterSpec(("any",), "any", "any", "s3://any/")
APPLICATION = {"applicationId": "any", "maximumCapacity": {"cpu": "128 vCPU", "memory": "512 GB"}}
TABLES = 3
"""Tables of which every station-day is a partition."""


@dataclass(frozen=True)
class Era:
    """Years in which the archive was about the same.

    Parameters
    ----------
    name : str
    years : float
    stations, volumes : int
        Stations; volumes of a station and day.
    megabytes : float
        Of a volume.
    """

    name: str
    years: float
    stations: int
    volumes: int
    megabytes: float

    @property
    def station_days(self) -> int:
        """All of them."""
        return round(self.years * 365 * self.stations)


TODAY = Era("2013 to 2026", 13.9, 160, 250, 4.0)
ERAS = (
    Era("1991 to 2007", 16.5, 130, 220, 0.8),
    Era("2008 to 2012", 5.0, 155, 250, 2.0),
    TODAY,
)
"""What we assume; the public archive begins in June 1991."""


@dataclass(frozen=True)
class Size:
    """Something to process.

    Parameters
    ----------
    name : str
    station_days, volumes, bytes : int
    runs : int
        Of the job.
    """

    name: str
    station_days: int
    volumes: int
    bytes: int
    runs: int


def sizes() -> list[Size]:
    """From a day of one station to the archive; a run is a station-year, or a day."""

    def today(name: str, stations: int, days: int, runs: int) -> Size:
        station_days = stations * days
        volumes = station_days * TODAY.volumes
        return Size(name, station_days, volumes, round(volumes * TODAY.megabytes * 1e6), runs)

    whole = [(era, era.station_days * era.volumes) for era in ERAS]
    station_days = sum(era.station_days for era in ERAS)
    return [
        today("a station-day", 1, 1, 1),
        today("a day of the network", TODAY.stations, 1, 1),
        today("a station-year", 1, 365, 1),
        today("a year of the network", TODAY.stations, 365, TODAY.stations),
        Size(
            "the archive since 1991",
            station_days,
            sum(volumes for _, volumes in whole),
            round(sum(volumes * era.megabytes * 1e6 for era, volumes in whole)),
            round(sum(era.years * era.stations for era in ERAS)),
        ),
    ]


def work(size: Size, rate: RadarRate) -> Work:
    """What it takes, all runs one after another on one cluster."""
    one = rate.work(size.volumes, size.bytes)
    return Work(one.serial * size.runs, one.shared, None, "", one.lake_bytes)


def blocks() -> dict[str, list[str]]:
    """The page's generated blocks by name."""
    rate, prices = read_rates().radar, read_prices()
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    return {
        "example": list(example(rate)),
        "eras": list(eras()),
        "work": list(work_table(rate)),
        "money": list(money_table(rate, prices)),
        "lake": list(lake_table(rate, prices)),
        "volumes": list(volumes_table(rate, measured["radar"])),
        "listing": list(listing_table(measured["listing"])),
    }


def example(rate: RadarRate) -> Iterator[str]:
    """The arithmetic of a station-year, step by step."""
    year = next(size for size in sizes() if size.name == "a station-year")
    found = work(year, rate)
    cores = cluster_capacities(SPEC)[1].cores
    by_volume, by_byte = rate.volume * year.volumes, rate.gigabyte * year.bytes / GIGABYTE
    yield f"    365 days x {TODAY.volumes} volumes = {year.volumes:,} volumes"
    yield (
        f"    {year.volumes:,} volumes x {TODAY.megabytes:g} MB = {year.bytes / GIGABYTE:,.0f} GB"
    )
    yield (
        f"    {rate.run:g} s + {rate.volume:g} s x {year.volumes:,} + {rate.gigabyte:g} s x "
        f"{year.bytes / GIGABYTE:,.0f} = {rate.run:g} + {by_volume:,.0f} + {by_byte:,.0f} = "
        f"{found.core_seconds:,.0f} core-seconds = {found.core_seconds / 3600:.2f} core-hours"
    )
    yield (
        f"    on {cores} vCPUs: {rate.run:g} s + {found.shared:,.0f} s / {cores} = "
        f"{found.wall_seconds(cores):,.0f} s"
    )


def eras() -> Iterator[str]:
    """What the archive is taken to be."""
    yield "| years | stations | volumes a station-day | MB a volume | million volumes | TB |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for era in ERAS:
        volumes = era.station_days * era.volumes
        yield (
            f"| {era.name} ({era.years:g}) | {era.stations} | {era.volumes} | {era.megabytes:g} "
            f"| {volumes / 1e6:,.1f} | {volumes * era.megabytes / 1e6:,.0f} |"
        )


def work_table(rate: RadarRate) -> Iterator[str]:
    """Volumes, bytes, core-hours, hours."""
    least, most = cluster_capacities(SPEC)
    yield (
        "| | runs | volumes | GB | core-hours "
        f"| hours on {least.cores} vCPUs | hours on {most.cores} vCPUs |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for size in sizes():
        found = work(size, rate)
        hours = [found.wall_seconds(each.cores) / 3600 for each in (least, most)]
        yield (
            f"| {size.name} | {size.runs:,} | {size.volumes:,} | {size.bytes / GIGABYTE:,.0f} | "
            f"{_number(found.core_seconds / 3600)} | {_number(hours[0])} | {_number(hours[1])} |"
        )


def money_table(rate: RadarRate, prices: Prices) -> Iterator[str]:
    """What it costs, on the largest cluster and on Serverless."""
    most = cluster_capacities(SPEC)[1]
    workers = serverless_capacities(APPLICATION)[1]
    yield (
        f"| {prices.currency}, example prices | On-Demand, {most.cores} vCPUs | Spot task nodes "
        f"| Serverless, {workers.cores} vCPUs |"
    )
    yield "| --- | --- | --- | --- |"
    for size in sizes():
        found = work(size, rate)
        on_demand, spot = cluster_rows(found, [most], prices)[0]
        (serverless,) = serverless_rows(found, [workers], prices)[0]
        cells = " | ".join(_cost(row) for row in (on_demand, spot, serverless))
        yield f"| {size.name} | {cells} |"


def lake_table(rate: RadarRate, prices: Prices) -> Iterator[str]:
    """Requests, files and storage."""
    assert prices.s3 is not None
    yield (
        f"| | listings | GET of volumes | partitions | files at least | lake, GB "
        f"| {prices.currency} a month |"
    )
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for size in sizes():
        lake = rate.lake_volume * size.volumes / GIGABYTE
        partitions = TABLES * size.station_days
        yield (
            f"| {size.name} | {size.station_days:,} | {size.volumes:,} | {partitions:,} | "
            f"{partitions:,} | {_number(lake)} | {_number(lake * prices.s3.storage_gb_month)} |"
        )


def volumes_table(rate: RadarRate, measured: Mapping[str, Any]) -> Iterator[str]:
    """How well bytes tell what a volume costs: the rate beside single volumes in one process."""
    yield "| volume | MB | core-seconds in one process | the rate's part by byte |"
    yield "| --- | --- | --- | --- |"
    for name, one in measured["volumes"].items():
        by_byte = rate.gigabyte * one["bytes"] / GIGABYTE
        yield (
            f"| {name[:4]} {name[4:8]} | {one['bytes'] / 1e6:.2f} | {one['core_seconds']:.3f} | "
            f"{by_byte:.3f} |"
        )


def listing_table(measured: Mapping[str, Any]) -> Iterator[str]:
    """What the driver took for a million keys."""
    names = {
        "list": "listing, all pages parsed",
        "plan": "planning the tasks",
        "pack": "packing the tasks for the broadcast",
        "rows": "rows of `radar_volumes`, as they come back",
        "settle": "duplicates, files, counts",
    }
    yield f"| {measured['keys']:,} keys | CPU s | resident after it, MB |"
    yield "| --- | --- | --- |"
    for name, stage in measured["stages"].items():
        yield f"| {names[name]} | {stage['cpu']:.1f} | {stage['resident'] / 1e6:,.0f} |"


def _cost(row: Row) -> str:
    assert row.cost is not None
    low, high = (_number(value) for value in row.cost)
    return low if low == high else f"{low} to {high}"


def _number(value: float) -> str:
    """Three digits behind the point below 0.1, none above 100."""
    digits = next((n for n, below in ((3, 0.1), (2, 10), (1, 100)) if value < below), 0)
    return f"{value:,.{digits}f}"


def filled(page: str, found: Mapping[str, Sequence[str]]) -> str:
    """The page with its generated blocks made anew.

    A block stands between `<!-- name -->` and `<!-- end -->`.
    """
    for name, lines in found.items():
        begin = f"<!-- {name} -->\n"
        if page.count(begin) != 1:
            raise ValueError(f"{PAGE.name}: expected one {begin.strip()}")
        before, _, rest = page.partition(begin)
        _, end, after = rest.partition("<!-- end -->")
        page = before + begin + "\n".join(lines) + "\n" + end + after
    return page


def main() -> int:
    """Print the blocks, or write them into the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--write", action="store_true", help="into docs/scale.md")
    if parser.parse_args().write:
        PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), blocks()), encoding="utf-8")
    else:
        print("\n".join(line for block in blocks().values() for line in (*block, "")))
    return 0


if __name__ == "__main__":
    sys.exit(main())

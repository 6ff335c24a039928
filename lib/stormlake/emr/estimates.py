"""What a run will take: core-hours, hours, and cost between the least and the most capacity.

An estimate is kept in the lake's store under the run's key, so that `cost` can show it beside what
the run took.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from stormlake.archive.s3 import PAGE_KEYS
from stormlake.archive.source import Source
from stormlake.emr.billing import LEAST_SECONDS
from stormlake.emr.capacity import ClusterCapacity, ServerlessCapacity
from stormlake.emr.jobs import JobRequest
from stormlake.emr.rates import GIGABYTE, Measured, Rates, Work
from stormlake.errors import RefusedInput
from stormlake.lake.store import AlreadyExists, Store
from stormlake.running.prices import Market, Prices

START_UP: Final = 420
"""Seconds from the request for a cluster to its first task. Assumed: nothing measures it here."""

SERVERLESS_START_UP: Final = 120
"""The same of EMR Serverless, where it is not billed. Assumed."""

MEASURED_AGGREGATION: Final = "aggregate-unicorn_minutes"
MEASURED_PROFILE: Final = "lake"
"""What `benchmarks/` runs."""

_MARKETS: Final[dict[str, Market]] = {"On-Demand": "ON_DEMAND", "Spot": "SPOT"}


@dataclass(frozen=True)
class Row:
    """One capacity, bought in one way.

    Parameters
    ----------
    capacity : str
        `least` or `most`.
    market : str
        `On-Demand`, `Spot` (of task nodes), or `Serverless`.
    vcpus : int
        That work on the run's tasks.
    hours : float
        From the request to the end.
    instance_hours : mapping of str to float
        By fleet: hours of its instances that would be billed.
    cost : tuple of float, or None
        From the cheapest to the dearest instance types; None where there is no price.
    """

    capacity: str
    market: str
    vcpus: int
    hours: float
    instance_hours: Mapping[str, float]
    cost: tuple[float, float] | None


@dataclass(frozen=True)
class Estimate:
    """What a run will take.

    Parameters
    ----------
    job, run_key : str
    at : str
        When it was made, UTC.
    runtime : str
    listed : mapping of str to int
        What the job's own dry run counted.
    core_hours : float
    formula : str
        How they came about.
    rates, prices : str
        Where the rates and the prices come from.
    currency : str
    rows : tuple of Row
    reading_cost : float or None
        Of the requests for listing and getting objects; None where there is no price.
    lake_bytes : int or None
        What the run will write, about.
    lake_month : float or None
        What that costs a month.
    notes : tuple of str
        What a reader has to know.
    """

    job: str
    run_key: str
    at: str
    runtime: str
    listed: Mapping[str, int]
    core_hours: float
    formula: str
    rates: str
    prices: str
    currency: str
    rows: tuple[Row, ...]
    reading_cost: float | None
    lake_bytes: int | None
    lake_month: float | None
    notes: tuple[str, ...]

    @property
    def hours(self) -> tuple[float, float]:
        """Shortest and longest."""
        return min(row.hours for row in self.rows), max(row.hours for row in self.rows)

    @property
    def cost(self) -> tuple[float, float] | None:
        """Cheapest and dearest; None where a row has no price."""
        known = [row.cost for row in self.rows if row.cost is not None]
        if len(known) < len(self.rows):
            return None
        return min(low for low, _ in known), max(high for _, high in known)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"hours": self.hours, "cost": self.cost}


def work_of(command: str, listed: Mapping[str, int], rates: Rates) -> tuple[Work, Measured]:
    """What a job takes for what its dry run listed.

    Parameters
    ----------
    command : str
        `ingest-radar` or `aggregate`.
    listed : mapping
        The JSON object of the job's `--dry-run --output json`.
    rates : Rates

    Raises
    ------
    RefusedInput
        There is no rate for this job.
    """
    if command == "ingest-radar":
        volumes = listed["objects"] - listed["skipped"]
        work = rates.radar.work(volumes, listed["bytes"], listed["tasks"])
        return work, rates.radar.measured
    if command == "aggregate":
        return rates.sensors.work(listed["bytes"], listed["gzip_bytes"]), rates.sensors.measured
    raise RefusedInput(f"{command}: nobody has measured what it costs; there is no estimate")


def unlike(request: JobRequest) -> list[str]:
    """Say in what a run differs from those that were measured."""
    if request.command == "aggregate" and request.name != MEASURED_AGGREGATION:
        return [f"{request.name} was not measured; reckoned as {MEASURED_AGGREGATION}"]
    profile = request.parameters.get("profile")
    if profile and profile["name"] != MEASURED_PROFILE:
        return [f"profile {profile['name']} was not measured; reckoned as {MEASURED_PROFILE}"]
    return []


def cluster_rows(
    work: Work, capacities: Sequence[ClusterCapacity], prices: Prices
) -> tuple[list[Row], list[str]]:
    """Rows of a cluster's capacities and markets, and notes on prices that are missing.

    Notes
    -----
    The start-up counts as billed for every instance: EC2 bills it, EMR from when they are ready.
    """
    rows, notes = [], []
    for capacity in capacities:
        for label, market in _MARKETS.items():
            if label == "Spot" and not capacity.has_spot:
                continue  # nothing in it can be Spot
            seconds = max(LEAST_SECONDS, START_UP + work.wall_seconds(capacity.cores))
            hours = seconds / 3600
            price = capacity.hour(prices, market)
            instance_hours: dict[str, float] = {}
            for group in capacity.groups:
                instance_hours[group.role] = max(offer.count for offer in group.offers) * hours
                bought = group.market(market)
                notes += [
                    prices.missing(offer.instance_type, bought)
                    for offer in group.offers
                    if prices.hour(offer.instance_type, bought) is None
                ]
            cost = None if price is None else (price[0] * hours, price[1] * hours)
            rows.append(Row(capacity.name, label, capacity.cores, hours, instance_hours, cost))
    return rows, list(dict.fromkeys(notes))


def serverless_rows(
    work: Work, capacities: Sequence[ServerlessCapacity], prices: Prices
) -> tuple[list[Row], list[str]]:
    """Rows of an application's capacities, and a note where it has no price."""
    rows = []
    for capacity in capacities:
        billed = max(LEAST_SECONDS, work.wall_seconds(capacity.cores)) / 3600
        cost = None
        if prices.serverless is not None:
            cost = (capacity.hour(prices.serverless) * billed,) * 2
        rows.append(
            Row(
                capacity.name,
                "Serverless",
                capacity.cores,
                billed + SERVERLESS_START_UP / 3600,
                {"workers": capacity.workers * billed},
                cost,
            )
        )
    missing = [] if prices.serverless else [f"no [serverless] in {prices.file}: hours only"]
    return rows, missing


def reading_cost(
    listed: Mapping[str, int], prefixes: int, source: Source, prices: Prices
) -> float | None:
    """What the requests for listing and getting the objects cost.

    Parameters
    ----------
    listed : mapping
        What the dry run counted.
    prefixes : int
        How many are listed; each is one request at least.
    source : Source
        Nobody is billed for unsigned requests.
    prices : Prices

    Returns
    -------
    float or None
        None where there is no price.
    """
    if not source.is_s3 or source.unsigned:
        return 0.0
    if prices.s3 is None:
        return None
    lists = max(prefixes, -(-listed["objects"] // PAGE_KEYS))
    gets = listed["objects"] - listed.get("skipped", 0)
    return (lists * prices.s3.put_1000 + gets * prices.s3.get_1000) / 1000


def lake_month(lake_bytes: int | None, prices: Prices) -> float | None:
    """What rows cost a month in S3."""
    if lake_bytes is None or prices.s3 is None:
        return None
    return lake_bytes / GIGABYTE * prices.s3.storage_gb_month


def now() -> str:
    """The time of an estimate."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def estimate_path(job: str, run_key: str) -> str:
    """Where a run's estimate stands in the store."""
    return f"_stormlake/estimates/{job}/{run_key}.json"


def keep(store: Store, estimate: Estimate) -> None:
    """Write an estimate; the latest one of a run stays."""
    path = estimate_path(estimate.job, estimate.run_key)
    data = json.dumps(estimate.as_json(), indent=1, sort_keys=True).encode()
    try:
        store.create(path, data)
    except AlreadyExists:
        earlier = store.read(path)
        if earlier is not None:
            store.replace(path, data, earlier.etag)


def find(store: Store, job: str, run_key: str) -> dict[str, Any] | None:
    """What was estimated for a run, as JSON values; None where nothing was."""
    found = store.read(estimate_path(job, run_key))
    if found is None:
        return None
    kept: dict[str, Any] = json.loads(found.data)
    return kept

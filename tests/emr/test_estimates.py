"""Core-seconds, capacities, hours and sums, with numbers that a reader can check by hand."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.archive.source import open_source
from stormlake.emr.capacity import (
    ClusterCapacity,
    Group,
    Offer,
    cluster_capacities,
    serverless_capacities,
    vcpus,
)
from stormlake.emr.clusters import ClusterSpec
from stormlake.emr.estimates import (
    START_UP,
    Estimate,
    cluster_rows,
    find,
    keep,
    reading_cost,
    serverless_rows,
    work_of,
)
from stormlake.emr.fleets import Fleet, Instance, Scaling
from stormlake.emr.rates import Measured, RadarRate, Rates, SensorRate, Work, read_rates
from stormlake.errors import RefusedInput
from stormlake.lake.local_store import LocalStore
from stormlake.running.prices import parse_prices, read_prices

SOME = Measured(dt.date(2026, 11, 1), "abc1234", "a machine", "something")
RATES = Rates(
    RadarRate(run=10, volume=0.05, gigabyte=50, lake_volume=1000, measured=SOME),
    SensorRate(run=16, million_records=6, record_bytes=200, gzip=5, measured=SOME),
)
PRICES = parse_prices(
    """
    region = "eu-central-1"
    currency = "EUR"
    date = 2026-11-01
    [instances]
    "m7i.xlarge" = { ec2 = 0.2, spot = 0.08, emr = 0.05 }
    "m7i.2xlarge" = { ec2 = 0.4, spot = 0.16, emr = 0.1 }
    "m6i.2xlarge" = { ec2 = 0.3, spot = 0.14, emr = 0.1 }
    [serverless]
    vcpu_hour = 0.05
    memory_gb_hour = 0.005
    storage_gb_hour = 0.0001
    """,
    "mine.toml",
)


def spec(task: Fleet | None, maximum: int = 24) -> ClusterSpec:
    return ClusterSpec(
        subnets=("subnet-1",),
        service_role="service",
        instance_profile="instances",
        log_uri="s3://logs/",
        primary=Fleet((Instance("m7i.xlarge"),), on_demand=1),
        core=Fleet((Instance("m7i.2xlarge", 8), Instance("m6i.2xlarge", 8)), on_demand=8),
        task=task,
        scaling=Scaling(8, maximum, maximum, 16),
    )


TASK = Fleet((Instance("m7i.2xlarge", 8), Instance("m6i.2xlarge", 8)), spot=8)


def test_a_radar_run_costs_a_part_a_run_a_part_a_volume_and_a_part_a_byte() -> None:
    listed = {"objects": 260, "skipped": 10, "tasks": 40, "bytes": 1_000_000_000}
    work, measured = work_of("ingest-radar", listed, RATES)
    assert work.core_seconds == pytest.approx(10 + 250 * 0.05 + 50)
    assert work.formula == "10 s a run + 0.05 s x 250 volumes + 50 s x 1.000 GB"
    assert work.lake_bytes == 250_000
    assert measured is SOME


def test_gzip_objects_count_for_what_is_in_them() -> None:
    listed = {"objects": 3, "bytes": 400_000_000, "gzip_bytes": 200_000_000}
    work, _ = work_of("aggregate", listed, RATES)
    # 0.2 GB plain and 0.2 GB x 5 make 1.2 GB: 6 million records of 200 bytes.
    assert work.core_seconds == pytest.approx(16 + 6 * 6)
    assert "6.000 million records (0.400 GB, gzip x 5, 200 bytes a record)" in work.formula


def test_a_job_that_nobody_measured_has_no_estimate() -> None:
    with pytest.raises(RefusedInput, match="score: nobody has measured what it costs"):
        work_of("score", {}, RATES)


def test_cores_share_all_but_what_a_run_costs_and_no_more_cores_than_tasks() -> None:
    work = Work(serial=15, shared=60, tasks=4, formula="")
    assert work.wall_seconds(1) == 75
    assert work.wall_seconds(2) == 45  # the README: 240 volumes, 1.67 times sooner on two cores
    assert work.wall_seconds(100) == 15 + 60 / 4


@given(st.floats(0, 1e6), st.floats(0, 1e9), st.integers(0, 10**5), st.integers(1, 10**4))
def test_more_cores_never_take_longer(serial: float, shared: float, tasks: int, cores: int) -> None:
    work = Work(serial, shared, tasks, "")
    assert work.wall_seconds(cores) >= work.wall_seconds(cores + 1) >= serial
    assert work.wall_seconds(1) <= work.core_seconds * (1 + 1e-9)


@pytest.mark.parametrize(
    ("name", "count"),
    [("m7i.large", 2), ("m7i.xlarge", 4), ("r6i.4xlarge", 16), ("m5.24xlarge", 96)],
)
def test_a_size_tells_its_vcpus(name: str, count: int) -> None:
    assert vcpus(name) == count


@pytest.mark.parametrize("name", ["m7i.metal-24xl", "m7i", "m7i.", "t3.micro"])
def test_a_size_that_tells_nothing_is_refused(name: str) -> None:
    with pytest.raises(RefusedInput, match="does not tell its vCPUs"):
        vcpus(name)


def test_a_cluster_lies_between_the_limits_of_its_scaling() -> None:
    least, most = cluster_capacities(spec(TASK))
    assert [(g.role, g.offers[0].count) for g in least.groups] == [("primary", 1), ("core", 1)]
    assert [(g.role, g.offers[0].count) for g in most.groups][2:] == [("task", 2)]
    # The driver takes one; the primary node works on no task.
    assert (least.cores, most.cores) == (8 - 1, 8 + 16 - 1)
    assert not least.has_spot
    assert most.has_spot


def test_without_a_task_fleet_the_core_fleet_grows_to_its_limit() -> None:
    least, most = cluster_capacities(spec(None))
    assert (least.cores, most.cores) == (7, 15)
    assert not most.has_spot


def test_a_row_is_hours_times_prices_from_the_cheapest_types_to_the_dearest() -> None:
    work = Work(serial=180, shared=23 * 3000, tasks=None, formula="")
    rows, notes = cluster_rows(work, cluster_capacities(spec(TASK)), PRICES)
    assert notes == []
    assert [(row.capacity, row.market) for row in rows] == [
        ("least", "On-Demand"),
        ("most", "On-Demand"),
        ("most", "Spot"),
    ]
    # 7 minutes of start-up, 3 of the run's own, 50 that 23 cores share: one hour.
    assert rows[1].hours == pytest.approx(1)
    assert rows[1].instance_hours == pytest.approx({"primary": 1, "core": 1, "task": 2})
    assert rows[1].cost == pytest.approx((0.25 + 3 * 0.4, 0.25 + 3 * 0.5))
    assert rows[2].cost == pytest.approx((0.25 + 0.4 + 2 * 0.24, 0.25 + 0.5 + 2 * 0.26))
    assert rows[0].hours == pytest.approx((420 + 180 + 23 * 3000 / 7) / 3600)


def test_a_type_without_a_price_is_said_and_hours_stay() -> None:
    work = Work(serial=0, shared=0, tasks=None, formula="")
    other = Group("primary", (Offer("x9.large", 1),))
    core = Group("core", (Offer("x9.xlarge", 2), Offer("m7i.xlarge", 2)))
    whole = ClusterCapacity("most", (Group("primary", (Offer("m7i.xlarge", 1),)), core))
    rows, notes = cluster_rows(work, [whole, ClusterCapacity("least", (other, core))], PRICES)
    assert notes == [
        "no price for x9.xlarge in mine.toml: hours only",
        "no price for x9.large in mine.toml: hours only",
    ]
    # Of two types one has a price; of one type none has.
    assert rows[0].cost == pytest.approx((3 * 0.25 * START_UP / 3600,) * 2)
    assert rows[1].cost is None
    assert rows[1].instance_hours == pytest.approx(
        {"primary": START_UP / 3600, "core": 2 * START_UP / 3600}
    )


def test_serverless_is_billed_by_worker_with_a_minute_at_the_least() -> None:
    limit = {"cpu": "128 vCPU", "memory": "400 GB"}  # memory allows 25 workers, vCPUs 32
    capacities = serverless_capacities({"applicationId": "a", "maximumCapacity": limit})
    assert [each.workers for each in capacities] == [4, 25]
    rows, notes = serverless_rows(Work(30, 0, None, ""), capacities, PRICES)
    assert notes == []
    each = (4 * 0.05 + 16 * 0.005) / 60
    assert [row.cost for row in rows] == [
        pytest.approx((4 * each, 4 * each)),
        pytest.approx((25 * each, 25 * each)),
    ]
    assert [row.vcpus for row in rows] == [12, 96]


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        (None, "has no maximum capacity"),
        ({"cpu": "7 vCPU", "memory": "64 GB"}, "too little for a driver and an executor"),
        ({"cpu": "many", "memory": "64 GB"}, "expected an amount such as '128 vCPU'"),
    ],
)
def test_an_application_without_a_limit_that_can_be_used_is_refused(limit, said: str) -> None:
    with pytest.raises(RefusedInput, match=said):
        serverless_capacities({"applicationId": "00f", "maximumCapacity": limit})


@pytest.mark.parametrize(
    ("uri", "prefixes", "cost"),
    [
        ("s3://mine", 0, 3 * 0.005 + 2400 * 0.0004),  # 2,500 keys are three pages
        ("s3://mine", 40, 40 * 0.005 + 2400 * 0.0004),
        ("s3://unidata-nexrad-level2", 40, 0),
        ("/a/folder", 0, 0),
    ],
)
def test_reading_costs_its_requests_where_they_are_signed(
    uri: str, prefixes: int, cost: float
) -> None:
    listed = {"objects": 2500, "skipped": 100}
    found = reading_cost(listed, prefixes, open_source(uri), read_prices())
    assert found == pytest.approx(cost / 1000)
    signed = uri == "s3://mine"
    assert (reading_cost(listed, prefixes, open_source(uri), PRICES) is None) == signed


def test_the_latest_estimate_of_a_run_is_kept(tmp_path) -> None:
    store = LocalStore(tmp_path)
    assert find(store, "ingest-radar", "0123456789abcdef") is None
    for hours in (1.0, 2.0):
        keep(
            store,
            Estimate(
                job="ingest-radar",
                run_key="0123456789abcdef",
                at="2026-11-25T00:00:00+00:00",
                runtime="emr-7.13.0",
                listed={"objects": 3},
                core_hours=hours,
                formula="",
                rates="",
                prices="",
                currency="EUR",
                rows=tuple(
                    cluster_rows(Work(0, 0, 1, ""), cluster_capacities(spec(None)), PRICES)[0]
                ),
                reading_cost=0.0,
                lake_bytes=None,
                lake_month=None,
                notes=(),
            ),
        )
    found = find(store, "ingest-radar", "0123456789abcdef")
    assert found is not None
    assert found["core_hours"] == 2.0
    assert found["hours"] == [START_UP / 3600] * 2
    # 0.25 for the primary node, a core node of 0.4 or two of 0.5.
    assert found["cost"] == pytest.approx([0.65 * START_UP / 3600, 1.25 * START_UP / 3600])


def test_the_rates_that_ship_are_dated_and_tell_their_machine() -> None:
    rates = read_rates()
    for measured in (rates.radar.measured, rates.sensors.measured):
        assert measured.date >= dt.date(2026, 11, 1)
        assert "cores" in measured.machine
        assert len(measured.commit) == 7

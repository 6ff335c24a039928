"""The page on scale says what the rates, the prices and the measurements come to."""

from __future__ import annotations

import re

import pytest

from benchmarks import scale
from stormlake.emr.rates import read_rates
from stormlake.running.prices import read_prices


def test_the_numbers_of_the_page_are_those_of_its_sources() -> None:
    page = scale.PAGE.read_text(encoding="utf-8")
    assert scale.filled(page, scale.blocks()) == page, "run python benchmarks/scale.py --write"


def test_a_year_of_the_network_can_be_worked_out_by_hand() -> None:
    rate = read_rates().radar
    year = next(size for size in scale.sizes() if size.name == "a year of the network")
    assert year.volumes == 160 * 365 * 250 == 14_600_000
    assert year.bytes == 14_600_000 * 4_000_000
    core_seconds = 160 * rate.run + 14_600_000 * rate.volume + 58_400 * rate.gigabyte
    assert scale.work(year, rate).core_seconds == pytest.approx(core_seconds)
    (row,) = [line for line in scale.work_table(rate) if line.startswith("| a year of")]
    assert f"| {core_seconds / 3600:,.0f} |" in row


def test_its_cost_is_hours_times_the_prices_of_the_cluster() -> None:
    rate, prices = read_rates().radar, read_prices()
    year = next(size for size in scale.sizes() if size.name == "a year of the network")
    work = scale.work(year, rate)
    hours = (420 + 160 * rate.run + work.shared / 127) / 3600
    # A primary node, a core node of 8 vCPUs, 120 vCPUs of task nodes; the cheapest are m6i.
    small, large = (prices.instances[f"m6i.{size}"] for size in ("xlarge", "2xlarge"))
    on_demand = small.ec2 + small.emr + 16 * (large.ec2 + large.emr)
    (row,) = [line for line in scale.money_table(rate, prices) if line.startswith("| a year of")]
    cheapest = float(re.findall(r"[\d.]+", row)[0])
    assert cheapest == pytest.approx(hours * on_demand, abs=0.06)


def test_a_page_without_a_place_for_a_block_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one <!-- work -->"):
        scale.filled("nothing", {"work": []})

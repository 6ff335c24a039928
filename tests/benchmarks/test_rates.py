"""The rates that ship are those that were measured, and measured numbers become rates."""

from __future__ import annotations

import json

import pytest

from benchmarks import rates
from stormlake.emr.rates import parse_rates


def test_the_rates_file_is_made_from_what_was_measured() -> None:
    measured = json.loads(rates.MEASURED.read_text(encoding="utf-8"))
    assert rates.RATES.read_text(encoding="utf-8") == rates.rates_toml(measured), (
        "run python benchmarks/rates.py"
    )


MACHINE = {
    "cpu": "A CPU",
    "cores": 2,
    "python": "3.11.2",
    "date": "2026-11-25",
    "commit": "abc1234",
}


def test_two_runs_and_two_volumes_give_what_a_run_a_volume_and_a_byte_cost() -> None:
    kernels = {
        name: {"bytes": size, "steps": {"path ours": {"best": cost}}}
        for name, size, cost in (("A", 2_000_000, 0.12), ("B", 4_000_000, 0.22))
    }
    pinned = {
        str(n): {"volumes": n, "core_seconds": 15 + 0.3 * n, "lake_volume": 60_000}
        for n in (24, 240)
    }
    spark = {"volume": "B", "volume_bytes": 4_000_000, "pinned": pinned}
    radar = rates.of_radar({"kernels": kernels, "spark": spark, "machine": MACHINE})
    jobs = {str(n): {"records": n, "core_seconds": 16 + 6 * n / 1e6} for n in (10**6, 10**7)}
    sensors = rates.of_sensors(
        {
            "throughput": {"bytes": {"lines": 2_040_000}, "records": 10_000},
            "growth": {"jobs": jobs},
            "gzip_ratio": 5.5,
            "machine": MACHINE,
        }
    )
    found = parse_rates(rates.rates_toml({"radar": radar, "sensors": sensors}))
    assert found.radar.run == pytest.approx(15)
    # 0.05 s/MB in one process; a volume of 4 MB costs 0.3, so 0.1 are each volume's own.
    assert found.radar.gigabyte == pytest.approx(50)
    assert found.radar.volume == pytest.approx(0.1)
    assert found.radar.lake_volume == 60_000
    assert found.radar.measured.what == "24 and 240 copies of B"
    assert found.radar.measured.machine == "A CPU, 2 cores, Python 3.11.2"
    assert (found.sensors.run, found.sensors.million_records) == pytest.approx((16, 6))
    assert (found.sensors.record_bytes, found.sensors.gzip) == (204, 5.5)
    # And back: the larger run's cost.
    work = found.radar.work(240, 240 * 4_000_000)
    assert work.core_seconds == pytest.approx(15 + 0.3 * 240)

"""Seconds that are billed, and shares of a cluster, with times that a reader can check."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.emr.billing import BilledInstance, Span, billed, lines, step_shares
from stormlake.running.prices import parse_prices

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
PRICES = parse_prices(
    'region = "x"\ncurrency = "USD"\ndate = 2026-11-01\n[instances]\n'
    '"m7i.xlarge" = { ec2 = 0.2, spot = 0.08, emr = 0.05 }\n',
    "mine.toml",
)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def span(start: float, end: float) -> Span:
    return Span(at(start), at(end))


def listed(start: float, ready: float | None, end: float | None, **more: str) -> dict[str, object]:
    times = {"CreationDateTime": start, "ReadyDateTime": ready, "EndDateTime": end}
    timeline = {name: at(minutes) for name, minutes in times.items() if minutes is not None}
    return {"InstanceType": "m7i.xlarge", "Market": "ON_DEMAND", **more} | {
        "Status": {"State": "RUNNING", "Timeline": timeline}
    }


def running(start: float, end: float, name: str = "m7i.xlarge") -> BilledInstance:
    return BilledInstance(name, "ON_DEMAND", span(start, end), int((end - start) * 60), 0)


def test_an_instance_is_billed_from_ready_to_its_end_by_the_second() -> None:
    (one,) = billed([listed(0, 4, 34.51)], at(100))
    assert one.seconds == 1831  # 30 min 30.6 s, a second that has begun counts
    assert one.launching == 240


def test_one_that_runs_is_billed_until_now_and_one_that_was_never_ready_is_not() -> None:
    found = billed([listed(0, 4, None), listed(0, None, 10)], at(64))
    assert [each.seconds for each in found] == [3600]


def test_a_minute_is_billed_at_the_least() -> None:
    (one,) = billed([listed(0, 4, 4.1)], at(10))
    assert one.seconds == 60


def test_types_and_markets_are_summed_up_with_their_prices() -> None:
    instances = billed(
        [
            listed(0, 0, 60),
            listed(0, 0, 30),
            listed(0, 0, 60, Market="SPOT"),
            listed(0, 0, 60, InstanceType="x9.large"),
        ],
        at(60),
    )
    found, notes = lines(instances, [1800, 900, 0, 3600], PRICES)
    assert [(one.type, one.market, one.instances) for one in found] == [
        ("m7i.xlarge", "ON_DEMAND", 2),
        ("m7i.xlarge", "SPOT", 1),
        ("x9.large", "ON_DEMAND", 1),
    ]
    assert [one.hours for one in found] == [1.5, 1, 1]
    assert [one.cost for one in found] == [pytest.approx(1.5 * 0.25), pytest.approx(0.13), None]
    assert [one.run_hours for one in found] == [0.75, 0, 1]
    assert found[0].run_cost == pytest.approx(0.75 * 0.25)
    assert notes == ["no price for x9.large in mine.toml: hours only"]


def test_a_step_alone_has_the_instances_time_within_its_own() -> None:
    instances = [running(0, 60), running(20, 30), running(50, 60)]
    assert step_shares(instances, span(10, 40), []) == [30 * 60, 10 * 60, 0]


def test_steps_at_the_same_time_share_evenly() -> None:
    # Alone from 10 to 20, two from 20 to 30, three from 30 to 40.
    others = [span(20, 50), span(30, 45), span(0, 5)]
    (share,) = step_shares([running(0, 60)], span(10, 40), others)
    assert share == pytest.approx((10 + 10 / 2 + 10 / 3) * 60)


SPANS = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(lambda t: span(min(t), max(t)))


@given(st.lists(SPANS, min_size=1, max_size=5))
def test_all_steps_together_have_all_the_time_in_which_any_ran(steps: list[Span]) -> None:
    total = sum(
        step_shares([running(0, 100)], step, steps[:n] + steps[n + 1 :])[0]
        for n, step in enumerate(steps)
    )
    minutes = sum(
        any(step.start <= at(m) and at(m + 1) <= step.end for step in steps) for m in range(100)
    )
    assert total == pytest.approx(minutes * 60)

"""When and where records arrive: objects of five minutes, in folders of the hour of arrival."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

from stormlake.errors import RefusedInput
from stormlake.simulate.delivery import Delivery, deliver, object_name
from stormlake.simulate.draws import micros
from stormlake.simulate.events import event_blocks

START = datetime(2026, 5, 1, 21, tzinfo=UTC)
FIVE_MINUTES = 300_000_000


def delivered(duplicates: float, late: float, records: int = 36_000) -> list[Delivery]:
    return list(deliver(event_blocks(records, 7, START), 7, "events", duplicates, late))


def copies(deliveries: list[Delivery]) -> Counter[str]:
    return Counter(key for delivery in deliveries for event in delivery.records for key in event)


def test_every_record_comes_once_when_nothing_comes_twice() -> None:
    deliveries = delivered(0.0, 0.0)
    assert len(copies(deliveries)) == sum(len(d.records) for d in deliveries) == 36_000
    assert sum(d.duplicates + d.late for d in deliveries) == 0


def test_records_that_come_twice_are_counted() -> None:
    deliveries = delivered(0.25, 0.0)
    twice = [key for key, count in copies(deliveries).items() if count == 2]
    assert len(copies(deliveries)) == 36_000
    assert max(copies(deliveries).values()) == 2
    assert len(twice) == sum(d.duplicates for d in deliveries)
    assert 8_600 < len(twice) < 9_400
    assert set(copies(delivered(1.0, 0.0, 500)).values()) == {2}


def test_an_object_holds_what_came_in_five_minutes_and_late_records_come_up_to_three_later() -> (
    None
):
    deliveries = delivered(0.1, 0.5)
    late = 0
    for delivery in deliveries:
        assert delivery.closed - delivery.opened == FIVE_MINUTES
        for event in delivery.records:
            (text,) = event.values()
            time = micros(datetime.fromisoformat(text.removeprefix("test-")))
            assert time < delivery.closed
            # 2 s on the way, 180 s held up, 30 s until the second time; a second of rounding.
            assert delivery.opened - time < 213_000_000
            late += time < delivery.opened
    assert sum(d.late for d in deliveries) > 17_000
    assert late > 1_000


def test_an_hour_is_delivered_every_five_minutes_and_its_end_in_the_next_hour() -> None:
    names = [object_name("events", d.closed, 7) for d in delivered(0.01, 0.01)]
    folders = Counter(name.rpartition("/")[0] for name in names)
    assert folders == {"2026/05/01/21": 11, "2026/05/01/22": 2}
    assert [name[:43] for name in names[10:]] == [
        "2026/05/01/21/events-1-2026-05-01-21-55-00-",
        "2026/05/01/22/events-1-2026-05-01-22-00-00-",
        "2026/05/01/22/events-1-2026-05-01-22-05-00-",
    ]


def test_an_object_of_the_last_minutes_of_a_year_lies_in_the_next_year() -> None:
    new_year = micros(datetime(2027, 1, 1, tzinfo=UTC))
    name = object_name("wind", new_year, 3, gz=True)
    assert name.startswith("2027/01/01/00/wind-1-2027-01-01-00-00-00-")
    assert name.endswith(".gz")
    assert len(name.removesuffix(".gz")) == len("2027/01/01/00/wind-1-2027-01-01-00-00-00-") + 36


def test_names_follow_from_stream_time_and_seed() -> None:
    time = micros(START)
    assert object_name("wind", time, 3) == object_name("wind", time, 3)
    others = {object_name("wind", time, 4)[-36:], object_name("wind", time + FIVE_MINUTES, 3)[-36:]}
    others |= {object_name("wind", time, 3)[-36:], object_name("events", time, 3)[-36:]}
    assert len(others) == 4


@pytest.mark.parametrize("share", [-0.1, 1.5, float("nan")])
def test_a_share_outside_0_to_1_is_refused_before_anything_is_drawn(share: float) -> None:
    with pytest.raises(RefusedInput, match="duplicates"):
        deliver([], 1, "events", share)
    with pytest.raises(RefusedInput, match="late"):
        deliver([], 1, "events", 0.0, share)

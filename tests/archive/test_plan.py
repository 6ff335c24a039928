from __future__ import annotations

import datetime as dt
import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.archive.objects import ArchiveObject
from stormlake.archive.plan import Task, Totals, plan_tasks, totals
from stormlake.radar.outcomes import Reason

DAY = dt.date(2016, 6, 1)
OBJECTS = st.lists(
    st.builds(
        ArchiveObject,
        key=st.text(alphabet="abcdefgh/", min_size=1, max_size=8),
        size=st.integers(0, 20),
        station=st.sampled_from(["KLBB", "KSRX", None]),
        date=st.sampled_from([DAY, DAY + dt.timedelta(days=1), None]),
        skip=st.sampled_from([None, None, Reason.METADATA_ONLY]),
    ),
    unique_by=lambda obj: obj.key,
    max_size=60,
)


def volumes(*sizes: int) -> list[ArchiveObject]:
    return [ArchiveObject(f"k{n:03d}", size, "KLBB", DAY) for n, size in enumerate(sizes)]


def cost(objects: list[ArchiveObject]) -> int:
    return sum(obj.size for obj in objects if obj.skip is None)


def test_equal_volumes_become_equal_tasks_in_order_of_key() -> None:
    tasks = plan_tasks(reversed(volumes(*[4] * 12)), task_bytes=16)
    assert [task.bytes for task in tasks] == [16, 16, 16]
    assert [obj.key for task in tasks for obj in task.objects] == [f"k{n:03d}" for n in range(12)]


def test_a_little_more_than_a_task_is_halved_rather_than_left_with_a_crumb() -> None:
    assert [task.bytes for task in plan_tasks(volumes(*[4] * 10), task_bytes=36)] == [20, 20]


def test_skipped_objects_have_a_place_but_no_weight() -> None:
    tar = ArchiveObject("a.tar", 10**12, "KLBB", DAY, skip=Reason.NXL2_TAR)
    assert plan_tasks([*volumes(4, 4), tar], task_bytes=8) == [
        Task("KLBB", DAY, (tar, *volumes(4, 4)))
    ]


def test_objects_whose_names_say_too_little_are_planned_together_by_bytes() -> None:
    unknown = [
        ArchiveObject("a", 8),
        ArchiveObject("b", 8, date=DAY),
        ArchiveObject("c", 8, station="KLBB"),
    ]
    tasks = plan_tasks([*unknown, *volumes(8)], task_bytes=12)
    assert [(task.station, task.date, [obj.key for obj in task.objects]) for task in tasks] == [
        ("KLBB", DAY, ["k000"]),
        (None, None, ["a"]),
        (None, None, ["b", "c"]),
    ]


def test_no_objects_are_no_tasks() -> None:
    assert plan_tasks([]) == []


def test_a_task_of_no_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="task_bytes is 0"):
        plan_tasks([], task_bytes=0)


def test_totals_count_objects_skips_tasks_and_bytes() -> None:
    skipped = ArchiveObject("a_MDM", 100, "KLBB", DAY, skip=Reason.METADATA_ONLY)
    tasks = plan_tasks([*volumes(4, 4, 4), skipped], task_bytes=4)
    assert totals(tasks) == Totals(objects=4, skipped=1, tasks=3, bytes=12)


@given(OBJECTS, st.integers(1, 50))
def test_every_object_is_in_exactly_one_task(objects: list[ArchiveObject], size: int) -> None:
    planned = [obj for task in plan_tasks(objects, size) for obj in task.objects]
    assert sorted(planned, key=lambda obj: obj.key) == sorted(objects, key=lambda obj: obj.key)


@given(OBJECTS, st.integers(1, 50))
def test_a_task_is_a_run_of_one_station_day(objects: list[ArchiveObject], size: int) -> None:
    for task in plan_tasks(objects, size):
        days = {
            (obj.station, obj.date) if obj.station and obj.date else (None, None)
            for obj in task.objects
        }
        assert days == {(task.station, task.date)}
        keys = [obj.key for obj in task.objects]
        assert keys == sorted(keys)


@given(OBJECTS, st.integers(1, 50))
def test_tasks_of_a_station_day_are_balanced(objects: list[ArchiveObject], size: int) -> None:
    tasks = plan_tasks(objects, size)
    for day in {(task.station, task.date) for task in tasks}:
        mine = [task for task in tasks if (task.station, task.date) == day]
        total = sum(task.bytes for task in mine)
        shares = max(1, -(-total // size))
        largest = max((cost([obj]) for task in mine for obj in task.objects), default=0)
        assert len(mine) <= shares
        assert all(task.bytes <= total / shares + largest for task in mine)
        # runs do not interleave
        ends = [(task.objects[0].key, task.objects[-1].key) for task in mine]
        assert all(one[1] < two[0] for one, two in pairwise(ends))


@given(OBJECTS, st.integers(1, 50), st.randoms(use_true_random=False))
def test_the_order_of_listing_does_not_matter(
    objects: list[ArchiveObject], size: int, chance: random.Random
) -> None:
    shuffled = list(objects)
    chance.shuffle(shuffled)
    assert plan_tasks(shuffled, size) == plan_tasks(objects, size)

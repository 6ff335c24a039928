"""When a run over a sensor archive is good enough, and the sum that it must keep."""

from __future__ import annotations

import pytest

from stormlake.errors import ExitCode, StormlakeError
from stormlake.running.sensor_report import Judged, too_many_rejects
from stormlake.sensors.tally import FiveNumbers, Tally


def judged(rejected: int, read: int = 100, unreadable: int = 0, objects: int = 10) -> Judged:
    tally = Tally(objects=objects)
    tally.unreadable_keys.update(str(n) for n in range(unreadable))
    return Judged.of(FiveNumbers(read, read - rejected, 0, rejected, 0), tally, 0.05)


@pytest.mark.parametrize(("rejected", "ok"), [(0, True), (5, True), (6, False)])
def test_a_run_is_good_up_to_its_share_of_rejected_records(rejected: int, ok: bool) -> None:
    assert judged(rejected).ok is ok


def test_records_left_to_other_dates_are_not_judged() -> None:
    assert not Judged.of(FiveNumbers(100, 9, 0, 1, 90), Tally(objects=1), 0.05).ok


def test_objects_that_cannot_be_read_have_a_share_of_their_own() -> None:
    # One reject for an object of thousands of records would be lost among the others'.
    assert judged(1, read=3000, unreadable=1, objects=20).ok
    bad = judged(9, read=3009, unreadable=9, objects=10)
    assert bad.records.reject_share < 0.05 and not bad.ok
    error = too_many_rejects(bad, "the tables are written")
    assert error.exit_code == ExitCode.TOO_MANY_REJECTS
    assert "9 of 10 objects could not be read" in str(error)


def test_an_object_that_fails_in_several_parts_is_one_object() -> None:
    tally = Tally()
    for _ in range(6):
        part = Tally()
        part.unreadable_keys["a"] += 1
        tally.add(part)
    assert tally.unreadable == 1


def test_a_run_without_records_is_good() -> None:
    assert Judged.of(FiveNumbers(0, 0, 0, 0, 0), Tally(), 0.0).ok


def test_five_numbers_that_do_not_add_up_fail_the_run_with_all_of_them() -> None:
    FiveNumbers(10, 5, 2, 2, 1).check()
    with pytest.raises(StormlakeError, match=r"10 records were read, but 5 kept \+ 2 duplicates"):
        FiveNumbers(10, 5, 2, 2, 0).check()

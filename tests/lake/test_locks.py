from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from stormlake.errors import ExitCode
from stormlake.lake.locks import LEASE, RENEW, WAIT, LockHeld, LockLost, hold, live_locks, revoke
from stormlake.lake.processes import Process, current_process
from stormlake.lake.store import LocalStore, S3Store, Store

KLBB = "_stormlake/locks/ingest-radar/KLBB.json"


class Clock:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.slept = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def contents(store: Store, path: str = KLBB) -> dict:
    return json.loads(store.read(path).data)


def put_lock(store: Store, clock: Clock, process: Process, *, expires: float) -> None:
    """Leave the lock of another run, as that run would have written it."""
    lock = {
        "owner": "somebody",
        "job": "ingest-radar",
        "name": "KLBB",
        "run_id": "0123456789abcdef-2",
        "process": process.__dict__,
        "local": isinstance(store, LocalStore),
        "since": clock.now - 50,
        "expires": expires,
    }
    store.create(KLBB, json.dumps(lock).encode())


def test_the_times_are_those_of_the_design() -> None:
    assert (LEASE, RENEW, WAIT) == (120, 30, 180)


def test_a_lock_stands_while_held_and_is_gone_afterwards(store: Store) -> None:
    clock = Clock()
    with hold(store, "ingest-radar", ["KLBB", "KTLX"], run_id="r-1", clock=clock) as held:
        paths = [entry.path for entry in store.list("_stormlake/locks/")]
        assert paths == [KLBB, "_stormlake/locks/ingest-radar/KTLX.json"]
        lock = contents(store)
        assert lock["run_id"] == "r-1"
        assert lock["process"]["pid"] == os.getpid()
        assert lock["expires"] == clock.now + 120
        held.check()
    assert list(store.list("_stormlake/locks/")) == []


def test_a_lock_is_released_when_the_run_fails(store: Store) -> None:
    with pytest.raises(ZeroDivisionError), hold(store, "ingest-radar", ["KLBB"]):
        raise ZeroDivisionError
    assert store.read(KLBB) is None


def test_none_locks_the_job_alone_and_an_empty_list_is_a_mistake(store: Store) -> None:
    with hold(store, "aggregate-wind_max", None):
        assert store.read("_stormlake/locks/aggregate-wind_max.json") is not None
    with pytest.raises(ValueError, match="no names to lock"), hold(store, "ingest-radar", []):
        pass


def test_who_meets_a_live_lock_waits_three_minutes_and_exits_2(store: Store) -> None:
    clock = Clock()
    # The holder is this process, alive, and its lease outlasts the wait.
    put_lock(store, clock, current_process(), expires=clock.now + 1000)
    with (
        pytest.raises(LockHeld) as caught,
        hold(store, "ingest-radar", ["KLBB"], clock=clock, sleep=clock.sleep),
    ):
        pass
    assert clock.slept == pytest.approx(180)
    assert caught.value.exit_code is ExitCode.REFUSED
    assert f"pid {os.getpid()} on {current_process().host}" in str(caught.value)
    assert "0123456789abcdef-2" in str(caught.value)


def test_of_several_locks_none_stays_when_one_is_held(store: Store) -> None:
    clock = Clock()
    put_lock(store, clock, current_process(), expires=clock.now + 1000)
    with (
        pytest.raises(LockHeld),
        hold(store, "ingest-radar", ["KABR", "KLBB"], clock=clock, sleep=clock.sleep),
    ):
        pass
    assert [entry.path for entry in store.list("_stormlake/locks/")] == [KLBB]


def test_a_lease_that_nobody_renews_is_taken_over_when_it_ends(store: Store) -> None:
    clock = Clock()
    elsewhere = replace(current_process(), host="another-host")
    put_lock(store, clock, elsewhere, expires=clock.now + 70)
    with hold(store, "ingest-radar", ["KLBB"], clock=clock, sleep=clock.sleep) as held:
        assert clock.slept == pytest.approx(70)
        assert contents(store)["owner"] == held.owner


def dead_process() -> Process:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = replace(
        current_process(),
        pid=child.pid,
        started=Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19],
    )
    assert not process.is_gone()
    child.kill()
    child.wait()
    return process


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="reads /proc")
@pytest.mark.parametrize(
    "gone",
    [
        pytest.param(dead_process, id="its process ended"),
        pytest.param(
            lambda: replace(current_process(), started="17"),
            id="its pid is used by another process",
        ),
        pytest.param(
            lambda: replace(current_process(), world="an-earlier-boot pid:[1]"), id="a reboot ago"
        ),
    ],
)
def test_a_local_lock_is_free_at_once_when_its_process_is_gone(tmp_path: Path, gone) -> None:
    store, clock = LocalStore(tmp_path), Clock()
    put_lock(store, clock, gone(), expires=clock.now + 1000)
    with hold(store, "ingest-radar", ["KLBB"], clock=clock, sleep=clock.sleep):
        assert clock.slept == 0


def test_a_process_in_another_container_of_this_boot_is_not_called_gone() -> None:
    here = current_process()
    boot = here.world.partition(" ")[0]
    assert not replace(here, world=f"{boot} pid:[1]", started="17").is_gone()
    assert not replace(here, host="another-host", started="17").is_gone()


def test_on_s3_only_the_lease_counts_since_hosts_share_names(s3) -> None:
    store, clock = S3Store(s3.client(), "lake", "lease-only"), Clock()
    put_lock(store, clock, replace(current_process(), started="17"), expires=clock.now + 30)
    with hold(store, "ingest-radar", ["KLBB"], clock=clock, sleep=clock.sleep):
        assert clock.slept == pytest.approx(30)


def test_a_lease_is_renewed_in_the_background(store: Store) -> None:
    with hold(store, "ingest-radar", ["KLBB"], renew=0.05):
        first = contents(store)["expires"]
        end = time.monotonic() + 10
        while contents(store)["expires"] == first and time.monotonic() < end:
            time.sleep(0.02)
        assert contents(store)["expires"] > first


def test_a_holder_whose_lease_ran_out_untouched_renews_it_and_goes_on(store: Store) -> None:
    clock = Clock()
    with hold(store, "ingest-radar", ["KLBB"], clock=clock) as held:
        clock.now += 500  # the laptop slept
        held.check()
        assert contents(store)["expires"] == clock.now + 120


def test_a_holder_whose_lock_was_taken_over_must_not_commit(store: Store) -> None:
    clock = Clock()
    with hold(store, "ingest-radar", ["KLBB"], clock=clock) as first:
        clock.now += 121  # it was suspended for longer than its lease
        with hold(store, "ingest-radar", ["KLBB"], clock=clock) as second:
            with pytest.raises(LockLost, match="nothing more is written"):
                first.check()
            second.check()
            assert contents(store)["owner"] == second.owner
        with pytest.raises(LockLost):
            first.check()  # once lost, lost for good


def test_a_holder_is_told_at_once_when_its_lock_is_taken_in_the_middle_of_a_write(
    store: Store,
) -> None:
    told = threading.Event()
    with (
        pytest.raises(LockLost, match="lock lost"),
        hold(store, "ingest-radar", ["KLBB"], renew=0.05) as held,
    ):
        held.on_lost = told.set
        there = store.read(KLBB)
        assert there is not None
        stolen = json.dumps({**json.loads(there.data), "owner": "somebody else"}).encode()
        store.replace(KLBB, stolen, there.etag)
        assert told.wait(timeout=20), "the keeper noticed, and said so"
        held.check()


def test_releasing_a_lost_lock_leaves_the_new_holders(store: Store) -> None:
    clock = Clock()
    first = hold(store, "ingest-radar", ["KLBB"], clock=clock)
    first.__enter__()
    clock.now += 121
    with hold(store, "ingest-radar", ["KLBB"], clock=clock) as second:
        first.__exit__(None, None, None)
        assert contents(store)["owner"] == second.owner


def test_a_lock_that_a_person_removed_is_noticed(store: Store) -> None:
    with hold(store, "ingest-radar", ["KLBB"]) as held:
        store.delete(KLBB)
        with pytest.raises(LockLost, match="is gone"):
            held.check()


def test_live_locks_are_those_of_others_that_still_run(store: Store) -> None:
    clock = Clock()
    with (
        hold(store, "ingest-radar", ["KTLX"], clock=clock) as mine,
        hold(store, "score-wind", ["a"], clock=clock),
    ):
        there = ["_stormlake/locks/score-wind/a.json"]
        assert live_locks(store, but=mine, clock=clock) == there
        assert live_locks(store, but=mine, clock=lambda: clock.now + 121) == []


RACE = """
import sys, time
from pathlib import Path
from stormlake.lake.locks import hold
from stormlake.lake.store import LocalStore
root = Path(sys.argv[1])
brief = lambda seconds: time.sleep(0.001)
for turn in range(20):
    with hold(LocalStore(root / "lake"), "ingest-radar", ["KLBB"], sleep=brief):
        # Whoever is alone can make and remove this folder; two at once cannot.
        (root / "alone").mkdir()
        (root / "alone").rmdir()
        with (root / "turns").open("a") as file:
            file.write("x")
"""


def test_two_processes_that_race_for_a_lock_are_never_both_inside(tmp_path: Path) -> None:
    racers = [subprocess.Popen([sys.executable, "-c", RACE, tmp_path]) for _ in range(2)]
    assert [racer.wait(timeout=60) for racer in racers] == [0, 0]
    assert (tmp_path / "turns").read_text() == "x" * 40


HOLD = """
import sys, time
from pathlib import Path
from stormlake.lake.locks import hold
from stormlake.lake.store import LocalStore
with hold(LocalStore(Path(sys.argv[1])), "ingest-radar", ["KLBB"], run_id="r-1"):
    print("held", flush=True)
    time.sleep(600)
"""


def test_the_lock_of_a_killed_process_is_no_obstacle_but_that_of_a_live_one_is(
    tmp_path: Path,
) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(LockHeld, match=f"run r-1, pid {holder.pid} "),
            hold(LocalStore(tmp_path), "ingest-radar", ["KLBB"], wait=0),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        # Not waited for: it is a zombie now, as under a parent that does not care.
        end = time.monotonic() + 10
        while not Path(f"/proc/{holder.pid}/stat").read_text().rpartition(")")[2].startswith(" Z"):
            assert time.monotonic() < end
        with hold(LocalStore(tmp_path), "ingest-radar", ["KLBB"], wait=0) as held:
            held.check()
    finally:
        holder.kill()
        holder.wait()
        holder.stdout.close()


def test_the_locks_of_a_run_can_be_taken_away_and_stay_held_until_it_must_have_noticed(
    tmp_path: Path,
) -> None:
    store = LocalStore(tmp_path)
    now = [1000.0]
    with (
        hold(store, "j", ["A", "B"], run_id="k-1", clock=lambda: now[0]) as mine,
        hold(store, "j", ["C"], run_id="k-2", clock=lambda: now[0]) as others,
        hold(store, "jj", ["A"], run_id="k-1", clock=lambda: now[0]) as namesake,
    ):
        assert revoke(store, "j", "k-1", clock=lambda: now[0]) == 2
        with pytest.raises(LockLost, match=r"k-1 \(cancelled\)"):
            mine.check()
        others.check()
        namesake.check()
        with (
            pytest.raises(LockHeld),
            hold(store, "j", ["A"], wait=0, clock=lambda: now[0]),
        ):
            pass
        now[0] += 60.0
        with hold(store, "j", ["A"], wait=0, clock=lambda: now[0]) as next_one:
            next_one.check()


def test_there_is_nothing_to_take_from_a_run_that_holds_nothing(tmp_path: Path) -> None:
    assert revoke(LocalStore(tmp_path), "j", "k-1") == 0

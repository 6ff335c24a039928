"""The decoder's process: what crashes or hangs in it costs one volume, and nothing outlives us."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from stormlake.radar.isolation import (
    DecoderProcess,
    child_environment,
    kernel_cache,
    shared_decoder,
)
from stormlake.radar.outcomes import Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import Profile, load_profile
from tests.data import wheel_file
from tests.integration.archives import renamed_station
from tests.integration.runs import BROKEN, ROOT, broken

NAME = "KATX20130717_195021_V06"


@pytest.fixture(scope="module")
def good() -> bytes:
    return wheel_file("example_nexrad_archive_msg31_compressed.ar2v").read_bytes()


@pytest.fixture
def profile(coarse: Path) -> Profile:
    return load_profile(coarse)


@pytest.fixture
def decoder(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderProcess]:
    """A decoder that can be broken; its watchdog waits 2 s."""
    monkeypatch.syspath_prepend(str(BROKEN))
    with DecoderProcess(profile, answer_seconds=2.0) as running:
        yield running


def is_complete(result: VolumeResult) -> bool:
    """Whether this is what `good` gives: 120 rays, 3,275 gates kept (spec, section 4)."""
    return (result.status, result.rays, result.gates_kept) == (Status.PARTIAL, 120, 3275)


def child_of(decoder: DecoderProcess) -> psutil.Process:
    child = decoder._child
    assert child is not None
    return psutil.Process(child.pid)


@pytest.mark.parametrize(
    ("station", "said"),
    [
        (b"SEGV", "died of signal 11"),
        (b"ABRT", "died of signal 6"),
        (b"EXIT", "exited 7"),
        (b"HANG", "no answer within 2 s; killed"),
    ],
)
def test_a_decoder_that_crashes_or_hangs_costs_its_volume_and_the_next_one_is_complete(
    decoder: DecoderProcess, good: bytes, station: bytes, said: str
) -> None:
    assert is_complete(decoder.process(good, NAME))
    before = child_of(decoder).pid

    failed = decoder.process(renamed_station(good, station), NAME)

    assert (failed.status, failed.reason) == (Status.REJECTED, Reason.DECODER_FAILED)
    assert failed.detail is not None and said in failed.detail
    assert failed.cells is None
    assert is_complete(decoder.process(good, NAME))
    assert not psutil.pid_exists(before)


def test_what_a_decoder_prints_does_not_disturb_its_answer(
    decoder: DecoderProcess, good: bytes
) -> None:
    assert is_complete(decoder.process(renamed_station(good, b"LOUD"), NAME))


def test_a_child_that_died_between_two_volumes_costs_none(
    decoder: DecoderProcess, good: bytes
) -> None:
    assert is_complete(decoder.process(good, NAME))
    child = child_of(decoder)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

    assert is_complete(decoder.process(good, NAME))


def test_the_thread_that_started_the_child_may_end(decoder: DecoderProcess, good: bytes) -> None:
    # Linux sends the parent's death signal when the *thread* ends that started the child.
    results: list[VolumeResult] = []
    for _ in range(2):
        thread = threading.Thread(target=lambda: results.append(decoder.process(good, NAME)))
        thread.start()
        thread.join()
        time.sleep(0.2)

    assert [is_complete(result) for result in results] == [True, True]


def test_closing_ends_the_child_and_leaves_no_descriptor(profile: Profile, good: bytes) -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    with DecoderProcess(profile) as decoder:
        decoder.process(good, NAME)
        child = child_of(decoder)

    assert not child.is_running()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize("station", [None, "HANG"])
def test_a_child_dies_with_its_parent_idle_or_hanging(
    good: bytes, coarse: Path, tmp_path: Path, station: str | None
) -> None:
    volume = tmp_path / NAME
    volume.write_bytes(renamed_station(good, station.encode()) if station else good)
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(coarse), str(volume)],
        cwd=ROOT,
        env={**os.environ, **broken()},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    if station is None:
        assert parent.stdout.readline().strip() == "partial"
    else:
        _until(lambda: child.cpu_percent(0.2) > 20, "the child hangs, busily")

    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()

    _until(lambda: not child.is_running(), "the child is gone")


def test_a_child_that_cannot_start_is_told_and_not_taken_for_a_bad_volume(
    profile: Profile, good: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "numba"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('no numba here')")
    monkeypatch.syspath_prepend(str(tmp_path))

    with (
        DecoderProcess(profile) as decoder,
        pytest.raises(RuntimeError, match="did not start: its process exited 1"),
    ):
        decoder.process(good, NAME)


def test_the_shared_decoder_is_one_per_settings_and_replaces_the_one_before(
    profile: Profile, good: bytes
) -> None:
    first = shared_decoder(profile)
    assert shared_decoder(profile) is first
    first.process(good, NAME)
    child = child_of(first)

    second = shared_decoder(load_profile("notebook"))
    try:
        assert second is not first
        assert not child.is_running()
    finally:
        second.close()


def test_the_watchdog_of_a_volume_does_not_count_the_import_of_the_decoder() -> None:
    look = "import sys; from stormlake.radar.process import warm_up; warm_up(); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", look],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"recast_radar", "xarray"} <= set(done.stdout.split())


def test_a_child_uses_one_thread_and_a_kernel_cache_that_can_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    environment = child_environment()

    assert environment["RAYON_NUM_THREADS"] == "1"
    assert os.access(Path(environment["NUMBA_CACHE_DIR"]).parent, os.W_OK)


def test_a_user_without_a_name_or_a_home_has_a_kernel_cache_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a container that runs under whatever number it is given."""

    def unknown(user: object) -> None:
        raise KeyError(user)

    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", unknown)
    kernel_cache.cache_clear()
    try:
        folder = kernel_cache()
    finally:
        kernel_cache.cache_clear()
    assert folder.name.startswith("stormlake-kernels-")
    assert os.access(folder, os.W_OK) and folder.stat().st_mode & 0o077 == 0


def _until(condition: Callable[[], bool], what: str, patience: float = 60.0) -> None:
    end = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)


_PARENT = """
import sys, time
from pathlib import Path
from stormlake.radar.isolation import DecoderProcess
from stormlake.radar.profiles import load_profile

decoder = DecoderProcess(load_profile(sys.argv[1]), answer_seconds=600)
decoder._ready()
print(decoder._child.pid, flush=True)
volume = Path(sys.argv[2])
print(decoder.process(volume.read_bytes(), volume.name).status, flush=True)
time.sleep(600)
"""


def test_a_child_that_does_not_even_read_is_killed_and_replaced(
    decoder: DecoderProcess, good: bytes
) -> None:
    assert is_complete(decoder.process(good, NAME))
    os.kill(child_of(decoder).pid, signal.SIGSTOP)

    # Larger than a pipe: sending alone would wait for ever.
    stuck = decoder.process(bytes(1 << 20), NAME)

    assert stuck.reason == Reason.DECODER_FAILED
    assert stuck.detail is not None and "no answer within 2 s; killed" in stuck.detail
    assert is_complete(decoder.process(good, NAME))


def test_a_decoder_that_the_machine_kills_once_gets_the_volume_again(
    decoder: DecoderProcess, good: bytes
) -> None:
    assert is_complete(decoder.process(good, NAME))
    child = child_of(decoder)
    os.kill(child.pid, signal.SIGSTOP)
    # As the kernel does when memory is short: while the volume is with the child.
    killer = threading.Timer(0.5, child.kill)
    killer.start()

    again = decoder.process(good, NAME)

    killer.join()
    assert is_complete(again)
    assert child_of(decoder).pid != child.pid

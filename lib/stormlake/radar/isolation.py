"""A process of its own for the decoder, so that one that crashes or hangs takes nothing along.

A child is started once and used for every volume of its parent; the parent sends bytes and gets
a result back over two pipes. A child that dies or does not answer in time is replaced.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Final

from stormlake.radar.kernel_files import LOCATORS
from stormlake.radar.outcomes import Reason, Status
from stormlake.radar.process import VolumeResult
from stormlake.radar.profiles import Profile
from stormlake.radar.stations import Station

ANSWER_SECONDS: Final = 30.0
"""How long one volume may take; the slowest real one takes about half a second."""

START_SECONDS: Final = 300.0
"""How long a child may take to import and to compile its kernels on a slow, busy machine."""


class DecoderProcess:
    """Runs `process_volume` in a reusable child process under a watchdog.

    Parameters
    ----------
    profile : Profile
        Handed to every volume.
    stations : mapping of str to Station, optional
        Locations; the built-in table when not given.
    answer_seconds : float
        After this long without an answer the child is killed and the volume is rejected.

    Examples
    --------
    >>> with DecoderProcess(profile) as decoder:       # doctest: +SKIP
    ...     result = decoder.process(data, "KLBB20160601_150025_V06")
    """

    def __init__(
        self,
        profile: Profile,
        stations: Mapping[str, Station] | None = None,
        answer_seconds: float = ANSWER_SECONDS,
    ) -> None:
        self._settings = (profile, stations)
        self._answer_seconds = answer_seconds
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: _Pipe | None = None

    def process(self, data: bytes, key: str) -> VolumeResult:
        """Process one volume; a crash or a hang of the decoder is a `decoder_failed` result.

        A decoder that died gets the volume once more, in a new process: what killed it may have
        been the machine (out of memory), and that must not decide about rows.
        """
        for last in (False, True):
            pipe = self._ready()
            # Covers sending too: a child that does not read leaves us in a full pipe.
            watchdog = _Watchdog(self._child, self._answer_seconds)
            try:
                with watchdog:
                    pipe.send(key.encode())
                    pipe.send(data)
                    result = pickle.loads(pipe.receive())
            except (EOFError, OSError):
                how = self._how_it_died()
                if watchdog.barked:
                    return _failed(f"no answer within {self._answer_seconds:g} s; killed")
                if last:
                    return _failed(f"{how}, twice")
                continue
            assert isinstance(result, VolumeResult)
            return result
        raise AssertionError("the loop returns")

    def close(self) -> None:
        """End the child; a later `process` starts another."""
        if self._pipe is not None:
            self._pipe.close()
            self._pipe = None
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def __enter__(self) -> DecoderProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ready(self) -> _Pipe:
        if self._pipe is not None and self._child is not None:
            if self._child.poll() is None:
                return self._pipe
            # It died between two volumes (out of memory; its death signal, when the thread that
            # started it ended): the next volume has nothing to do with that.
            self.close()
        child_reads, we_write = os.pipe()
        we_read, child_writes = os.pipe()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "stormlake.radar.child", str(child_reads), str(child_writes)],
            pass_fds=(child_reads, child_writes),
            stdin=subprocess.DEVNULL,
            env=child_environment(),
        )
        os.close(child_reads)
        os.close(child_writes)
        self._pipe = _Pipe(we_read, we_write)
        try:
            self._pipe.send(pickle.dumps((os.getpid(), *self._settings)))
            if self._pipe.wait(START_SECONDS):
                self._pipe.receive()
                return self._pipe
        except (EOFError, OSError):
            pass
        # Not a bad volume but a broken installation: every volume would fail, so say it loudly.
        raise RuntimeError(f"the decoder process did not start: {self._how_it_died()}")

    def _how_it_died(self) -> str:
        child = self._child
        code: int | None = None
        if child is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = child.wait(timeout=5)
        self.close()
        if code is None:
            return "its process stopped answering"
        return f"its process died of signal {-code}" if code < 0 else f"its process exited {code}"


class _Watchdog:
    """Kills a child that takes longer than it may; a context manager."""

    def __init__(self, child: subprocess.Popen[bytes] | None, seconds: float) -> None:
        self.barked = False
        self._child = child
        self._timer = threading.Timer(seconds, self._bark)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *of_exception: object) -> None:
        self._timer.cancel()

    def _bark(self) -> None:
        self.barked = True
        if self._child is not None:
            self._child.kill()


class _Pipe:
    """Two one-way pipes as one connection that carries length-prefixed messages."""

    def __init__(self, read: int, write: int) -> None:
        self._read = Connection(read, writable=False)
        self._write = Connection(write, readable=False)

    def send(self, data: bytes) -> None:
        self._write.send_bytes(data)

    def wait(self, seconds: float) -> bool:
        return self._read.poll(seconds)

    def receive(self) -> bytes:
        return self._read.recv_bytes()

    def close(self) -> None:
        self._read.close()
        self._write.close()


def child_environment() -> dict[str, str]:
    """Environment of the decoder: one thread, our import path, a writable cache of kernels."""
    return {
        **os.environ,
        # Spark gives a task one core; recast would take them all.
        "RAYON_NUM_THREADS": "1",
        # Spark's own zips and archives are on sys.path only, not in the environment.
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "NUMBA_CACHE_DIR": os.environ.get("NUMBA_CACHE_DIR", str(kernel_cache())),
        **({"NUMBA_CACHE_LOCATOR_CLASSES": LOCATORS} if ".zip" in __file__ else {}),
    }


@cache
def kernel_cache() -> Path:
    """Folder for compiled kernels that this user, and nobody else, can write.

    Notes
    -----
    Numba unpickles what it finds there, so a folder that somebody else may have made is refused.
    An executor's user may have no home, and a container's not even a name; then the folder is
    below the temporary one.
    """
    folders = [Path(tempfile.gettempdir()) / f"stormlake-kernels-{os.getuid()}"]
    with contextlib.suppress(RuntimeError):  # nobody knows of a home
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
        folders.insert(0, home / "stormlake" / "kernels")
    for folder in folders:
        with contextlib.suppress(OSError, RuntimeError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.lstat()
            ours = found.st_uid == os.getuid() and not found.st_mode & 0o022
            if ours and folder.is_dir() and os.access(folder, os.W_OK):
                return folder
    return Path(tempfile.mkdtemp(prefix="stormlake-kernels-"))


_shared: dict[bytes, DecoderProcess] = {}


def shared_decoder(
    profile: Profile, stations: Mapping[str, Station] | None = None
) -> DecoderProcess:
    """The decoder of this process for these settings; Spark reuses a worker for many tasks."""
    settings = pickle.dumps((profile, stations))
    if settings not in _shared:
        for other in _shared.values():
            other.close()
        _shared.clear()
        _shared[settings] = DecoderProcess(profile, stations)
    return _shared[settings]


def _failed(detail: str) -> VolumeResult:
    return VolumeResult(Status.REJECTED, Reason.DECODER_FAILED, f"decoder: {detail}")

"""The stand-in's time: real unless a test stops it or moves it on."""

from __future__ import annotations

import threading
import time


class Clock:
    """Seconds since 1970, as `time.time` gives them, but in a test's hand.

    Parameters
    ----------
    start : float, optional
        Where it begins; the real time if not given, so that a client's own clock agrees.
    rate : float
        Its seconds for each real second: 1 is real time, 0 stands still, 60 makes a minute of each
        second.
    """

    def __init__(self, start: float | None = None, rate: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._base = time.time() if start is None else start
        self._since = time.monotonic()
        self._rate = rate

    def now(self) -> float:
        """What the clock says."""
        with self._lock:
            return self._now()

    def _now(self) -> float:
        return self._base + self._rate * (time.monotonic() - self._since)

    def advance(self, seconds: float) -> None:
        """Let time pass at once; has the form of `time.sleep`, to be given to a client that waits.

        What falls due meanwhile happens in its order and with its own time, at the next request or
        `FakeAws.tick`.
        """
        with self._lock:
            self._base += seconds

    def freeze(self, at: float | None = None) -> float:
        """Stand still from now on, here or at a time of the test's; gives that time."""
        with self._lock:
            self._base = self._now() if at is None else at
            self._since = time.monotonic()
            self._rate = 0.0
            return self._base

"""Locks that keep two runs off one scope: leases in the lake's store, renewed while held.

A lease is `_stormlake/locks/<job>/<name>.json` (a station or a source), or
`_stormlake/locks/<job>.json` where the job alone is locked. It is made by exclusive create,
renewed and taken over by compare-and-swap, so that of two runs at most one holds it.
"""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime

from stormlake.errors import RefusedInput, StormlakeError
from stormlake.lake.processes import Process, current_process
from stormlake.lake.store import AlreadyExists, Changed, LocalStore, Store

LEASE = 120.0
"""Seconds that a lease lasts from its last renewal."""
RENEW = 30.0
"""Seconds between renewals: three may fail before the lease ends."""
WAIT = 180.0
"""Seconds that a run waits for a live lock: a lease and a half, so a dead one is outlived."""
POLL = 2.0
"""Seconds between looks at a live lock."""
PREFIX = "_stormlake/locks/"

logger = logging.getLogger(__name__)


class LockHeld(RefusedInput):
    """Another run holds the lock, and kept it for as long as we waited."""


class LockLost(StormlakeError):
    """Another run took our lock over: this run must not write any more."""


@dataclass(frozen=True)
class _Lock:
    """What stands in a lock's file. Times are seconds since 1970 UTC."""

    owner: str
    job: str
    name: str | None
    run_id: str
    process: Process
    local: bool
    since: float
    expires: float

    def dump(self) -> bytes:
        return json.dumps(asdict(self), indent=1, sort_keys=True).encode()

    def is_free(self, now: float) -> bool:
        """Whether its holder is gone: for certain on this machine, else by the lease's end."""
        return now >= self.expires or (self.local and self.process.is_gone())

    def __str__(self) -> str:
        what = f"{self.job} {self.name}" if self.name else self.job
        since, expires = (
            datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
            for seconds in (self.since, self.expires)
        )
        return (
            f"{what} is locked by run {self.run_id or '(no id)'}, pid {self.process.pid} on "
            f"{self.process.host}, since {since}, lease until {expires}"
        )


class Held:
    """The locks that a run holds; ask `check` before every commit.

    Made by `hold`.
    """

    def __init__(
        self, store: Store, owner: _Lock, clock: Callable[[], float], lease: float
    ) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._lease = lease
        self._etags: dict[str, str] = {}
        self._lost: str | None = None
        self.on_lost: Callable[[], object] | None = None
        """Called once, from the keeper's thread, when a lock turns out to be another run's."""
        self._mutex = threading.Lock()
        self._stop = threading.Event()

    @property
    def owner(self) -> str:
        """The word that tells our locks from everybody else's."""
        return self._owner.owner

    def check(self) -> None:
        """Renew every lock now; when this returns, all are ours for a whole lease.

        Raises
        ------
        LockLost
            When another run took one over (we were suspended, or could not reach the store).
        """
        with self._mutex:
            for path in list(self._etags):
                self._renew(path)
            if self._lost:
                raise LockLost(f"{self._lost}; nothing more is written, run again")

    def _take(self, name: str | None) -> _Lock | None:
        """Try once: None when the lock is ours now, else the lock that is in the way."""
        path = lock_path(self._owner.job, name)
        while True:
            now = self._clock()
            mine = replace(self._owner, name=name, since=now, expires=now + self._lease)
            there = _read(self._store, path)
            try:
                if there is None:
                    etag = self._store.create(path, mine.dump())
                else:
                    other, version = there
                    if not other.is_free(now):
                        return other
                    etag = self._store.replace(path, mine.dump(), version)
                    logger.warning("taken over: %s", other)
            except (AlreadyExists, Changed):
                continue  # another run was faster by a moment; look again
            with self._mutex:
                self._etags[path] = etag
            return None

    def _renew(self, path: str) -> None:
        there = _read(self._store, path)
        if there is None or there[0].owner != self.owner:
            self._lost = f"lock lost: {there[0] if there else f'{path} is gone'}"
            return
        lock, version = there
        renewed = replace(lock, expires=self._clock() + self._lease)
        try:
            self._etags[path] = self._store.replace(path, renewed.dump(), version)
        except Changed:
            self._lost = f"lock lost: {path} was taken over"

    def _keep(self, every: float) -> None:
        while not self._stop.wait(every):
            try:
                self.check()
            except LockLost as error:
                logger.error("%s", error)
                if self.on_lost is not None:
                    self.on_lost()
                return
            except Exception as error:  # the store may be back before the lease ends
                logger.warning("a lock was not renewed, trying again: %s", error)

    def _release(self) -> None:
        with self._mutex:
            for path, etag in self._etags.items():
                try:
                    self._store.delete(path, etag)
                except Changed:
                    logger.warning("%s is another run's now, and not ours to remove", path)
                except StormlakeError as error:  # must not hide what ended the run
                    logger.warning("a lock was not removed, its lease will end: %s", error)
            self._etags.clear()


@contextmanager
def hold(
    store: Store,
    job: str,
    names: Sequence[str] | None,
    *,
    run_id: str = "",
    lease: float = LEASE,
    renew: float = RENEW,
    wait: float = WAIT,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Held]:
    """Hold the locks of a run; a context manager.

    Parameters
    ----------
    store : Store
        The lake's.
    job : str
        Name of the job, e.g. `ingest-radar`.
    names : sequence of str or None
        Stations or sources, one lock each; None locks the job alone.
    run_id : str
        For the message that another run gets.
    lease, renew, wait : float
        Seconds: how long a lease lasts, how often it is renewed, how long to wait for live locks.
    clock, sleep : callable
        Seconds since 1970 UTC; wait that many seconds.

    Yields
    ------
    Held
        Its `check` must be called before every commit.

    Raises
    ------
    LockHeld
        When one of the locks stayed with a live run; none is held then.
    """
    if isinstance(names, str):
        names = (names,)
    if names is not None and not names:
        raise ValueError(f"no names to lock for {job}; None locks the job alone")
    owner = _Lock(
        owner=uuid.uuid4().hex,
        job=job,
        name=None,
        run_id=run_id,
        process=current_process(),
        local=isinstance(store, LocalStore),
        since=0.0,
        expires=0.0,
    )
    held = Held(store, owner, clock, lease)
    keeper = threading.Thread(target=held._keep, args=(renew,), name="locks", daemon=True)
    keeper.start()
    try:
        # All runs take locks in one order, so that two cannot wait for each other.
        _take_all(held, [None] if names is None else sorted(set(names)), wait, clock, sleep)
        yield held
    finally:
        held._stop.set()
        keeper.join()
        held._release()


def live_locks(store: Store, *, but: Held, clock: Callable[[], float] = time.time) -> list[str]:
    """Give the paths of live locks, of any job, that are not those of `but`."""
    found = []
    for entry in store.list(PREFIX):
        there = _read(store, entry.path)
        if there is not None and there[0].owner != but.owner and not there[0].is_free(clock()):
            found.append(entry.path)
    return found


def revoke(store: Store, job: str, run_id: str, *, clock: Callable[[], float] = time.time) -> int:
    """Take the locks of a run away, so that it writes nothing more; gives how many there were.

    A run notices when it next renews them, and stops. Until it must have noticed they stay held,
    by nobody, so that no other run begins beside it.
    """
    revoked = 0
    for entry in store.list(f"{PREFIX}{job}"):
        while (there := _read(store, entry.path)) is not None:
            lock, version = there
            if (lock.job, lock.run_id) != (job, run_id):
                break
            nobody = replace(
                lock,
                owner=uuid.uuid4().hex,
                run_id=f"{run_id} (cancelled)",
                local=False,
                expires=clock() + 2 * RENEW,
            )
            try:
                store.replace(entry.path, nobody.dump(), version)
            except Changed:
                continue  # renewed or released in this moment
            revoked += 1
    return revoked


def lock_path(job: str, name: str | None) -> str:
    """Where a lock stands in the store."""
    return f"{PREFIX}{job}.json" if name is None else f"{PREFIX}{job}/{name}.json"


def _read(store: Store, path: str) -> tuple[_Lock, str] | None:
    there = store.read(path)
    if there is None:
        return None
    try:
        fields = json.loads(there.data)
        return _Lock(**{**fields, "process": Process(**fields["process"])}), there.etag
    except (ValueError, KeyError, TypeError) as error:
        raise RefusedInput(f"{path} is not a lock of this version: {error}; remove it") from error


def _take_all(
    held: Held,
    names: Sequence[str | None],
    wait: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    end = clock() + wait
    for name in names:
        told = False
        while (other := held._take(name)) is not None:
            if clock() >= end:
                raise LockHeld(
                    f"{other}; waited {wait:.0f} s: let that run end, or end it, and run again"
                )
            if not told:
                logger.info("%s; waiting at most %.0f s", other, wait)
                told = True
            sleep(min(POLL, max(0.0, end - clock())))

"""Fetch ahead: the next objects come over the network while this one is being decoded."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

from stormlake.archive.objects import ArchiveObject, Fetcher, FetchFailed

AHEAD: Final = 4
"""Objects on their way or waiting; a volume arrives in less time than two take to decode."""

AHEAD_BYTES: Final = 64 * 2**20
"""Bytes (as listed) on their way or waiting."""


def prefetch(
    fetcher: Fetcher,
    objects: Iterable[ArchiveObject],
    ahead: int = AHEAD,
    ahead_bytes: int = AHEAD_BYTES,
) -> Iterator[tuple[ArchiveObject, bytes | FetchFailed]]:
    """Objects and their bytes, in the order given.

    Parameters
    ----------
    fetcher : Fetcher
    objects : iterable of ArchiveObject
        Only those to be read; taken as they are needed.
    ahead, ahead_bytes : int
        Limits of what is on its way or waiting, beside the object being used; one object is
        always fetched, however large.

    Yields
    ------
    (ArchiveObject, bytes or FetchFailed)
        A failure is a value here, so that the objects behind it still come.
    """
    source = iter(objects)
    waiting: deque[tuple[ArchiveObject, Future[bytes | FetchFailed]]] = deque()
    waiting_bytes = 0
    upcoming = next(source, None)
    pool = ThreadPoolExecutor(max_workers=ahead, thread_name_prefix="prefetch")
    try:
        while waiting or upcoming is not None:
            while upcoming is not None and (
                not waiting
                or (len(waiting) < ahead and waiting_bytes + upcoming.size <= ahead_bytes)
            ):
                waiting.append((upcoming, pool.submit(_fetch, fetcher, upcoming)))
                waiting_bytes += upcoming.size
                upcoming = next(source, None)
            obj, future = waiting.popleft()
            data = future.result()
            waiting_bytes -= obj.size
            del future  # or the bytes would live on while the consumer works on the next object
            yield obj, data
            del data
    finally:
        # Not waiting: who stops early (a killed task) must not hang on somebody's timeout.
        pool.shutdown(wait=False, cancel_futures=True)


def _fetch(fetcher: Fetcher, obj: ArchiveObject) -> bytes | FetchFailed:
    try:
        return fetcher.fetch(obj)
    except FetchFailed as failure:
        return failure

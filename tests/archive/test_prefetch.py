from __future__ import annotations

import gc
import threading
import weakref

import pytest

from stormlake.archive.objects import ArchiveObject, FetchFailed
from stormlake.archive.prefetch import prefetch


def objects(count: int, size: int = 1) -> list[ArchiveObject]:
    return [ArchiveObject(str(number), size) for number in range(count)]


class Recorder:
    """Fetches keys as bytes, and knows how many it was asked for."""

    def __init__(self) -> None:
        self.started = 0
        self.lock = threading.Lock()

    def fetch(self, obj: ArchiveObject) -> bytes:
        with self.lock:
            self.started += 1
        if obj.key == "3":
            raise FetchFailed("3 is gone")
        return obj.key.encode()


class Reversed(Recorder):
    """Answers the first request last."""

    def __init__(self) -> None:
        super().__init__()
        self.others = threading.Semaphore(0)

    def fetch(self, obj: ArchiveObject) -> bytes:
        if obj.key == "0":
            for _ in range(3):
                assert self.others.acquire(timeout=20)
        else:
            self.others.release()
        return obj.key.encode()


def test_objects_come_in_order_and_a_failure_does_not_stop_those_behind_it() -> None:
    got = [(obj.key, data) for obj, data in prefetch(Recorder(), objects(6))]
    assert [key for key, _ in got] == list("012345")
    failure = got.pop(3)[1]
    assert isinstance(failure, FetchFailed)
    assert failure.detail == "3 is gone"
    assert [data for _, data in got] == [b"0", b"1", b"2", b"4", b"5"]


def test_objects_that_arrive_out_of_order_are_given_in_order() -> None:
    got = [data for _, data in prefetch(Reversed(), objects(4), ahead=4)]
    assert got == [b"0", b"1", b"2", b"3"]


@pytest.mark.parametrize(
    ("ahead", "size", "started"),
    [(4, 1, 4), (2, 1, 2), (100, 40, 2), (100, 1000, 1)],
)
def test_no_more_than_allowed_is_fetched_ahead(ahead: int, size: int, started: int) -> None:
    recorder = Recorder()
    stream = prefetch(recorder, objects(50, size), ahead=ahead, ahead_bytes=100)
    next(stream)
    stream.close()  # what was not begun is not begun any more
    assert recorder.started <= started


def test_the_next_objects_are_fetched_while_one_is_used() -> None:
    class Waiting(Recorder):
        fetched = threading.Semaphore(0)

        def fetch(self, obj: ArchiveObject) -> bytes:
            self.fetched.release()
            return super().fetch(obj)

    fetcher = Waiting()
    stream = prefetch(fetcher, objects(20), ahead=3)
    next(stream)
    for _ in range(3):
        assert fetcher.fetched.acquire(timeout=20)
    stream.close()


def test_a_programming_error_in_a_fetcher_is_not_swallowed() -> None:
    class Broken(Recorder):
        def fetch(self, obj: ArchiveObject) -> bytes:
            raise KeyError(obj.key)

    with pytest.raises(KeyError):
        list(prefetch(Broken(), objects(2)))


def test_bytes_are_let_go_of_once_the_consumer_does() -> None:
    class Blob:
        """Stands for bytes, which no weak reference can point to."""

    class Blobs(Recorder):
        def fetch(self, obj: ArchiveObject) -> bytes:
            return Blob()  # type: ignore[return-value]

    stream = prefetch(Blobs(), objects(3), ahead=1)
    first = weakref.ref(next(stream)[1])
    assert first() is not None  # the stream waits at its yield
    next(stream)
    gc.collect()
    assert first() is None
    stream.close()

"""Work cut into tasks by bytes."""

from __future__ import annotations

import itertools
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.archive.arrivals import StoredObject
from stormlake.archive.streams import pieces
from stormlake.sensors import parts
from stormlake.sensors.parts import LEAST, MOST, Part, plan_parts
from stormlake.sensors.unicorns import UnicornRecords
from tests.sensors.reading import SHAPES, packed, read_bytes
from tests.sensors.strategies import written

RECORDS = [
    {
        "Name": f"unicorn {n} }}\n{{ é",
        "StatusTime": f"2026-05-01 21:00:{n:02}.000",
        "Latitude": n,
        "Longitude": n,
        "Distance": n,
    }
    for n in range(12)
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("object")


def listed(*sizes: int) -> list[StoredObject]:
    return [StoredObject(f"{n:03}", size, None, None) for n, size in enumerate(sizes)]


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 400), max_size=8),
    st.integers(1, 8),
    st.booleans(),
    st.integers(1, 60),
    st.integers(60, 200),
)
def test_every_byte_is_in_one_part(
    sizes: list[int], cores: int, split: bool, least: int, most: int
) -> None:
    objects = listed(*sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "LEAST", least)
        patch.setattr(parts, "MOST", most)
        patch.setattr(parts, "OPENING_COSTS", 5)
        tasks = plan_parts(reversed(objects), cores, split)
        assert tasks == plan_parts(objects, cores, split)
    assert all(tasks)
    found = list(itertools.chain.from_iterable(tasks))
    for obj in objects:
        own = [part for part in found if part.obj is obj]
        assert own[0].start == 0 and own[-1].stop == obj.size
        assert all(a.stop == b.start for a, b in itertools.pairwise(own))
        assert split or len(own) == 1
        assert all(part.stop - part.start <= 1.5 * most for part in own) or not split


def test_a_large_object_is_work_for_every_core_and_small_ones_share_a_task() -> None:
    assert len(plan_parts(listed(100 * 2**20), 4, split=True)) >= 8
    assert len(plan_parts(listed(100 * 2**20), 4, split=False)) == 1
    assert len(plan_parts(listed(2**30), 1, split=True)) >= 2**30 // MOST
    assert len(plan_parts(listed(*[100] * 10), 4, split=True)) == 1
    # Opening costs time: a thousand files of a byte are not one task.
    assert len(plan_parts(listed(*[1] * 1000), 4, split=True)) > 4
    assert plan_parts([], 4, split=True) == []
    (task,) = plan_parts(listed(LEAST), 4, split=True)
    assert task == (Part(listed(LEAST)[0], 0, LEAST),)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", [1, 2, 3, 50, 10_000])
def test_ranges_give_every_record_once_in_every_shape(
    folder: Path, shape: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "pieces", partial(pieces, piece_size=size))
    plain = written(RECORDS, shape)
    for data in (plain, b"\xef\xbb\xbf" + plain, packed(plain)):
        whole = read_bytes(folder, data, UnicornRecords())
        assert len(whole.rows) == len(RECORDS)
        for step in (7, 60, 333) if size == 50 else (90,):
            read = read_bytes(folder, data, UnicornRecords(), cuts=range(0, len(data), step))
            assert read.rows == whole.rows
            assert read.rejects == []
            assert (read.tally.objects, read.tally.empty) == (1, 0)


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_a_cut_at_any_byte_of_lines_changes_nothing(folder: Path, end: bytes) -> None:
    lines = written(RECORDS[:3], "lines").splitlines()
    data = end.join([*lines[:2], b'{"Name": broken', lines[2][:-30]])
    whole = read_bytes(folder, data, UnicornRecords())
    assert [reject.reason for reject in whole.rejects] == ["malformed", "truncated"]
    for cut in range(0, len(data), 2):
        read = read_bytes(folder, data, UnicornRecords(), cuts=[cut])
        assert (read.rows, read.rejects) == (whole.rows, whole.rejects)

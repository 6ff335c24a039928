"""A run is stopped from afar: at once, or when it begins."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stormlake.lake.cancels import cancel_path, cancel_run, is_cancelled
from stormlake.lake.locks import LockLost, hold
from stormlake.lake.store import LocalStore


def test_a_run_that_works_loses_its_locks_and_others_keep_theirs(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with (
        hold(store, "j", ["A", "B"], run_id="k-1") as cancelled,
        hold(store, "j", ["C"], run_id="k-2") as other,
    ):
        assert cancel_run(store, "j", "k-1") == 2
        with pytest.raises(LockLost, match=r"k-1 \(cancelled\)"):
            cancelled.check()
        other.check()


def test_a_run_that_has_not_begun_is_marked(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    assert cancel_run(store, "j", "k-1") == 0
    assert is_cancelled(store, "j", "k-1")
    assert not is_cancelled(store, "j", "k-2")
    assert not is_cancelled(store, "jj", "k-1")
    stored = store.read(cancel_path("j", "k-1"))
    assert stored is not None
    assert json.loads(stored.data)["run_id"] == "k-1"


def test_a_run_may_be_cancelled_twice(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    cancel_run(store, "j", "k-1")
    assert cancel_run(store, "j", "k-1") == 0

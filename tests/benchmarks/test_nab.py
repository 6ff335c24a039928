"""The rule by which labelled anomalies are found, and what our scores find by it."""

from __future__ import annotations

import datetime as dt

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import nab
from benchmarks.nab import Found, Labelled
from tests.data import shared

START = dt.datetime(2014, 4, 1)


def series(rows: int, *windows: tuple[int, int]) -> Labelled:
    times = [START + dt.timedelta(minutes=5 * n) for n in range(rows)]
    return Labelled("x", times, [0.0] * rows, [(times[a], times[b]) for a, b in windows])


def test_the_highest_points_are_taken_far_apart_and_never_at_the_start() -> None:
    scores = [0.1] * 1000
    scores[255], scores[300], scores[400], scores[401], scores[900] = 9, 5, 4, 3.5, 3
    # 400 lies 100 rows from 300, which is too near; 401 lies 101.
    assert nab.take(scores, 3) == [300, 401, 900]
    assert nab.take(scores, 1) == [300]


def test_a_score_of_zero_is_never_taken_and_of_equal_ones_the_first_is() -> None:
    assert nab.take([0.0] * 600, 3) == []
    assert nab.take([0.0] * 256 + [1.0] * 300, 5) == [256, 357, 458]


def test_a_window_holds_both_its_ends_and_is_found_once() -> None:
    labelled = series(100, (10, 20), (30, 40), (50, 60))
    assert nab.judge(labelled, [10, 20, 41, 60]) == Found(windows=2, outside=1)
    assert nab.judge(series(100), [10, 20]) == Found(windows=0, outside=2)
    assert nab.judge(labelled, []) == Found(windows=0, outside=0)


@given(st.lists(st.floats(0, 9), min_size=257, max_size=700), st.integers(1, 9))
def test_what_is_taken_keeps_the_rule(scores: list[float], count: int) -> None:
    taken = nab.take(scores, count)
    assert len(taken) <= count and all(row >= 256 and scores[row] > 0 for row in taken)
    assert all(abs(a - b) >= 101 for a in taken for b in taken if a != b)
    left = [n for n in range(256, len(scores)) if all(abs(n - row) >= 101 for row in taken)]
    if len(taken) < count:
        assert all(scores[n] == 0 for n in left)


def test_our_scores_find_18_24_and_27_of_the_36_windows_with_a_shingle_of_24() -> None:
    found = nab.read_nab(shared("sensors", "nab"))
    assert (len(found), sum(len(each.windows) for each in found)) == (28, 36)
    assert sum(bool(each.windows) for each in found) == 22
    scores = [nab.forest_scores(each.values, 24) for each in found]
    windows = {}
    for count in (1, 2, 3):
        pairs = zip(found, scores, strict=True)
        windows[count] = nab.total(nab.judge(s, nab.take(o, count)) for s, o in pairs).windows
    assert windows[1] >= 18 and windows[2] >= 24 and windows[3] >= 27
    # Beside it, what the median finds; a line of pandas is not far behind.
    medians = [nab.total(
        nab.judge(each, nab.take(nab.distances(each.values), count)) for each in found
    ).windows for count in (1, 2, 3)]  # fmt: skip
    assert medians == [17, 20, 20]


def test_the_table_shows_every_method_beside_the_median() -> None:
    random = np.random.default_rng(2)
    made = [
        Labelled(
            "a",
            series(700).times,
            random.normal(size=700).tolist(),
            series(700, (500, 520)).windows,
        )
    ]
    text = nab.lines(nab.measure(made, shingles=(1,)))
    assert text[0].startswith("1 windows in 1 series; seed 0")
    assert text[2] == "| alerts a series | shingle 1 | median | chance |"
    assert [line.split(" ")[1] for line in text[4:]] == ["1", "2", "3", "5"]

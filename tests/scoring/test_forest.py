"""Forests: golden scores, the official Java library, saved states, options that are not ignored."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.errors import RefusedInput
from stormlake.scoring.forest import (
    Forest,
    ForestOptions,
    ScoreNotFinite,
    StateUnreadable,
    seed_of_key,
)
from tests.data import shared

TOP = [293, 403, 606, 942, 1054, 1091, 1162, 1559, 1693, 1959, 2005]


@pytest.fixture(scope="module")
def points() -> list[list[float]]:
    table = np.loadtxt(shared("rcf", "rcf-paper.csv"), delimiter=",")
    assert table.shape == (2010, 3)
    return table.tolist()


def scores_of(points: Any, seed: int = 42, **options: Any) -> np.ndarray[Any, Any]:
    made = ForestOptions(seed=seed, **options)
    forest = Forest.new(made, len(points[0]), seed)
    return np.array([forest.score(point) for point in points])


def test_the_paper_series_has_its_golden_scores(points: list[list[float]]) -> None:
    scores = scores_of(points)
    assert sorted(np.argsort(-scores)[:11].tolist()) == TOP
    assert np.count_nonzero(scores[:256]) == 0
    golden = {256: 1.0447, 293: 3.7426, 1162: 2.6135, 2009: 0.7609}
    assert {row: round(scores[row], 4) for row in golden} == pytest.approx(golden, abs=1e-4)
    normal = np.delete(scores[256:], [row - 256 for row in TOP])
    assert normal.max() == pytest.approx(1.7165, abs=1e-4)
    assert normal.mean() == pytest.approx(0.765, abs=5e-4)


@pytest.mark.parametrize("options", [{"seed": 0}, {"seed": 1}, {"time_decay": 2560}])
def test_other_seeds_and_another_decay_rank_the_same_points_first(
    points: list[list[float]], options: dict[str, int]
) -> None:
    scores = scores_of(points, **options)
    assert sorted(np.argsort(-scores)[:11].tolist()) == TOP


def test_scores_agree_with_the_official_java_library(points: list[list[float]]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.scoring.official"],
        input=json.dumps(points),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    theirs = json.loads(done.stdout.splitlines()[-1])
    ours, official = scores_of(points)[256:], np.array(theirs)[256:]
    assert np.corrcoef(ours, official)[0, 1] >= 0.99
    assert np.abs(ours - official).mean() <= 0.03
    assert sorted((np.argsort(-official)[:11] + 256).tolist()) == TOP


@pytest.mark.parametrize("shingle", [1, 4])
@pytest.mark.parametrize("cut", [100, 256, 1005])
def test_a_state_that_is_saved_and_restored_changes_no_bit(
    points: list[list[float]], cut: int, shingle: int
) -> None:
    options = ForestOptions(shingle=shingle)
    whole = Forest.new(options, 3, 42)
    at_once = [whole.score(point) for point in points]
    first = Forest.new(options, 3, 42)
    scores = [first.score(point) for point in points[:cut]]
    second = Forest.of_bytes(first.to_bytes())
    scores += [second.score(point) for point in points[cut:]]
    assert scores == at_once
    assert second.to_bytes() == whole.to_bytes()
    assert second.entries_seen == 2010 - (shingle - 1)  # it counts shingles


def test_a_forest_on_several_threads_has_the_same_scores(points: list[list[float]]) -> None:
    import krcf

    options: Any = ForestOptions().library_options(3, 42) | {"parallel_execution_enabled": True}
    forest = krcf.RandomCutForest(options)
    scores = []
    for point in points:
        scores.append(forest.score(point))
        forest.update(point)
    assert scores == scores_of(points).tolist()


def test_a_constant_series_scores_a_half_and_a_jump_in_it_high() -> None:
    scores = scores_of([[1.0]] * 999 + [[2.0]])
    assert scores[-2] == pytest.approx(0.5, abs=0.05)
    assert scores[-1] == pytest.approx(7.8, abs=0.3)


@pytest.mark.parametrize(("shingle", "first"), [(1, 256), (4, 259), (24, 279)])
def test_the_first_points_score_zero(shingle: int, first: int) -> None:
    random = np.random.default_rng(1)
    scores = scores_of(random.normal(size=(300, 1)).tolist(), shingle=shingle)
    assert np.flatnonzero(scores)[0] == first == ForestOptions(shingle=shingle).warm_up


@settings(deadline=None, max_examples=20)
@given(
    options=st.builds(
        ForestOptions,
        trees=st.integers(1, 30),
        sample=st.integers(10, 50),
        time_decay=st.integers(51, 2**31 - 1),
        shingle=st.integers(1, 30),
    ),
    columns=st.integers(1, 30),
    seed=st.integers(0, 2**64 - 1),
)
def test_a_made_forest_reports_every_option_that_it_was_given(
    options: ForestOptions, columns: int, seed: int
) -> None:
    reported = Forest.new(options, columns, seed).options
    assert {name: value for name, value in reported.items() if value is not None} == {
        "dimensions": columns,
        "shingle_size": options.shingle,
        "num_trees": options.trees,
        "sample_size": options.sample,
        "output_after": options.sample,
        "lambda": pytest.approx(1 / options.time_decay),
        "random_seed": seed,
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trees": 0}, "--trees 0: expected 1 to 1,000"),
        ({"sample": 9}, "--sample 9: expected 10 to 1,000"),
        ({"shingle": 31}, "--shingle 31: expected 1 to 30"),
        ({"seed": 2**64}, "expected 0 to 2^64 - 1"),
        ({"seed": -1}, "expected 0 to 2^64 - 1"),
        ({"time_decay": 256}, "--time-decay 256: expected more than --sample (256)"),
        ({"time_decay": 2**31}, "less than 2^31"),
    ],
)
def test_options_out_of_their_limits_are_refused(options: dict[str, int], said: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        ForestOptions(**options)
    assert said in str(refused.value)


def test_options_at_their_limits_are_taken() -> None:
    ForestOptions(trees=1000, sample=1000, time_decay=2**31 - 1, shingle=30, seed=2**64 - 1)
    ForestOptions(trees=1, sample=10, time_decay=11, shingle=1, seed=0)


def test_the_seed_of_a_key_is_a_part_of_its_hash() -> None:
    assert seed_of_key(42, "device0000") == 1029567582407419707


def test_a_fingerprint_tells_every_option_from_another() -> None:
    others = [
        ForestOptions(),
        ForestOptions(trees=99),
        ForestOptions(sample=255),
        ForestOptions(time_decay=99_999),
        ForestOptions(shingle=2),
        ForestOptions(seed=41),
    ]
    prints = [each.fingerprint(scope="key") for each in others]
    prints.append(ForestOptions().fingerprint(scope="global"))
    assert len(set(prints)) == 7
    assert ForestOptions().fingerprint(scope="key") == prints[0]


def test_a_score_that_is_no_number_stops() -> None:
    forest = Forest.new(ForestOptions(sample=10), 1, 0)
    for value in range(30):
        forest.score([float(value)])
    with pytest.raises(ScoreNotFinite):
        forest.score([float("inf")])


@pytest.mark.parametrize("state", [b"", b"rubbish", bytes(1000)])
def test_bytes_that_are_no_state_are_refused_in_one_line(state: bytes) -> None:
    with pytest.raises(StateUnreadable) as refused:
        Forest.of_bytes(state)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("shingle", [1, 2])
def test_equal_forests_have_equal_bytes_also_where_points_repeat(shingle: int) -> None:
    # The library's own bytes differ here from forest to forest: its hash maps have no order.
    random = np.random.default_rng(1)
    points = random.integers(60, 66, (1500, 2)).astype(float).tolist()
    options = ForestOptions(shingle=shingle, trees=30)
    one, other = (Forest.new(options, 2, 42) for _ in range(2))
    for point in points[:1000]:
        one.score(point)
        other.score(point)
    assert one.to_bytes() == other.to_bytes()
    other = Forest.of_bytes(other.to_bytes())
    assert one.to_bytes() == other.to_bytes()
    assert [one.score(p) for p in points[1000:]] == [other.score(p) for p in points[1000:]]
    assert one.to_bytes() == other.to_bytes()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_golden_vitals_flag_the_planted_rows_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pulse = rng.integers(60, 121, 20_000)
    systolic, diastolic = rng.integers(80, 201, 20_000), rng.integers(40, 121, 20_000)
    pulse[::1000] = rng.integers(0, 41, 20)
    scores = scores_of(np.column_stack([pulse, systolic, diastolic]).astype(float).tolist())
    planted = list(range(1000, 20_000, 1000))
    assert np.flatnonzero(scores > 1.5).tolist() == planted
    assert scores[planted].min() >= 1.94 - 0.005
    assert scores[0] == 0
    normal = np.delete(scores, [0, *planted])
    normal = normal[normal > 0]
    assert len(normal) == 20_000 - 256 - 19
    assert normal.min() >= 0.65 and normal.max() <= 1.48 + 0.005
    assert normal.mean() == pytest.approx(0.84, abs=0.01)

"""Rules: what is known, how a file changes it, and what is wrong with one."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.alerts.messages import subject_of
from stormlake.alerts.rules import ANOMALY_RULES, known_rules, load_rules, read_rules, rules_of
from stormlake.errors import RefusedInput


def test_the_known_rules_have_the_published_limits() -> None:
    rules = known_rules()
    assert {name: dict(rule.numbers) for name, rule in rules.items()} == {
        "speed_over_limit": {"upper": 70.0},
        "score_over_threshold": {"least": 3.0},
        "speed_and_score": {"upper": 70.0, "least": 3.0},
        "score_high": {"most": 1.5},
        "score_low": {"least": 0.4},
    }
    assert [r.name for r in rules_of("wind", rules)] == ["score_over_threshold", "speed_over_limit"]
    assert [r.name for r in rules_of("vitals", rules)] == ["score_high", "score_low"]
    assert rules_of("else", rules) == []
    assert {name for names in ANOMALY_RULES.values() for name in names} <= set(rules)


def test_a_file_changes_one_number_switches_one_on_and_adds_one(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(
        '[speed_over_limit]\nnumbers = { upper = "75" }\n'
        "[speed_and_score]\nenabled = true\nnumbers = { least = 4 }\n"
        '[calm]\nsources = ["wind", "x"]\ncondition = "speed < still"\nvalue = "speed"\n'
        'threshold = "still"\nnumbers = { still = 0.5 }\n'
    )
    rules = load_rules(path)
    assert rules["speed_over_limit"].numbers == {"upper": 75.0}
    assert rules["speed_over_limit"].condition == "speed > upper"
    assert rules["speed_and_score"].numbers == {"upper": 70.0, "least": 4.0}
    assert [rule.name for rule in rules_of("x", rules)] == ["calm"]
    assert len(rules_of("wind", rules)) == 4


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_as_text_is_the_number(number: float) -> None:
    text = f'[score_high]\nnumbers = {{ most = "{number!r}" }}'
    assert read_rules(text, "f", known_rules())["score_high"].numbers["most"] == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[score_high]\nnumbers = { most = 'high' }", "rule score_high: most is 'high', expected"),
        ("[score_high]\nnumbers = { most = nan }", "most is nan, expected a number"),
        ("[score_high]\nnumbers = { most = true }", "most is True, expected a number"),
        (f"[score_high]\nnumbers = {{ most = {'9' * 401} }}", "expected a number"),
        ("[score_high]\nnumbers = 3", "numbers is 3, expected a table"),
        ("[score_high]\nlimit = 3", "'limit' is none of sources, enabled, condition"),
        ("[score_high]\nenabled = 'no'", "enabled is 'no', expected true or false"),
        ("[score_high]\nsources = 'wind'", "expected a list of names"),
        ("[score_high]\nthreshold = 'least'", "threshold 'least' is none of its numbers: most"),
        ("[score_hihg]\nenabled = false", "rule score_hihg is new and has no 'sources'"),
        ("[Score]\nenabled = false", "lower-case letters"),
        ("score_high = 3", "expected a table, [score_high]"),
        ("[score_high", "rules.toml is no TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rules.toml"
    path.write_text(text)
    with pytest.raises(RefusedInput) as refused:
        load_rules(path)
    assert said in str(refused.value) and str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedInput, match="cannot be read"):
        load_rules(tmp_path / "none.toml")


@pytest.mark.parametrize("source", ["wind", "vitals", "x" * 128])
def test_a_subject_is_one_that_sns_takes(source: str) -> None:
    subject = subject_of(source)
    assert subject.isascii() and len(subject) < 100 and "\n" not in subject

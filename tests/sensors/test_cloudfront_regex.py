"""The tutorial's expression, against the expression itself and against lines that stall engines."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.sensors.hive_tutorial import match_agent, match_line
from tests.data import shared

TUTORIAL = re.compile(
    r"^(?!#)" + r"([^ ]+)\s+" * 10 + r"[^\(]+[\(]([^\;]+).*\%20([^\/]+)[\/](.*)$",
    re.ASCII | re.DOTALL,
)
AGENT = re.compile(r"[^\(]+[\(]([^\;]+).*\%20([^\/]+)[\/](.*)$", re.DOTALL)

_words = st.lists(st.sampled_from(["a", "b-", "1", "#", "é"]), min_size=1, max_size=2).map("".join)
_gaps = st.sampled_from(["\t", "\t", "\t", "\t", " ", "\t\t", "\r", "\v "])
_agents = st.lists(
    st.sampled_from(["a", "(", ")", ";", "%20", "/", "%2520", "\t", " ", "%"]), max_size=14
).map("".join)


@st.composite
def _lines(draw: st.DrawFn) -> str:
    """A line near the format: 9 to 12 words with gaps, then something like a user agent."""
    words = draw(st.lists(st.tuples(_words, _gaps), min_size=9, max_size=12))
    return "".join(word + gap for word, gap in words) + "M" + draw(_agents)


@given(_lines())
def test_a_line_gives_the_groups_of_the_tutorials_expression(line: str) -> None:
    found = TUTORIAL.fullmatch(line)
    assert match_line(line) == (found.groups() if found else None)


@given(_lines().map(lambda line: line + "(os;x)%20Browser/1"))
def test_a_line_that_mostly_matches_gives_the_same_groups_too(line: str) -> None:
    found = TUTORIAL.fullmatch(line)
    assert match_line(line) == (found.groups() if found else None)


@given(_agents.map(lambda agent: "M" + agent))
def test_a_user_agent_gives_the_groups_of_the_expressions_last_part(agent: str) -> None:
    found = AGENT.fullmatch(agent)
    assert match_agent(agent) == (found.groups() if found else None)


@given(_agents)
def test_a_decoded_user_agent_is_matched_with_spaces(agent: str) -> None:
    decoded = agent.replace("%20", " ")
    found = re.fullmatch(AGENT.pattern.replace(r"\%20", " "), decoded, re.DOTALL)
    assert match_agent(decoded, blank=" ") == (found.groups() if found else None)


def test_the_real_lines_give_the_same_groups() -> None:
    names = ("hive_tutorial_first3lines.tsv", "node-parser_kinesis-1-0.txt")
    lines = [line for name in names for line in shared("cloudfront", name).read_text().splitlines()]
    found = [TUTORIAL.fullmatch(line) for line in lines]
    assert sum(map(bool, found)) == 4
    assert [match_line(line) for line in lines] == [hit.groups() if hit else None for hit in found]


@pytest.mark.parametrize(
    "line",
    [
        "\t".join(["field"] * 40),
        " \t" * 60_000,
        "a\t" * 60_000,
        "a\t" * 60_000 + "M(a" + "%20" * 20_000,
        "a\t" * 10 + "M(" + "%20/" * 50_000,
        "a\t" * 10 + "M(a" + "(" * 100_000,
    ],
    ids=["forty fields", "blanks", "TABs", "blanks in the agent", "slashes", "parentheses"],
)
def test_a_line_that_would_stall_a_backtracking_engine_is_read_in_linear_time(line: str) -> None:
    begin = time.process_time()
    assert match_line(line) is None
    assert time.process_time() - begin < 5  # the expression itself needs minutes for the first

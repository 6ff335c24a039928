r"""The regular expression of the Hive and Athena tutorial for CloudFront logs, in linear time.

The tutorial's RegexSerDe matches every line as a whole with this expression of 13 groups::

    ^(?!#)([^ ]+)\s+([^ ]+)\s+ … (ten such groups) … [^\(]+[\(]([^\;]+).*\%20([^\/]+)[\/](.*)$

`[^ ]` matches TABs as well, so a backtracking engine tries every way to spread the ten groups over
the TABs of a line: C(40, 10) ways for a line of 40 fields that does not match, which is minutes.
The functions here give the groups that the engine would give (longest first, from the left), and
visit each blank ten times at most. A test holds them against the expression itself.

One thing differs: Java's dot stops at a CR, U+0085, U+2028 and U+2029; here it matches them.
"""

from __future__ import annotations

import re
from typing import Final

GROUPS: Final = 10
"""Groups before the user agent: date to referrer."""

_BLANK: Final = re.compile(r"[ \t\n\v\f\r]")  # Java's \s


def match_agent(text: str, start: int = 0, blank: str = "%20") -> tuple[str, str, str] | None:
    r"""Match the part of the expression that reads a user agent.

    Parameters
    ----------
    text : str
    start : int
        Where the match begins; it ends at the end of the text.
    blank : str
        What stands for a space: `%20` in a log, a space in a decoded user agent.

    Returns
    -------
    tuple of str or None
        (os, browser, version) as `[^\(]+[\(]([^\;]+).*\%20([^\/]+)[\/](.*)$` gives them.
    """
    bracket = text.find("(", start)
    if bracket <= start:  # none, or nothing before it
        return None
    gap = _last_gap(text, blank)
    first = bracket + 1
    semicolon = text.find(";", first)
    end = gap if semicolon < 0 else min(semicolon, gap)
    if end <= first:
        return None
    browser = gap + len(blank)
    slash = text.index("/", browser)
    return text[first:end], text[browser:slash], text[slash + 1 :]


def match_line(text: str) -> tuple[str, ...] | None:
    """Match a whole line.

    Parameters
    ----------
    text : str
        A line without its end.

    Returns
    -------
    tuple of str or None
        The 13 groups: date, time, location, bytes, request_ip, method, host, uri, status,
        referrer, os, browser, browser_version; None where the expression does not match.
    """
    if text.startswith("#"):
        return None
    # A group begins at the start of the line or after a blank: boundary 0 stands for the start.
    blanks = [-1, *(found.start() for found in _BLANK.finditer(text))]
    if len(blanks) == GROUPS + 1:
        return _only_way(text, blanks)
    reach = _reaches(text, blanks)
    # matches[i]: whether the rest of the expression matches what follows boundary i.
    matches = _agent_matches(text, blanks)
    steps: list[tuple[list[int], list[int]]] = []
    for _ in range(GROUPS):
        landing = _landings(blanks, matches)
        ends = _ends(blanks, reach, landing)
        matches = [end > 0 for end in ends]
        steps.append((ends, landing))
    if not matches[0]:
        return None
    groups: list[str] = []
    boundary = 0
    for ends, landing in reversed(steps):
        end = ends[boundary]
        groups.append(text[blanks[boundary] + 1 : blanks[end]])
        boundary = landing[end]
    agent = match_agent(text, blanks[boundary] + 1)
    return (*groups, *agent) if agent else None


def _only_way(text: str, blanks: list[int]) -> tuple[str, ...] | None:
    """Match a line with just the blanks that the groups need: the usual line, and quick."""
    groups = _BLANK.split(text, GROUPS)[:GROUPS]
    agent = match_agent(text, blanks[-1] + 1)
    return (*groups, *agent) if agent and all(groups) else None


def _last_gap(text: str, blank: str) -> int:
    """Where the last blank stands that a non-empty name and a slash follow, or -1."""
    slash = text.rfind("/")
    if slash < 0:
        return -1
    gap = text.rfind(blank, 0, slash)
    while gap >= 0 and text[gap + len(blank)] == "/":
        gap = text.rfind(blank, 0, gap + len(blank) - 1)
    return gap


def _agent_matches(text: str, blanks: list[int]) -> list[bool]:
    """Whether a user agent matches after each boundary."""
    gap = _last_gap(text, "%20")
    bracket = text.find("(")
    matches: list[bool] = []
    for blank in blanks:
        if 0 <= bracket <= blank:
            bracket = text.find("(", blank + 1)
        # What `match_agent` demands: something before the bracket, and an os after it.
        matches.append(
            bracket > blank + 1 and gap >= bracket + 2 and not text.startswith(";", bracket + 1)
        )
    return matches


def _reaches(text: str, blanks: list[int]) -> list[int]:
    """The farthest boundary at which a group that begins at each boundary can end.

    It is the next space, which a group cannot hold; else the last blank of the line.
    """
    last = len(blanks) - 1
    reach = [last] * len(blanks)
    for i in range(last - 1, -1, -1):
        reach[i] = i + 1 if text[blanks[i + 1]] == " " else reach[i + 1]
    return reach


def _landings(blanks: list[int], matches: list[bool]) -> list[int]:
    r"""Where the longest `\s+` from each blank ends so that the rest matches; -1 for nowhere."""
    landing = [-1] * len(blanks)
    for j in range(len(blanks) - 1, 0, -1):
        runs_on = j + 1 < len(blanks) and blanks[j + 1] == blanks[j] + 1
        if runs_on and landing[j + 1] > 0:
            landing[j] = landing[j + 1]
        elif matches[j]:
            landing[j] = j
    return landing


def _ends(blanks: list[int], reach: list[int], landing: list[int]) -> list[int]:
    """Where the longest group from each boundary ends so that the rest matches; 0 for nowhere."""
    nearest = [0] * len(blanks)
    for j in range(1, len(blanks)):
        nearest[j] = j if landing[j] > 0 else nearest[j - 1]
    ends = [nearest[i] for i in reach]
    return [end if blanks[end] >= start + 2 else 0 for end, start in zip(ends, blanks, strict=True)]

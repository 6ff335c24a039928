"""What a CloudFront log's user agent tells: operating system, its family, browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

from stormlake.sensors.hive_tutorial import match_agent
from stormlake.sensors.log_fields import ZERO_WIDTH_SPACE

_FAMILIES: Final = (
    ("iOS", re.compile("iPhone|iPad|iPod|iOS")),
    ("Android", re.compile("Android")),
    ("macOS", re.compile("Macintosh|MacOS|OSX|Mac OS X")),
    ("Windows", re.compile("Windows")),
    ("ChromeOS", re.compile("CrOS")),
    ("Linux", re.compile("Linux|X11")),
)
"""Families in the order in which they are looked for: an iPhone also says "like Mac OS X"."""

_ENCODED: Final = re.compile("%[0-9A-Fa-f]{2}")
_CACHED_LENGTH: Final = 4096  # longer ones are read each time, so that the cache stays small


@dataclass(frozen=True, slots=True)
class Agent:
    """A user agent.

    Parameters
    ----------
    os : str or None
        First token in the parenthesis; None where there is none.
    os_family : str
        iOS, Android, macOS, Windows, ChromeOS, Linux or Other.
    browser, browser_version : str or None
        By the tutorial's regular expression; None where it does not match.
    """

    os: str | None
    os_family: str
    browser: str | None
    browser_version: str | None


def os_family(text: str) -> str:
    """Return the family of an operating system.

    Parameters
    ----------
    text : str
        Decoded: a user agent's whole first parenthesis, or its first token.

    Returns
    -------
    str
        iOS, Android, macOS, Windows, ChromeOS, Linux or Other.
    """
    for family, pattern in _FAMILIES:
        if pattern.search(text):
            return family
    return "Other"


def decode_agent(logged: str) -> str:
    """Undo the URL encoding of a logged user agent.

    Older logs are encoded twice. Never a third time: what then looks encoded is the client's own.

    Parameters
    ----------
    logged : str

    Returns
    -------
    str
        Decoded once; twice when the result still holds a percent sign and two hexadecimal digits.
        Bytes that are not UTF-8 become U+FFFD; zero-width spaces are dropped.
    """
    decoded = unquote(logged)
    if _ENCODED.search(decoded):
        decoded = unquote(decoded)
    return decoded.replace(ZERO_WIDTH_SPACE, "")


def read_agent(logged: str | None) -> Agent:
    """Read the user agent of a W3C or real-time log.

    Parameters
    ----------
    logged : str or None
        As it stands in the log; None where the log has none.

    Returns
    -------
    Agent
    """
    if logged is None:
        return Agent(None, "Other", None, None)
    read = _modern if len(logged) <= _CACHED_LENGTH else _modern.__wrapped__
    return read(logged)


def read_legacy_agent(logged: str) -> Agent | None:
    """Read the user agent of a legacy log, whose regular expression must match.

    The first token is kept as it is logged, so that a count by it is the tutorial's. The family
    looks at that token alone: the parenthesis of the tutorial's log always names Windows as well.

    Parameters
    ----------
    logged : str

    Returns
    -------
    Agent or None
        None where the expression does not match.
    """
    read = _legacy if len(logged) <= _CACHED_LENGTH else _legacy.__wrapped__
    return read(logged)


def read_token(group: str) -> tuple[str | None, str]:
    """Read what the tutorial's expression has as os, of a line that was matched as a whole.

    Without a semicolon in the user agent the group ends at one of a later field, and the client's
    address may stand between. What holds a TAB or a closing parenthesis is therefore no os.

    Parameters
    ----------
    group : str
        The expression's eleventh group.

    Returns
    -------
    os : str or None
    family : str
    """
    if "\t" in group or ")" in group:
        return None, "Other"
    return group, os_family(decode_agent(group))


@lru_cache(maxsize=8192)
def _modern(logged: str) -> Agent:
    decoded = decode_agent(logged)
    found = match_agent(decoded, blank=" ")
    browser, version = found[1:] if found else (None, None)
    inside = _first_parenthesis(decoded)
    if inside is None:
        return Agent(None, "Other", browser, version)
    token = inside.partition(";")[0].strip()
    return Agent(token or None, os_family(inside), browser, version)


@lru_cache(maxsize=8192)
def _legacy(logged: str) -> Agent | None:
    found = match_agent(logged)
    if found is None:
        return None
    # Without a semicolon the expression's os runs on behind the parenthesis.
    token = found[0].partition(")")[0].strip()
    return Agent(token or None, os_family(decode_agent(token)), found[1], found[2])


def _first_parenthesis(agent: str) -> str | None:
    """Return what stands in the first parenthesis, with any within it; to the end if cut."""
    start = agent.find("(")
    if start < 0:
        return None
    depth = 0
    for found in re.finditer(r"[()]", agent[start:]):
        depth += 1 if found.group() == "(" else -1
        if depth == 0:
            return agent[start + 1 : start + found.start()]
    return agent[start + 1 :]

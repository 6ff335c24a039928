"""User agents of simulated requests: those of the Hive tutorial, and those of today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

TUTORIAL_SYSTEMS: Final = ("Android", "Linux", "MacOS", "OSX", "Windows", "iOS")
TUTORIAL_BROWSERS: Final = ("Chrome", "Firefox", "IE", "Lynx", "Opera", "Safari")


@dataclass(frozen=True)
class Agent:
    """A user agent, as a log holds it.

    Parameters
    ----------
    os : str
        First token in its parenthesis, decoded.
    text : str
        URL-encoded.
    """

    os: str
    text: str


def tutorial_agent(os: str, browser: str) -> Agent:
    """User agent of the tutorial's log: whatever the system, it also names Windows NT 5.1."""
    text = f"Mozilla/5.0 ({os}; U; Windows NT 5.1; en-US; rv:1.9.0.9) Gecko/2009040821 {browser}"
    return Agent(os, _encoded(f"{text}/3.0.9"))


def _encoded(text: str) -> str:
    """URL-encode what CloudFront encodes in a user agent: here the blanks."""
    return quote(text, safe="/();,:._-+")


def _modern(system: str, rest: str) -> Agent:
    return Agent(system.partition(";")[0], _encoded(f"Mozilla/5.0 ({system}) {rest}"))


_WEBKIT: Final = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
_CHROME: Final = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/135.0.0.0"

MODERN_AGENTS: Final = (
    _modern(
        "iPhone; CPU iPhone OS 18_4 like Mac OS X",
        f"{_WEBKIT} Version/18.4 Mobile/15E148 Safari/604.1",
    ),
    _modern(
        "iPad; CPU OS 18_4 like Mac OS X", f"{_WEBKIT} Version/18.4 Mobile/15E148 Safari/604.1"
    ),
    _modern("Macintosh; Intel Mac OS X 10_15_7", f"{_WEBKIT} Version/18.4 Safari/605.1.15"),
    _modern("Linux; Android 10; K", f"{_CHROME} Mobile Safari/537.36"),
    _modern("Windows NT 10.0; Win64; x64", f"{_CHROME} Safari/537.36"),
    _modern("X11; Linux x86_64; rv:137.0", "Gecko/20100101 Firefox/137.0"),
    _modern("X11; CrOS x86_64 14541.0.0", f"{_CHROME} Safari/537.36"),
)
"""iOS twice, macOS, Android (which names Linux first), Windows, Linux, ChromeOS."""

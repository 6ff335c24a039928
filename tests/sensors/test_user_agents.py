"""User agents: decoding, operating system, family, browser."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stormlake.sensors.user_agents import Agent, decode_agent, read_agent, read_legacy_agent

FAMILIES = {"iOS", "Android", "macOS", "Windows", "ChromeOS", "Linux", "Other"}
GECKO = "%20U;%20Windows%20NT%205.1;%20en-US;%20rv:1.9.0.9)%20Gecko/2009040821%20"


@pytest.mark.parametrize(
    ("logged", "decoded"),
    [
        ("curl/8.5.0", "curl/8.5.0"),
        ("a%20b", "a b"),
        ("a%2520b", "a b"),
        ("a%252520b", "a%20b"),
        ("100%25%20sure", "100% sure"),
        ("a+b", "a+b"),
        ("caf%C3%A9", "café"),
        ("%FF", "\ufffd"),
        ("a%E2%80%8Bb", "ab"),
        ("50%", "50%"),
    ],
)
def test_a_user_agent_is_decoded_once_or_twice_and_never_a_third_time(
    logged: str, decoded: str
) -> None:
    assert decode_agent(logged) == decoded


@pytest.mark.parametrize(
    ("agent", "os", "family"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 10_2_1 like Mac OS X) A/1", "iPhone", "iOS"),
        ("Mozilla/5.0 (iPad; CPU OS 9_3 like Mac OS X) A/1", "iPad", "iOS"),
        ("MyApp/2 (iOS 17.1; iPod touch)", "iOS 17.1", "iOS"),
        ("Mozilla/5.0 (Linux; Android 14; Pixel 8) A/1 Chrome/120", "Linux", "Android"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0", "Android 14", "Android"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15) Gecko/1", "Macintosh", "macOS"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) A/1", "Windows NT 10.0", "Windows"),
        ("Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1)", "compatible", "Windows"),
        ("Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) A/1", "X11", "ChromeOS"),
        ("Mozilla/5.0 (X11; Ubuntu; rv:120.0) Gecko/1", "X11", "Linux"),
        ("Mozilla/5.0 (X11) A/1 (Windows)", "X11", "Linux"),
        ("Mozilla/5.0 (Linux (Debian); x) A/1 (iPhone)", "Linux (Debian)", "Linux"),
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://x)", "compatible", "Other"),
        ("Mozilla/5.0 (X11; Linux", "X11", "Linux"),
        ("curl/8.5.0", None, "Other"),
        ("odd/1 () A/1", None, "Other"),
        ("", None, "Other"),
        (None, None, "Other"),
    ],
)
def test_os_is_the_first_token_and_the_family_looks_at_the_whole_first_parenthesis(
    agent: str | None, os: str | None, family: str
) -> None:
    found = read_agent(agent)
    assert (found.os, found.os_family) == (os, family)


def test_the_browser_is_the_last_name_and_version_where_the_tutorials_expression_matches() -> None:
    firefox = "Mozilla/5.0%20(X11;%20Linux)%20Gecko/20100101%20Firefox/83.0"
    assert read_agent(firefox) == Agent("X11", "Linux", "Firefox", "83.0")
    assert read_agent("curl/8.5.0") == Agent(None, "Other", None, None)


@pytest.mark.parametrize(
    ("token", "family"),
    [
        ("MacOS", "macOS"),
        ("OSX", "macOS"),
        ("iOS", "iOS"),
        ("Linux", "Linux"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac%20OS%20X", "macOS"),
        ("BeOS", "Other"),
    ],
)
def test_a_legacy_family_looks_at_the_first_token_alone(token: str, family: str) -> None:
    logged = f"Mozilla/5.0%20({token};{GECKO}IE/3.0.9"
    assert read_legacy_agent(logged) == Agent(token, family, "IE", "3.0.9")


def test_a_legacy_token_ends_with_its_parenthesis() -> None:
    found = read_legacy_agent("Mozilla/5.0%20(X11)%20Gecko/1%20Firefox/2")
    assert found == Agent("X11", "Linux", "Firefox", "2")


@pytest.mark.parametrize("logged", ["curl/7.1", "-", "", "Mozilla/5.0%2520(Linux;%2520x)%2520A/1"])
def test_a_legacy_user_agent_that_the_expression_does_not_match_is_none(logged: str) -> None:
    assert read_legacy_agent(logged) is None


@given(st.text(max_size=40) | st.text("(%25F);/ iPhoneX1", max_size=40))
def test_any_text_is_some_user_agent(logged: str) -> None:
    assert read_agent(logged).os_family in FAMILIES
    legacy = read_legacy_agent(logged)
    assert legacy is None or legacy.os_family in FAMILIES


def test_a_very_long_user_agent_is_read_and_not_kept() -> None:
    logged = "Mozilla/5.0 (X11; " + "x" * 100_000 + ") A/1 B/2"
    before = _kept()
    assert read_agent(logged) == Agent("X11", "Linux", "B", "2")
    assert _kept() == before


def _kept() -> int:
    from stormlake.sensors import user_agents

    return user_agents._modern.cache_info().currsize

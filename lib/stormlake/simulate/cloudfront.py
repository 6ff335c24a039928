"""CloudFront logs of requests that nobody sent, in three formats; and one with known counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from typing import Any, Final

import numpy as np

from stormlake.simulate.agents import (
    MODERN_AGENTS,
    TUTORIAL_BROWSERS,
    TUTORIAL_SYSTEMS,
    Agent,
    tutorial_agent,
)
from stormlake.simulate.draws import BLOCK, SECOND, Block, chance, micros, spans, uuids, written
from stormlake.simulate.log_lines import LINES, LogFormat, Request, legacy_line
from stormlake.simulate.shapes import write_lines

DISTRIBUTION: Final = "E1STORMLAKESIM"
_STREAM: Final = "cloudfront"
_EDGES: Final = ("DFW55", "FRA60", "HIO50", "LHR3", "MIA3", "NRT57", "SFO5")
_PATHS: Final = (
    "/maps/composite.png",
    "/maps/echo-top-18.png",
    "/data/stations.json",
    "/index.html",
    "/assets/storm.css",
)
_NETWORKS: Final = ("192.0.2", "198.51.100", "203.0.113")
"""Networks that RFC 5737 keeps for examples."""

_TUTORIAL_AGENTS: Final = tuple(
    tutorial_agent(os, browser) for os in TUTORIAL_SYSTEMS for browser in TUTORIAL_BROWSERS
)


def log_blocks(log: LogFormat, records: int, seed: int, start: datetime) -> Iterator[Block]:
    """Lines of a log, one a second, with their times and their count by operating system.

    Parameters
    ----------
    log : LogFormat
    records : int
        How many; those of a smaller count are the first of a larger one.
    seed : int
    start : datetime
        Of the first request; without a zone it is UTC.

    Yields
    ------
    Block
        `counts` says how many requests name which system first in the user agent's parenthesis.
    """
    begin = micros(start)
    line = LINES[log]
    agents = _TUTORIAL_AGENTS if log is LogFormat.LEGACY else MODERN_AGENTS
    for span in spans(records):
        times = begin + (span.first + np.arange(BLOCK)) * SECOND
        random = chance(seed, _STREAM, 0, span.number)
        times = times + random.integers(0, 1000, BLOCK) * 1000
        requests = _requests(random, times, agents)[: span.size]
        counts = Counter(request.agent.os for request in requests)
        yield Block(times[: span.size], [line(r) for r in requests], counts=dict(counts))


def legacy_log(
    counts: Mapping[str, int],
    first_day: date,
    days: int,
    *,
    outside: int = 0,
    unmatched: int = 0,
    comments: int = 0,
    seed: int = 0,
) -> bytes:
    """Write a log in the tutorial's format whose counts are known.

    Parameters
    ----------
    counts : mapping of str to int
        Requests by operating system on the days.
    first_day : date
    days : int
        The requests are dealt out over so many days, every day's turn after the other.
    outside : int
        Lines more, the first on the day before, the second on the day after, and so on.
    unmatched : int
        Lines more, on the days, whose user agent has no parenthesis.
    comments : int
        Lines more that begin with `#`, at the top.
    seed : int
        Of the other fields and of the order.

    Returns
    -------
    bytes
        Lines of 11 fields between TABs, in random order.

    Examples
    --------
    >>> from datetime import date
    >>> legacy_log({"Linux": 2}, date(2014, 7, 5), 32, comments=1).count(b"(Linux;")
    2
    """
    systems = [os for os, count in counts.items() for _ in range(count)]
    # Every further line takes the next system, so that one counted by mistake is seen.
    systems += [list(counts)[n % len(counts)] for n in range(outside)]
    total = len(systems) + unmatched
    random = chance(seed, _STREAM, 3)
    dealt = np.arange(total) % days
    further = np.arange(outside)
    inside = total - outside - unmatched
    dealt[inside : inside + outside] = np.where(further % 2 == 0, -1, days)
    midnight = micros(datetime.combine(first_day, datetime.min.time()))
    times = midnight + (dealt * 86_400 + random.integers(0, 86_400, total)) * SECOND
    browsers = [TUTORIAL_BROWSERS[n] for n in random.integers(0, len(TUTORIAL_BROWSERS), total)]
    agents = [tutorial_agent(os, browser) for os, browser in zip(systems, browsers, strict=False)]
    agents += [Agent("", "curl/7.1")] * unmatched
    lines = [legacy_line(request) for request in _requests(random, times, agents, drawn=False)]
    # No #Fields line: it would rule over the lines, which are not of its format.
    header = ["#Version: 1.0", *("# further",) * comments][:comments]
    return write_lines([*header, *(lines[n] for n in random.permutation(total).tolist())])


def _requests(
    random: np.random.Generator, times: Any, agents: Any, *, drawn: bool = True
) -> list[Request]:
    """Draw a request for every time; its agent is drawn too, or that of the same place."""
    count = len(times)
    which = random.integers(0, len(agents), count) if drawn else np.arange(count)
    columns = zip(
        times.tolist(),
        written(times, "ms"),
        which.tolist(),
        random.integers(0, len(_EDGES), count).tolist(),
        random.integers(0, len(_PATHS), count).tolist(),
        random.integers(200, 2_000_000, count).tolist(),
        random.integers(0, len(_NETWORKS), count).tolist(),
        random.integers(1, 255, count).tolist(),
        random.integers(1024, 65_536, count).tolist(),
        (random.random(count) < 0.7).tolist(),
        np.round(random.uniform(0.001, 0.4, count), 3).tolist(),
        uuids(random, count),
        strict=True,
    )
    return [
        Request(
            micros=micro,
            time=time,
            agent=agents[agent],
            edge=_EDGES[edge],
            path=_PATHS[path],
            size=size,
            client=f"{_NETWORKS[network]}.{host}",
            port=port,
            hit=hit,
            seconds=seconds,
            number=number,
        )
        for (
            micro, time, agent, edge, path, size, network, host, port, hit, seconds, number
        ) in columns
    ]  # fmt: skip

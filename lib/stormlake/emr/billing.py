"""What instances are billed, by the second, and what share of a cluster's bill a step has.

EMR's price runs from the moment when an instance is ready (EMR FAQ, "When does billing of my Amazon
EMR cluster begin and end?"), and so do the hours here. EC2's runs from the launch: the minutes
between the two are told apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from stormlake.running.prices import Market, Prices

LEAST_SECONDS: Final = 60
"""Billed at the least for an instance or a worker (pricing pages of EC2, EMR, EMR Serverless)."""


@dataclass(frozen=True)
class Span:
    """A time from `start` to `end`, UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> float:
        """How long it is; never below zero."""
        return max(0.0, (self.end - self.start).total_seconds())

    def overlap(self, other: Span) -> Span:
        """What both have in common; of no length where that is nothing."""
        start = max(self.start, other.start)
        return Span(start, max(start, min(self.end, other.end)))


@dataclass(frozen=True)
class BilledInstance:
    """One instance of a cluster.

    Parameters
    ----------
    type : str
    market : str
        `ON_DEMAND` or `SPOT`.
    ready : Span
        From ready to ended, or until now.
    seconds : int
        Billed.
    launching : float
        Seconds from its creation till it was ready.
    """

    type: str
    market: Market
    ready: Span
    seconds: int
    launching: float


def billed(instances: Iterable[Mapping[str, Any]], now: datetime) -> list[BilledInstance]:
    """What ListInstances says, as it is billed; instances that never got ready are left out.

    Parameters
    ----------
    instances : iterable of mapping
        Elements of ListInstances' answers.
    now : datetime
        End of those that run.
    """
    found = []
    for each in instances:
        times = each["Status"].get("Timeline", {})
        ready = times.get("ReadyDateTime")
        if ready is None:
            continue
        span = Span(ready, times.get("EndDateTime") or now)
        launching = Span(times.get("CreationDateTime") or ready, ready).seconds
        seconds = max(LEAST_SECONDS, math.ceil(span.seconds))
        market: Market = "SPOT" if each.get("Market") == "SPOT" else "ON_DEMAND"
        found.append(BilledInstance(each["InstanceType"], market, span, seconds, launching))
    return found


@dataclass(frozen=True)
class Line:
    """All instances of one type and market.

    Parameters
    ----------
    type, market : str
    instances : int
    hours : float
        Billed, of all of them.
    cost : float or None
        None where there is no price.
    run_hours : float
        Of `hours`, the run's share.
    run_cost : float or None
    """

    type: str
    market: str
    instances: int
    hours: float
    cost: float | None
    run_hours: float
    run_cost: float | None


def lines(
    instances: Sequence[BilledInstance], shares: Sequence[float], prices: Prices
) -> tuple[list[Line], list[str]]:
    """Sum up by type and market.

    Parameters
    ----------
    instances : sequence of BilledInstance
    shares : sequence of float
        Of each instance, the seconds that are the run's.
    prices : Prices

    Returns
    -------
    lines : list of Line
    notes : list of str
        What has no price.
    """
    groups: dict[tuple[str, Market], list[tuple[float, float]]] = {}
    for each, share in zip(instances, shares, strict=True):
        groups.setdefault((each.type, each.market), []).append((each.seconds, share))
    found, notes = [], []
    for (name, market), seconds in sorted(groups.items()):
        hours = sum(whole for whole, _ in seconds) / 3600
        run_hours = sum(share for _, share in seconds) / 3600
        price = prices.hour(name, market)
        if price is None:
            notes.append(prices.missing(name, market))
        found.append(
            Line(
                type=name,
                market=market,
                instances=len(seconds),
                hours=hours,
                cost=None if price is None else hours * price,
                run_hours=run_hours,
                run_cost=None if price is None else run_hours * price,
            )
        )
    return found, notes


def step_shares(
    instances: Sequence[BilledInstance], step: Span, others: Sequence[Span]
) -> list[float]:
    """Seconds of each instance that are a step's, on a cluster that others use too.

    Parameters
    ----------
    instances : sequence of BilledInstance
    step : Span
        When it ran.
    others : sequence of Span
        When other steps ran.

    Notes
    -----
    An instance's time between the step's start and end, split evenly among the steps that ran at
    that moment. Time in which no step ran belongs to nobody.
    """
    overlaps = [step.overlap(other) for other in others]
    inside = [span for span in overlaps if span.seconds]
    edges = sorted({step.start, step.end, *(t for span in inside for t in (span.start, span.end))})
    shares = [0.0] * len(instances)
    for start, end in pairwise(edges):
        piece = Span(start, end)
        together = 1 + sum(span.start <= start and end <= span.end for span in inside)
        for n, instance in enumerate(instances):
            shares[n] += piece.overlap(instance.ready).seconds / together
    return shares

"""Read one series of scores and its alerts from a lake, without Spark."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import quote, unquote

import numpy as np
import numpy.typing as npt

from stormlake.errors import RefusedInput
from stormlake.lake.folder import Folder
from stormlake.lake.tables import ALERTS, ANOMALY_SCORES

_NAMED: Final = 12
"""Sources or keys that a message names."""

Numbers = npt.NDArray[np.float64]
Times = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Alerts:
    """The alerts of one rule in a series.

    Parameters
    ----------
    rule : str
    threshold : float
    of_score : bool
        Whether it compares the score; else a feature.
    feature : str or None
        Which one, where it compares a feature.
    readings : np.ndarray
        Shape (n,), their places in the series.
    values, scores : np.ndarray
        Shape (n,), of the readings.
    """

    rule: str
    threshold: float
    of_score: bool
    feature: str | None
    readings: npt.NDArray[np.intp]
    values: Numbers
    scores: Numbers


@dataclass(frozen=True)
class Series:
    """What one picture shows.

    Parameters
    ----------
    source, key : str
    times : np.ndarray
        Shape (n,), UTC, in order.
    features : dict of np.ndarray
        Shape (n,) each, by name.
    scores : np.ndarray
        Shape (n,).
    alerts : list of Alerts
        By rule; empty where there are none.
    has_alerts_table : bool
        Whether anybody has looked for alerts of the source.
    """

    source: str
    key: str
    times: Times
    features: dict[str, Numbers]
    scores: Numbers
    alerts: list[Alerts]
    has_alerts_table: bool

    @property
    def has_times(self) -> bool:
        """Whether its records are of more than one time."""
        return bool(self.times[0] != self.times[-1])

    @property
    def positions(self) -> npt.NDArray[Any]:
        """Where its records stand: their times; their numbers where all are of one time."""
        return self.times if self.has_times else np.arange(len(self.times))


def read_series(
    folder: Folder, source: str, key: str, start: datetime | None, end: datetime | None
) -> Series:
    """Read the scores of one key, or of one location or device of a forest of many.

    Parameters
    ----------
    folder : Folder
        The lake.
    source : str
    key : str
        A model_key, location or device_id.
    start, end : datetime or None
        UTC days, half-open.

    Raises
    ------
    RefusedInput
        There is no such lake, source, key or day; the message says what there is.
    """
    if not folder.holds(ANOMALY_SCORES.name):
        raise RefusedInput(
            f"{folder.name} is no lake with scores: it has no table {ANOMALY_SCORES.name}; "
            "`stormlake score` makes it"
        )
    sources = [unquote(each.removeprefix("source=")) for each in folder.names(ANOMALY_SCORES.name)]
    if source not in sources:
        raise RefusedInput(
            f"{folder.name} has no scores of source {source!r}; it has {_some(sources)}"
        )
    columns = ("model_key", "location", "device_id", "event_time", "record_id", "features", "score")
    days = (start and start.date(), end and end.date())
    rows = _rows(folder, ANOMALY_SCORES.name, source, days, columns, key)
    if not rows["score"]:
        places = _places(folder, source)
        raise RefusedInput(
            f"{source} has no scores of {key!r}{' in these days' if start else ''}; its keys are "
            f"{_some(places)}"
        )
    order = sorted(
        range(len(rows["score"])), key=lambda n: (rows["event_time"][n], rows["record_id"][n])
    )
    features = [json.loads(rows["features"][n]) for n in order]
    names = sorted({name for each in features for name in each}, key=list(features[0]).index)
    scores = np.array([rows["score"][n] for n in order])
    times = _times(rows["event_time"][n] for n in order)
    found = {
        name: np.array([each.get(name, np.nan) for each in features], dtype=float) for name in names
    }
    has_alerts = folder.holds(f"{ALERTS.name}/source={quote(source)}")
    alerts: list[Alerts] = []
    if has_alerts:
        wanted = ("rule", "location", "device_id", "event_time", "value", "score", "threshold")
        alerts = _alerts(
            _rows(folder, ALERTS.name, source, days, wanted, None), key, times, scores, found
        )
    return Series(source, key, times, found, scores, alerts, has_alerts)


def _rows(
    folder: Folder,
    table: str,
    source: str,
    days: tuple[date | None, date | None],
    columns: tuple[str, ...],
    key: str | None,
) -> dict[str, list[Any]]:
    import pyarrow as pa
    import pyarrow.dataset as ds

    data = folder.dataset(table, ("source", "date"))
    keep = ds.field("source") == source
    if days[0] is not None and days[1] is not None:
        keep &= (ds.field("date") >= days[0].isoformat()) & (ds.field("date") < days[1].isoformat())
    if key is not None:
        keep &= (
            (ds.field("model_key") == key)
            | (ds.field("location") == key)
            | (ds.field("device_id") == key)
        )
    try:
        found = data.to_table(columns=list(columns), filter=keep)
    except (pa.ArrowInvalid, KeyError) as error:
        raise RefusedInput(f"the lake's tables are not of this version: {error}") from error
    return {name: found.column(name).to_pylist() for name in columns}


def _alerts(
    rows: dict[str, list[Any]],
    key: str,
    times: Times,
    scores: Numbers,
    features: dict[str, Numbers],
) -> list[Alerts]:
    """Alerts of readings of this series: of the same time and score, and of no other place."""
    at = {(time, score): n for n, (time, score) in enumerate(zip(times, scores, strict=True))}
    by_rule: dict[str, list[tuple[Any, float, float, float, int]]] = {}
    stamps = _times(rows["event_time"])
    for n, rule in enumerate(rows["rule"]):
        place = rows["location"][n] or rows["device_id"][n]
        reading = at.get((stamps[n], rows["score"][n]))
        if reading is None or place not in (None, key):
            continue
        found = (stamps[n], rows["value"][n], rows["score"][n], rows["threshold"][n], reading)
        by_rule.setdefault(rule, []).append(found)
    made = []
    for rule, raised in sorted(by_rule.items()):
        raised.sort(key=lambda each: each[4])
        _, value, of, threshold, reading = raised[-1]
        of_score = value == of
        feature = None
        if not of_score:
            feature = next((n for n, column in features.items() if column[reading] == value), None)
        made.append(
            Alerts(
                rule,
                threshold,
                of_score,
                feature,
                np.array([each[4] for each in raised]),
                np.array([each[1] for each in raised], dtype=float),
                np.array([each[2] for each in raised], dtype=float),
            )
        )
    return made


def _places(folder: Folder, source: str) -> list[str]:
    columns = ("model_key", "location", "device_id")
    rows = _rows(folder, ANOMALY_SCORES.name, source, (None, None), columns, None)
    return sorted({each for column in rows.values() for each in column if each})


def _times(values: Iterable[datetime]) -> Times:
    return np.array([each.replace(tzinfo=None) for each in values], dtype="datetime64[us]")


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_NAMED]) or "none at all"
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"

"""A series, its score, thresholds and alerts on one axis of time."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from stormlake.plots.paper import FAINT, GROUND, INK, PAPER, write_png
from stormlake.plots.series_reader import Alerts, Numbers, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS: Final = 4
"""Features that are drawn, each in a panel of its own."""

MOST_POINTS: Final = 20_000
"""Points of a line; of a longer one the lowest and highest of each stretch are drawn."""

# Okabe and Ito's colours, which people tell apart whatever they see of colour.
LINES: Final = ("#56B4E9", "#009E73", "#CC79A7", "#0072B2")
SCORE: Final = "#F0E442"
RULES: Final = ("#D55E00", "#E69F00", "#FFFFFF", "#CC79A7", "#009E73")
MARKERS: Final = ("v", "o", "s", "D", "^")


def draw_series(series: Series, out: Path) -> Path:
    """Write the picture of a series as a PNG.

    Parameters
    ----------
    series : Series
    out : Path
        File to write; folders on the way are made, an older file is replaced.

    Returns
    -------
    Path
        `out`.
    """
    return write_png(series_figure(series), out)


def thin(values: Numbers, most: int = MOST_POINTS) -> npt.NDArray[np.intp]:
    """Which points of a line to draw, so that no peak is lost.

    Parameters
    ----------
    values : np.ndarray
        Shape (n,).
    most : int
        Points that are drawn as they are.

    Returns
    -------
    np.ndarray
        Shape (m,), m <= max(most, 4), ascending: first, last, and of each stretch the lowest and
        the highest.
    """
    n = len(values)
    if n <= most:
        return np.arange(n)
    edges = np.linspace(0, n, max(1, (most - 2) // 2) + 1).astype(int)
    finite = np.nan_to_num(values)
    picked = {0, n - 1}
    for start, stop in pairwise(edges.tolist()):
        stretch = finite[start:stop]
        picked |= {int(start + stretch.argmin()), int(start + stretch.argmax())}
    return np.array(sorted(picked))


def series_figure(series: Series) -> Figure:
    """The figure that `draw_series` writes."""
    from matplotlib.figure import Figure

    names = list(series.features)[:MOST_PANELS]
    height = 3.2 + 1.9 * len(names)
    figure = Figure(figsize=(11.0, height), facecolor=PAPER)
    ratios = [1.0] * len(names) + [1.25]
    panels: Any = figure.subplots(
        len(ratios), 1, sharex=True, squeeze=False, gridspec_kw={"height_ratios": ratios}
    )
    axes = list(panels[:, 0])
    figure.subplots_adjust(
        left=0.075, right=0.975, top=1 - 0.95 / height, bottom=0.62 / height, hspace=0.09
    )
    for name, axis, colour in zip(names, axes, LINES, strict=False):
        _line(axis, series, series.features[name], colour, name)
    _line(axes[-1], series, series.scores, SCORE, "score")
    axes[-1].set_ylim(bottom=0)
    _warming_up(axes, series)
    for number, alerts in enumerate(series.alerts):
        _alerts(axes, names, series, alerts, number)
    if series.has_times:
        _time_axis(axes[-1])
    else:
        axes[-1].set_xlabel("record", color=FAINT, fontsize=9)
    if series.alerts:
        handles, labels = axes[-1].get_legend_handles_labels()
        figure.legend(
            handles, labels, loc="upper right", bbox_to_anchor=(0.978, 1 - 0.12 / height),
            ncols=min(3, len(labels)), frameon=False, labelcolor=INK, fontsize=9,
        )  # fmt: skip
    _words(figure, series, height)
    return figure


def _line(axis: Axes, series: Series, values: Numbers, colour: str, name: str) -> None:
    shown = thin(values)
    axis.set_facecolor(GROUND)
    axis.plot(series.positions[shown], values[shown], color=colour, lw=0.9, zorder=2, gid=name)
    if len(shown) == 1:
        axis.plot(series.positions[shown], values[shown], ".", color=colour, zorder=2)
    axis.set_ylabel(name, color=INK, fontsize=10)
    axis.tick_params(colors=FAINT, labelsize=8.5, length=0, pad=5)
    axis.grid(color=INK, alpha=0.06, lw=0.6, zorder=0)
    axis.margins(x=0.01)
    for spine in axis.spines.values():
        spine.set_visible(False)


def _warming_up(axes: list[Axes], series: Series) -> None:
    """Shade what scores 0 at the start, where the forest fills."""
    scored = np.flatnonzero(series.scores)
    last = int(scored[0]) if len(scored) else len(series.scores) - 1
    if last == 0:
        return
    for axis in axes:
        axis.axvspan(
            series.positions[0], series.positions[last], color=INK, alpha=0.05, lw=0, zorder=1,
            gid="warming up",
        )  # fmt: skip
    axes[-1].annotate(
        "warming up", (0.004, 0.93), xycoords=("axes fraction", "axes fraction"), color=FAINT,
        fontsize=8.5, va="top", xytext=(6, 0), textcoords="offset points",
    )  # fmt: skip


def _alerts(
    axes: list[Axes], names: list[str], series: Series, alerts: Alerts, number: int
) -> None:
    """Marks of a rule in the panel of what it compares and in that of the score."""
    colour, marker = RULES[number % len(RULES)], MARKERS[number % len(MARKERS)]
    style: dict[str, Any] = {
        # Where two rules hold at once, the smaller mark lies on the larger.
        "color": colour, "marker": marker, "ls": "", "ms": max(5.0, 11.0 - 3 * number),
        "mec": GROUND, "mew": 0.8,
        "zorder": 4 + number,
    }  # fmt: skip
    count = f"{len(alerts.readings):,} alert{'s' if len(alerts.readings) != 1 else ''}"
    label = f"{alerts.rule}: {count}"
    where = series.positions[alerts.readings]
    axes[-1].plot(where, alerts.scores, label=label, gid=alerts.rule, **style)
    compared = axes[-1]
    if not alerts.of_score:
        if alerts.feature not in names:
            return
        compared = axes[names.index(alerts.feature)]
        compared.plot(where, alerts.values, gid=alerts.rule, **style)
    compared.axhline(
        alerts.threshold, color=colour, lw=1.0, ls=(0, (5, 4)), alpha=0.85, zorder=3,
        gid=f"threshold of {alerts.rule}",
    )  # fmt: skip


def _time_axis(axis: Axes) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(minticks=4, maxticks=10)  # type: ignore[no-untyped-call]
    axis.xaxis.set_major_locator(locator)
    axis.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axis.xaxis.get_offset_text().set_color(FAINT)
    axis.xaxis.get_offset_text().set_fontsize(8.5)


def _words(figure: Figure, series: Series, height: float) -> None:
    first, last = (str(each).replace("T", " ")[:19] for each in (series.times[0], series.times[-1]))
    figure.text(
        0.075, 1 - 0.33 / height, f"{series.source}  {series.key}", color=INK, fontsize=15,
        fontweight="bold", va="center",
    )  # fmt: skip
    span = f"{first} to {last} UTC" if series.has_times else f"all of {first} UTC"
    told = [span, f"{len(series.scores):,} records"]
    if not series.has_alerts_table:
        told.append("no alerts were looked for")
    elif not series.alerts:
        told.append("no alerts")
    if len(series.features) > MOST_PANELS:
        told.append(f"the first {MOST_PANELS} of {len(series.features)} features")
    figure.text(
        0.075, 1 - 0.67 / height, "  ·  ".join(told), color=FAINT, fontsize=9.5, va="center"
    )
    figure.text(0.075, 0.17 / height, "stormlake", color=FAINT, fontsize=8.5, va="center")

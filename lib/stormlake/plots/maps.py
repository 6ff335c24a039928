"""A map of one product of one volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from stormlake.plots.borders import CREDIT, state_borders
from stormlake.plots.paper import FAINT, GROUND, INK, LAND_LINE, PAPER, RING, WARNING, write_png
from stormlake.plots.products import Product

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet
    from matplotlib.figure import Figure

Array = npt.NDArray[np.floating]

FIGURE: Final = (9.0, 8.6)
"""Inches."""

RING_STEP: Final = 50_000.0
"""Distance between range rings, m."""


@dataclass(frozen=True, eq=False)
class ProductMap:
    """What one picture shows.

    Parameters
    ----------
    product : Product
        What the values are.
    station : str
        Four characters.
    time : datetime
        Time of the volume, UTC.
    site : tuple of float
        Latitude and longitude of the radar, degrees.
    values : np.ndarray
        Shape (ny, nx), the table's unit; NaN where there is no echo.
    latitude, longitude : np.ndarray
        Shape (ny, nx), centre of each cell, degrees.
    x, y : np.ndarray
        Shape (ny, nx), m east and north of the radar.
    caption : str
        How the values came to be.
    warning : str
        What a reader must know about the volume; empty when there is nothing.
    """

    product: Product
    station: str
    time: datetime
    site: tuple[float, float]
    values: Array
    latitude: Array
    longitude: Array
    x: Array
    y: Array
    caption: str = ""
    warning: str = ""


def draw_product(picture: ProductMap, out: Path, *, borders: bool = True) -> Path:
    """Write a PNG map: colours of the product, range rings, the radar, axes in degrees.

    Parameters
    ----------
    picture : ProductMap
        What to show.
    out : Path
        File to write; folders on the way are made, an older file is replaced.
    borders : bool
        Draw the states' borders and coasts.

    Returns
    -------
    Path
        `out`.
    """
    return write_png(product_figure(picture, borders=borders), out)


def product_figure(picture: ProductMap, *, borders: bool = True) -> Figure:
    """The figure that `draw_product` writes."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.figure import Figure

    product = picture.product
    figure = Figure(figsize=FIGURE, facecolor=PAPER)
    axes = figure.add_axes((0.085, 0.105, 0.765, 0.775), facecolor=GROUND)
    colours = ListedColormap(list(product.colours[:-1])).with_extremes(
        over=product.colours[-1], under="none"
    )
    mesh = axes.pcolormesh(
        picture.longitude,
        picture.latitude,
        np.ma.masked_invalid(picture.values * product.factor),
        cmap=colours,
        norm=BoundaryNorm(list(product.steps), len(product.steps) - 1),
        shading="nearest",
        rasterized=True,
        zorder=2,
    )
    edge = _extent(axes, picture)
    if borders:
        longitude, latitude = state_borders().T
        axes.plot(longitude, latitude, color=LAND_LINE, lw=0.8, zorder=1)
        axes.plot(longitude, latitude, color=INK, lw=0.5, alpha=0.35, zorder=3)
    _rings(axes, picture, edge)
    _degrees(axes)
    if picture.warning:
        axes.text(
            0.015, 0.018, picture.warning, transform=axes.transAxes, color=WARNING, fontsize=9.5,
            zorder=8, path_effects=_halo(),
        )  # fmt: skip
    _words(figure, picture, CREDIT if borders else "")
    bar = figure.colorbar(
        mesh, cax=figure.add_axes((0.872, 0.105, 0.022, 0.775)), extend="max", ticks=product.steps
    )
    bar.ax.tick_params(colors=FAINT, labelsize=8.5, length=0)
    bar.ax.set_yticklabels([f"{step:g}" for step in product.steps])
    bar.outline.set_visible(False)
    bar.set_label(product.unit, color=INK, fontsize=10)
    return figure


def _extent(axes: Axes, picture: ProductMap) -> float:
    """Fit the axes around the grid; gives half its smaller width, m.

    A degree of longitude is cos(latitude) of one of latitude: equal distances look equal.
    """
    latitude, longitude = picture.site
    squeeze = float(np.cos(np.radians(latitude)))
    box = axes.get_position()
    shape = box.width * FIGURE[0] / (box.height * FIGURE[1])
    # East and west at the radar's own latitude; the corners nearer to the pole may be cut.
    wide = squeeze * float(np.ptp(picture.longitude.mean(axis=0))) / shape
    height = max(float(np.ptp(picture.latitude)), wide)
    half = height / 2
    axes.set_ylim(latitude - half, latitude + half)
    axes.set_xlim(longitude - half * shape / squeeze, longitude + half * shape / squeeze)
    return float(
        min(-picture.x.min(), picture.x.max(), -picture.y.min(), picture.y.max(), key=float)
    )


def _rings(axes: Axes, picture: ProductMap, edge: float) -> QuadContourSet | None:
    """Range rings with their distance, and the radar."""
    latitude, longitude = picture.site
    axes.plot(longitude, latitude, marker="o", ms=7, mfc=PAPER, mec=INK, mew=1.4, zorder=6)
    axes.plot(longitude, latitude, marker="o", ms=2, color=INK, zorder=7)
    axes.annotate(
        picture.station, (longitude, latitude), (0, -9), textcoords="offset points", ha="center",
        va="top", color=INK, fontsize=9, fontweight="bold", zorder=7, path_effects=_halo(),
    )  # fmt: skip
    levels = np.arange(RING_STEP, edge + 1.0, RING_STEP)
    if not len(levels):
        return None
    reach = np.hypot(picture.x, picture.y)
    rings = axes.contour(
        picture.longitude, picture.latitude, reach, levels=levels, colors=RING,
        linewidths=[1.0 if level % 100_000.0 == 0 else 0.6 for level in levels],
        alpha=0.55, zorder=4,
    )  # fmt: skip
    bearing = np.arctan2(picture.x, picture.y)
    for level in levels:
        # The cell nearest to the ring on a bearing of 45 degrees, clear of the axes' ticks.
        miss = np.abs(reach - level) + level * np.abs(bearing - np.pi / 4)
        row, column = np.unravel_index(int(miss.argmin()), miss.shape)
        axes.text(
            float(picture.longitude[row, column]), float(picture.latitude[row, column]),
            f"{level / 1e3:.0f} km", color=RING, fontsize=7.5, ha="center", va="center",
            rotation=-45, zorder=5, path_effects=_halo(), clip_on=True,
        )  # fmt: skip
    return rings


def _halo() -> list[object]:
    from matplotlib.patheffects import withStroke

    return [withStroke(linewidth=2.2, foreground=GROUND, alpha=0.85)]


def _degrees(axes: Axes) -> None:
    """Axes in degrees, a faint grid, no box."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    for axis, ends in ((axes.xaxis, "WE"), (axes.yaxis, "SN")):
        axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(_degree_label(ends)))
    axes.grid(color=INK, alpha=0.06, lw=0.6, zorder=0)
    axes.tick_params(colors=FAINT, labelsize=8.5, length=0, pad=5)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _degree_label(ends: str) -> Callable[[float, object], str]:
    def label(value: float, _position: object) -> str:
        if abs(value) < 1e-9:
            return "0°"
        return f"{abs(value):g}°{ends[int(value > 0)]}"

    return label


def _words(figure: Figure, picture: ProductMap, credit: str) -> None:
    """Title, time, caption."""
    left, right, top = 0.085, 0.85, 0.955
    figure.text(
        left, top, f"{picture.station}  {picture.product.title}", color=INK, fontsize=16,
        fontweight="bold", va="center",
    )  # fmt: skip
    figure.text(
        right, top, f"{picture.time:%Y-%m-%d %H:%M:%S} UTC", color=INK, fontsize=12.5,
        ha="right", va="center",
    )  # fmt: skip
    figure.text(left, 0.913, picture.caption, color=FAINT, fontsize=9, va="center")
    figure.text(left, 0.035, "stormlake", color=FAINT, fontsize=8.5, va="center")
    if credit:
        figure.text(right, 0.035, credit, color=FAINT, fontsize=7.5, ha="right", va="center")

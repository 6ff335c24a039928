"""The products that can be drawn: their units, their steps and their colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from stormlake.errors import RefusedInput

NWS_REFLECTIVITY: Final = (
    "#00ecec", "#01a0f6", "#0000f6", "#00ff00", "#00c800", "#009000", "#ffff00", "#e7c000",
    "#ff9000", "#ff0000", "#d60000", "#c00000", "#ff00ff", "#9955c9", "#fdfdfd",
)  # fmt: skip
"""The National Weather Service's 5-dBZ steps from 5 dBZ up (WSR-88D, precipitation mode).

The values are the nodes of `NWSRef` in the cmweather package (a test compares them), but for the
last, which is white here because black would vanish.
"""


@dataclass(frozen=True)
class Product:
    """One column of `radar_columns`, as it is drawn.

    Parameters
    ----------
    column : str
        Its name in the table.
    title, unit, short_unit : str
        For people: above the map, beside the colours, in a line of text.
    factor : float
        Drawn value = table value * factor.
    steps : tuple of float
        Lower edge of each colour, in `unit`; the last colour has no upper edge, and values below
        the first edge are not drawn.
    colours : tuple of str
        One for each step.
    """

    column: str
    title: str
    unit: str
    short_unit: str
    factor: float
    steps: tuple[float, ...]
    colours: tuple[str, ...]


PRODUCTS: Final[Mapping[str, Product]] = MappingProxyType({
    product.column: product
    for product in (
        Product(
            column="composite_reflectivity",
            title="Composite reflectivity",
            unit="dBZ",
            short_unit="dBZ",
            factor=1.0,
            steps=tuple(range(5, 80, 5)),
            colours=NWS_REFLECTIVITY,
        ),
        Product(
            column="echo_top_18",
            title="18 dBZ echo top",
            unit="km above the radar",
            short_unit="km",
            factor=1e-3,
            steps=tuple(range(1, 17)),
            # Lighter towards the tops: sampled from matplotlib's "plasma".
            colours=(
                "#41049d", "#5901a5", "#7201a8", "#8808a6", "#9e199d", "#b12a90", "#c13b82",
                "#d04d73", "#dd5e66", "#e87059", "#f2844b", "#f9983e", "#fdae32", "#fdc627",
                "#f8df25", "#f0f921",
            ),
        ),
        Product(
            column="vil",
            title="Vertically integrated liquid",
            unit="kg m$^{-2}$",
            short_unit="kg m$^{-2}$",
            factor=1.0,
            steps=(0, 0.5, 1, 2, 4, 6, 8, 10, 15, 20, 25, 30, 40, 50, 60, 70),
            # From blue-green haze to hail, sampled from matplotlib's "turbo".
            colours=(
                "#3e3891", "#455ed3", "#4682f8", "#38a5fb", "#20c6df", "#19e2bb", "#3af490",
                "#74fe5d", "#a4fc3c", "#ccf034", "#eed439", "#fdae35", "#fb7e21", "#e8500f",
                "#c82803", "#9a0f01",
            ),
        ),
    )
})  # fmt: skip
"""By column name."""


def product_named(name: str) -> Product:
    """The product of a name.

    Raises
    ------
    RefusedInput
        With the names that there are.
    """
    try:
        return PRODUCTS[name]
    except KeyError:
        known = ", ".join(PRODUCTS)
        raise RefusedInput(f"there is no product {name!r} to draw; there are {known}") from None

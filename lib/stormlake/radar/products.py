"""What analysts ask of a column first: strongest echo, echo top, liquid water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from stormlake.radar.gridding import Cells
from stormlake.radar.profiles import Grid

ECHO_TOP_THRESHOLD: Final = np.float32(18.0)
"""Smallest reflectivity of an echo top, dBZ."""

VIL_FACTOR: Final = 3.44e-6
VIL_EXPONENT: Final = 4.0 / 7.0
VIL_CAP: Final = 56.0
"""Greene and Clark (1972); above 56 dBZ it is hail that shines, not water."""

DECIBEL: Final = np.log(10.0) / 10.0


@dataclass(frozen=True, eq=False)
class Columns:
    """Products of the columns with a value at any level, sorted by iy, then ix.

    Parameters
    ----------
    iy, ix : np.ndarray
        int16, shape (n,), from 0.
    composite_reflectivity : np.ndarray
        float32, shape (n,): largest value of the column, dBZ.
    echo_top_18 : np.ndarray
        float32, shape (n,): height of the highest level with 18 dBZ or more, m above the
        antenna; NaN where no level has. With a 20 dBZ floor of quality control it is the highest
        level with a value.
    vil : np.ndarray
        float32, shape (n,): vertically integrated liquid, kg m-2.
    """

    iy: npt.NDArray[np.int16]
    ix: npt.NDArray[np.int16]
    composite_reflectivity: npt.NDArray[np.float32]
    echo_top_18: npt.NDArray[np.float32]
    vil: npt.NDArray[np.float32]


def column_products(cells: Cells, grid: Grid) -> Columns:
    """Products of every column that has a cell with a value.

    Parameters
    ----------
    cells : Cells
        Not rounded, sorted by level, as `gridding.grid_cells` gives them.
    grid : Grid
        The grid of the cells.

    Returns
    -------
    Columns
        Composite reflectivity, echo top and liquid.

    Notes
    -----
    vil = 3.44e-6 sum ((Z_k + Z_k+1) / 2)^(4/7) dh (Greene and Clark 1972), Z = 10^(dBZ/10)
    mm6 m-3, dBZ capped at 56; only layers count whose two levels both have a value.
    """
    return Columns(
        *_columns(
            cells.level,
            cells.iy,
            cells.ix,
            cells.reflectivity,
            grid.z.astype(np.float32),
            grid.steps[0],
            grid.shape[1],
            grid.shape[2],
        )
    )


def warm_up() -> None:
    """Compile the kernel or load it from the cache."""
    zero = np.zeros(1, dtype=np.int16)
    cells = Cells(zero, zero, zero, np.zeros(1, dtype=np.float32))
    column_products(cells, Grid((1, 1, 1), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0)))


@njit(cache=True, nogil=True)
def _columns(  # type: ignore[no-untyped-def]
    level, iy, ix, value, heights, dh, ny, nx
):
    """Visit the cells once, from the lowest level up, then list the columns in order."""
    # Level of the last cell seen in each column, and its Z; -1 before the first.
    last = np.full((ny, nx), -1, dtype=np.int16)
    last_z = np.empty((ny, nx), dtype=np.float64)
    composite = np.empty((ny, nx), dtype=np.float32)
    top = np.empty((ny, nx), dtype=np.float32)
    liquid = np.empty((ny, nx), dtype=np.float64)
    count = 0
    for i in range(level.shape[0]):
        r = iy[i]
        c = ix[i]
        k = level[i]
        dbz = value[i]
        linear = np.exp(DECIBEL * min(np.float64(dbz), VIL_CAP))
        if last[r, c] < 0:
            count += 1
            composite[r, c] = dbz
            top[r, c] = np.nan
            liquid[r, c] = 0.0
        else:
            composite[r, c] = max(composite[r, c], dbz)
            if last[r, c] == k - 1:
                mean = (last_z[r, c] + linear) / 2.0
                # x^(4/7) written out: exp and log cost half of pow.
                liquid[r, c] += VIL_FACTOR * dh * np.exp(VIL_EXPONENT * np.log(mean))
        if dbz >= ECHO_TOP_THRESHOLD:
            top[r, c] = heights[k]
        last[r, c] = k
        last_z[r, c] = linear

    out_iy = np.empty(count, dtype=np.int16)
    out_ix = np.empty(count, dtype=np.int16)
    out_composite = np.empty(count, dtype=np.float32)
    out_top = np.empty(count, dtype=np.float32)
    out_liquid = np.empty(count, dtype=np.float32)
    n = 0
    for r in range(ny):
        for c in range(nx):
            if last[r, c] >= 0:
                out_iy[n] = r
                out_ix[n] = c
                out_composite[n] = composite[r, c]
                out_top[n] = top[r, c]
                out_liquid[n] = liquid[r, c]
                n += 1
    return out_iy, out_ix, out_composite, out_top, out_liquid

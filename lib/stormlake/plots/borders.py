"""Borders and coasts of the United States, for maps.

`us_states.csv` (its head names source and licence) comes with the package; nothing is downloaded.
It holds the Census Bureau's cartographic boundaries at 1:10,000,000, good to about half a km. The
boundaries in the wheels on PyPI did not do: those of bokeh-sampledata are thinned until corners are
60 km off, those of plotly-geo weigh 24 MB.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

CREDIT: Final = "state lines: U.S. Census Bureau"


@cache
def state_borders() -> npt.NDArray[np.float64]:
    """All lines, one after the other, with a row of NaN between two.

    Returns
    -------
    np.ndarray
        float64, shape (n, 2): longitude, latitude in degrees.
    """
    text = files("stormlake.plots").joinpath("us_states.csv").read_text(encoding="utf-8")
    _, *lines = (line for line in text.splitlines() if not line.startswith("#"))
    rows = [tuple(line.split(",")) if line else ("nan", "nan") for line in lines]
    return np.array(rows, dtype=np.float64)

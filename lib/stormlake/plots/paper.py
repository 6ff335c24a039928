"""What all pictures share: one palette, and a file that is written whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Night blue behind the echo, so that the weakest colours stand out as on a console.
PAPER, GROUND, LAND_LINE = "#0d1420", "#16202f", "#5d7089"
RING, INK, FAINT, WARNING = "#8fa3bd", "#eef3f9", "#93a5ba", "#ffb454"


def write_png(figure: Figure, out: Path) -> Path:
    """Write a figure; folders on the way are made, an older file is replaced by a whole one.

    Parameters
    ----------
    figure : Figure
    out : Path

    Returns
    -------
    Path
        `out`.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    out.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=out.parent, prefix=".", suffix=".png")
    try:
        with os.fdopen(handle, "wb") as stream:
            figure.savefig(
                stream, format="png", dpi=150, facecolor=PAPER, metadata={"Software": "stormlake"}
            )
        Path(name).chmod(0o644)
        Path(name).replace(out)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return out

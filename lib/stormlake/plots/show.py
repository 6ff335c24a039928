"""The picture of one product of one volume of a lake."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from stormlake.lake.folder import Folder
from stormlake.plots.lake_reader import read_product
from stormlake.plots.maps import draw_product
from stormlake.plots.products import product_named


def show_product(
    lake: Folder | Path | str,
    station: str,
    time: datetime | None = None,
    product: str = "composite_reflectivity",
    out: Path | None = None,
) -> Path:
    """Draw one product of one volume from a lake.

    Parameters
    ----------
    lake : Folder, Path or str
        Where the tables are; a path is a local lake's.
    station : str
        Four characters.
    time : datetime, optional
        The volume nearest to it, at most 10 minutes away; the newest when None.
    product : str
        A name of `stormlake.plots.products.PRODUCTS`.
    out : Path, optional
        PNG file; `<station>_<YYYYMMDD_HHMMSS>_<product>.png` in the working folder when None.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RefusedInput
        Nothing to draw; the message says what there is.

    Examples
    --------
    >>> show_product("lake", "KTLX", product="vil")  # doctest: +SKIP
    PosixPath('KTLX_20260501_211000_vil.png')
    """
    picture = read_product(lake, station, time, product_named(product))
    name = f"{picture.station}_{picture.time:%Y%m%d_%H%M%S}_{product}.png"
    return draw_product(picture, Path(name) if out is None else out)

"""Where gates and cells are: the beam over a round earth, and the map around the radar."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from numba import njit

from stormlake.radar.profiles import Grid
from stormlake.radar.quality import KeptGates
from stormlake.radar.volume import Cut

EFFECTIVE_RADIUS: Final = 4.0 / 3.0 * 6371000.0
"""Earth's radius, m, seen by a beam that bends in a standard atmosphere (Doviak and Zrnic 1993)."""

MAP_RADIUS: Final = 6370997.0
"""Radius of the sphere of the map projection, m, as in Py-ART's `pyart_aeqd`."""

FloatArray = npt.NDArray[np.float32]


def gate_position(
    range_: npt.ArrayLike, azimuth: npt.ArrayLike, elevation: npt.ArrayLike
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Position of gate centres relative to the antenna.

    Parameters
    ----------
    range_ : array_like
        Distance along the beam, m.
    azimuth : array_like
        Clockwise from north, degrees.
    elevation : array_like
        Above the horizon, degrees. The three are broadcast against each other.

    Returns
    -------
    x, y, z : np.ndarray
        float32, m: east, north, and height above the antenna. Computed in float64.

    Notes
    -----
    Doviak and Zrnic (1993), equations 2.28b and 2.28c, with an effective radius of 4/3 earth's.
    """
    r, a, e = np.broadcast_arrays(range_, azimuth, elevation)
    rays = np.arange(r.size, dtype=np.int32)
    x, y, z = _positions(
        r.ravel().astype(np.float64),
        rays,
        *_sin_cos(a.ravel()),
        *_sin_cos(e.ravel()),
    )
    return x.reshape(r.shape), y.reshape(r.shape), z.reshape(r.shape)


def kept_positions(cut: Cut, kept: KeptGates) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Position of a cut's kept gates alone, as `gate_position` gives it.

    Parameters
    ----------
    cut : Cut
        The cut that the gates were selected from.
    kept : KeptGates
        Which rays, and which gates of the reflectivity.

    Returns
    -------
    x, y, z : np.ndarray
        float32, shape (n,), m.
    """
    ref = cut.moments["REF"]
    return _positions(  # type: ignore[no-any-return]
        ref.first_gate + ref.gate_spacing * kept.gate.astype(np.float64),
        kept.ray,
        *_sin_cos(cut.azimuth),
        *_sin_cos(cut.elevation),
    )


def cell_latitude_longitude(
    grid: Grid, latitude: float, longitude: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Latitude and longitude of a grid's cells.

    Parameters
    ----------
    grid : Grid
        Its y and x axes count.
    latitude, longitude : float
        Of the radar, degrees.

    Returns
    -------
    latitude, longitude : np.ndarray
        float64, shape (ny, nx), degrees; longitude from -180 to 180.

    Notes
    -----
    Inverse azimuthal equidistant projection on a sphere (Snyder 1987, equations 20-14 and 20-15),
    centred on the radar. Within 1 km of a geodesic on WGS84 over +-300 km.
    """
    x, y = np.meshgrid(grid.x, grid.y)
    lat0 = np.radians(latitude)
    rho = np.hypot(x, y)
    c = rho / MAP_RADIUS
    # The sine of the cell's direction; at the centre there is none, and y = 0 makes it vanish.
    north = y / np.where(rho == 0.0, 1.0, rho)
    sin_lat = np.cos(c) * np.sin(lat0) + north * np.sin(c) * np.cos(lat0)
    lat = np.degrees(np.arcsin(np.clip(sin_lat, -1.0, 1.0)))
    lon = longitude + np.degrees(
        np.arctan2(
            x * np.sin(c),
            rho * np.cos(lat0) * np.cos(c) - y * np.sin(lat0) * np.sin(c),
        )
    )
    lon = np.where(lon > 180.0, lon - 360.0, lon)
    lon = np.where(lon < -180.0, lon + 360.0, lon)
    lat[rho == 0.0] = latitude
    return lat, lon


def warm_up() -> None:
    """Compile the kernel or load it from the cache."""
    gate_position(1000.0, 0.0, 0.5)


def _sin_cos(
    degrees: npt.NDArray[np.floating],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    radians = np.radians(degrees.astype(np.float64))
    return np.sin(radians), np.cos(radians)


@njit(cache=True, nogil=True)
def _positions(ranges, ray, sin_a, cos_a, sin_e, cos_e):  # type: ignore[no-untyped-def]
    """Positions of gates; sines and cosines once per ray, `ray` says which is a gate's."""
    n = ranges.shape[0]
    x = np.empty(n, dtype=np.float32)
    y = np.empty(n, dtype=np.float32)
    z = np.empty(n, dtype=np.float32)
    for i in range(n):
        r = ranges[i]
        a = ray[i]
        height = (
            np.sqrt(
                r * r + EFFECTIVE_RADIUS * EFFECTIVE_RADIUS + 2.0 * r * EFFECTIVE_RADIUS * sin_e[a]
            )
            - EFFECTIVE_RADIUS
        )
        arc = EFFECTIVE_RADIUS * np.arcsin(r * cos_e[a] / (EFFECTIVE_RADIUS + height))
        x[i] = arc * sin_a[a]
        y[i] = arc * cos_a[a]
        z[i] = height
    return x, y, z

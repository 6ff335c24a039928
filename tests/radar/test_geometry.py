"""Positions of gates against plane trigonometry and Py-ART; positions of cells on the map."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.radar.geometry import cell_latitude_longitude, gate_position, kept_positions
from stormlake.radar.profiles import LAKE, NOTEBOOK, Grid
from stormlake.radar.quality import select_gates
from tests.radar.peers import pyart_cut, real_volume

KATX = (48.19461, -122.49569)
RADIUS = 4 / 3 * 6371000.0


@settings(deadline=None)  # the first example compiles or loads the kernel
@given(
    st.floats(0.0, 460000.0),
    st.floats(0.0, 360.0, exclude_max=True),
    st.floats(-1.0, 90.0),
)
def test_a_gate_lies_where_a_straight_ray_over_a_larger_earth_ends(
    distance: float, azimuth: float, elevation: float
) -> None:
    # In the plane of the beam, from the earth's centre: no law of cosines, no arc sine.
    e = math.radians(elevation)
    up, ahead = RADIUS + distance * math.sin(e), distance * math.cos(e)
    height = math.hypot(up, ahead) - RADIUS
    arc = RADIUS * math.atan2(ahead, up)
    x, y, z = gate_position(distance, azimuth, elevation)
    a = math.radians(azimuth)
    # Half a step of float32 at 460 km is 0.016 m.
    assert float(x) == pytest.approx(arc * math.sin(a), abs=0.02)
    assert float(y) == pytest.approx(arc * math.cos(a), abs=0.02)
    assert float(z) == pytest.approx(height, abs=0.02)


def test_straight_up_is_straight_up() -> None:
    x, y, z = gate_position(10000.0, 77.0, 90.0)
    assert abs(x) < 1e-6
    assert abs(y) < 1e-6
    assert z == np.float32(10000.0)


def test_at_100_km_half_a_degree_is_1461_m_high() -> None:
    # By hand: 100000 sin(0.5 deg) = 872.65; 1e10 / (2 * 8494667) = 588.60; sum 1461.25 less
    # 1461^2 / (2 * 8494667) = 0.126 for the bend of the arc.
    # Along the ground: 100000 cos(0.5 deg) = 99996.19; 17.20 less for its height (1461/8494667),
    # 2.31 more for arc over sine (0.01177^2 / 6).
    _, y, z = gate_position(100000.0, 0.0, 0.5)
    assert z == pytest.approx(1461.13, abs=0.01)
    assert y == pytest.approx(99981.30, abs=0.02)


def test_positions_are_float32_and_keep_the_shape_of_what_came_in() -> None:
    x, y, z = gate_position(np.array([1000.0, 2000.0]), np.array([[0.0], [90.0], [180.0]]), 0.5)
    assert x.shape == y.shape == z.shape == (3, 2)
    assert x.dtype == y.dtype == z.dtype == np.float32
    assert y[0, 1] > y[0, 0] > 0 > y[2, 0] > y[2, 1]
    assert x[1, 1] > x[1, 0] > 0


@pytest.mark.parametrize("index", [0, 10])
def test_kept_gates_lie_where_py_art_puts_them(index: int) -> None:
    volume = real_volume("volumes/KLBB20160601_150025_V06")
    cut = volume.cuts[index]
    kept = select_gates(cut, LAKE)
    reference = pyart_cut(cut, volume.altitude, np.ones(cut.moments["REF"].codes.shape, bool))
    x, y, z = kept_positions(cut, kept)
    at = (kept.ray, kept.gate)
    # Py-ART's height is float32 throughout and up to 1.4 m off; its arc follows.
    np.testing.assert_allclose(z, reference.z[at], rtol=0, atol=1.5)
    np.testing.assert_allclose(x, reference.x[at], rtol=0, atol=0.5)
    np.testing.assert_allclose(y, reference.y[at], rtol=0, atol=0.5)


def test_kept_gates_lie_where_gate_position_says() -> None:
    cut = real_volume("volumes/KLBB20160601_150025_V06").cuts[4]
    kept = select_gates(cut, LAKE)
    expected = gate_position(
        2125.0 + 250.0 * kept.gate, cut.azimuth[kept.ray], cut.elevation[kept.ray]
    )
    for ours, theirs in zip(kept_positions(cut, kept), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_corners_of_the_notebook_grid_at_katx() -> None:
    from stormlake.radar.decode import decode
    from tests.data import wheel_file

    path = wheel_file("example_nexrad_archive_msg31_compressed.ar2v")
    volume = decode(path.read_bytes(), "KATX20130717_195021_V06")
    lat, lon = cell_latitude_longitude(NOTEBOOK.grid, volume.latitude, volume.longitude)
    corners = [(0, 0), (-1, 0), (-1, -1), (0, -1)]
    assert [lat[at] for at in corners] == pytest.approx(
        [45.43022878, 50.81667150, 50.81667150, 45.43022878], abs=1e-8
    )
    assert [lon[at] for at in corners] == pytest.approx(
        [-126.34021659, -126.76675546, -118.22463858, -118.65117746], abs=1e-8
    )


@pytest.mark.parametrize("place", [KATX, (13.45, 144.81), (-35.0, 20.0), (64.51, -165.30)])
def test_cells_lie_where_py_arts_projection_puts_them(place: tuple[float, float]) -> None:
    from pyart.core.transforms import cartesian_to_geographic_aeqd

    lat, lon = cell_latitude_longitude(LAKE.grid, *place)
    x, y = np.meshgrid(np.linspace(-3e5, 3e5, 301), np.linspace(-3e5, 3e5, 301))
    their_lon, their_lat = cartesian_to_geographic_aeqd(x, y, place[1], place[0], 6370997.0)
    np.testing.assert_allclose(lat, their_lat, rtol=0, atol=1e-9)
    np.testing.assert_allclose(lon, their_lon, rtol=0, atol=1e-9)


def test_cells_lie_within_1_km_of_a_geodesic() -> None:
    geod = pytest.importorskip("pyproj").Geod(ellps="WGS84")
    lat, lon = cell_latitude_longitude(NOTEBOOK.grid, *KATX)
    x, y = np.meshgrid(NOTEBOOK.grid.x, NOTEBOOK.grid.y)
    here = np.full(x.shape, KATX[1]), np.full(x.shape, KATX[0])
    true_lon, true_lat, _ = geod.fwd(*here, np.degrees(np.arctan2(x, y)), np.hypot(x, y))
    _, _, distance = geod.inv(lon, lat, true_lon, true_lat)
    assert 900 < np.max(distance) < 1000


def test_rows_grow_north_and_columns_grow_east() -> None:
    grid = Grid((1, 80, 120), (0, 0), (-40000, 160000), (-90000, 30000))
    lat, lon = cell_latitude_longitude(grid, *KATX)
    assert lat.shape == lon.shape == (80, 120)
    assert (np.diff(lat, axis=0) > 0).all()
    assert (np.diff(lon, axis=1) > 0).all()


def test_the_centre_is_the_radar() -> None:
    lat, lon = cell_latitude_longitude(LAKE.grid, *KATX)
    assert (lat[150, 150], lon[150, 150]) == KATX


def test_longitudes_stay_within_180_across_the_date_line() -> None:
    grid = Grid((1, 1, 3), (0, 0), (0, 0), (-100000, 100000))
    _, lon = cell_latitude_longitude(grid, 0.0, 179.9)
    assert lon[0, 2] == pytest.approx(179.9 + math.degrees(100000 / 6370997.0) - 360.0)
    _, lon = cell_latitude_longitude(grid, 0.0, -179.9)
    assert lon[0, 0] == pytest.approx(-179.9 - math.degrees(100000 / 6370997.0) + 360.0)

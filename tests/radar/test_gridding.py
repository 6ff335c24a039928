"""The grid: golden numbers, Py-ART's kernel on every real volume, and a plain NumPy reference."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.radar import gridding
from stormlake.radar.cuts import choose_cuts
from stormlake.radar.gridding import Gates, gather_gates, grid_cells, grid_reflectivity
from stormlake.radar.profiles import LAKE, NOTEBOOK, Grid, Profile
from stormlake.radar.quality import select_gates
from stormlake.radar.volume import Volume
from tests.data import shared, wheel_file
from tests.radar.peers import (
    VOLUMES,
    GateField,
    kept_mask,
    pyart_cut,
    pyart_grid,
    read_volume,
    real_volume,
)

KATX = "example_nexrad_archive_msg31_compressed.ar2v"

# File; kept per cut; cells per level, 1 km up, with Py-ART's geometry (float32); columns; maximum;
# cells with float64 geometry.
GOLDEN = [
    (
        "KLBB20160601_150025_V06",
        "54563 42090 15554 12751 11731 9107 2807 1669 1164",
        "4540 5337 5536 5314 4774 3967 2986 1752 803 301 86 20",
        6209,
        51.8133,
        35420,
    ),
    (
        "KDOX20111001_110612_V04.gz",
        "4167 1976 940 650 474 336 45 0 0",
        "760 617 620 554 307 215 182 129 63 6",
        1044,
        33.8951,
        3453,
    ),
    (
        "KTLX20140101_000624_V06.gz",
        "22 3 1 0 0",
        "0 0 0 0 0 0 0 0 0 0 4 10 14 14 14 14 8 4",
        14,
        29.0,
        82,
    ),
    (
        "KSRX20200805_154019_V06",
        "38488 45799 43374 16262 12295 4654 936 285 29 0 2",
        "5300 7231 8515 9187 9506 9103 8166 7536 6621 5555 4186 2531 975 250 48 6",
        10126,
        44.9943,
        84715,
    ),
    (
        "KLIX20050828_180149.gz",
        "10105 3870 1847 790 294 125 111 94 22 6 4 6 4 0",
        "5132 9134 11412 12394 12632 12351 11707 10586 9052 6961 4885 3005 1881 1149 664 279 "
        "108 27 4",
        13936,
        51.9250,
        113360,
    ),
    (
        "TORD20260811_225858_V08",
        "14522 983 922 741 82 0 0 0 0 2 0 0 0 0 0",
        "2003 4280 5088 5068 5064 5024 4810 4342 3832 3083 2135 1175 396 39",
        5489,
        52.9462,
        46340,
    ),
]

OTHERS = [
    ("KDMX20260101_154351_V06", 34, 10),
    ("KLSX20251229_065156_V06", 2, 0),
    ("KABR20050101_000745.gz", 45, 0),
    ("KLOT19950413_132143.gz", 2387, 0),
    ("TORD20200818_113449_V08", 4279, 23082),
]


def our_gates(volume: Volume, profile: Profile) -> Gates:
    chosen = choose_cuts(volume, profile).chosen
    return gather_gates((volume.cuts[i], select_gates(volume.cuts[i], profile)) for i in chosen)


def pyart_fields(volume: Volume, profile: Profile) -> list[GateField]:
    """The chosen cuts at Py-ART's positions, with a mask that owes nothing to our code."""
    cuts = [volume.cuts[i] for i in choose_cuts(volume, profile).chosen]
    return [pyart_cut(cut, volume.altitude, kept_mask(cut)) for cut in cuts]


def gates_of(fields: list[GateField]) -> Gates:
    """The same float32 numbers that Py-ART's mapper gets, at the kept gates."""
    columns = (
        [field.x[field.kept] for field in fields],
        [field.y[field.kept] for field in fields],
        [field.z[field.kept] for field in fields],
        [field.values[field.kept] for field in fields],
    )
    return Gates(*(np.concatenate(column) for column in columns))


def assert_kernel_parity(ours: np.ndarray, theirs: np.ma.MaskedArray) -> None:
    empty = np.ma.getmaskarray(theirs)
    np.testing.assert_array_equal(np.isnan(ours), empty)
    a, b = ours[~empty], theirs.data[~empty]
    if a.size:
        assert np.abs(a - b).max() <= 1e-4
        assert np.count_nonzero(np.round(a, 1) != np.round(b, 1)) <= 1e-4 * a.size


@pytest.mark.parametrize("name", VOLUMES)
def test_the_kernel_equals_py_arts_on_every_real_volume(name: str) -> None:
    # The inputs are made the same by construction: Py-ART's positions of our decoded gates, as
    # float32, with a plain NumPy mask, go cut by cut into Py-ART's mapper and, at the kept gates
    # and in the same order, into ours.
    fields = pyart_fields(real_volume(name), LAKE)
    theirs = pyart_grid(fields, LAKE.grid)
    assert_kernel_parity(grid_reflectivity(gates_of(fields), LAKE.grid), theirs)


@pytest.mark.parametrize("name", [name for name in VOLUMES if "/KBGM2005" not in name])
def test_end_to_end_differs_from_py_art_only_by_its_float32_heights(name: str) -> None:
    volume = real_volume(name)
    theirs = pyart_grid(pyart_fields(volume, LAKE), LAKE.grid)
    ours = grid_reflectivity(our_gates(volume, LAKE), LAKE.grid)
    full, their_full = ~np.isnan(ours), ~np.ma.getmaskarray(theirs)
    cells = np.count_nonzero(full | their_full)
    assert np.count_nonzero(full != their_full) <= 0.001 * cells
    both = full & their_full
    if both.any():
        difference = np.abs(ours[both] - theirs.data[both])
        assert np.quantile(difference, 0.999) <= 0.15


@pytest.mark.parametrize(
    ("name", "kept", "levels", "columns", "largest", "cells64"),
    GOLDEN,
    ids=[row[0][:12] for row in GOLDEN],
)
def test_the_lake_grid_of_real_volumes(
    name: str, kept: str, levels: str, columns: int, largest: float, cells64: int
) -> None:
    volume = real_volume(f"volumes/{name}")
    chosen = choose_cuts(volume, LAKE).chosen
    per_cut = [select_gates(volume.cuts[i], LAKE).counts.kept for i in chosen]
    assert per_cut == [int(n) for n in kept.split()]

    cells = grid_cells(gates_of(pyart_fields(volume, LAKE)), LAKE.grid)
    per_level = [int(n) for n in levels.split()]
    expected = per_level + [0] * (20 - len(per_level))
    np.testing.assert_array_equal(np.bincount(cells.level, minlength=20), expected)
    assert len({*zip(cells.iy.tolist(), cells.ix.tolist(), strict=True)}) == columns
    assert cells.reflectivity.max() == pytest.approx(largest, abs=5.1e-5)

    assert len(grid_cells(our_gates(volume, LAKE), LAKE.grid).level) == cells64


@pytest.mark.parametrize(("name", "kept", "cells"), OTHERS, ids=[row[0][:12] for row in OTHERS])
def test_weak_volumes_keep_few_gates_and_may_have_no_cells(
    name: str, kept: int, cells: int
) -> None:
    volume = real_volume(f"volumes/{name}")
    gates = our_gates(volume, LAKE)
    assert len(gates.x) == kept
    assert len(grid_cells(gates_of(pyart_fields(volume, LAKE)), LAKE.grid).level) == cells


def test_the_notebook_grid_of_katx() -> None:
    volume = read_volume(wheel_file(KATX), "KATX20130717_195021_V06")
    fields = pyart_fields(volume, NOTEBOOK)
    grid = grid_reflectivity(gates_of(fields), NOTEBOOK.grid)
    levels = [0, 68, 106, 113, 107, 90, 57, 27, 1, 0, 0]
    assert [np.count_nonzero(~np.isnan(level)) for level in grid] == levels
    assert np.nanmax(grid) == pytest.approx(30.9737, abs=5.1e-5)
    assert np.unravel_index(np.nanargmax(grid), grid.shape) == (4, 73, 59)
    assert np.nanmean(grid, dtype=np.float64) == pytest.approx(22.6056, abs=5.1e-5)

    ours = grid_reflectivity(our_gates(volume, NOTEBOOK), NOTEBOOK.grid)
    assert [np.count_nonzero(~np.isnan(level)) for level in ours] == levels


def test_level_5_of_katx_is_what_the_notebook_exports() -> None:
    volume = read_volume(wheel_file(KATX), "KATX20130717_195021_V06")
    level = grid_reflectivity(our_gates(volume, NOTEBOOK), NOTEBOOK.grid)[5]
    rows, columns = np.nonzero(~np.isnan(level))
    assert len(rows) == 90
    assert (rows[0], columns[0], rows[-1], columns[-1]) == (70, 67, 87, 51)
    assert level[70, 67] == pytest.approx(23.20, abs=0.01)
    assert level[87, 51] == pytest.approx(22.50, abs=0.01)
    assert np.nanmax(level) == pytest.approx(28.3709, abs=0.01)


def test_the_notebook_grid_of_klbb() -> None:
    volume = real_volume("volumes/KLBB20160601_150025_V06")
    fields = pyart_fields(volume, NOTEBOOK)
    assert np.count_nonzero(fields[0].kept) == 54563
    grid = grid_reflectivity(gates_of(fields), NOTEBOOK.grid)
    assert [np.count_nonzero(~np.isnan(level)) for level in grid] == [
        211,
        478,
        482,
        425,
        375,
        286,
        200,
        114,
        55,
        24,
        11,
    ]
    assert np.nanmax(grid) == pytest.approx(50.7909, abs=5.1e-5)


@pytest.mark.parametrize(
    ("station", "parts", "profile"),
    [
        ("KATX", None, NOTEBOOK),
        ("KLBB", ("nexrad", "volumes", "KLBB20160601_150025_V06"), LAKE),
    ],
    ids=["KATX", "KLBB"],
)
def test_map_gates_to_grid_itself_reading_the_file_itself_gives_our_grid(
    station: str, parts: tuple[str, ...] | None, profile: Profile
) -> None:
    # The one test in which Py-ART does everything: read, positions, mask, its public function.
    import pyart

    data = (wheel_file(KATX) if parts is None else shared(*parts)).read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        radar = pyart.io.read_nexrad_archive(io.BytesIO(data), station=station)
    volume = read_volume(
        wheel_file(KATX) if parts is None else shared(*parts), f"{station}20160601_000000"
    )
    radar = radar.extract_sweeps(list(choose_cuts(volume, profile).chosen))
    z, zdr, rho = (
        radar.fields[name]["data"]
        for name in ("reflectivity", "differential_reflectivity", "cross_correlation_ratio")
    )
    mask = (
        np.ma.getmaskarray(z) | np.ma.getmaskarray(zdr) | np.ma.getmaskarray(rho)
        | (z.data < np.float32(20))
        | (np.abs(zdr.data) > np.float32(2.3))
        | (rho.data < np.float32(0.95))
    )  # fmt: skip
    radar.add_field_like("reflectivity", "q", np.ma.array(z.data, mask=mask))
    grid = profile.grid
    theirs = pyart.map.map_gates_to_grid(
        radar,
        grid.shape,
        (grid.z_limits, grid.y_limits, grid.x_limits),
        fields=["q"],
        gatefilters=False,
        weighting_function="Barnes2",
        roi_func="dist_beam",
        min_radius=250.0,
        h_factor=(1.0, 1.0, 1.0),
        nb=1.0,
        bsp=1.0,
        map_roi=False,
    )["q"]
    height = radar.gate_altitude["data"] - radar.altitude["data"][0]
    gates = Gates(
        *(
            array[~mask].astype(np.float32)
            for array in (radar.gate_x["data"], radar.gate_y["data"], height, z.data)
        )
    )
    assert_kernel_parity(grid_reflectivity(gates, grid), theirs)


def test_axes_are_not_swapped_on_a_grid_that_is_not_square() -> None:
    grid = Grid((3, 80, 120), (1000, 3000), (-39500, 39500), (-20000, 99000))
    # One gate 60 km east and 30 km south of the radar, 2 km up: its radius is 1171 m.
    dense = grid_reflectivity(_gate(60000.0, -30000.0, 2000.0, 33.0), grid)
    assert dense.shape == (3, 80, 120)
    levels, rows, columns = np.nonzero(~np.isnan(dense))
    # y = -39500 + 1000 iy: iy 9 and 10 are 500 m off; x = -20000 + 1000 ix: ix 80 is 0 m off.
    assert {*zip(levels.tolist(), rows.tolist(), columns.tolist(), strict=True)} == {
        (k, j, i)
        for k in range(3)
        for j in range(80)
        for i in range(120)
        if math.dist((1000 + 1000 * k, -39500 + 1000 * j, -20000 + 1000 * i), (2000, -30000, 60000))
        <= math.hypot(60000, 30000, 2000) * math.tan(math.radians(1))
    }
    assert {9, 10} <= set(rows.tolist())
    assert 80 in columns
    assert grid.y[rows.max()] < 0 < grid.x[columns.min()]


def test_cells_are_the_dense_grid_sorted_by_level_row_and_column() -> None:
    volume = read_volume(wheel_file(KATX), "KATX20130717_195021_V06")
    gates = our_gates(volume, NOTEBOOK)
    cells = grid_cells(gates, NOTEBOOK.grid)
    order = np.lexsort((cells.ix, cells.iy, cells.level))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    dense = grid_reflectivity(gates, NOTEBOOK.grid)
    np.testing.assert_array_equal(
        np.argwhere(~np.isnan(dense)), np.stack([cells.level, cells.iy, cells.ix], axis=1)
    )
    np.testing.assert_array_equal(dense[~np.isnan(dense)], cells.reflectivity)
    assert {cells.level.dtype, cells.iy.dtype, cells.ix.dtype} == {np.dtype(np.int16)}


def test_nothing_of_one_volume_is_left_in_the_next() -> None:
    grid = Grid((4, 21, 21), (0, 3000), (-10000, 10000), (-10000, 10000))
    first = grid_cells(_gate(0.0, 0.0, 1000.0, 50.0), grid)
    other = grid_cells(_gate(5000.0, 5000.0, 2000.0, 20.0), grid)
    again = grid_cells(_gate(0.0, 0.0, 1000.0, 50.0), grid)
    assert set(other.reflectivity) == {np.float32(20.0)}
    np.testing.assert_array_equal(first.reflectivity, again.reflectivity)
    np.testing.assert_array_equal(first.iy, again.iy)


def test_an_interrupted_volume_does_not_spoil_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    grid = Grid((4, 21, 21), (0, 3000), (-10000, 10000), (-10000, 10000))
    grid_cells(_gate(0.0, 0.0, 1000.0, 50.0), grid)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(gridding, "_collect", interrupted)
        with pytest.raises(KeyboardInterrupt):
            grid_cells(_gate(0.0, 0.0, 1000.0, 50.0), grid)
    cells = grid_cells(_gate(5000.0, 5000.0, 2000.0, 20.0), grid)
    assert set(cells.reflectivity) == {np.float32(20.0)}


def test_no_gates_give_no_cells() -> None:
    gates = gather_gates([])
    assert len(grid_cells(gates, LAKE.grid).level) == 0
    assert np.isnan(grid_reflectivity(gates, NOTEBOOK.grid)).all()


def test_a_gate_beyond_every_limit_gives_nothing() -> None:
    grid = Grid((4, 21, 21), (1000, 4000), (-10000, 10000), (-10000, 10000))
    for x, y, z in (
        (11000.0, 0.0, 2000.0),
        (-11000.0, 0.0, 2000.0),
        (0.0, 11000.0, 2000.0),
        (0.0, -11000.0, 2000.0),
        (0.0, 0.0, 5000.0),
        (0.0, 0.0, 700.0),
    ):
        assert len(grid_cells(_gate(x, y, z, 30.0), grid).level) == 0


@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf, 1e30])
def test_a_gate_at_no_place_is_left_out_and_the_others_stay(x: float) -> None:
    grid = Grid((4, 21, 21), (0, 3000), (-10000, 10000), (-10000, 10000))
    two = Gates(*(np.array(pair, np.float32) for pair in ((x, 0), (0, 0), (0, 1000), (60, 30))))
    cells = grid_cells(two, grid)
    assert set(cells.reflectivity) == {np.float32(30.0)}


def test_the_edge_of_the_radius_is_inside() -> None:
    # Near the radar the radius is 250 m, exact in float32; the gate is half-way between cells.
    grid = Grid((1, 1, 4), (0, 0), (0, 0), (0, 1500))
    assert list(grid_cells(_gate(250.0, 0.0, 0.0, 30.0), grid).ix) == [0, 1]
    assert list(grid_cells(_gate(250.0, 1.0, 0.0, 30.0), grid).ix) == []
    beyond = float(np.nextafter(np.float32(250.0), np.float32(300.0)))
    assert list(grid_cells(_gate(beyond, 0.0, 0.0, 30.0), grid).ix) == [1]


def test_a_cell_between_two_gates_has_the_mean_that_barnes_weights_give() -> None:
    grid = Grid((1, 1, 1), (0, 0), (0, 0), (0, 0))
    x = np.array([100.0, -200.0], np.float32)
    zero = np.zeros(2, np.float32)
    value = grid_cells(Gates(x, zero, zero, np.array([20.0, 40.0], np.float32)), grid)
    near, far = (math.exp(-4 * d * d / 250**2) + 1e-5 for d in (100, 200))
    assert value.reflectivity[0] == pytest.approx((20 * near + 40 * far) / (near + far), abs=1e-5)


def test_a_gate_that_reaches_more_cells_than_a_batch_reaches_them_all() -> None:
    # At 60 km the radius is 1047 m; cells of 40 m make some 75,000 of them, 18 batches.
    grid = Grid((60, 60, 60), (0, 2360), (59000, 61360), (-1000, 1360))
    gates = _gate(0.0, 60000.0, 1000.0, 30.0)
    dense = grid_reflectivity(gates, grid)
    expected = _reference(gates, grid)
    assert np.count_nonzero(~np.isnan(expected)) > 50000
    np.testing.assert_array_equal(np.isnan(dense), np.isnan(expected))
    np.testing.assert_allclose(dense, expected, rtol=0, atol=1e-5)


@given(st.floats(0.0, 4.0))
def test_the_kernels_exponential_is_exact_to_3e_12(a: float) -> None:
    assert gridding._exp_minus(a) == pytest.approx(math.exp(-a), rel=3e-12)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_kernel_equals_a_plain_reference_on_random_gates(data: st.DataObject) -> None:
    def limits(n: int) -> tuple[float, float]:
        first = data.draw(st.floats(-30000, 20000, width=32))
        return first, first if n == 1 else first + data.draw(st.floats(100, 20000, width=32))

    shape = (
        data.draw(st.integers(1, 5)),
        data.draw(st.integers(1, 9)),
        data.draw(st.integers(1, 9)),
    )
    grid = Grid(shape, limits(shape[0]), limits(shape[1]), limits(shape[2]))
    count = data.draw(st.integers(1, 12))
    # Gates lie near cells, so that most reach some; radii are 250 m to about 1.4 km.
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    spread = data.draw(st.sampled_from([0.0, 100.0, 1000.0]))
    position = [
        (rng.choice(axis, count) + rng.uniform(-spread, spread, count)).astype(np.float32)
        for axis in (grid.x, grid.y, grid.z)
    ]
    values = rng.integers(40, 140, count).astype(np.float32) / np.float32(2)
    gates = Gates(*position, values)

    ours, expected = grid_reflectivity(gates, grid), _reference(gates, grid)
    np.testing.assert_array_equal(np.isnan(ours), np.isnan(expected))
    np.testing.assert_allclose(ours, expected, rtol=0, atol=1e-4)


def _reference(gates: Gates, grid: Grid) -> np.ndarray:
    """Every gate against every cell: no search for cells in reach, no sorting, no buffers."""
    axes = [
        np.float32(0.0 if n == 1 else (limits[1] - limits[0]) / (n - 1)) * np.arange(n, dtype="f4")
        for n, limits in zip(grid.shape, (grid.z_limits, grid.y_limits, grid.x_limits), strict=True)
    ]
    start = [np.float32(limits[0]) for limits in (grid.z_limits, grid.y_limits, grid.x_limits)]
    factor = np.float32(math.tan(float(np.float32(math.pi)) / 180))
    sums, weights = np.zeros(grid.shape, "f4"), np.zeros(grid.shape, "f4")
    for x, y, z, value in zip(gates.x, gates.y, gates.z, gates.reflectivity, strict=True):
        roi = np.float32(
            max(250.0, float(np.sqrt(np.float64(z * z + y * y + x * x))) * float(factor))
        )
        dz, dy, dx = (
            axis - (at - first) for axis, at, first in zip(axes, (z, y, x), start, strict=True)
        )
        d2 = (dx * dx)[None, None, :] + (dy * dy)[None, :, None] + (dz * dz)[:, None, None]
        assert d2.dtype == np.float32
        near = d2 <= roi * roi
        weight = (np.exp(-d2.astype("f8") / (float(roi * roi) / 4)) + 1e-5).astype("f4")
        # A cell is looked for between ceil and floor of its index, computed in float32.
        for axis, (step, at, first, n) in enumerate(
            zip((a[1] - a[0] if len(a) > 1 else np.float32(0) for a in axes), (z, y, x), start,
                grid.shape, strict=True)
        ):  # fmt: skip
            if step:
                index = np.arange(n)
                found = (index >= np.ceil((at - first - roi) / step)) & (
                    index <= np.floor((at - first + roi) / step)
                )
                near &= np.expand_dims(found, [a for a in range(3) if a != axis])
        sums[near] += weight[near] * value
        weights[near] += weight[near]
    with np.errstate(invalid="ignore"):
        return np.where(weights == 0, np.float32(np.nan), sums / weights)


def _gate(x: float, y: float, z: float, value: float) -> Gates:
    return Gates(*(np.array([number], np.float32) for number in (x, y, z, value)))

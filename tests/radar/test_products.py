"""Products of a column: closed forms, a golden volume, and a plain reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stormlake.radar.cuts import choose_cuts
from stormlake.radar.gridding import Cells, Gates, grid_cells
from stormlake.radar.products import column_products
from stormlake.radar.profiles import LAKE, Grid
from tests.radar.peers import kept_mask, pyart_cut, real_volume

TEN_KM = Grid((11, 1, 1), (0, 10000), (0, 0), (0, 0))


@pytest.mark.parametrize(
    ("profile", "vil"),
    [
        ([40.0] * 11, 6.6416),
        ([56.0] * 11, 54.5203),
        ([60.0] * 11, 54.5203),
        ([20.0] * 11, 0.4780),
        (list(np.linspace(60.0, 10.0, 11)), 12.9104),
        ([None] * 5 + [50.0] + [None] * 5, 0.0),
    ],
    ids=["40", "56", "60 is capped", "20", "60 down to 10", "one level"],
)
def test_liquid_of_a_column_has_its_closed_form(profile: list[float | None], vil: float) -> None:
    columns = column_products(_column(profile), TEN_KM)
    assert columns.vil[0] == pytest.approx(vil, abs=5.1e-5)


def test_a_layer_counts_only_when_both_its_levels_have_a_value() -> None:
    # One layer of 40 dBZ, 1 km deep: 3.44e-6 * 10000^(4/7) * 1000 = a tenth of ten layers.
    profile = [40.0, None, 40.0, 40.0, None, 40.0] + [None] * 5
    assert column_products(_column(profile), TEN_KM).vil[0] == pytest.approx(0.66416, abs=1e-5)


def test_the_echo_top_is_the_highest_level_with_18_dbz_not_the_highest_level() -> None:
    profile = [30.0, 10.0, 18.0, 17.99] + [None] * 7
    columns = column_products(_column(profile), TEN_KM)
    assert columns.echo_top_18[0] == 2000.0
    assert columns.composite_reflectivity[0] == 30.0


def test_a_column_below_18_dbz_has_no_echo_top() -> None:
    columns = column_products(_column([10.0, 17.5] + [None] * 9), TEN_KM)
    assert np.isnan(columns.echo_top_18[0])
    assert columns.composite_reflectivity[0] == 17.5


def test_heights_start_where_the_grid_starts() -> None:
    grid = Grid((3, 1, 1), (1500, 4500), (0, 0), (0, 0))
    cells = _column([20.0, 20.0, None])
    assert column_products(cells, grid).echo_top_18[0] == 3000.0


def test_a_level_spacing_of_half_a_kilometre_halves_the_liquid() -> None:
    grid = Grid((11, 1, 1), (0, 5000), (0, 0), (0, 0))
    columns = column_products(_column([40.0] * 11), grid)
    assert columns.vil[0] == pytest.approx(6.6416 / 2, abs=5e-5)


def test_no_cells_give_no_columns() -> None:
    columns = column_products(_column([]), TEN_KM)
    assert len(columns.iy) == len(columns.vil) == 0


def test_products_of_klbb() -> None:
    volume = real_volume("volumes/KLBB20160601_150025_V06")
    # Golden numbers are of Py-ART's float32 heights.
    fields = [
        pyart_cut(cut, volume.altitude, kept_mask(cut))
        for cut in (volume.cuts[i] for i in choose_cuts(volume, LAKE).chosen)
    ]
    gates = Gates(
        *(
            np.concatenate([getattr(field, name)[field.kept] for field in fields])
            for name in ("x", "y", "z", "values")
        )
    )
    columns = column_products(grid_cells(gates, LAKE.grid), LAKE.grid)
    assert len(columns.ix) == 6209
    composite = columns.composite_reflectivity
    assert composite.mean(dtype=np.float64) == pytest.approx(26.8192, abs=5.1e-5)
    strongest = int(composite.argmax())
    assert composite[strongest] == pytest.approx(51.8133, abs=5.1e-5)
    assert (columns.iy[strongest], columns.ix[strongest]) == (150, 126)
    assert columns.vil.argmax() == strongest
    assert columns.vil[strongest] == pytest.approx(8.9359, abs=5.1e-5)
    assert columns.vil.sum(dtype=np.float64) == pytest.approx(3734.73, abs=0.0051)
    assert np.count_nonzero(columns.vil > 0) == 5936
    tops = np.bincount((columns.echo_top_18 / 1000).astype(int), minlength=13)
    assert tops.tolist() == [0, 103, 197, 401, 648, 833, 1020, 1249, 952, 505, 215, 66, 20]


@settings(max_examples=100, deadline=None)
@given(
    shape=st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4)),
    seed=st.integers(0, 2**32 - 1),
)
def test_products_equal_a_plain_reference_on_random_grids(
    shape: tuple[int, int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    dense = rng.uniform(-10, 70, shape).astype(np.float32)
    dense[rng.random(shape) < 0.4] = np.nan
    grid = Grid(shape, (500, 500 + 700.0 * shape[0]), (0, 100), (0, 100))
    level, iy, ix = (index.astype(np.int16) for index in np.nonzero(~np.isnan(dense)))
    columns = column_products(Cells(level, iy, ix, dense[level, iy, ix]), grid)

    any_value = ~np.isnan(dense).all(axis=0)
    rows, cols = np.nonzero(any_value)
    np.testing.assert_array_equal(columns.iy, rows)
    np.testing.assert_array_equal(columns.ix, cols)
    heights = np.linspace(500, 500 + 700.0 * shape[0], shape[0])
    for n, (row, col) in enumerate(zip(rows, cols, strict=True)):
        column = dense[:, row, col]
        assert columns.composite_reflectivity[n] == np.nanmax(column)
        strong = heights[np.nan_to_num(column, nan=-99.0) >= 18]
        if len(strong):
            assert columns.echo_top_18[n] == np.float32(strong[-1])
        else:
            assert np.isnan(columns.echo_top_18[n])
        z = 10 ** (np.minimum(column.astype(np.float64), 56) / 10)
        layers = ((z[:-1] + z[1:]) / 2) ** (4 / 7) * np.diff(heights)
        assert columns.vil[n] == pytest.approx(3.44e-6 * np.nansum(layers), rel=1e-6)


def _column(profile: list[float | None]) -> Cells:
    """One column; None is a level without a value."""
    pairs = [(k, value) for k, value in enumerate(profile) if value is not None]
    zero = np.zeros(len(pairs), dtype=np.int16)
    return Cells(
        np.array([k for k, _ in pairs], dtype=np.int16),
        zero,
        zero,
        np.array([value for _, value in pairs], dtype=np.float32),
    )

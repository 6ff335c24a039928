"""Profiles: the two that are built in, files, and every way of getting one wrong."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest

from stormlake.radar.profiles import LAKE, NOTEBOOK, Grid, Profile, grid_id, load_profile

FILE = """
name = "near"
cuts = "one_per_elevation"
min_reflectivity = 15
dual_pol = "require"

[grid]
shape = [10, 80, 120]
z_limits = [500, 5000]
y_limits = [-40000, 40000]
x_limits = [-60000, 59000]
"""


def test_the_lake_grid_has_20_levels_from_1_km_and_cells_of_2_km() -> None:
    assert load_profile("lake") is LAKE
    assert LAKE.grid.shape == (20, 301, 301)
    assert LAKE.grid.steps == (1000.0, 2000.0, 2000.0)
    assert list(LAKE.grid.z[[0, -1]]) == [1000.0, 20000.0]
    assert list(LAKE.grid.x[[0, 150, -1]]) == [-300000.0, 0.0, 300000.0]


def test_the_notebook_grid_has_11_levels_from_0_and_100_cells_a_side() -> None:
    assert load_profile("notebook") is NOTEBOOK
    assert NOTEBOOK.grid.shape == (11, 100, 100)
    assert NOTEBOOK.cuts == "lowest"
    # Eleven levels over 11 km are 1.1 km apart; the notebook exports index 5.
    assert NOTEBOOK.grid.z[5] == pytest.approx(5500.0)


@pytest.mark.parametrize("profile", [LAKE, NOTEBOOK], ids=lambda profile: profile.name)
def test_both_keep_20_dbz_within_the_published_dual_pol_limits(profile: Profile) -> None:
    assert profile.min_reflectivity == 20.0
    assert profile.max_abs_differential_reflectivity == 2.3
    assert profile.min_cross_correlation_ratio == 0.95
    assert profile.dual_pol == "reflectivity-only"


def test_a_file_says_a_profile_and_defaults_fill_the_rest(tmp_path: Path) -> None:
    profile = load_profile(_write(tmp_path, FILE))
    assert profile == Profile(
        name="near",
        cuts="one_per_elevation",
        min_reflectivity=15.0,
        max_abs_differential_reflectivity=2.3,
        min_cross_correlation_ratio=0.95,
        dual_pol="require",
        grid=Grid((10, 80, 120), (500.0, 5000.0), (-40000.0, 40000.0), (-60000.0, 59000.0)),
    )


def test_the_hash_counts_values_not_how_they_are_written(tmp_path: Path) -> None:
    whole = load_profile(_write(tmp_path, FILE))
    decimal = load_profile(_write(tmp_path, FILE.replace("= 15", "= 15.0")))
    assert whole.hash == decimal.hash
    assert len(whole.hash) == 16
    assert int(whole.hash, 16) >= 0


def test_every_field_counts_in_the_hash() -> None:
    hashes = {
        LAKE.hash,
        replace(LAKE, name="other").hash,
        replace(LAKE, cuts="lowest").hash,
        replace(LAKE, min_reflectivity=20.5).hash,
        replace(LAKE, max_abs_differential_reflectivity=2.4).hash,
        replace(LAKE, min_cross_correlation_ratio=0.9).hash,
        replace(LAKE, dual_pol="require").hash,
        replace(LAKE, grid=NOTEBOOK.grid).hash,
    }
    assert len(hashes) == 8


def test_the_hashes_of_the_built_in_profiles_change_only_on_purpose() -> None:
    # They stand in every row of radar_volumes.
    assert LAKE.hash == "b5aff5e7354c8c7d"
    assert NOTEBOOK.hash == "1059da863d25587d"


def test_a_grid_id_names_the_profile_the_grid_and_the_place() -> None:
    here = grid_id(LAKE, 33.654140, -101.814163, 1029.0)
    assert here == "lake-5693152e"
    assert here != grid_id(LAKE, 33.654240, -101.814163, 1029.0)
    assert here != grid_id(LAKE, 33.654140, -101.814163, 1061.0)
    assert here.split("-")[1] != grid_id(NOTEBOOK, 33.654140, -101.814163, 1029.0).split("-")[1]


def test_thresholds_do_not_move_cells() -> None:
    place = (33.654140, -101.814163, 1029.0)
    assert grid_id(LAKE, *place) == grid_id(replace(LAKE, min_reflectivity=10.0), *place)


def test_two_readers_that_differ_in_the_last_bits_agree_on_the_grid() -> None:
    assert grid_id(LAKE, 33.65414047241211, -101.81416320800781, 1029.0) == grid_id(
        LAKE, 33.6541404, -101.8141632, 1029.0000001
    )


def test_a_profile_cannot_be_changed_in_place() -> None:
    with pytest.raises(FrozenInstanceError):
        LAKE.dual_pol = "require"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("min_reflectivity", "min_refl", "unknown key min_refl; known are name, cuts"),
        ("z_limits", "zlim", "unknown key grid.zlim; known are shape"),
        ("z_limits = [500, 5000]", "", "missing key grid.z_limits"),
        ('name = "near"', "", "missing key name"),
        ("[grid]", "[other]", "unknown key other"),
        ('"near"', '"Near/by"', "name: want lower-case letters"),
        ('"one_per_elevation"', '"all"', "cuts: want one of lowest, one_per_elevation, got 'all'"),
        ('"require"', "true", "dual_pol: want one of reflectivity-only, require, got True"),
        ("= 15", '= "15"', "min_reflectivity: want a number, got '15'"),
        ("= 15", "= true", "min_reflectivity: want a number, got True"),
        ("= 15", "= nan", "min_reflectivity: want a number, got nan"),
        ("= 15", "= 1500", "min_reflectivity: want -100 to 100, got 1500"),
        ("[10, 80, 120]", "[10, 80]", "grid.shape: want 3 numbers"),
        ("[10, 80, 120]", "[0, 80, 120]", "grid.shape: want whole numbers 1 to 32767, got 0"),
        ("[10, 80, 120]", "[10, 80.5, 120]", "grid.shape: want whole numbers"),
        ("[10, 80, 120]", "[10, 80, 40000]", "grid.shape: want whole numbers 1 to 32767"),
        ("[500, 5000]", "[5000, 500]", "grid.z_limits: want first < last for 10 cells"),
        ("[500, 5000]", "[500, 500]", "grid.z_limits: want first < last for 10 cells"),
        ("[500, 5000]", '"all"', "grid.z_limits: want 2 numbers"),
        ("[grid]", "grid = 3\n[x]", "unknown key x"),
        ("[500, 5000]", "[500", "not a TOML file"),
    ],
)
def test_a_bad_file_says_which_key_and_which_file(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in FILE
    path = _write(tmp_path, FILE.replace(old, new))
    with pytest.raises(ValueError) as error:
        load_profile(path)
    assert str(error.value).startswith(f"{path}: {message}")


def test_a_grid_that_is_no_table_is_refused(tmp_path: Path) -> None:
    path = _write(tmp_path, 'name = "near"\ncuts = "lowest"\ngrid = 3\n')
    with pytest.raises(ValueError, match=r"grid: want a table \[grid\]"):
        load_profile(path)


def test_a_name_that_is_neither_built_in_nor_a_file_lists_what_there_is() -> None:
    with pytest.raises(ValueError, match="no profile 'lakes': want one of notebook, lake or the"):
        load_profile("lakes")


def test_an_axis_of_one_cell_lies_at_its_first_limit() -> None:
    grid = Grid((1, 2, 3), (5500.0, 5500.0), (-1.0, 1.0), (0.0, 1.0))
    assert grid.steps == (0.0, 2.0, 0.5)
    np.testing.assert_array_equal(grid.z, [5500.0])
    np.testing.assert_array_equal(grid.y, [-1.0, 1.0])
    np.testing.assert_array_equal(grid.x, [0.0, 0.5, 1.0])


def _write(folder: Path, text: str) -> Path:
    path = folder / "profile.toml"
    path.write_text(text, encoding="utf-8")
    return path

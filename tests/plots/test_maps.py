"""The picture: right colours at the right places, and everything a reader needs beside them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from stormlake.errors import RefusedInput
from stormlake.plots import borders
from stormlake.plots.lake_reader import read_product
from stormlake.plots.maps import GROUND, ProductMap, product_figure
from stormlake.plots.products import NWS_REFLECTIVITY, PRODUCTS, product_named
from stormlake.plots.show import show_product
from tests.plots.conftest import FIRST, LAST


@pytest.fixture(scope="module")
def picture(lake: Path) -> ProductMap:
    return read_product(lake, "KTLX", FIRST, PRODUCTS["composite_reflectivity"])


@pytest.fixture(scope="module")
def figure(picture: ProductMap) -> Figure:
    return product_figure(picture, borders=False)


def _pixel(path: Path, figure: Figure, longitude: float, latitude: float) -> str:
    """Colour of the PNG at a place of the map."""
    with Image.open(path) as image:
        pixels = image.convert("RGB")
    x, y = figure.axes[0].transData.transform((longitude, latitude)) / figure.dpi * 150
    red, green, blue = pixels.getpixel((round(float(x)), pixels.height - 1 - round(float(y))))
    return f"#{red:02x}{green:02x}{blue:02x}"


def test_the_png_has_each_cells_nws_colour_at_its_place(
    lake: Path, picture: ProductMap, figure: Figure, tmp_path: Path
) -> None:
    path = show_product(lake, "KTLX", FIRST, out=tmp_path / "map.png")
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    for (iy, ix), colour in {(10, 20): "#009000", (50, 70): "#c00000", (20, 60): GROUND}.items():
        place = float(picture.longitude[iy, ix]), float(picture.latitude[iy, ix])
        assert _pixel(path, figure, *place) == colour  # 33.3 dBZ, 61.2 dBZ, no echo


@pytest.mark.parametrize(
    ("dbz", "colour"),
    [(4.9, None), (5.0, "#00ecec"), (19.9, "#0000f6"), (20.0, "#00ff00"), (49.9, "#ff9000"),
     (50.0, "#ff0000"), (74.9, "#9955c9"), (75.0, "#fdfdfd"), (80.0, "#fdfdfd")],
)  # fmt: skip
def test_a_colour_begins_at_its_step(picture: ProductMap, dbz: float, colour: str | None) -> None:
    from matplotlib.colors import to_hex

    values = np.full_like(picture.values, dbz)
    drawn = (
        product_figure(ProductMap(**{**vars(picture), "values": values}), borders=False)
        .axes[0]
        .collections[0]
    )
    rgba = drawn.to_rgba(np.array([dbz]))[0]
    assert (to_hex(rgba) if rgba[3] else None) == colour


def test_the_reflectivity_colours_are_those_of_cmweather() -> None:
    from cmweather._cm import datad

    parts = [datad["NWSRef"][name] for name in ("red", "green", "blue")]
    nodes = ["#" + "".join(f"{round(part[k][1] * 255):02x}" for part in parts) for k in range(15)]
    assert list(NWS_REFLECTIVITY[:14]) == nodes[:14]
    assert nodes[14] == "#000000"  # ours is white


def test_title_time_units_and_caption_are_there(figure: Figure, picture: ProductMap) -> None:
    words = [text.get_text() for text in figure.texts]
    assert "KTLX  Composite reflectivity" in words
    assert "2026-05-01 21:00:00 UTC" in words
    assert picture.caption in words
    bar = figure.axes[1]
    assert bar.get_ylabel() == "dBZ"
    assert [label.get_text() for label in bar.get_yticklabels()] == [
        str(step) for step in range(5, 80, 5)
    ]


def test_rings_are_labelled_with_their_distance_and_lie_at_it(
    figure: Figure, picture: ProductMap
) -> None:
    axes = figure.axes[0]
    labels = [text.get_text() for text in axes.texts]
    assert labels == ["KTLX", "50 km", "100 km"]  # the grid ends at 120 km to the north
    rings = axes.collections[1]
    latitude, longitude = picture.site
    for path, distance in zip(rings.get_paths(), (50.0, 100.0), strict=True):
        # Great circle on the sphere of the map, by the spherical law of cosines.
        lon, lat = np.radians(path.vertices).T
        lat0, lon0 = np.radians([latitude, longitude])
        cos = np.sin(lat) * np.sin(lat0) + np.cos(lat) * np.cos(lat0) * np.cos(lon - lon0)
        np.testing.assert_allclose(6370.997 * np.arccos(cos), distance, atol=0.3)


def test_axes_are_degrees_and_equal_distances_look_equal(
    figure: Figure, picture: ProductMap
) -> None:
    axes = figure.axes[0]
    assert axes.xaxis.get_major_formatter()(-97.5, 0) == "97.5°W"
    assert axes.yaxis.get_major_formatter()(35.0, 0) == "35°N"
    latitude, longitude = picture.site
    here = axes.transData.transform((longitude, latitude))
    north = axes.transData.transform((longitude, latitude + 0.5)) - here
    east = (
        axes.transData.transform((longitude + 0.5 / np.cos(np.radians(latitude)), latitude)) - here
    )
    assert north[1] == pytest.approx(east[0], rel=1e-6)


def test_a_partial_volume_says_so_in_the_picture(lake: Path) -> None:
    drawn = product_figure(
        read_product(lake, "KTLX", LAST, PRODUCTS["composite_reflectivity"]), borders=False
    )
    assert "partial volume: no end of volume" in [t.get_text() for t in drawn.axes[0].texts]


@pytest.mark.parametrize("name", list(PRODUCTS))
def test_every_product_draws_under_its_own_name(
    lake: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = show_product(lake, "KTLX", FIRST + timedelta(minutes=1), name)
    assert path == Path(f"KTLX_20260501_210000_{name}.png")
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    with Image.open(path) as image:
        assert image.size == (1350, 1290)
        assert len(image.convert("RGB").getcolors(1 << 24)) > 50
    product = PRODUCTS[name]
    assert len(product.steps) == len(product.colours) == len(set(product.colours))
    assert list(product.steps) == sorted(product.steps)


def test_an_unknown_product_is_refused_with_those_there_are(lake: Path) -> None:
    with pytest.raises(RefusedInput, match=r"'rain'.*composite_reflectivity, echo_top_18, vil"):
        product_named("rain")
    with pytest.raises(RefusedInput, match="'rain'"):
        show_product(lake, "KTLX", product="rain")


def test_state_lines_are_drawn_and_credited_unless_they_are_not_wanted(
    picture: ProductMap, figure: Figure
) -> None:
    drawn = product_figure(picture)
    lines = [each.get_xydata() for each in drawn.axes[0].lines]
    assert any(np.array_equal(each, borders.state_borders(), equal_nan=True) for each in lines)
    assert borders.CREDIT in [text.get_text() for text in drawn.texts]
    assert borders.CREDIT not in [text.get_text() for text in figure.texts]
    assert len(figure.axes[0].lines) == 2  # the radar


@pytest.mark.parametrize(
    ("longitude", "latitude"),
    [
        (-109.045, 36.999),  # where Utah, Colorado, New Mexico and Arizona meet
        (-103.042, 36.500),  # New Mexico, Texas, Oklahoma
        (-103.064, 32.000),  # the south-east corner of New Mexico
        (-94.618, 36.500),  # Missouri, Arkansas, Oklahoma
    ],
)
def test_known_corners_of_states_lie_on_the_lines(longitude: float, latitude: float) -> None:
    lines = borders.state_borders()
    miss = np.hypot(
        (lines[:, 0] - longitude) * np.cos(np.radians(latitude)), lines[:, 1] - latitude
    )
    assert np.nanmin(miss) * 111.2 < 0.5  # km


def test_the_lines_are_short_steps_so_that_none_crosses_the_map() -> None:
    steps = np.abs(np.diff(borders.state_borders(), axis=0))
    # Straight borders are one step; the longest is that of Alaska with Canada, from 69.6 N south.
    assert np.nanmax(steps[:, 0]) < 1.6
    assert np.nanmax(steps[:, 1]) < 7.8

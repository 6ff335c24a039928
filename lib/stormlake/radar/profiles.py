"""What a run does to a volume, in one frozen object: which cuts, which quality control, which grid.

A profile is named (`notebook`, `lake`) or read from a TOML file with the same words::

    name = "near"
    cuts = "one_per_elevation"      # or "lowest"
    min_reflectivity = 20.0         # dBZ
    dual_pol = "reflectivity-only"  # or "require"

    [grid]                          # limits in m, ends included
    shape = [20, 151, 151]
    z_limits = [1000, 20000]
    y_limits = [-150000, 150000]
    x_limits = [-150000, 150000]
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

import numpy as np
import numpy.typing as npt

CutsRule = Literal["lowest", "one_per_elevation"]
DualPolRule = Literal["reflectivity-only", "require"]

LARGEST_AXIS: Final = 32767
"""Cell indices are int16 columns of the lake."""


def _number(name: str, value: object) -> float:
    # bool is an int to Python, but a threshold of "true" is a mistake.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name}: want a number, got {value!r}")
    return float(value) + 0.0


def _numbers(name: str, values: object, count: int) -> tuple[float, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str) or len(values) != count:
        raise ValueError(f"{name}: want {count} numbers, got {values!r}")
    return tuple(_number(name, value) for value in values)


def _one_of(name: str, value: object, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise ValueError(f"{name}: want one of {', '.join(allowed)}, got {value!r}")


def _step(limits: tuple[float, float], n: int) -> float:
    return 0.0 if n == 1 else (limits[1] - limits[0]) / (n - 1)


def _digest(value: object, digits: int) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:digits]


@dataclass(frozen=True)
class Grid:
    """A regular grid around the radar, index order z, y, x; y grows north, x east.

    Parameters
    ----------
    shape : tuple of int
        Number of levels, rows and columns (nz, ny, nx).
    z_limits, y_limits, x_limits : tuple of float
        First and last coordinate of each axis, m from the antenna. An axis of one cell lies at
        its first limit.

    Raises
    ------
    ValueError
        When the grid cannot be built; the message begins with the field's name.
    """

    shape: tuple[int, int, int]
    z_limits: tuple[float, float]
    y_limits: tuple[float, float]
    x_limits: tuple[float, float]

    def __post_init__(self) -> None:
        shape = _numbers("shape", self.shape, 3)
        for n in shape:
            if n != int(n) or not 1 <= n <= LARGEST_AXIS:
                raise ValueError(f"shape: want whole numbers 1 to {LARGEST_AXIS}, got {n:g}")
        object.__setattr__(self, "shape", tuple(int(n) for n in shape))
        for name, n in zip(("z_limits", "y_limits", "x_limits"), self.shape, strict=True):
            first, last = _numbers(name, getattr(self, name), 2)
            if last < first or (last == first and n > 1):
                raise ValueError(
                    f"{name}: want first < last for {n} cells, got {first:g}, {last:g}"
                )
            object.__setattr__(self, name, (first, last))

    @property
    def starts(self) -> tuple[float, float, float]:
        """Coordinate of the first cell of each axis (z, y, x), m."""
        return self.z_limits[0], self.y_limits[0], self.x_limits[0]

    @property
    def steps(self) -> tuple[float, float, float]:
        """Distance between cells of each axis (z, y, x), m; 0 on an axis of one cell."""
        nz, ny, nx = self.shape
        return _step(self.z_limits, nz), _step(self.y_limits, ny), _step(self.x_limits, nx)

    @property
    def z(self) -> npt.NDArray[np.float64]:
        """Height of each level above the antenna, float64, shape (nz,), m."""
        return self._axis(0)

    @property
    def y(self) -> npt.NDArray[np.float64]:
        """Distance of each row to the north of the radar, float64, shape (ny,), m."""
        return self._axis(1)

    @property
    def x(self) -> npt.NDArray[np.float64]:
        """Distance of each column to the east of the radar, float64, shape (nx,), m."""
        return self._axis(2)

    def _axis(self, axis: int) -> npt.NDArray[np.float64]:
        cells = np.arange(self.shape[axis], dtype=np.float64)
        return self.starts[axis] + self.steps[axis] * cells


@dataclass(frozen=True)
class Profile:
    """How volumes become rows.

    Parameters
    ----------
    name : str
        Lower-case letters, digits, `_` and `-`; stands in file paths.
    cuts : str
        `lowest` (cut 0) or `one_per_elevation`; see `cuts.choose_cuts`.
    grid : Grid
        Where values go.
    min_reflectivity : float
        Smallest reflectivity that is kept, dBZ.
    max_abs_differential_reflectivity : float
        Largest size of the differential reflectivity that is kept, dB.
    min_cross_correlation_ratio : float
        Smallest cross-correlation ratio that is kept, 0 to 1.
    dual_pol : str
        What happens to a chosen cut without dual-pol moments: `reflectivity-only` tests its
        reflectivity alone, `require` rejects the volume.

    Raises
    ------
    ValueError
        When a value cannot be used; the message begins with the field's name.
    """

    name: str
    cuts: CutsRule
    grid: Grid
    min_reflectivity: float = 20.0
    max_abs_differential_reflectivity: float = 2.3
    min_cross_correlation_ratio: float = 0.95
    dual_pol: DualPolRule = "reflectivity-only"

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(
            r"[a-z0-9][a-z0-9_-]{0,63}", self.name
        ):
            raise ValueError(f"name: want lower-case letters, digits, _ and -, got {self.name!r}")
        _one_of("cuts", self.cuts, get_args(CutsRule))
        _one_of("dual_pol", self.dual_pol, get_args(DualPolRule))
        if not isinstance(self.grid, Grid):
            raise ValueError(f"grid: want a Grid, got {self.grid!r}")  # noqa: TRY004
        for name, low, high in (
            ("min_reflectivity", -100.0, 100.0),
            ("max_abs_differential_reflectivity", 0.0, 100.0),
            ("min_cross_correlation_ratio", 0.0, 2.0),
        ):
            value = _number(name, getattr(self, name))
            if not low <= value <= high:
                raise ValueError(f"{name}: want {low:g} to {high:g}, got {value:g}")
            object.__setattr__(self, name, value)

    @property
    def hash(self) -> str:
        """First 16 hex digits of the sha256 of the profile as canonical JSON."""
        return _digest(asdict(self), 16)


LAKE: Final = Profile(
    name="lake",
    cuts="one_per_elevation",
    grid=Grid(
        shape=(20, 301, 301),
        z_limits=(1000.0, 20000.0),
        y_limits=(-300000.0, 300000.0),
        x_limits=(-300000.0, 300000.0),
    ),
)
"""For weather: the whole volume, 20 levels from 1 km up, cells of 2 km."""

NOTEBOOK: Final = Profile(
    name="notebook",
    cuts="lowest",
    grid=Grid(
        shape=(11, 100, 100),
        z_limits=(0.0, 11000.0),
        y_limits=(-300000.0, 300000.0),
        x_limits=(-300000.0, 300000.0),
    ),
)
"""For parity with the published notebook: the lowest cut alone."""

BUILT_IN: Final[Mapping[str, Profile]] = {profile.name: profile for profile in (NOTEBOOK, LAKE)}


def load_profile(name_or_path: str | Path) -> Profile:
    """Return a built-in profile by its name, else read a TOML file.

    Parameters
    ----------
    name_or_path : str or Path
        `notebook`, `lake` or the path of a TOML file (see the module's docstring).

    Returns
    -------
    Profile
        Validated.

    Raises
    ------
    ValueError
        When there is no such profile or file, or the file cannot be used; names file and key.

    Examples
    --------
    >>> load_profile("lake").grid.shape
    (20, 301, 301)
    """
    built_in = BUILT_IN.get(str(name_or_path))
    if built_in is not None:
        return built_in
    path = Path(name_or_path)
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(
            f"no profile {str(name_or_path)!r}: want one of {', '.join(BUILT_IN)} "
            f"or the path of a TOML file ({error.strerror})"
        ) from error
    except ValueError as error:
        raise ValueError(f"{path}: not a TOML file: {error}") from error
    try:
        return _profile(data)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def grid_id(profile: Profile, latitude: float, longitude: float, altitude: float) -> str:
    """Name of a profile's grid around one place, column `grid` of the lake.

    Parameters
    ----------
    profile : Profile
        Its name and its grid count; thresholds do not move cells.
    latitude, longitude : float
        Of the radar, degrees; rounded to 1e-6 (0.1 m), so that two readers of one file agree.
    altitude : float
        Of the antenna, m; rounded to 0.1 m.

    Returns
    -------
    str
        `<profile>-<8 hex>`.
    """
    # Adding 0.0 turns -0.0 into 0.0: one place, one name.
    height = None if math.isnan(altitude) else round(altitude, 1) + 0.0
    place = [round(latitude, 6) + 0.0, round(longitude, 6) + 0.0, height]
    return f"{profile.name}-{_digest({'grid': asdict(profile.grid), 'place': place}, 8)}"


def _profile(data: Mapping[str, Any]) -> Profile:
    """Build a profile from parsed TOML, or say which key is at fault."""
    _check_keys(data, Profile, prefix="")
    grid = data["grid"]
    if not isinstance(grid, Mapping):
        raise ValueError("grid: want a table [grid]")  # noqa: TRY004
    _check_keys(grid, Grid, prefix="grid.")
    try:
        built = Grid(**grid)
    except ValueError as error:
        raise ValueError(f"grid.{error}") from error
    return Profile(**{**data, "grid": built})


def _check_keys(data: Mapping[str, Any], kind: type[Profile] | type[Grid], prefix: str) -> None:
    known = {field.name: field for field in fields(kind)}
    for key in data:
        if key not in known:
            raise ValueError(f"unknown key {prefix}{key}; known are {', '.join(known)}")
    # A field without a default has no attribute on the class.
    for key in known:
        if key not in data and not hasattr(kind, key):
            raise ValueError(f"missing key {prefix}{key}")

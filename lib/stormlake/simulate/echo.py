"""What the radar measures of a simulated storm: the moments of one cut, as codes.

Reflectivity of the cells and of the rain behind them, with the noise of a measurement; insects and
ground clutter near the radar, whose cross-correlation quality control must see; echo from beyond
the unambiguous range folded onto nearer gates. The relations are chosen to look right, not fitted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from stormlake.radar.geometry import gate_position
from stormlake.radar.volume import Cut, Moment
from stormlake.simulate.pattern import (
    DOPPLER_RANGE,
    DUAL_POL_GATES,
    FIRST_GATE,
    GATE_SPACING,
    NYQUIST,
    SURVEILLANCE_GATES,
    PlannedCut,
)
from stormlake.simulate.storm import CORE_HEIGHT, TOP_REFLECTIVITY, Cell, CellState, Rain, Storm

Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.unsignedinteger]

NO_ECHO: Final = np.float32(-60.0)
MELTING: Final = 3800.0
"""Height of the melting layer, m above the radar."""
POOL: Final = 1 << 21

CODINGS: Final[Mapping[str, tuple[float, float, type[np.unsignedinteger], int]]] = {
    "REF": (2.0, 66.0, np.uint8, 255),
    "VEL": (2.0, 129.0, np.uint8, 255),
    "SW": (2.0, 129.0, np.uint8, 255),
    "ZDR": (16.0, 128.0, np.uint8, 255),
    "PHI": (2.8361, 2.0, np.uint16, 1023),
    "RHO": (300.0, -60.5, np.uint8, 255),
}
"""Scale, offset, word and largest code of each moment, as today's radars send them:
value = (code - offset) / scale (ICD 2620002 table XVII-B)."""


@dataclass(frozen=True)
class Scene:
    """Where the gates of a cut are and what is there (arrays of shape (rays, gates), float32).

    Parameters
    ----------
    x, y : np.ndarray
        m east and north of the radar.
    height, distance : np.ndarray
        Shape (gates,): m above the antenna, range in m.
    reflectivity : np.ndarray
        dBZ of the weather, -60 where there is none.
    ground, insects : np.ndarray
        dBZ of what quality control is to remove.
    """

    x: Floats
    y: Floats
    height: Floats
    distance: Floats
    reflectivity: Floats
    ground: Floats
    insects: Floats


@dataclass(frozen=True)
class _Gates:
    """Places of a cut's gates: (rays, gates) but height and ground range (gates,), azimuth (rays,).

    `texture` is that of the storm, which moves with it.
    """

    x: Floats
    y: Floats
    height: Floats
    ground_range: Floats
    azimuth: Floats
    texture: Floats


def measured_cut(storm: Storm, plan: PlannedCut, time: float, volume: int) -> Cut:
    """One cut of one volume.

    Parameters
    ----------
    storm : Storm
        The truth.
    plan : PlannedCut
        What to scan.
    time : float
        Start of the volume, s since the first volume.
    volume : int
        Number of the volume, from 0; with the cut's index it selects the noise.
    """
    random = storm.stream(3, volume, plan.index)
    step = 360.0 / plan.rays
    azimuth = (random.uniform(0.0, 360.0) + step * np.arange(plan.rays)) % 360.0
    azimuth = azimuth.astype(np.float32)
    # The antenna's reading: the coding's steps around the commanded angle.
    wobble = random.choice([-1, 0, 0, 0, 1], plan.rays) * (360.0 / 8192)
    moments = _moments(storm, plan, azimuth, time + plan.start + plan.seconds / 2, random)
    return Cut(
        index=plan.index,
        fixed_angle=plan.elevation,
        azimuth=azimuth,
        elevation=(plan.elevation + wobble).astype(np.float32),
        time=np.round(plan.start + plan.seconds * np.arange(plan.rays) / plan.rays, 3),
        nyquist=np.full(plan.rays, NYQUIST if plan.doppler else 8.0, np.float32),
        moments=moments,
    )


def _scene(storm: Storm, plan: PlannedCut, azimuth: Floats, time: float) -> Scene:
    distance = plan.ranges(plan.gates(DUAL_POL_GATES))
    _, s, z = gate_position(distance, 0.0, plan.elevation)
    angle = np.radians(azimuth)[:, None]
    x, y = s * np.sin(angle), s * np.cos(angle)
    u, v = storm.motion
    texture = storm.texture_at(x - np.float32(u * time), y - np.float32(v * time))
    gates = _Gates(x, y, z, s, azimuth, texture)
    weather = _rain(storm.rain(time), gates)
    for cell, state in storm.cells(time):
        _add_cell(weather, cell, state, gates)
    still = storm.texture_at(x * np.float32(8.0), y * np.float32(8.0))  # finer, and does not move
    near = np.where(z < 1600.0, 20.0 - distance / 2200.0, NO_ECHO).astype(np.float32)
    insects = near + 3.0 * still
    hills = np.where(z < 700.0, 16.0 * (np.abs(still) - 2.1) + 26.0 - distance / 1500.0, NO_ECHO)
    ground = np.where(np.abs(still) > 2.1, hills, NO_ECHO).astype(np.float32)
    return Scene(x, y, z, distance.astype(np.float32), weather, ground, insects)


def _rain(rain: Rain, gates: _Gates) -> Floats:
    """Stratiform reflectivity with its bright band, dBZ."""
    x, y, z, texture = gates.x, gates.y, gates.height, gates.texture
    cos, sin = np.float32(np.cos(rain.orientation)), np.float32(np.sin(rain.orientation))
    dx, dy = x - np.float32(rain.x), y - np.float32(rain.y)
    along = (dx * cos + dy * sin) * np.float32(1 / rain.along)
    across = (dy * cos - dx * sin) * np.float32(1 / rain.across)
    shape = along * along + across * across
    # Above the melting layer snow: 5 dB/km less; in it, the bright band.
    profile = -5e-3 * np.maximum(z - MELTING, 0.0) + 5.0 * np.exp(-(((z - MELTING) / 350.0) ** 2))
    profile = profile + np.where(z > 9000.0, -60.0, 0.0)
    field: Floats = 28.0 - 26.0 * shape * shape + 5.5 * texture + profile.astype(np.float32)
    return field


def _add_cell(weather: Floats, cell: Cell, state: CellState, gates: _Gates) -> None:
    """Raise `weather` to the cell's reflectivity where that is more; only the gates in reach."""
    long = state.radius * np.sqrt(cell.aspect)
    short = state.radius / np.sqrt(cell.aspect)
    reach = long * np.sqrt(max(state.peak + 10.0, 0.0) / 10.0)
    distance = float(np.hypot(state.x, state.y))
    first, last = np.searchsorted(gates.ground_range, (distance - reach, distance + reach))
    if first == last:
        return
    rays = len(gates.azimuth)
    if distance > reach:
        half = np.degrees(np.arcsin(reach / distance)) + 1.0
        middle = np.degrees(np.arctan2(state.x, state.y))
        begin = int(np.floor((middle - half - float(gates.azimuth[0])) * rays / 360.0))
        rows = np.arange(begin, begin + min(rays, int(2 * half * rays / 360.0) + 2)) % rays
    else:
        rows = np.arange(rays)
    window = slice(first, last)
    dx = gates.x[rows, window] - np.float32(state.x)
    dy = gates.y[rows, window] - np.float32(state.y)
    cos, sin = np.float32(np.cos(cell.orientation)), np.float32(np.sin(cell.orientation))
    along = (dx * cos + dy * sin) * np.float32(1 / long)
    across = (dy * cos - dx * sin) * np.float32(1 / short)
    depth = (state.peak - TOP_REFLECTIVITY) / (state.echo_top - CORE_HEIGHT)
    fall = (np.maximum(gates.height[window] - CORE_HEIGHT, 0.0) * np.float32(depth)).astype(
        np.float32
    )
    core = np.float32(state.peak) - 10.0 * (along * along + across * across) - fall
    core += 2.5 * gates.texture[rows, window]
    weather[rows, window] = np.maximum(weather[rows, window], core)


class _Noise:
    """Normal numbers, drawn once and reused from changing places, because drawing costs most."""

    def __init__(self, random: np.random.Generator, shape: tuple[int, int]) -> None:
        self._random = random
        self._shape = shape
        self._pool = _pool()

    def __call__(self, deviation: float) -> Floats:
        size = self._shape[0] * self._shape[1]
        start = int(self._random.integers(POOL - size))
        return self._pool[start : start + size].reshape(self._shape) * np.float32(deviation)


_POOL: list[Floats] = []


def _pool() -> Floats:
    if not _POOL:
        _POOL.append(np.random.Generator(np.random.PCG64(0)).standard_normal(POOL, np.float32))
    return _POOL[0]


def _codes(name: str, values: Floats, valid: Bools) -> Codes:
    """Codes of values, 0 (below threshold) where not valid."""
    scale, offset, word, largest = CODINGS[name]
    codes = np.rint(values * np.float32(scale) + np.float32(offset))
    coded: Codes = (np.clip(codes, 2, largest) * valid).astype(word)
    return coded


def _moment(name: str, codes: Codes) -> Moment:
    scale, offset, _, _ = CODINGS[name]
    return Moment(FIRST_GATE, GATE_SPACING, codes, 1.0 / scale, -offset / scale)


def _moments(
    storm: Storm, plan: PlannedCut, azimuth: Floats, time: float, random: np.random.Generator
) -> dict[str, Moment]:
    scene = _scene(storm, plan, azimuth, time)
    noise = _Noise(random, scene.x.shape)
    other = np.maximum(scene.ground, scene.insects)
    weather = scene.reflectivity >= other
    reflectivity = np.maximum(scene.reflectivity, other) + noise(0.5)
    # The weakest echo a WSR-88D sees is about -7.5 dBZ at 50 km, 20 log r elsewhere; ours begins
    # at 3 dBZ, because the haze below makes half of a file's bytes.
    sensitivity = np.maximum(20.0 * np.log10(scene.distance / 50_000.0) - 7.5, 3.0)
    valid = reflectivity > sensitivity
    codes = {"REF": _codes("REF", reflectivity, valid)}
    if plan.doppler:
        power = reflectivity - 20.0 * np.log10(scene.distance)
        folded = _folded(power.astype(np.float32), valid)
        u, v = storm.motion
        angle = np.radians(azimuth)
        wind = np.cos(np.radians(plan.elevation)) * (u * np.sin(angle) + v * np.cos(angle))
        codes |= _doppler(wind.astype(np.float32), scene, weather, valid, noise)
        for name in ("VEL", "SW") if plan.dual_pol else ("REF", "VEL", "SW"):
            codes[name][folded] = 1
    if plan.dual_pol:
        codes |= _dual_pol(scene, weather, reflectivity, valid, noise)
    if plan.kind == "surveillance":
        # REF goes on to 460 km, where the beam is above every storm of ours.
        beyond = plan.gates(SURVEILLANCE_GATES) - codes["REF"].shape[1]
        codes["REF"] = np.pad(codes["REF"], ((0, 0), (0, beyond)))
    return {name: _moment(name, array) for name, array in codes.items()}


def _folded(power: Floats, valid: Bools) -> Bools:
    """Gates whose velocity is lost to the echo of another trip that arrives at the same moment.

    The weaker of two is lost, and both where they are within 5 dB.
    """
    trip = int(DOPPLER_RANGE // GATE_SPACING)
    folded = np.zeros(power.shape, bool)
    gates = power.shape[1]
    strong = np.where(valid, power, np.float32(-1e3))
    for lag in range(trip, gates, trip):
        near, far = strong[:, :-lag], strong[:, lag:]
        both = (near > -1e3) & (far > -1e3)
        folded[:, :-lag] |= both & (near < far + 5.0)
        folded[:, lag:] |= both & (far < near + 5.0)
    return folded


def _doppler(
    wind: Floats, scene: Scene, weather: Bools, valid: Bools, noise: _Noise
) -> dict[str, Codes]:
    """Velocity, aliased, and its width; `wind` is the storm's motion along each ray, m/s."""
    velocity = np.outer(wind, 0.75 + 0.07e-3 * scene.height).astype(np.float32)
    velocity = np.where(scene.ground > scene.insects, 0.2 * velocity * weather, velocity)
    velocity += noise(0.5)
    turn = np.float32(2 * NYQUIST)
    velocity -= turn * np.rint(velocity / turn)
    width = np.abs(2.0 + noise(0.35))
    return {"VEL": _codes("VEL", velocity, valid), "SW": _codes("SW", width, valid)}


def _dual_pol(
    scene: Scene, weather: Bools, reflectivity: Floats, valid: Bools, noise: _Noise
) -> dict[str, Codes]:
    """ZDR grows with rain rate; RHO is near 1 in rain, lower in the melting layer and in hail."""
    rain = np.maximum(scene.reflectivity, 0.0)
    melting = np.exp(-(((scene.height - MELTING) / 350.0) ** 2)).astype(np.float32)
    light = rain < 42.0  # the bright band is a matter of the stratiform part
    zdr = 0.1 + 0.032 * rain + (0.8 * melting) * light + noise(0.15)
    rho = 0.988 - (0.045 * melting) * light - 0.02 * np.maximum(rain - 55.0, 0.0) / 5.0
    rho = np.minimum(rho + noise(0.005) * (1.0 + 3.0 * (reflectivity < 12.0)), 1.03)
    strange = noise(1.0)
    zdr = np.where(weather, zdr, 2.5 + 2.2 * strange)
    rho = np.where(weather, rho, 0.62 + 0.11 * strange)
    # Differential phase: twice the specific phase (degrees per km) summed along the ray.
    rate = 10.0 ** ((np.minimum(rain, 58.0) - 52.0) / 12.5) * (rain > 30.0) * weather
    phase = 60.0 + np.cumsum(rate, axis=1, dtype=np.float32) * np.float32(2 * GATE_SPACING / 1e3)
    phase = np.where(weather, phase + noise(0.35), 60.0 + 25.0 * strange)
    return {
        "ZDR": _codes("ZDR", zdr.astype(np.float32), valid),
        "PHI": _codes("PHI", (phase % 360.0).astype(np.float32), valid),
        "RHO": _codes("RHO", rho.astype(np.float32), valid),
    }
